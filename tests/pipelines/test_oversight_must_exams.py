"""The standing report on must-exams that found no slot: those that a later day held, and those never held."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from riskscore.models.prevalence import Population, prevalence
from riskscore.pipelines.oversight import figures
from tests.factories import noon
from tests.pipelines.examined import QUIET, THROUGH, Unit, day, ordered, result, standing, waiting


@pytest.fixture
def unit(tmp_path):
    return Unit(tmp_path / "ws")


UNMET, DRAWN = (30, 31, 32, 33), [10, 11, 12, 13]


def crowded(unit, *, held):
    """Two days; four must-exams of the first find no slot, and three of them are held on the second where `held`."""
    unit.live([0, 1])
    first = unit.score(0, draw=DRAWN, said={"must_exam_unmet": waiting(*UNMET)})
    later = {"carried_over": waiting(*UNMET[:3]), "must_exam_waiting": waiting(*UNMET[3:])} if held else {}
    second = unit.score(1, draw=DRAWN, said=later)
    unit.tell(*[result(row, at, found=row["arm"] == "risk") for at, rows in enumerate((first, second))
                for row in ordered(rows)])  # fmt: skip
    exams = [row | {"exam_type": "intensive", "arm": "must_exam"} for row in first if row["shipment_id"] in
             {f"S0-{at}" for at in UNMET[:3]}]  # fmt: skip
    unit.tell(*[result(row, 1, found=number < 2) for number, row in enumerate(exams)])
    return standing(unit, None, THROUGH)


def test_what_a_carried_exam_finds_is_not_missed_and_counts_for_the_rule_that_ordered_it(tmp_path):
    other, made = (crowded(Unit(tmp_path / str(held)), held=held) for held in (False, True))
    place = {"target": "ipr"}
    for name in ("prevalence", "prevalence_assisted", "predicted", "reached"):
        assert made.at("prevalence", name, **place) == other.at("prevalence", name, **place)
    before, after = (each.at("prevalence", "missed", **place) for each in (other, made))
    assert after.high == pytest.approx(before.high - 2)
    assert (after.rows, after.positives) == (before.rows + 3, before.positives + 2)
    rate = made.at("objective", "hit_rate", kind="arm", segment="must_exam")
    assert (rate.rows, rate.positives) == (3, 2)
    assert made.at("objective", "harm_usd_per_exam", kind="arm", segment="must_exam").value == pytest.approx(600)
    assert made.at("coverage", "recorded").rows == other.at("coverage", "recorded").rows + 3
    exams = [sum(each.at("trusted traders", "exam_rate", kind="trader", segment=name).positives for name in
                 ("trusted", "other")) for each in (other, made)]  # fmt: skip
    assert exams[1] == exams[0] + 3


def test_missed_is_on_average_what_nobody_examined():
    """Must-exams without a slot have a chance of the draw; those not drawn are held later, and all of them find."""
    rng, size, drawn_size = np.random.default_rng(4), 60, 20
    must, found = np.arange(size) < 12, np.r_[np.ones(12), rng.random(size - 12) < 0.4].astype(float)
    errors = []
    for _ in range(300):
        drawn = np.isin(np.arange(size), rng.choice(size, drawn_size, replace=False))
        exams = pd.DataFrame({"carried": must & ~drawn, "chance_any": drawn_size / size, "found_any": found,
                              "score_any": math.nan, "held_up_any": 1.0})[drawn | must]  # fmt: skip
        made = prevalence(figures.exams_for(exams, "any"), Population(0, size))
        missed = figures._missed(made, size, figures._carried(exams, "any"))
        errors.append(missed.value - found[~drawn & ~must].sum())
    assert abs(np.mean(errors)) < 3 * np.std(errors) / math.sqrt(len(errors))
    assert np.std(errors) < 8


def test_a_refresh_after_a_carried_exam_was_heard_of_did_not_order_it(unit):
    unit.live([0, 1])
    unit.score(0, draw=DRAWN, said={"must_exam_unmet": waiting(*UNMET)})
    unit.score(1, draw=DRAWN, said={"carried_over": waiting(*UNMET)})
    unit.tell({"shipment_id": "S0-30", "exam_type": "intensive", "exam_date": day(1), "known_at": noon(day(2)),
               "result": "released_no_discrepancy", "hazard": None})  # fmt: skip
    unit.score(1, draw=DRAWN)
    rate = standing(unit, None, THROUGH).at("objective", "hit_rate", kind="arm", segment="must_exam")
    assert (rate.rows, rate.positives) == (1, 0)


WATCHED = [QUIET.model_copy(update={"id": "watch", "owner": "port"})]


def test_must_exams_never_held_are_counted_by_reason_rule_and_owner(unit):
    unit.live([0, 1, 2])
    by_risk = waiting(35, 36, rule_id="high-risk-threshold")
    unit.score(0, rules=WATCHED, said={"must_exam_unmet": [*waiting(30, 31, 32, 33, 34), *by_risk]})
    unit.score(1, said={"carried_over": waiting(30), "must_exam_waiting": waiting(33, 34) + by_risk,
                        "must_exam_lapsed": waiting(31, why="waived") + waiting(32, why="examined")})  # fmt: skip
    lapsed = waiting(33, why="no_slot") + waiting(35, rule_id="high-risk-threshold", why="no_slot")
    unit.score(2, said={"must_exam_lapsed": lapsed, "must_exam_waiting": waiting(34),
                        "must_exam_unmet": waiting(1, since=2)})  # fmt: skip
    made = standing(unit, day(0), THROUGH)
    figure = {name: made.at("must-exams", name).value for name in
              ("found_no_slot", "held_later", "still_waiting", "lapsed", "not_on_record", "never_held")}  # fmt: skip
    assert figure == {"found_no_slot": 8, "held_later": 1, "still_waiting": 2, "lapsed": 4, "not_on_record": 1,
                      "never_held": 3}  # fmt: skip
    reasons = {name: made.at("must-exams", "lapsed", kind="why", segment=name).value
               for name in made.segments("must-exams", "lapsed", "why")}  # fmt: skip
    assert reasons == {"deleted": 0, "examined": 1, "waived": 1, "overridden": 0, "moved": 0, "no_slot": 2}
    held = {(kind, name): (found.value, found.rows) for kind in ("rule", "owner")
            for name in made.segments("must-exams", "never_held", kind)
            for found in [made.at("must-exams", "never_held", kind=kind, segment=name)]}  # fmt: skip
    assert held == {
        ("rule", "high-risk-threshold"): (1, 2), ("rule", "watch"): (2, 6),
        ("owner", "high_risk_threshold"): (1, 2), ("owner", "port"): (2, 5), ("owner", "not on record"): (0, 1),
    }  # fmt: skip


def test_a_must_exam_of_another_window_is_not_counted(unit):
    unit.live([0, 1])
    unit.score(0, said={"must_exam_unmet": waiting(30)})
    unit.score(1)
    assert standing(unit, day(1), THROUGH).row("must-exams", "found_no_slot") is None
