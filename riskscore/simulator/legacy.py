"""The rules a targeting unit had before: points for what the filing shows, a credit for tiered importers.

They see the filing and the traders table, no exam history. Their weakness is the point: they are the baseline, and the
policy that chose nearly all of the past exams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore.simulator import cargo, lists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from riskscore.simulator.arrays import Bools, Floats

    Rule = tuple[str, float, str, Callable[[pd.DataFrame], "pd.Series[bool]"]]

NEW_IMPORTER_DAYS = 120

TIER_CREDIT = (0.0, 4.0, 8.0, 10.0)
"""Points taken off by CTPAT tier of the importer; tier 1 is a fifth of the usual threshold (6 USC 964)."""

EXAM_FOR = {
    "narcotics": "nii",
    "ipr": "intensive",
    "undervaluation": "document",
    "misclassification": "intensive",
    "origin_transship": "document",
    "adcvd_evasion": "document",
    "forced_labour": "document",
    "agriculture": "agriculture",
    "pga_safety": "pga",
    "manifest_quality": "intensive",
    "identity_ior": "document",
}
"""Exam that the unit orders for each suspicion."""


def _heads(frame: pd.DataFrame, *prefixes: str) -> pd.Series[bool]:
    return frame["hts"].fillna("").str.startswith(prefixes)


def _from(frame: pd.DataFrame, *countries: str) -> pd.Series[bool]:
    return frame["origin_country"].isin(countries)


def _by(frame: pd.DataFrame, *modes: str) -> pd.Series[bool]:
    return frame["mode"].isin(modes)


def _usd_per_kg(frame: pd.DataFrame) -> pd.Series[float]:
    return frame["value_usd"] / frame["weight_kg"]


RULES: tuple[Rule, ...] = (
    (
        "drug source country by land or sea",
        6,
        "narcotics",
        lambda f: _from(f, "CO", "EC", "DO", "GT") & _by(f, "ocean", "truck", "rail"),
    ),
    (
        "land border, no seal, heavy",
        5,
        "narcotics",
        lambda f: _from(f, "MX") & (f["weight_kg"] > 18_000) & _by(f, "truck", "rail"),
    ),
    (
        "branded goods from China or Hong Kong",
        6,
        "ipr",
        lambda f: _from(f, "CN", "HK") & _heads(f, "4202", "6402", "6404", "9102", "8518", "9004", "3303"),
    ),
    ("parcel from China or Hong Kong", 5, "ipr", lambda f: _from(f, "CN", "HK") & _by(f, "mail", "express")),
    ("apparel under 5 USD/kg", 7, "undervaluation", lambda f: _heads(f, "61", "62") & (_usd_per_kg(f) < 5)),
    ("electronics under 12 USD/kg", 7, "undervaluation", lambda f: _heads(f, "85") & (_usd_per_kg(f) < 12)),
    ("anything under 1 USD/kg", 3, "undervaluation", lambda f: _usd_per_kg(f) < 1),
    (
        "basket provision",
        4,
        "misclassification",
        lambda f: _heads(f, "392690", "732690", "382499", "847989", "630790", "210690"),
    ),
    (
        "goods under orders from a neighbour of China",
        6,
        "origin_transship",
        lambda f: _from(f, "VN", "MY", "TH", "KH") & _heads(f, "72", "73", "76", "9403", "8541", "44", "6810"),
    ),
    (
        "goods under orders entered as type 01",
        5,
        "adcvd_evasion",
        lambda f: _from(f, "CN", "IN", "VN") & (f["entry_type"] == "01") & _heads(f, "72", "73", "76", "9403", "4011"),
    ),
    (
        "cotton and solar from China",
        5,
        "forced_labour",
        lambda f: _from(f, "CN") & _heads(f, "5208", "6109", "6203", "6204", "8541", "3918"),
    ),
    ("fresh plants and produce", 5, "agriculture", lambda f: _heads(f, "06", "07", "08")),
    (
        "medicine, food and toys from far",
        5,
        "pga_safety",
        lambda f: _from(f, "CN", "IN") & _heads(f, "30", "2106", "9503", "8543", "0304", "0910"),
    ),
    (
        "no goods description to speak of",
        5,
        "manifest_quality",
        lambda f: f["description"].isna() | f["description"].isin(cargo.VAGUE),
    ),
    ("container without seal", 7, "manifest_quality", lambda f: f["container_ids"].notna() & f["seal_ids"].isna()),
    ("no tariff number", 2, "manifest_quality", lambda f: f["hts"].isna()),
    ("single transaction bond", 3, "identity_ior", lambda f: f["bond_type"] == "9"),
    ("new importer", 3, "identity_ior", lambda f: f["_new_importer"]),
    ("very high value", 4, "undervaluation", lambda f: f["value_usd"] > 150_000),
    (
        "exported from a third country",
        4,
        "origin_transship",
        lambda f: f["export_country"].notna() & (f["export_country"] != f["origin_country"]),
    ),
)
"""(name, points, suspicion, condition)."""


def legacy_scores(shipments: pd.DataFrame, traders: pd.DataFrame) -> pd.DataFrame:
    """Points of the unit's old rules, as of the morning of each arrival.

    Args:
        shipments: rows of the shipments table, one per shipment (its latest version filed in time).
        traders: the traders table, all rows; facts known on or after the morning of arrival are not used.

    Returns:
        shipment_id, arrival_date, port, legacy_score (points, 0 or more, larger = more suspect; with a fraction
        below 1 that breaks ties by a hash of shipment_id), exam_type (what the unit would order); the input's
        index and order.
    """
    frame = shipments.assign(**_importer_facts(shipments, traders))
    points = np.column_stack([np.where(rule(frame).astype(bool), worth, 0.0) for _, worth, _, rule in RULES])
    suspicion = _by_suspicion(points)
    score = points.sum(axis=1) - np.array(TIER_CREDIT)[frame["_tier"].to_numpy()]
    exams = np.array([EXAM_FOR[hazard] for hazard in lists.HAZARDS], dtype=object)
    return pd.DataFrame(
        {
            "shipment_id": shipments["shipment_id"],
            "arrival_date": shipments["arrival_date"],
            "port": shipments["port"],
            "legacy_score": np.maximum(score, 0.0) + _tie_break(shipments["shipment_id"]),
            "exam_type": pd.Series(exams[suspicion.argmax(axis=1)], index=shipments.index, dtype="str"),
        }
    )


def _by_suspicion(points: Floats) -> Floats:
    """Points summed by suspected hazard; without any point the last one, a look at the papers of the importer."""
    totals = np.zeros((len(points), len(lists.HAZARDS)))
    for worth, (_, _, hazard, _) in zip(points.T, RULES, strict=True):
        totals[:, lists.HAZARDS.index(hazard)] += worth
    totals[totals.sum(axis=1) == 0, -1] = 1.0
    return totals


def _tie_break(shipment_id: pd.Series[str]) -> Floats:
    hashes = pd.util.hash_array(shipment_id.to_numpy(dtype=object), categorize=False)
    fraction: Floats = (hashes >> np.uint64(12)) * 2.0**-52
    return fraction


def _importer_facts(shipments: pd.DataFrame, traders: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Tier (0 when unknown) and newness of each row's importer, known before the morning of its arrival."""
    importers = dated(traders[traders["role"] == "importer"])
    tier = pd.Series(0, index=shipments.index)
    new = pd.Series(True, index=shipments.index)
    for day, rows in _by_day(shipments):
        standing = standings(importers, day).reindex(rows["importer_id"])
        tier.loc[rows.index] = standing["ctpat_tier"].fillna(0).astype(int).to_numpy()
        age = day - standing["first_day"]
        new.loc[rows.index] = ~(age > pd.Timedelta(days=NEW_IMPORTER_DAYS)).to_numpy()
    return {"_tier": tier, "_new_importer": new}


