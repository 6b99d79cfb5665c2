"""Programme and trust, from its descriptions and the rows of the reference tables."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from riskscore.reference import rows

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.oracle import Row

Value = float | None

STANDINGS = ("member", "certified", "validated", "suspended", "removed", "withdrawn", "none")
LOST = ("suspended", "removed", "withdrawn")
LAW, FIRST_DEFINITION, CARRIED_OVER, LAUNCH = date(2006, 10, 13), date(2011, 10, 1), date(2020, 3, 1), date(2001, 11, 1)
ROLES_WITHOUT_TIERS = ("filer", "carrier", "manufacturer")
NO_COUNTRY = "AA|Q[M-Z]|X[A-JL-Z]|ZZ"


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    importer, shipper, morning = past.status("importer"), past.status("shipper"), past.morning
    return {
        "importer_on_record": float(importer is not None),
        **{f"importer_{name}": value for name, value in _importer(importer, morning).items()},
        "shipper_on_record": float(shipper is not None),
        **{f"shipper_{name}": value for name, value in _shipper(shipper, morning).items()},
        "port_offers_aqua_lane": _offered("AQUA", row["port"], morning) if row["mode"] == "ocean" else None,
        "port_runs_unified_processing": _offered("UCP", row["port"], morning),
        "bond_type_code": {"0": 0.0, "8": 1.0, "9": 2.0}.get(row["bond_type"]),
    }


def tier_of(status: Row | None, morning: date) -> Value:
    """The effective tier: none on record = None; lost, or of a role without tiers = 0."""
    if status is None or morning < LAW:
        return None
    lost = status["ctpat_status"] in (*LOST, "none") or status["role"] in ROLES_WITHOUT_TIERS
    return 0 if lost else status["ctpat_tier"] or 0


def _importer(status: Row | None, morning: date) -> dict[str, Value]:
    names = ("ctpat_tier", "ctpat_standing", "ctpat_lost", "score_cut_cap", "tier_not_of_role",
             "standing_predates_ctpat", "self_assessment", "membership_out_of_date", "trusted_trader",
             "status_age_days", "status_learned_late_days")  # fmt: skip
    if status is None:
        return dict.fromkeys(names)
    standing, tier, begun = status["ctpat_status"], tier_of(status, morning), status["valid_from"]
    old, new = status["isa_member"] is True, status["ctpat_trade_compliance"] is True
    counts = new if morning >= CARRIED_OVER else old
    defined = morning >= FIRST_DEFINITION
    values = (
        tier,
        None if standing is None else STANDINGS.index(standing),
        standing in LOST,
        {0: 0.0, 1: 0.2}.get(tier),
        _not_of_role(status),
        standing not in (None, "none") and begun < LAUNCH,
        counts if defined else None,
        (old or new) and not counts if defined else None,
        counts and tier in (2, 3) if defined else None,
        (morning - begun).days,
        max((status["known_at"].date() - begun).days, 0),
    )
    return dict(zip(names, values, strict=True))


def _not_of_role(status: Row) -> Value:
    if status["role"] not in (*ROLES_WITHOUT_TIERS, "importer"):
        return None
    return bool(status["ctpat_tier"]) and status["role"] != "importer"


def _shipper(status: Row | None, morning: date) -> dict[str, Value]:
    if status is None:
        return dict.fromkeys(("country_recognised", "foreign_programme", "programme_not_recognised", "ctpat_member",
                              "ctpat_lost", "status_age_days"))  # fmt: skip
    recognised = _recognised(status["country"], morning)
    holds = status["aeo_programme"] is not None
    return {
        "country_recognised": recognised,
        "foreign_programme": recognised if holds else False,
        "programme_not_recognised": (None if recognised is None else not recognised) if holds else False,
        "ctpat_member": status["ctpat_status"] in ("member", "certified", "validated"),
        "ctpat_lost": status["ctpat_status"] in LOST,
        "status_age_days": (morning - status["valid_from"]).days,
    }


def _recognised(country: str | None, morning: date) -> Value:
    if country is None or not re.fullmatch("[A-Z]{2}", country) or re.fullmatch(NO_COUNTRY, country):
        return None
    open_question = False
    for arrangement in rows("mutual_recognition"):
        if country not in _bound(arrangement["country_codes"], morning):
            continue
        if arrangement["conf"] == "unverified":
            open_question = True
        elif _begins(arrangement["signed"]) <= morning:
            return True
    return None if open_question else False


def _bound(codes: str, morning: date) -> list[str]:
    """The countries that an arrangement binds: the members of the day where it is the Union's."""
    if codes != "EU27":
        return codes.split("; ")
    return [
        member["country"]
        for member in rows("eu_membership")
        if _begins(member["member_from"]) <= morning < _after(member["member_to"])
    ]


def _offered(programme: str, port: str, morning: date) -> Value:
    districts = {row["district"] for row in rows("customs_districts")}
    if not re.fullmatch("[0-9]{4}", port) or port[:2] not in districts:
        return None
    open_question = False
    for row in rows("port_programmes"):
        if row["programme"] != programme or not _begins(row["effective_from"]) <= morning < _after(row["effective_to"]):
            continue
        if row["port"] == port:
            return True
        open_question |= row["port"].endswith("*") and port.startswith(row["port"][:-1])
    return None if open_question else False


def _begins(cell: str) -> date:
    """The first day that a cell names; blank = since ever."""
    year, month, day = (*cell.split("-"), "1", "1")[:3] if cell else ("1", "1", "1")
    return date(int(year), int(month), int(day))


def _after(cell: str) -> date:
    """The day after the last day that a cell names; blank = never."""
    return _begins(cell) + timedelta(1) if cell else date.max
