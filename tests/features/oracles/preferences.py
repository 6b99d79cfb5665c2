"""Preference claims, from their descriptions and the rows of preference_programmes.csv."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskscore.reference import rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tests.features.oracles.past import Past
    from tests.history.oracle import Row

Value = float | None

NO_COUNTRY = "AA|Q[M-Z]|X[A-JL-Z]|ZZ"


def of(row: Row, past: Past) -> dict[str, Value]:
    """The features of one shipments row."""
    spi, origin, export = row["preference_program"], row["origin_country"], row["export_country"]
    names = ("unknown", "lapsed", "wrong_origin", "through_outsider", "at_positive_rate", "first_claim",
             "share_of_importer")  # fmt: skip
    if spi is None:
        return {"preference_claimed": 0.0, **{f"preference_{name}": None for name in names}}
    periods = [each for each in rows("preference_programmes") if each["spi"] == spi]
    today = [each for each in periods if _covers(each, past.morning)]
    claim = past.track("importer_x_preference")
    values = (
        float(not periods),
        _not(_any_serves(today, None)) if periods else None,
        _not(_serves(today, origin)) if periods else None,
        _outsider(today, origin, export) if periods or origin == export else None,
        None if row["duty_rate_pct"] is None else float(row["duty_rate_pct"] > 0),
        None if claim is None else float(claim.first_day is None),
        _share(past),
    )
    return {"preference_claimed": 1.0, **{f"preference_{n}": v for n, v in zip(names, values, strict=True)}}


def _outsider(today: list[Mapping[str, str]], origin: str | None, export: str | None) -> Value:
    if origin is None or export is None:
        return None
    return 0.0 if origin == export else _not(_serves(today, export))


def _serves(today: list[Mapping[str, str]], country: str | None) -> bool | None:
    """Whether a programme serves a country; None = it cannot be told."""
    if country is None or not re.fullmatch("[A-Z]{2}", country) or re.fullmatch(NO_COUNTRY, country):
        return None
    return _any_serves(today, country)


def _any_serves(today: list[Mapping[str, str]], country: str | None) -> bool | None:
    """Whether any row serves a country, or anybody where that is None; rows in doubt leave it open."""
    answers = set()
    for row in today:
        listed = row["countries"].split(";")
        doubtful = "unverified" in row["conf"].split("; ") or (country is not None and "?" in listed)
        if country is None or {country, "*", "?"} & set(listed):
            answers.add(None if doubtful else True)
    return True if True in answers else None if answers else False


def _covers(row: Mapping[str, str], day: date) -> bool:
    return row["effective_from"] <= day.isoformat() <= (row["effective_to"] or "9999")


def _not(answer: bool | None) -> Value:
    return None if answer is None else float(not answer)


def _share(past: Past) -> Value:
    claim, importer = past.track("importer_x_preference"), past.track("importer")
    if claim is None or importer is None or not importer.counts["shipments"]:
        return None
    return claim.counts["shipments"] / importer.counts["shipments"]
