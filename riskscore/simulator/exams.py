"""What exams find, and what of it is recorded when.

Every draw is keyed by world seed, shipment and exam type, so two policies that order the same exam of the same
shipment get the same finding, the same delay and the same loss. Unexamined shipments have no outcome at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore import reference, tables
from riskscore.simulator import lists
from riskscore.simulator.arrays import either, texts
from riskscore.simulator.manifests import arrow_schema
from riskscore.simulator.streams import keyed_uniforms

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Floats, Ints, Texts

LOST_SHARE = 0.09
"""Exams whose result was never recorded (5 to 15 %)."""

WAIVED_SHARE = 0.03
"""Chosen shipments that an officer let go; never those of a random arm, which must not be second-guessed."""

DOUBTED_SHARE = 0.02
"""Exams that find nothing but detain first, to be cleared later."""

LATEST_DAYS = 49

_RANDOM_ARMS = ("random", "random_floor", "novelty", "must_exam", "census")
_ADMISSIBILITY = ("forced_labour", "pga_safety")
_REVENUE = ("undervaluation", "misclassification", "origin_transship", "adcvd_evasion")
_WAIVERS = ("trusted trader, no anomaly", "same goods examined last week", "image shows declared goods")

# One column of draws per question; hazards' own draws follow from _FOUND on.
_LOST, _WAIVED, _DELAY, _DOUBT, _RESULT, _AMOUNT, _HOUR, _START, _WORD, _FOUND = range(10)
_WIDTH = _FOUND + len(lists.HAZARDS)


def sensitivities(exam_types: Texts) -> Floats:
    """(exam, hazard): chance that each exam finds each simulated hazard that is there."""
    known = reference.sensitivity()
    rows = {e: [known.get((e, h), 0.0) for h in lists.HAZARDS] for e in reference.exams()}
    return np.array([rows[exam] for exam in exam_types]).reshape(len(exam_types), len(lists.HAZARDS))


def draws(seed: int, shipment_ids: Texts, exam_types: Texts) -> Floats:
    """The luck of each (shipment, exam): uniforms keyed by their names."""
    keys = [f"{seed}|{s}|{e}" for s, e in zip(shipment_ids, exam_types, strict=True)]
    return keyed_uniforms(keys, _WIDTH)


def found(luck: Floats, hazards: Bools, exam_types: Texts) -> Bools:
    """(exam, hazard): there, and found."""
    return np.asarray(hazards & (luck[:, _FOUND:] < sensitivities(exam_types)))


def best_exams(hazards: Bools) -> Texts:
    """Per row, the exam most likely to find at least one of its hazards; 'intensive' where there is none."""
    order = np.array(("intensive", *(exam for exam in reference.exams() if exam != "intensive")), dtype=object)
    misses = np.exp(hazards @ np.log1p(-sensitivities(order)).T)
    best: Texts = order[misses.argmin(axis=1)]
    return best


def outcomes(seed: int, picks: pd.DataFrame, hazards: Bools, harm_usd: Floats) -> pa.Table:
    """The outcomes table of some exams.

    Args:
        seed: the world's seed.
        picks: shipment_id, arrival_date, exam_type, selected_by, inclusion_probability (null = unknown). An exam of a
            census misses nothing that exams of its type can see.
        hazards: (pick, hazard), truly there.
        harm_usd: harm of each pick's hazards together.

    Returns:
        Rows of riskscore.tables.OUTCOMES, sorted by known_at and key: per exam one row per hazard found, or one clear
        row with null hazard, or a waiver; exams whose record was lost have none.
    """
    picks = picks.reset_index(drop=True)
    luck = draws(seed, picks["shipment_id"].to_numpy(dtype=object), picks["exam_type"].to_numpy(dtype=object))
    exam = picks["exam_type"].to_numpy(dtype=object)
    counted = (picks["selected_by"] == "census").to_numpy()[:, None] & hazards & (sensitivities(exam) > 0)
    hits = found(luck, hazards, exam) | counted
    chosen = ~picks["selected_by"].isin(_RANDOM_ARMS).to_numpy()
    waived = chosen & (luck[:, _WAIVED] < WAIVED_SHARE)
    kept = luck[:, _LOST] >= LOST_SHARE
    clear = ~hits.any(axis=1) & ~waived & kept
    doubt = (luck[:, _DOUBT] < DOUBTED_SHARE) & (_doubted(picks["exam_type"]) != "")
    frames = [
        _waivers(picks, luck, np.flatnonzero(waived & kept)),
        _clears(picks, luck, np.flatnonzero(clear & ~doubt)),
        _doubts(picks, luck, np.flatnonzero(clear & doubt)),
        _hits(picks, luck, hits & (kept & ~waived)[:, None], harm_usd),
    ]
    return _table(pd.concat(frames, ignore_index=True))


def _base(picks: pd.DataFrame, luck: Floats, rows: Ints, days: Floats) -> pd.DataFrame:
    """Exam day (that of arrival, or up to two days later) and the time its result became known, `days` after."""
    frame = picks.iloc[rows][["shipment_id", "exam_type", "selected_by", "inclusion_probability"]].copy()
    exam = pd.to_datetime(picks["arrival_date"].iloc[rows]) + pd.to_timedelta((luck[rows, _START] * 2.3) // 1, "D")
    hours = np.floor(8 * 60 + luck[rows, _HOUR] * 600)
    frame["exam_date"] = exam.dt.date
    known = exam + pd.to_timedelta(np.clip(np.ceil(days), 1, LATEST_DAYS), "D") + pd.to_timedelta(hours, "min")
    frame["known_at"] = known
    return frame.assign(hazard=None, amount_usd=np.nan, waiver_code=None, waiver_text=None)


def _waivers(picks: pd.DataFrame, luck: Floats, rows: Ints) -> pd.DataFrame:
    frame = _base(picks, luck, rows, np.ones(len(rows)))
    articulable = luck[rows, _RESULT] < 0.5
    words = np.array(_WAIVERS, dtype=object)[(luck[rows, _WORD] * len(_WAIVERS)).astype(int)]
    return frame.assign(
        result=np.where(articulable, "waived_articulable_reason", "waived_standard_exception"),
        waiver_code=np.where(articulable, "AR", "SE"),
        waiver_text=either(articulable, words, None),
    )


def _clears(picks: pd.DataFrame, luck: Floats, rows: Ints) -> pd.DataFrame:
    days = 1 + 8 * luck[rows, _DELAY] ** 2
    return _base(picks, luck, rows, days).assign(result="released_no_discrepancy")


def _doubts(picks: pd.DataFrame, luck: Floats, rows: Ints) -> pd.DataFrame:
    """Detained for admissibility, released later: two rows of one key."""
    hazard = _doubted(picks["exam_type"].iloc[rows])
    first = _base(picks, luck, rows, np.ones(len(rows))).assign(result="detained", hazard=hazard)
    later = _base(picks, luck, rows, 10 + 35 * luck[rows, _DELAY]).assign(result="detained_released", hazard=hazard)
    return pd.concat([first, later])


def _doubted(exam_types: pd.Series[str]) -> Texts:
    """The question of admissibility that each exam can raise; empty where it can raise none."""
    sees = reference.sensitivity()
    raised = {e: next((h for h in _ADMISSIBILITY if sees.get((e, h), 0) > 0), "") for e in reference.exams()}
    return texts([raised[exam] for exam in exam_types])


def _hits(picks: pd.DataFrame, luck: Floats, hits: Bools, harm_usd: Floats) -> pd.DataFrame:
    rows, which = np.nonzero(hits)
    hazard = np.array(lists.HAZARDS, dtype=object)[which]
    typical = lists.numbers("hazards", "known_days")[which]
    days = typical * np.exp(1.1 * (luck[rows, _DELAY] - 0.5)) + 2 * luck[rows, _FOUND + which]
    amount = harm_usd[rows] / hits.sum(axis=1)[rows] * (0.6 + 0.5 * luck[rows, _AMOUNT])
    final = _base(picks, luck, rows, days).assign(
        result=_results(hazard, luck[rows, _RESULT]),
        hazard=hazard,
        amount_usd=np.where(luck[rows, _WORD] < 0.1, np.nan, amount.round(2)),
    )
    held = np.isin(hazard, _ADMISSIBILITY) & (days > 4)
    first = _base(picks, luck, rows[held], np.ones(held.sum())).assign(result="detained", hazard=hazard[held])
    return pd.concat([first, final])


def _results(hazard: Texts, dice: Floats) -> Texts:
    """The usual result of each hazard (data/hazards.csv), sometimes a milder one."""
    usual = dict(zip(lists.HAZARDS, lists.column("hazards", "result"), strict=True))
    result = np.array([usual[h] for h in hazard], dtype=object)
    result = np.where((hazard == "ipr") & (dice < 0.15), "abandoned", result)
    result = np.where(np.isin(hazard, _REVENUE) & (dice < 0.2), "penalty_assessed", result)
    result = np.where(np.isin(hazard, _ADMISSIBILITY) & (dice < 0.15), "seized", result)
    return np.where(np.isin(hazard, (*_REVENUE, "agriculture")) & (dice > 0.9), "released_with_discrepancy", result)


def _table(frame: pd.DataFrame) -> pa.Table:
    key = ["known_at", "shipment_id", "exam_type", "exam_date", "hazard", "result"]
    ordered = frame.sort_values(key, kind="stable", na_position="first")
    schema = arrow_schema(tables.OUTCOMES)
    return pa.table([_column(ordered[f.name], f.type) for f in schema], schema=schema)


def _column(values: pd.Series[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(values.to_numpy(dtype="datetime64[us]")).cast(kind)
    return pa.array(values, type=kind, from_pandas=True)
