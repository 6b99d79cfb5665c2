"""Runs put on record by hand: certain and random exams at two ports, and what a test says they found."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa

from riskscore import reference
from riskscore.config import Condition, MustExam
from riskscore.ledger import Run
from riskscore.pipelines.oversight.run import standing_figures
from riskscore.pipelines.oversight.sheets import Standing
from riskscore.publication import conform
from riskscore.tables import recommendations_schema
from tests.factories import DAY, append_rows, make_workspace, noon, outcomes, shipments, traders

THROUGH = DAY + timedelta(20)
PER_DAY = 40
DAYS = 5


QUIET = MustExam(
    id="quiet", exam="nii", owner="ops", reason="a seal", where=(Condition(column="seal_ids", op="is_null"),)
)
"""A rule that matches nothing."""


def day(number):
    return DAY + timedelta(number)


class Unit:
    """A workspace whose runs are put on record by hand: two ports, and a third without exams."""

    def __init__(self, root):
        self.workspace = make_workspace(root)
        self.rng = np.random.default_rng(5)

    def live(self, numbers):
        """Shipments of some days with their traders: every third importer trusted."""
        rows = [
            {"shipment_id": f"S{number}-{at:02d}", "arrival_date": day(number), "port": "2704" if at % 2 else "1001",
             "importer_id": f"T{at % 6}"}
            for number in numbers for at in range(PER_DAY)
        ]  # fmt: skip
        held = [{"trader_id": f"T{n}", "ctpat_tier": 3 if n % 3 == 0 else 0, "ctpat_status": None, "isa_member": None,
                 "ctpat_trade_compliance": n == 0, "aeo_programme": None} for n in range(6)]  # fmt: skip
        with self.workspace.ledger() as ledger:
            append_rows(self.workspace, ledger, shipments=shipments(*rows), traders=traders(*held))

    def score(self, number, exam="intensive", floor_exam="intensive", rules=(), draw=None, of=None, said=None):
        """Four certain exams and four random ones of the 36 others, as a run on record; the rows.

        `of`: the day whose shipments arrive, where not this one. Ranked exams that are not intensive leave some chance
        of an intensive one where `exam` says so, as "document or intensive". `said`: what the record says beside.
        """
        of = number if of is None else of
        certain = set(range(4))
        drawn = set(self.rng.choice(range(4, PER_DAY), 4, replace=False).tolist()) if draw is None else set(draw)
        with self.workspace.ledger() as ledger, ledger.transaction("score") as transaction:
            rows = [
                self.row(of, at, at in certain, at in drawn, exam if at in certain else floor_exam, floor_exam)
                for at in range(PER_DAY)
            ]
            name = f"run {transaction.seq}"
            rows = [row | {"run_id": name} for row in rows]
            table = conform(pa.Table.from_pylist(rows, schema=recommendations_schema()))
            record = {
                "config": {"must_exam": [rule.model_dump(mode="json") for rule in rules]},
                "rules": [{"rule_id": rule.id, "matches": 0} for rule in rules],
                "slots": {"9999": {"arrivals": 7}},
                "ports_without_capacity": ["9999"],
                **(said or {}),
            }
            transaction.record_run(Run(transaction.seq, day(number), name, transaction.seq, "0", record), table)
        return rows

    def row(self, number, at, certain, drawn, exam, floor_exam):
        chance = 1.0 if certain else 4 / (PER_DAY - 4)
        exam, _, other = exam.partition(" or ")
        chances = {exam: 0.9, other: 0.1} if other else {exam if certain else floor_exam: chance}
        return {
            "shipment_id": f"S{number}-{at:02d}", "version": 0, "port": "2704" if at % 2 else "1001",
            "stratum": "trusted, known" if at % 6 in (0, 3) else "other, new",
            "recommendation": "examine" if certain or drawn else "release",
            "exam_type": exam if certain or drawn else None,
            "arm": "risk" if certain else "random_floor" if drawn else "none",
            "inclusion_probability": chance, "risk_score": 0.05,
            "exam_probabilities": dict.fromkeys(reference.exams(), 0.0) | chances,
            "hazard_scores": {"ipr": 0.02},
        }  # fmt: skip

    def tell(self, *rows, **other):
        """Append outcomes, one per mapping, and rows of other tables."""
        with self.workspace.ledger() as ledger:
            append_rows(self.workspace, ledger, outcomes=outcomes(*rows), **other)


def waiting(*places, since=0, **more):
    """Must-exams of day `since` without a slot, as a run record says it."""
    return [
        {"shipment_id": f"S{since}-{at:02d}", "port": "2704" if at % 2 else "1001", "rule_id": "watch",
         "exam": "intensive", "since": day(since).isoformat(), "given": None, **more}
        for at in places
    ]  # fmt: skip


def result(row, number, *, found, **changed):
    """The outcome of the exam a row orders: counterfeit goods, or clear."""
    said = (
        {"result": "seized", "hazard": "ipr", "amount_usd": 900.0} if found else {"result": "released_no_discrepancy"}
    )
    return {"shipment_id": row["shipment_id"], "exam_type": row["exam_type"], "exam_date": day(number),
            "hazard": None, "amount_usd": None, "selected_by": row["arm"], "inclusion_probability": None,
            "known_at": noon(day(number), 1)} | said | changed  # fmt: skip


def ordered(rows):
    return [row for row in rows if row["recommendation"] == "examine"]


def standing(unit, *args):
    """What the standing report of a unit says: first and last day."""
    return Standing(standing_figures(unit.workspace, *args)[0])
