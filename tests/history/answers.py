"""Everything a History says, question by question, beside what the oracle says: for comparing one with the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore.tables import TRADERS
from tests.features.oracles.past import Past
from tests.history.entities import BATCHES, EXPOSURES, FANS, KINDS, PEERS, entity
from tests.history.records import HALF_LIVES, MEASURES

if TYPE_CHECKING:
    from riskscore.history import History
    from tests.history.entities import Row
    from tests.history.oracle import Oracle

Question = tuple[Any, ...]

ROLES = ("importer", "shipper")
_NOTHING_LEFT = 2.0**-500  # of a fact, after five hundred half-lives: floating point may call it 0
_PEER_FIGURES = ("peers", "below", "median", "spread")
_BATCH_FIGURES = ("shipments", "value_usd", "highest_value_usd")
_EXPOSURE_FIGURES = ("partners", "offenders", "hits", "exams")


def answers(history: History) -> dict[Question, list[Any]]:
    """What a history says of each of its shipments; null is None."""
    found: dict[Question, Any] = {}
    for kind in KINDS:
        track = history.tracks[kind]
        found[kind, "stated"] = track.stated
        found |= {(kind, measure): track.count(measure) for measure in MEASURES}
        found |= {(kind, *counter): track.recent(*counter) for counter in HALF_LIVES}
        found[kind, "days since first"] = track.days_since_first()
        found[kind, "days since last"] = track.days_since_last()
        found[kind, "days since last hit"] = track.days_since_last_hit()
        found |= {(kind, "fan", pair): track.fan(pair) for pair in FANS.get(kind, ())}
    found |= {("batch", kind, f): getattr(of, f) for kind, of in history.batch.items() for f in _BATCH_FIGURES}
    found |= {("exposure", n, f): getattr(of, f) for n, of in history.exposure.items() for f in _EXPOSURE_FIGURES}
    for kind, quantities in history.peers.items():
        found |= {("peers", kind, q, f): getattr(of, f) for q, of in quantities.items() for f in _PEER_FIGURES}
    for role, status in history.statuses.items():
        found |= {("status", role, column): status[column].to_numpy(object) for column in TRADERS.names}
    return {question: [None if pd.isna(value) else value for value in of] for question, of in found.items()}


def expected(row: Row, oracle: Oracle) -> dict[Question, Any]:
    """What the oracle says of one shipment on the morning it arrives; null is None."""
    past = Past(row, oracle)
    found: dict[Question, Any] = {}
    for kind in KINDS:
        found |= _track(past, kind)
    for kind, quantities in PEERS.items():
        for quantity in quantities:
            of = past.peers(kind, quantity)
            found |= {("peers", kind, quantity, figure): getattr(of, figure) for figure in _PEER_FIGURES}
    for kind in BATCHES:
        found |= {("batch", kind, figure): getattr(past.batch(kind), figure, None) for figure in _BATCH_FIGURES}
    for name in EXPOSURES:
        found |= {("exposure", name, f): getattr(past.exposure(name), f, None) for f in _EXPOSURE_FIGURES}
    for role in ROLES:
        status = past.status(role) or {}
        found |= {("status", role, column): status.get(column) for column in TRADERS.names}
    return found


def differing(found: dict[Question, Any], wanted: dict[Question, Any]) -> dict[Question, tuple[Any, Any]]:
    """What is found and wanted where they differ by more than the order of summation explains."""
    assert set(found) == set(wanted)
    return {
        question: (found[question], value) for question, value in wanted.items() if not _same(found[question], value)
    }


@dataclass(frozen=True)
class Near:
    """A number that is met to a billionth of itself, or to within `error`."""

    value: float
    error: float


def _near(past: Past, kind: str, counter: tuple[str, int], value: float) -> float | Near:
    """What is filed and withdrawn is subtracted in floating point: trillions leave a trace among cents."""
    if not value:
        return value  # nothing left is exactly 0, at every age
    turnover = past.oracle.turnover(kind, entity(past.row, kind), past.morning, *counter)
    return Near(value, max(1e-12 * turnover, _NOTHING_LEFT))


def _track(past: Past, kind: str) -> dict[Question, Any]:
    track = past.track(kind)
    if track is None:
        questions = [(kind, m) for m in MEASURES] + [(kind, *counter) for counter in HALF_LIVES]
        questions += [(kind, f"days since {what}") for what in ("first", "last", "last hit")]
        questions += [(kind, "fan", pair) for pair in FANS.get(kind, ())]
        return dict.fromkeys(questions) | {(kind, "stated"): False}
    days = {"first": track.first_day, "last": track.last_day, "last hit": track.last_hit_day}
    since = {what: None if day is None else (past.morning - day).days for what, day in days.items()}
    decayed = {counter: _near(past, kind, counter, value) for counter, value in track.decayed.items()}
    return {
        (kind, "stated"): True,
        **{(kind, measure): track.counts[measure] for measure in MEASURES},
        **{(kind, *counter): decayed[counter] for counter in HALF_LIVES},
        **{(kind, f"days since {what}"): number for what, number in since.items()},
        **{(kind, "fan", pair): number for pair, number in track.fans.items()},
    }


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Near):
        return math.isclose(found, wanted.value, rel_tol=1e-9, abs_tol=wanted.error)
    if isinstance(wanted, float) and wanted and isinstance(found, (float, np.floating)):
        return math.isclose(found, wanted, rel_tol=1e-9)
    return bool(found == wanted)
