"""The data of the page: what a browser needs to list, filter, sort and explain the shipments to examine."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.pipelines.disputes import won_by_challenger
from riskscore.pipelines.report.past import MOST_EXAMS, goods_of, trader_of
from riskscore.pipelines.report.texts import visible
from riskscore.reference import examinations, foreign_ports, port_programmes
from riskscore.tables import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from riskscore.pipelines.report.morning import Morning
    from riskscore.pipelines.report.past import Past
    from riskscore.reference import Tables

DIGITS = 7
"""Significant digits of a number on the page: more than anybody reads, half the size of all."""

_RECOMMENDED = ("version", "port", "center", "exam_type", "arm", "stratum", "rule_id", "priority", "programme_credit")
_DECLARED = (
    "mode", "arrival_date", "filed_at", "entry_type", "origin_country", "export_country", "foreign_port", "hts",
    "description", "value_usd", "weight_kg", "quantity", "quantity_unit", "duty_rate_pct", "duty_regime",
    "preference_program", "bond_type", "in_bond", "pga_flags", "container_ids", "seal_ids", "conveyance_id",
    "isf_filed_at", "laden_at", "wood_packaging",
    *(f"{role}_{what}" for role in ROLES for what in ("id", "name")),
)  # fmt: skip


def payload(morning: Morning, past: Past, figures: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    """What the page knows, ready for `as_json`.

    Args:
        morning: the run.
        past: of `past.Asked.by(morning.shipments)`.
        figures: of `overview.overview`.
        tables: reference tables in use.

    Returns:
        day (what the run is), words (exams, hazards and what each exam sees), ports and districts (where they lie),
        rows (one per shipment to examine, by port and priority), traders (by role and id), peers (by HTS prefix and
        origin) and figures. Texts are made visible (see `texts.visible`), numbers have DIGITS significant digits, null
        is left out.
    """
    known = {(row["prefix"], row["origin"]): row for row in past.prices.to_dict("records")}
    won = won_by_challenger(morning.run)
    rows = [{**_row(*pair, known), "challenger": won.get(pair[0]["shipment_id"])} for pair in _pairs(morning)]
    made: dict[str, Any] = _tidy(
        {
            "day": _day(morning, past),
            "words": _words(tables),
            "ports": _places(foreign_ports.country, morning.shipments["foreign_port"], tables),
            "districts": _places(port_programmes.district, morning.shipments["port"], tables),
            "rows": rows,
            "traders": _traders(past),
            "peers": {f"{prefix} {origin}": _peers(row) for (prefix, origin), row in known.items()},
            "figures": figures,
        }
    )
    return made


def as_json(data: Mapping[str, Any]) -> str:
    r"""JSON that may stand in a script element: no text in it can end the element or begin a comment.

    >>> as_json({"name": "</script><!--"})
    '{"name":"\\u003c/script\\u003e\\u003c!--"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def price(row: Mapping[str, Any]) -> float | None:
    """USD per kilogram of a shipment; None where value or weight is not stated or not above 0.

    >>> price({"value_usd": 500.0, "weight_kg": 40.0}), price({"value_usd": 500.0, "weight_kg": float("nan")})
    (12.5, None)
    """
    value, weight = row["value_usd"], row["weight_kg"]
    stated = all(pd.notna(each) and each > 0 for each in (value, weight))
    return float(value) / float(weight) if stated else None


def _pairs(morning: Morning) -> list[tuple[dict[str, Any], dict[Any, Any]]]:
    """Recommendation and declaration of each shipment to examine."""
    return list(zip(morning.examine.to_pylist(), morning.shipments.to_dict("records"), strict=True))


