"""The standing report: held against a naive account of the same records, and planted faults that must not count."""

from __future__ import annotations

import copy
import math
import shutil
from datetime import timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from riskscore import reference
from riskscore.errors import RunError
from riskscore.pipelines.oversight import oversight
from riskscore.pipelines.oversight.run import standing_figures
from riskscore.pipelines.oversight.sheets import Standing
from riskscore.workspace import Workspace
from tests.factories import DAY, noon, reviews, shipments
from tests.pipelines.examined import DAYS, QUIET, THROUGH, Unit, day, ordered, result, standing


@pytest.fixture
def unit(tmp_path):
    return Unit(tmp_path / "ws")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Days of exams, all recorded: the certain find in one of two, the random ones now and then. Not to be changed."""
    unit = Unit(tmp_path_factory.mktemp("known") / "ws")
    unit.live(range(DAYS))
    days = [unit.score(number) for number in range(DAYS)]
    found = {row["shipment_id"]: bool(unit.rng.random() < (0.5 if row["arm"] == "risk" else 0.2))
             for rows in days for row in ordered(rows)}  # fmt: skip
    unit.tell(*[result(row, number, found=found[row["shipment_id"]]) for number, rows in enumerate(days)
                for row in ordered(rows)])  # fmt: skip
    unit.days, unit.found = days, found
    return unit


@pytest.fixture(scope="module")
def seen(known):
    """What is reported of those days."""
    return standing(known, None, THROUGH)


@pytest.fixture
def past(known, tmp_path):
    """The same days, to be changed."""
    unit = copy.copy(known)
    shutil.copytree(known.workspace.root, tmp_path / "past")
    unit.workspace = Workspace.open(tmp_path / "past")
    return unit


def naive_share(unit, wanted=lambda row: True):
    """Finds of certain exams, and the mean of the random ones for all the rest, shipment by shipment."""
    rows = [row for rows in unit.days for row in rows if wanted(row)]
    parts = []
    for arm in ("certain", "random"):
        here = [row for row in rows if (row["inclusion_probability"] == 1) == (arm == "certain")]
        told = [unit.found[row["shipment_id"]] for row in here if row["shipment_id"] in unit.found]
        parts.append(len(here) * (sum(told) / len(told)) if here else 0.0)
    return sum(parts) / len(rows)


def test_prevalence_is_that_of_a_naive_account(known, seen):
    past, made = known, seen
    everybody = made.at("prevalence", "prevalence")

    assert everybody.value == pytest.approx(naive_share(past))
    assert everybody.low < everybody.value < everybody.high
    assert (everybody.rows, everybody.positives) == (8 * DAYS, sum(past.found.values()))
    assert made.at("prevalence", "prevalence", target="ipr").value == pytest.approx(naive_share(past))
    assert made.at("prevalence", "predicted").value == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("kind", "segment", "wanted"),
    [
        ("port", "2704", lambda row: row["port"] == "2704"),
        ("stratum", "other, new", lambda row: row["stratum"] == "other, new"),
        ("trader", "trusted", lambda row: int(row["shipment_id"][-2:]) % 3 == 0),
        ("tier", "no tier", lambda row: int(row["shipment_id"][-2:]) % 3 != 0),
        ("programme", "CTPAT Trade Compliance", lambda row: int(row["shipment_id"][-2:]) % 6 == 0),
    ],
)
def test_every_kind_of_group_is_that_of_a_naive_account(known, seen, kind, segment, wanted):
    made = seen.at("prevalence", "prevalence", kind=kind, segment=segment)

    assert made.value == pytest.approx(naive_share(known, wanted))


def test_a_hazard_that_no_exam_sees_stands_outside(seen):
    made = seen
    blind = [hazard for hazard in reference.learned_hazards() if not reference.sensitivity()["intensive", hazard]]

    assert blind
    assert made.at("prevalence", "reached", target=blind[0]).value == 0.0
    assert not made.at("prevalence", "prevalence", target=blind[0]).defined


def test_shipments_examined_for_sure_by_a_blind_exam_stand_outside_too(unit):
    unit.live([0])
    rows = unit.score(0, exam="document")
    unit.days, unit.found = [rows], {row["shipment_id"]: False for row in ordered(rows)}
    # The document exam names goods that it cannot see: nothing a random design can generalise from.
    unit.tell(*[result(row, 0, found=row["arm"] == "risk") for row in ordered(rows)])
    made = standing(unit, None, THROUGH)

    assert not reference.sensitivity()["document", "narcotics"]
    reached = made.at("prevalence", "reached", target="narcotics")
    assert reached.value == pytest.approx(36 / 40)
    assert made.at("prevalence", "prevalence", target="narcotics").rows == 4


def test_a_find_by_an_exam_that_cannot_see_it_is_none_of_the_design(unit):
    unit.live([0])
    rows = unit.score(0, exam="document or intensive")
    unit.tell(*[result(row, 0, found=row["arm"] == "risk", hazard="narcotics" if row["arm"] == "risk" else None)
                for row in ordered(rows)])  # fmt: skip
    made = standing(unit, None, THROUGH)

    assert made.at("prevalence", "reached", target="narcotics").value == 1.0
    narcotics = made.at("prevalence", "prevalence", target="narcotics")
    assert (narcotics.rows, narcotics.positives) == (4, 0)


def test_figures_of_the_arms_are_plain_counts(known, seen):
    past, made = known, seen
    by_risk = [past.found[row["shipment_id"]] for rows in past.days for row in ordered(rows) if row["arm"] == "risk"]
    rate = made.at("objective", "hit_rate", kind="arm", segment="risk")

    assert rate.value == pytest.approx(np.mean(by_risk))
    assert made.at("objective", "harm_usd_per_exam", kind="arm", segment="risk").value == pytest.approx(
        900 * np.mean(by_risk)
    )
    lift = made.at("lift", "lift_over_population", kind="arm", segment="risk")
    assert lift.value == pytest.approx(rate.value / naive_share(past))
    assert lift.low < lift.value < lift.high
    at_random = made.at("objective", "hit_rate", kind="arm", segment="random_floor")
    over = made.at("lift", "lift_over_random_exams", kind="arm", segment="risk")
    assert over.value == pytest.approx(rate.value / at_random.value)
    assert at_random.value < rate.value


def test_trusted_and_other_traders_are_compared_three_ways(seen):
    made = seen
    both = {
        name: made.at("trusted traders", "prevalence", kind="trader", segment=name) for name in ("trusted", "other")
    }
    place = {"kind": "trader", "segment": "trusted against other"}

    assert made.at("trusted traders", "prevalence_difference", **place).value == pytest.approx(
        both["trusted"].value - both["other"].value
    )
    for figure in ("exam_rate", "hit_rate_at_random", "hit_rate_overall"):
        assert made.row("trusted traders", f"{figure}_difference", **place) is not None
        assert made.row("trusted traders", f"{figure}_ratio", **place) is not None


# What must not count.


def test_deleted_bills_and_after_release_scores_leave_population_and_exams(past, seen):
    before = seen
    drawn = [row for row in ordered(past.days[0]) if row["arm"] == "random_floor"]
    released = next(row for row in past.days[0] if row["recommendation"] == "release")
    gone = {
        "shipment_id": released["shipment_id"],
        "version": 1,
        "action": "deleted",
        "arrival_date": DAY,
        "filed_at": noon(DAY, 3),
    }
    past.tell(
        result(drawn[0], 0, found=False, result="scored_after_release", exam_date=day(1)), shipments=shipments(gone)
    )
    after = standing(past, None, THROUGH)

    assert after.at("prevalence", "reached").rows == before.at("prevalence", "reached").rows - 2
    assert after.at("prevalence", "prevalence").rows == before.at("prevalence", "prevalence").rows - 1


def test_a_result_on_record_before_the_run_is_not_that_of_its_exam(unit):
    unit.live([0])
    unit.tell({"shipment_id": "S0-00", "exam_type": "nii", "exam_date": DAY, "result": "released_no_discrepancy",
               "hazard": None, "known_at": noon(DAY)})  # fmt: skip
    rows = unit.score(0)
    unit.tell(*[result(row, 0, found=False) for row in ordered(rows)[1:]])

    assert standing(unit, None, THROUGH).at("prevalence", "prevalence").rows == 7


def test_a_later_refresh_did_not_order_the_exams(unit):
    unit.live([0])
    rows = unit.score(0, draw=[10, 11, 12, 13])
    unit.tell(*[result(row, 0, found=False) for row in ordered(rows)])
    unit.score(0, draw=[20, 21, 22, 23])
    made = standing(unit, None, THROUGH)

    assert made.at("prevalence", "prevalence").rows == 8
    assert made.at("coverage", "recorded").value == 1.0


def test_a_shipment_ordered_twice_is_examined_once(unit):
    unit.live([0])
    unit.score(0, draw=[10, 11, 12, 13])
    moved = [{"shipment_id": f"S0-{at:02d}", "version": 1, "action": "amended", "arrival_date": day(1),
              "filed_at": noon(DAY), "port": "2704", "importer_id": "T1"} for at in range(40)]  # fmt: skip
    unit.tell(shipments=shipments(*moved))
    rows = unit.score(1, draw=[10, 11, 12, 13], of=0)
    unit.tell(*[result(row, 1, found=False) for row in ordered(rows)])

    assert standing(unit, None, THROUGH).at("prevalence", "prevalence").rows == 8


def test_what_becomes_known_after_the_last_day_changes_nothing(known, past):
    before = standing_figures(known.workspace, None, THROUGH)[0].drop_columns("position")
    late = THROUGH + timedelta(2)
    row = ordered(past.days[1])[0]
    past.tell(result(row, 1, found=True, hazard="narcotics", known_at=noon(late)))
    after = standing_figures(past.workspace, None, THROUGH)[0].drop_columns("position")

    assert after.equals(before)


def test_an_exam_without_a_result_is_neither_clear_nor_found(unit):
    unit.live([0])
    rows = unit.score(0)
    told = [row for row in ordered(rows) if row["arm"] == "risk"]
    unit.tell(*[result(row, 0, found=True) for row in told])
    made = standing(unit, None, THROUGH)

    assert not made.at("prevalence", "prevalence").defined
    assert made.at("prevalence", "prevalence").low == pytest.approx(4 / 40)
    assert made.at("coverage", "no_result").value == pytest.approx(0.5)


# The records of the work.


def test_coverage_counts_results_by_age(past):
    past.live([15])
    past.score(15)
    made = standing(past, None, THROUGH)
    age = {
        name: made.at("coverage", "recorded", kind="age", segment=name) for name in ("up to 6 days", "14 to 27 days")
    }

    assert (age["up to 6 days"].value, age["up to 6 days"].rows) == (0.0, 8)
    assert (age["14 to 27 days"].value, age["14 to 27 days"].rows) == (1.0, 8 * DAYS)


def test_open_referrals_age_and_waivers_are_counted_by_code(past):
    past.live([15])
    rows = ordered(past.score(15))
    said = {"run_date": day(15), "decision": "waive", "code": next(
        each.code for each in reference.reviews.review_codes() if each.effect == "waived"), "text": "as told",
        "exam_type": None, "run_id": None, "known_at": noon(day(16))}  # fmt: skip
    past.tell(reviews=reviews({"shipment_id": rows[0]["shipment_id"], **said}))
    made = standing(past, None, THROUGH)

    assert made.at("referrals", "open").value == 7
    assert made.at("referrals", "open_days_oldest").value == 5
    assert made.at("waivers", "waived").value == pytest.approx(1 / (8 * DAYS + 8))
    assert made.at("waivers", "waived", kind="code", segment=said["code"]).positives == 1


def test_a_rule_that_never_fires_is_named(unit):
    unit.live([0, 10])
    for number in (0, 10):
        unit.score(number, rules=[QUIET])
    made = standing(unit, None, THROUGH)
    [name] = made.segments("rules", "matches", "rule")

    assert made.at("rules", "matches", kind="rule", segment=name).value == 0
    assert made.row("rules", "days_without_match", kind="rule", segment=name)["note"] == "never matched"


def test_ports_without_capacity_are_named(seen):
    made = seen.at("ports without exams", "shipments", kind="port", segment="9999")

    assert made.value == 7 * DAYS


def test_random_exams_that_find_more_than_foretold_raise_an_alarm(unit):
    unit.live(range(3))
    for number in range(3):
        unit.tell(*[result(row, number, found=True) for row in ordered(unit.score(number))])
    made = standing(unit, None, THROUGH)

    assert made.at("drift", "found_at_random").value == 12
    assert made.at("drift", "foretold_at_random").value == pytest.approx(12 * 0.05)
    assert made.row("drift", "chance_of_so_many")["note"].startswith("more than foretold")


# Files and days.


def test_the_same_days_are_the_same_bytes_and_every_figure_is_dated(past):
    first = oversight(past.workspace, None, THROUGH)
    files = ["oversight.parquet", "oversight.html"]
    before = [(first.folder / name).read_bytes() for name in files]
    oversight(past.workspace, None, THROUGH)

    assert [(first.folder / name).read_bytes() for name in files] == before
    table = pq.read_table(first.folder / "oversight.parquet", partitioning=None)
    assert table.num_rows > 100
    for name in ("from", "to", "as_of", "position", "section", "figure", "segment", "exams"):
        assert table[name].null_count == 0
    assert set(table["as_of"].to_pylist()) == {THROUGH + timedelta(1)}


def test_the_page_runs_and_loads_nothing_and_escapes_what_it_shows(unit):
    unit.live([0])
    rows = unit.score(0)
    unit.tell(*[result(row, 0, found=False) for row in ordered(rows)])
    page = (oversight(unit.workspace, None, THROUGH).folder / "oversight.html").read_text(encoding="utf-8")

    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "nan" not in page.lower().replace("finance", "")


def test_estimates_end_where_results_are_in(unit):
    unit.live([0, 1, 19])
    for number, delay in ((0, 3), (1, 6), (19, 1)):
        rows = ordered(unit.score(number))
        unit.tell(*[result(row, number, found=True, known_at=noon(day(number), delay)) for row in rows])
    span = standing_figures(unit.workspace, None, THROUGH)[1]

    assert (span.first, span.until, span.young) == (DAY, day(1), False)
    assert span.slow_days >= 6


def test_days_too_young_are_taken_and_called_young(unit):
    unit.live([0])
    rows = ordered(unit.score(0))
    unit.tell(*[result(row, 0, found=True, known_at=noon(DAY, 6)) for row in rows])
    span = standing_figures(unit.workspace, None, day(6))[1]

    assert span.young
    assert span.until == DAY


def test_without_a_scored_day_there_is_nothing_to_report(unit):
    with pytest.raises(RunError, match="no day has been scored yet"):
        standing_figures(unit.workspace, None, None)
    unit.live([0])
    unit.score(0)
    with pytest.raises(RunError, match="no day from 2026-04-01 to 2026-04-05 has been scored"):
        standing_figures(unit.workspace, day(30), day(34))
    with pytest.raises(RunError, match="no days from"):
        standing_figures(unit.workspace, day(3), day(1))


def test_by_default_it_reaches_to_the_last_word(known):
    table, span = standing_figures(known.workspace, None, None)

    assert span.through == day(DAYS)  # the last results, a day after the last exams
    assert not math.isnan(Standing(table).at("prevalence", "prevalence").value)
