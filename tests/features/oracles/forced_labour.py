"""Forced labour, from its descriptions and the rows of the reference tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskscore.reference import forced_labour, manufacturers, rows

if TYPE_CHECKING:
    from tests.features.oracles.past import Past
    from tests.history.oracle import Row

Value = float | None

SECTORS = [row["sector"] for row in rows("uflpa_sectors")]
STAGES = ("direct", "upstream", "downstream")
NO_COUNTRY = "AA|Q[M-Z]|X[A-JL-Z]|ZZ"


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    hts, origin, mid, address = (row[c] for c in ("hts", "origin_country", "manufacturer_id", "manufacturer_address"))
    made_in = manufacturers.origin([mid]).item()
    goods = hts is not None and bool(re.fullmatch("[0-9]{4,10}", hts)) and hts[:2] not in ("00", "77", "98", "99")
    sectors = [f.value for f in forced_labour.sectors(hts, past.morning)] if goods else []
    countries = [country for country in (origin, row["export_country"], made_in) if country is not None]
    stood = past.morning.isoformat() >= _presumption()
    return {
        "uflpa_sector": float(SECTORS.index(sectors[0].name) + 1) if sectors else 0.0 if goods else None,
        "uflpa_sector_stage": float(STAGES.index(sectors[0].stage) + 1) if sectors else 0.0 if goods else None,
        "uflpa_china_ties": float(countries.count("CN") if stood else 0) if countries else None,
        "mid_china_origin_elsewhere": None if made_in is None or origin is None else float(made_in == "CN" != origin),
        "manufacturer_address_in_xinjiang": None
        if address is None
        else float(_names_xinjiang(address, made_in or origin)),
        "mid_city_in_xinjiang": None if mid is None else float(mid[:2] == "CN" and mid[-3:] in _of_kind("mid_city")),
        "uflpa_third_country": _third_country([s.name for s in sectors], origin) if goods else None,
        "withhold_release_order": _withheld(hts if goods else None, origin, past.morning.isoformat()),
    }


def _withheld(hts: str | None, origin: str | None, morning: str) -> Value:
    """Whether any order of the packaged table, all of which name an origin and headings, meets the shipment."""
    known = origin is not None and re.fullmatch("[A-Z]{2}", origin) and not re.fullmatch(NO_COUNTRY, origin)
    answers: list[bool | None] = []
    for row in rows("withhold_release_orders"):
        assert (bool(row["origins"]), bool(row["hts"])) == (True, True)
        assert (row["manufacturer_id"], row["effective_to"]) == ("", "")
        parts: list[bool | None] = [morning >= row["effective_from"], origin == row["origins"] if known else None]
        parts.append(None if hts is None else any(hts.startswith(heading) for heading in row["hts"].split(";")))
        answers.append(False if False in parts else None if None in parts else True)
    return 1.0 if True in answers else None if None in answers else 0.0


def _presumption() -> str:
    [day] = [row["date"] for row in rows("programmes_timeline") if row["event"] == "UFLPA presumption"]
    return day


def _names_xinjiang(address: str, country: str | None) -> bool:
    words = re.split("[^a-z]+", address.lower())
    numbers = [run for run in re.split("[^0-9]+", address) if len(run) == 6]
    coded = any(run.startswith(tuple(_of_kind("postal"))) for run in numbers)
    return bool(set(words) & set(_of_kind("place"))) or (coded and country == "CN")


def _of_kind(kind: str) -> list[str]:
    return [row["text"] for row in rows("uflpa_regions") if row["kind"] == kind]


def _third_country(sectors: list[str], origin: str | None) -> Value:
    if origin is None or not re.fullmatch("[A-Z]{2}", origin) or re.fullmatch(NO_COUNTRY, origin):
        return None
    return float(
        any(row["sector"] in sectors and origin in row["origins"].split(";") for row in rows("uflpa_third_countries"))
    )
