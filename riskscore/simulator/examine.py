"""Holding exams in a simulated country, from outside: what would these exams have found?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from riskscore import reference
from riskscore.errors import InputError
from riskscore.simulator import exams, lists
from riskscore.simulator.world import SimulatedWorld, open_world, truth, write_parquet

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools

_READ = ("shipment_id", "recommendation", "exam_type", "arm", "inclusion_probability")
_MOST_NAMED = 3
"""Unknown identifiers named in a message: enough to recognise the fault."""


@dataclass(frozen=True)
class ExamResults:
    """What `simulate_exams` did."""

    path: Path
    exams: int
    """Exams recommended."""
    hits: int
    """Exams that found at least one hazard, recorded or not."""
    rows: int
    """Outcome rows written."""


def simulate_exams(world: Path | SimulatedWorld, recommendations: Path, out: Path) -> ExamResults:
    """Hold the recommended exams and write their outcomes.

    Luck depends on the world's seed, the shipment and the exam type only. `selected_by` is the recommendation's arm;
    `inclusion_probability` is copied.

    Args:
        world: the simulated country.
        recommendations: a Parquet file, or a folder of run_date=D/*.parquet, as `riskscore score` publishes them.
        out: outcomes file to write (Parquet).

    Raises:
        InputError: unreadable recommendations, missing columns, unknown exam types, or shipments of another world.
    """
    country = world if isinstance(world, SimulatedWorld) else open_world(world)
    picks = _recommended(recommendations)
    known = _known(country, picks["shipment_id"], recommendations)
    flags = known[list(lists.HAZARDS)].to_numpy(dtype=bool)
    picks = picks.assign(arrival_date=known["arrival_date"].to_numpy(), selected_by=picks["arm"])
    table = exams.outcomes(country.seed, picks, flags, known["harm_usd"].to_numpy())
    out.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(table, out)
    hits = _found(country, picks, flags).any(axis=1)
    return ExamResults(out, exams=len(picks), hits=int(hits.sum()), rows=table.num_rows)


def findings(world: Path | SimulatedWorld, picks: pd.DataFrame) -> pd.DataFrame:
    """What each exam would find, with the luck `simulate_exams` uses, before any waiver or loss of its record.

    Args:
        world: the simulated country.
        picks: shipment_id and exam_type; one row per exam.

    Returns:
        shipment_id, exam_type, one bool column per hazard found (those the simulator has), any; in the order of
        `picks`, with its index.

    Raises:
        InputError: unknown exam types, or shipments of another world.
    """
    country = world if isinstance(world, SimulatedWorld) else open_world(world)
    _check_exams(picks["exam_type"], "picks")
    known = _known(country, picks["shipment_id"], Path("picks"))
    hits = _found(country, picks, known[list(lists.HAZARDS)].to_numpy(dtype=bool))
    result = picks[["shipment_id", "exam_type"]].copy()
    result[list(lists.HAZARDS)] = hits
    result["any"] = np.asarray(hits.any(axis=1))
    return result


def best_exams(truths: pd.DataFrame) -> pd.Series[str]:
    """The exam an oracle would order for each row of `truth`: the likeliest to find any of its hazards.

    Rows without a hazard get 'intensive'. The input's index and order.
    """
    exam = exams.best_exams(truths[list(lists.HAZARDS)].to_numpy(dtype=bool))
    return pd.Series(exam, index=truths.index, dtype="str", name="exam_type")


def _found(country: SimulatedWorld, picks: pd.DataFrame, flags: Bools) -> Bools:
    shipment, exam = (picks[name].to_numpy(dtype=object) for name in ("shipment_id", "exam_type"))
    return exams.found(exams.draws(country.seed, shipment, exam), flags, exam)


def _recommended(path: Path) -> pd.DataFrame:
    """The rows recommended for an exam, sorted by shipment."""
    try:
        table = ds.dataset(path, format="parquet", partitioning=None).to_table(columns=list(_READ))
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        fix = f"give a recommendations file or folder with columns {', '.join(_READ)}"
        raise InputError("cannot read recommendations", where=str(path), fix=fix) from error
    frame: pd.DataFrame = table.to_pandas()
    picks = frame[frame["recommendation"] == "examine"]
    _check_exams(picks["exam_type"], str(path))
    return picks.sort_values(["shipment_id", "exam_type"], kind="stable").reset_index(drop=True)


def _check_exams(exam_types: pd.Series[str], where: str) -> None:
    unknown = sorted({str(exam) for exam in exam_types.unique()} - set(reference.exams()))
    if unknown:
        message = f"unknown exam types {', '.join(unknown[:_MOST_NAMED])}"
        raise InputError(message, where=where, fix=f"use {', '.join(reference.exams())}")


def _known(country: SimulatedWorld, shipment_ids: pd.Series[str], where: Path) -> pd.DataFrame:
    """The truth of each shipment asked for, in order."""
    known = truth(country).set_index("shipment_id")
    strangers = sorted(set(shipment_ids) - set(known.index))
    if strangers:
        named = ", ".join(strangers[:_MOST_NAMED])
        message = f"{len(strangers)} shipments are not of this world, such as {named}"
        raise InputError(message, where=str(where), fix="give the world these recommendations were made in")
    return known.reindex(np.asarray(shipment_ids, dtype=object))
