"""Slots that champion and challenger were tossed for: who won them, by the run records, and what their exams found."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore import models, reference
from riskscore.frames import as_frame
from riskscore.ledger import outcomes_known, read_mornings
from riskscore.ledger.in_force import in_force

if TYPE_CHECKING:
    from collections.abc import Sequence

    from riskscore.ledger import Ledger, Run

ALWAYS = date.max
"""As-of day of everything the ledger knows."""


def disputed(run: Run) -> list[dict[str, Any]]:
    """The slots of a run that were tossed for, as recorded (selection.trial.Dispute); none without a trial."""
    return list((run.record.get("trial") or {}).get("disputed", []))


def won_by_challenger(run: Run) -> dict[str, str]:
    """The shipments of a run whose slot the challenger won, and its version."""
    won = [one["challenger"] for one in disputed(run) if one["examined"] == "challenger"]
    return dict.fromkeys(won, run.record["trial"]["version"]) if won else {}


def versions_of(run: Run) -> tuple[str, str]:
    """Champion and challenger of a run that held a trial."""
    return run.record["model"]["version"], run.record["trial"]["version"]


def runs_before(ledger: Ledger, as_of: date) -> list[Run]:
    """The runs that ordered the exams of the days before `as_of`, by day (riskscore.ledger.in_force)."""
    through = as_of if as_of == ALWAYS else as_of - timedelta(days=1)
    return [ledger.run(each.run_id) for each in in_force(ledger, through, ledger.position)]


def tossed(runs: Sequence[Run], versions: tuple[str, str], since: int) -> pd.DataFrame:
    """A row per slot tossed for.

    Args:
        runs: one of each day.
        versions: champion and challenger.
        since: ledger position; runs up to it are left out.

    Returns:
        run_date, run_position (ledger position of the run), port, pair, side (champion or challenger: whose it is) and
        shipment_id (the one examined), in the order of the days.
    """
    rows = [
        (run.run_date, run.seq, one["port"], one["pair"], one["examined"], one[one["examined"]])
        for run in runs
        if run.seq > since and run.record.get("trial") and versions_of(run) == versions
        for one in disputed(run)
    ]
    return pd.DataFrame(rows, columns=["run_date", "run_position", "port", "pair", "side", "shipment_id"])


def with_results(ledger: Ledger, slots: pd.DataFrame, wait_days: int | None, as_of: date, today: date) -> pd.DataFrame:
    """Adds `hit` (1, 0, NaN = unknown) and `due` (its result is no longer waited for).

    Of each exam counts what was known when its wait was over, and nothing later: a result that comes after it would let
    slow exams in only where the trial was long, and a correction or deletion after it would change a decision that was
    taken. A result that the ledger held before the run is of an exam that the toss did not bring about: unknown.

    Args:
        ledger: open ledger.
        slots: as `tossed` gives them.
        wait_days: days a result is waited for; None = nothing was planned, so nothing is waited for.
        as_of: what became known on this day or later is left out.
        today: the day by which a wait is over or not.
    """
    wait = timedelta(days=wait_days or 0)
    hit = pd.Series(np.nan, index=slots.index)
    for _, of_day in slots.groupby("run_position"):
        day, position = of_day["run_date"].iloc[0], int(of_day["run_position"].iloc[0])
        until = as_of if wait_days is None else min(as_of, day + wait)
        found = _brought_about(ledger, pa.array(of_day["shipment_id"], pa.string()), position, until)
        hit.loc[of_day.index] = of_day["shipment_id"].map(found).astype("float64")
    due = pd.to_datetime(slots["run_date"]) + wait <= pd.Timestamp(today)
    return slots.assign(hit=hit, due=due)


def standing(ledger: Ledger, outcomes: pd.DataFrame, as_of: date) -> pd.Series[float]:
    """By the label policy (riskscore.models.labels): 1 something was found, 0 nothing; others are not in it.

    Args:
        ledger: open ledger.
        outcomes: the latest word on each finding known before `as_of`, the outcomes columns.
        as_of: bills known to be deleted before it are not in it either.
    """
    labels = models.label(outcomes)["any"].dropna()
    live = read_mornings(ledger.connection, pa.array(labels.index, pa.string()), as_of, ledger.position)
    return labels[labels.index.isin(live["shipment_id"].to_pylist())]


def _brought_about(ledger: Ledger, shipments: pa.Array, position: int, as_of: date) -> pd.Series[float]:
    """What exams ordered at `position` had found before `as_of`, by shipment."""
    held = as_frame(outcomes_known(ledger.connection, ALWAYS, position, shipments))
    before = held.loc[held["result"].isin([*reference.CLEAR, *reference.POSITIVE]), "shipment_id"]
    found = standing(ledger, as_frame(outcomes_known(ledger.connection, as_of, ledger.position, shipments)), as_of)
    return found[~found.index.isin(before)]