def _by_day(shipments: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
    for day, rows in shipments.groupby("arrival_date", sort=True):
        yield pd.Timestamp(str(day)), rows


def dated(traders: pd.DataFrame) -> pd.DataFrame:
    """The traders table with valid_from and valid_to as datetime64 (no-op where they are)."""
    return traders.assign(**{name: pd.to_datetime(traders[name]) for name in ("valid_from", "valid_to")})


def standings(traders: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Each trader's standing on `day` as known before its morning: ctpat_tier and first_day, by trader_id.

    `traders` is `dated`.
    """
    known = traders[traders["known_at"] < day.tz_localize("UTC")].sort_values("known_at", kind="stable")
    latest = known.drop_duplicates(["trader_id", "valid_from"], keep="last")
    latest = latest.sort_values("valid_from", kind="stable")
    first = latest.drop_duplicates("trader_id").set_index("trader_id")["valid_from"]
    holds = (latest["valid_from"] <= day) & ~(latest["valid_to"] < day)
    current = latest[holds].drop_duplicates("trader_id", keep="last")
    tier = current.set_index("trader_id")["ctpat_tier"].reindex(first.index).fillna(0)
    return pd.DataFrame({"ctpat_tier": tier, "first_day": first})


def slots(live: int, share: float = 0.05) -> int:
    """Exam slots of a port on a day with `live` shipments: the share, rounded up.

    >>> slots(0), slots(7), slots(100)
    (0, 1, 5)
    """
    return int(np.ceil(round(live * share, 9)))


def top(scores: pd.DataFrame, per_port: Callable[[int], int]) -> Bools:
    """Rows of legacy_scores that lead their port and day: `per_port` maps live shipments to how many."""
    keys = [scores["arrival_date"], scores["port"]]
    rank = scores["legacy_score"].groupby(keys).rank(method="first", ascending=False)
    live = scores["legacy_score"].groupby(keys).transform("size")
    return np.asarray(rank <= live.map(per_port))