def _row(recommended: dict[str, Any], declared: dict[Any, Any], known: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    group = next((key for key in goods_of(declared) if key in known), None)
    return {
        "id": recommended["shipment_id"],
        **{name: recommended.get(name) for name in _RECOMMENDED},
        "chance": recommended["inclusion_probability"],
        "risk": recommended["risk_score"],
        "harm": recommended["expected_harm_usd"],
        "hazards": recommended["hazard_scores"],
        "exams": {exam: chance for exam, chance in recommended["exam_probabilities"].items() if chance},
        "reasons": recommended["reasons"],
        "declared": {name: declared[name] for name in _DECLARED},
        "price": price(declared),
        "trader": " ".join(trader_of(declared) or ()) or None,
        "peers": " ".join(group) if group else None,
    }


def _day(morning: Morning, past: Past) -> dict[str, Any]:
    run = morning.run
    return {
        "date": run.run_date,
        "since": past.since,
        "run": run.run_id,
        "model": run.record["model"]["version"],
        "position": run.position,
    }


def _words(tables: Tables) -> dict[str, Any]:
    sees = reference.sensitivity(tables)
    return {
        "hazards": reference.hazards(),
        "exams": {exam: _exam(exam, tables) for exam in reference.exams()},
        "sees": {exam: {hazard: sees[exam, hazard] for hazard in reference.hazards()} for exam in reference.exams()},
    }


def _exam(exam: str, tables: Tables) -> dict[str, Any]:
    found = examinations.examination(exam, tables=tables)
    if found is None or found.value is None:
        return {}
    days = found.value.added_days
    span = None if days is None else f"{days.low:g} to {days.high:g}" if days.high else f"{days.low:g} or more"
    return {"name": found.value.name, "what": found.value.what, "days": span}


def _places(known: Callable[..., Any], codes: pd.Series[Any], tables: Tables) -> dict[str, str]:
    """Where the ports named lie, by code: country or customs district; unknown codes are left out."""
    named = sorted({code for code in codes if isinstance(code, str)})
    return {code: place for code, place in zip(named, known(named, tables=tables), strict=True) if place}


def _traders(past: Past) -> dict[str, dict[str, Any]]:
    """By role and id: months (month, shipments), exams (of `past.Past.exams`), their totals, statuses."""
    traders: dict[str, dict[str, Any]] = {}
    for (role, trader), rows in past.filings.groupby(["role", "trader_id"], sort=True):
        months = [[f"{month:%Y-%m}", count] for month, count in zip(rows["month"], rows["shipments"], strict=True)]
        traders[f"{role} {trader}"] = {"shipments": int(rows["shipments"].sum()), "months": months}
    for (role, trader), rows in past.exams.groupby(["role", "trader_id"], sort=True):
        traders[f"{role} {trader}"] |= _exams(rows)
    statuses = {str(trader): _statuses(rows) for trader, rows in past.statuses.groupby("trader_id", sort=True)}
    for role, trader in past.asked.traders:
        traders.setdefault(f"{role} {trader}", {})["statuses"] = statuses.get(trader, [])
    return traders


def _exams(rows: pd.DataFrame) -> dict[str, Any]:
    columns = ["shipment_id", "exam_date", "result", "exams", "hazards", "amount_usd"]
    hits = rows[rows["result"] == "hit"]
    return {
        "examined": len(rows),
        "hits": len(hits),
        "pending": int((rows["result"] == "pending").sum()),
        "found_usd": float(hits["amount_usd"].sum()),
        "exams": rows[columns].head(MOST_EXAMS).to_dict("records"),
    }


def _statuses(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    columns = ["valid_from", "valid_to", "ctpat_tier", "ctpat_status", "isa_member", "ctpat_trade_compliance",
               "aeo_programme", "center"]  # fmt: skip
    return rows[columns].to_dict("records")


def _peers(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {"n": row["n"], "quantiles": list(row["quantiles"]), "prices": list(row["prices"])}


def _tidy(value: Any) -> Any:  # noqa: ANN401, PLR0911 - anything JSON can hold
    """`value` with harmless texts, short numbers, ISO dates, and without what is null."""
    if isinstance(value, dict):
        return {visible(str(name)): _tidy(each) for name, each in value.items() if not _is_null(each)}
    if isinstance(value, (list, tuple)):
        return [_tidy(each) for each in value]
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (datetime, date)):
        return _moment(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{value:.{DIGITS}g}") if isinstance(value, (float, np.floating)) and not math.isnan(value) else None


def _moment(value: date) -> str:
    """A day as 2026-03-02, a time as 2026-03-02 14:05; midnight of pandas' days is a day."""
    if isinstance(value, datetime) and (value.hour or value.minute):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:%Y-%m-%d}"


def _is_null(value: Any) -> bool:  # noqa: ANN401
    return value is None or (not isinstance(value, (dict, list, tuple)) and bool(pd.isna(value)))
