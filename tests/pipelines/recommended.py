"""Runs put on record by hand: what a day recommended, without a model that recommends it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from riskscore import reference
from riskscore.ledger import Run
from riskscore.publication import conform, encode
from riskscore.tables import recommendations_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from riskscore.ledger import Ledger


def recommend(
    ledger: Ledger,
    day: date,
    exams: Mapping[str, str | None],
    arms: Mapping[str, str] | None = None,
    chances: Mapping[str, float] | None = None,
    record: Mapping[str, Any] | None = None,
) -> Run:
    """A run of `day` that recommends these exams (None = release), in a command of its own.

    Args:
        ledger: open ledger.
        day: of the run.
        exams: by shipment.
        arms: by shipment; not said = risk for an exam, none for a release.
        chances: of that exam by shipment; not said = null.
        record: what the run record says beside.
    """
    with ledger.transaction("score") as transaction:
        name = f"run {transaction.seq}"
        rows = [_row(shipment, exam, arms or {}, chances or {}) | {"run_id": name} for shipment, exam in exams.items()]
        table = conform(pa.Table.from_pylist(rows, schema=recommendations_schema()))
        content = encode(table)
        said = {"parquet_bytes": len(content), **(record or {})}
        run = Run(transaction.seq, day, name, transaction.seq, hashlib.sha256(content).hexdigest(), said)
        transaction.record_run(run, table)
    return run


def unmet(shipment: str, exam: str = "nii", rule: str = "watch") -> dict[str, Any]:
    """A must-exam that no slot was left for, as a run record says it."""
    return {"shipment_id": shipment, "port": "2704", "rule_id": rule, "exam": exam, "given": None, "why": "no slot"}


def _row(shipment: str, exam: str | None, arms: Mapping[str, str], chances: Mapping[str, float]) -> dict[str, Any]:
    return {
        "shipment_id": shipment,
        "port": "2704",
        "recommendation": "examine" if exam else "release",
        "exam_type": exam,
        "arm": arms.get(shipment, "risk" if exam else "none"),
        "exam_probabilities": _of_exam(exam, chances[shipment]) if exam and shipment in chances else None,
    }


def _of_exam(exam: str, chance: float) -> dict[str, float]:
    return dict.fromkeys(reference.exams(), 0.0) | {exam: chance}
