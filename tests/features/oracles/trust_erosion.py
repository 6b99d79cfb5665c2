"""Trust erosion, from its descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.features.oracles.programme import tier_of

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.oracle import Row, Track

Value = float | None

FACETS = ("importer_x_hs4", "importer_x_origin", "importer_x_port", "importer_x_filer", "importer_x_shipper")
DEPARTURES = ("hit_rate_departure_hl90d", "amendment_departure_hl30d", "volume_departure_hl30d",
              "value_per_shipment_departure_hl30d", "new_pairing_departure",
              "cf_departure_hl365d")  # fmt: skip


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    del row
    importer, status = past.track("importer"), past.status("importer")
    tier = tier_of(status, past.morning)
    found = dict.fromkeys(DEPARTURES) if importer is None else _departures(importer, past)
    gated = DEPARTURES[:5]
    return {
        **{f"importer_{name}": value for name, value in found.items()},
        **({f"importer_{name}": value for name, value in _since_tier(importer, status, past).items()} if tier else
           {"importer_days_traded_before_tier": None, "importer_hit_since_tier": None}),
        **{f"tiered_importer_{name}": found[name] if tier else None for name in gated},
    }  # fmt: skip


def _departures(importer: Track, past: Past) -> dict[str, Value]:
    n, recent = importer.counts, importer.decayed
    days = None if importer.first_day is None else (past.morning - importer.first_day).days
    share, habit = _new_pairings(importer, past)
    actions = n["cf28"] + n["cf29"]
    values: tuple[Value, ...] = (
        _hit_rate_departure(importer, past.track("country")),
        _amendment_departure(importer) if n["shipments"] else None,
        _flow(recent["shipments", 30], days, 30) / _flow(recent["shipments", 365], days, 365)
        if n["shipments"]
        else None,
        recent["value_cents", 30] / recent["shipments", 30] / (n["value_cents"] / n["shipments"])
        if n["value_cents"]
        else None,
        None if share is None or habit is None else share - habit,
        _flow(recent["cf28", 365] + recent["cf29", 365], days, 365) / (actions / days) if actions else None,
    )
    return dict(zip(DEPARTURES, values, strict=True))


def _flow(decayed: float, days: int, half_life: int) -> float:
    """How many a day leave `decayed`, when they came evenly: the oldest `days` days ago, the newest yesterday."""
    return decayed / sum(2 ** (-age / half_life) for age in range(1, days + 1))


def _amendment_departure(importer: Track) -> float:
    own = importer.counts["amendments"] / importer.counts["shipments"]
    lately = (importer.decayed["amendments", 30] + 3 * own) / (importer.decayed["shipments", 30] + 3)
    return lately - own


def _hit_rate_departure(importer: Track, country: Track | None) -> Value:
    if country is None or not country.counts["exams"]:
        return None
    own = (importer.counts["hits"] + 10 * country.counts["hits"] / country.counts["exams"]) / (
        importer.counts["exams"] + 10
    )
    lately = (importer.decayed["hits", 90] + 10 * own) / (importer.decayed["exams", 90] + 10)
    return lately - own


def _new_pairings(importer: Track, past: Past) -> tuple[Value, Value]:
    if importer.first_day is None:
        return None, None
    pairs = [past.track(facet) for facet in FACETS]
    stated = [pair for pair in pairs if pair is not None]
    share = sum(pair.first_day is None for pair in stated) / len(stated) if stated else None
    shipments = importer.counts["shipments"]
    habit = sum(min(importer.fans[facet] / shipments, 1) for facet in FACETS) / 5 if shipments else None
    return share, habit


def _since_tier(importer: Track | None, status: Row, past: Past) -> dict[str, Value]:
    begun, first = status["valid_from"], importer and importer.first_day
    caught = importer is not None and importer.counts["hits"] > 0 and importer.last_hit_day >= begun
    return {
        "days_traded_before_tier": None if first is None else max((begun - first).days, 0),
        "hit_since_tier": float(caught),
    }
