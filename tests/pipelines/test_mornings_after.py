"""What a morning takes over from those before: must-exams without a slot, and random exams that found too much."""

from datetime import UTC, datetime, time, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore.ledger.views import exam_chances
from riskscore.pipelines.carry_over import taken_over, waits
from riskscore.pipelines.drift import WINDOW_DAYS, recent_drift, widened
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.referrals import referrals
from riskscore.tables import OUTCOMES, REVIEWS
from riskscore.workspace import Workspace
from tests import factories
from tests.pipelines.country import SETTINGS, position, run, write_csv

CROWDED = f"""
[capacity]
default_share = 0.2
[[must_exam]]
id = "all-ocean"
exam = "nii"
owner = "port"
reason = "every ocean shipment"
where = [{{ column = "mode", op = "eq", value = "ocean" }}]
{SETTINGS}"""

DRAWN = SETTINGS.replace("seed = 5", "seed = 5\nfloor_share = 0.9\nhigh_risk_threshold = 1.0")


def outcomes_file(path, rows):
    pq.write_table(factories.accepted(OUTCOMES, factories.outcomes(*rows)).drop_columns(["_row"]), path)
    return path


@pytest.fixture(scope="module")
def crowded(country, tmp_path_factory):
    """Two mornings with more must-exams than slots."""
    workspace = country.copy(tmp_path_factory.mktemp("crowded") / "ws", CROWDED)
    days = [country.day, country.day + timedelta(1)]
    return workspace, [run(workspace, country.world.manifest(day), day) for day in days]


def waiting(workspace, day, days=2):
    with workspace.ledger(read_only=True) as ledger:
        return taken_over(ledger, day, ledger.position, days).waiting


def test_what_found_no_slot_yesterday_comes_first_today(crowded):
    _, (first, second) = crowded
    unmet = {one["shipment_id"]: one for one in first.run.record["must_exam_unmet"] if one["given"] is None}
    held = second.run.record["carried_over"]
    assert held
    assert {one["shipment_id"] for one in held} < set(unmet)
    waiting_on = {one["shipment_id"] for one in second.run.record["must_exam_waiting"]}
    assert waiting_on == set(unmet) - {one["shipment_id"] for one in held}
    assert second.run.record["must_exam_lapsed"] == []
    for one in held:
        missed = unmet[one["shipment_id"]]
        assert (one["port"], one["exam"], one["rule_id"]) == (missed["port"], missed["exam"], missed["rule_id"])
        assert one["since"] == first.run.run_date.isoformat()
    for port, slots in second.run.record["slots"].items():
        carried = sum(one["port"] == port for one in held)
        assert slots["used"] + carried <= slots["capacity"]
        assert slots["used"] >= min(1, slots["capacity"])
    assert min(second.recommendations["inclusion_probability"].to_pylist()) > 0


def test_who_waits_is_who_was_not_held_examined_decided_about_or_deleted(crowded, tmp_path):
    workspace, (first, second) = crowded
    third = second.run.run_date + timedelta(1)
    runs = [first.run.record, second.run.record]
    unmet = {one["shipment_id"] for run_ in runs for one in run_["must_exam_unmet"] if one["given"] is None}
    held = {one["shipment_id"] for one in second.run.record["carried_over"]}
    assert {one.shipment_id for one in waiting(workspace, third)} == unmet - held
    assert {one.since for one in waiting(workspace, third, days=1)} == {second.run.run_date}
    assert waiting(workspace, third, days=0) == ()


def test_an_exam_elsewhere_ends_the_wait_from_the_morning_after_it_is_known(country, tmp_path):
    workspace = country.copy(tmp_path / "ws", CROWDED)
    run(workspace, country.manifest, country.day)
    before = position(workspace)
    tomorrow = country.day + timedelta(1)
    named = waiting(workspace, tomorrow)[0].shipment_id
    noon = datetime.combine(country.day, time(12), UTC)
    found = outcomes_file(
        tmp_path / "found.parquet", [{"shipment_id": named, "exam_date": country.day, "known_at": noon}]
    )
    ingest(workspace, "outcomes", [found])
    assert named not in {one.shipment_id for one in waiting(workspace, tomorrow)}
    with workspace.ledger(read_only=True) as ledger:
        assert named in {one.shipment_id for one in taken_over(ledger, tomorrow, before, 2).waiting}


def decided(path, **review):
    pq.write_table(factories.accepted(REVIEWS, factories.reviews(review)).drop_columns(["_row"]), path)
    return path


def test_agreeing_with_a_release_for_want_of_a_slot_ends_no_wait_and_another_decision_does(country, tmp_path):
    workspace = country.copy(tmp_path / "ws", CROWDED)
    run(workspace, country.manifest, country.day)
    tomorrow, noon = country.day + timedelta(1), datetime.combine(country.day, time(12), UTC)
    first, second = (one.shipment_id for one in waiting(workspace, tomorrow)[:2])
    agreed = {"shipment_id": first, "run_date": country.day, "known_at": noon}
    ordered = {
        "shipment_id": second, "run_date": country.day, "known_at": noon, "decision": "override",
        "code": "exam_partner", "exam_type": "pga",
    }  # fmt: skip
    ingest(
        workspace, "reviews", [decided(tmp_path / "a.parquet", **agreed), decided(tmp_path / "b.parquet", **ordered)]
    )
    left = {one.shipment_id for one in waiting(workspace, tomorrow)}
    assert first in left
    assert second not in left


def test_who_is_waived_while_waiting_is_not_held_and_the_record_says_so(country, crowded, tmp_path):
    _, (_, second) = crowded
    name = second.run.record["carried_over"][0]["shipment_id"]
    workspace = country.copy(tmp_path / "ws", CROWDED)
    run(workspace, country.manifest, country.day)
    said = {"shipment_id": name, "run_date": country.day, "decision": "waive", "code": "se_empty",
            "known_at": datetime.combine(country.day, time(12), UTC)}  # fmt: skip
    [taken] = ingest(workspace, "reviews", [decided(tmp_path / "waived.parquet", **said)])
    assert taken.accepted == 1
    tomorrow = run(workspace, country.world.manifest(country.day + timedelta(1)), country.day + timedelta(1))
    record = tomorrow.run.record
    [lapsed] = record["must_exam_lapsed"]
    assert (lapsed["shipment_id"], lapsed["since"], lapsed["why"]) == (name, country.day.isoformat(), "waived")
    assert name not in {one["shipment_id"] for one in record["carried_over"] + record["must_exam_waiting"]}
    assert len(record["carried_over"]) == len(second.run.record["carried_over"])  # its slot goes to the next in line


def test_what_is_filed_again_after_a_deletion_waits_and_what_comes_later_does_not(country, tmp_path):
    workspace = country.copy(tmp_path / "ws", CROWDED)
    run(workspace, country.manifest, country.day)
    tomorrow = country.day + timedelta(1)
    kept, moved, gone = (one.shipment_id for one in waiting(workspace, tomorrow)[:3])
    rows = {
        row["shipment_id"]: row
        for row in country.rows()
        if row["filed_at"] is None or row["filed_at"].date() < country.day
    }

    def again(name, version, hour, **changes):
        at = datetime.combine(country.day, time(hour), UTC)
        return {
            **rows[name],
            "version": rows[name]["version"] + version,
            "filed_at": at,
            "action": "amended",
            **changes,
        }

    later = [
        again(kept, 1, 10, action="deleted"), again(kept, 2, 12), again(gone, 1, 10, action="deleted"),
        again(moved, 1, 10, arrival_date=country.day + timedelta(6)),
    ]  # fmt: skip
    ingest(workspace, "manifest", [write_csv(tmp_path / "later.csv", later)])
    left = {one.shipment_id for one in waiting(workspace, tomorrow)}
    assert kept in left
    assert not {moved, gone} & left


def test_a_carried_exam_is_a_referral_of_the_day_that_ordered_it_and_no_rare_draw(crowded):
    workspace, (first, second) = crowded
    held = {one["shipment_id"] for one in second.run.record["carried_over"]}
    with workspace.ledger(read_only=True) as ledger:
        found = referrals(ledger, second.run.run_date, ledger.position)
    carried = found[found["shipment_id"].isin(held)]
    assert len(carried) == len(held)
    assert set(carried["run_date"].astype(str)) == {first.run.run_date.isoformat()}
    assert set(carried["arm"]) == {"must_exam"}


def test_what_a_carried_exam_finds_has_no_chance_of_a_draw(country, tmp_path):
    workspace = country.copy(tmp_path / "ws", CROWDED)
    days = [country.day, country.day + timedelta(1)]
    _, second = (run(workspace, country.world.manifest(day), day) for day in days)
    carried = second.run.record["carried_over"][0]["shipment_id"]
    drawn = next(row["shipment_id"] for row in second.recommendations.to_pylist() if row["recommendation"] == "examine")
    noon = datetime.combine(days[1], time(12), UTC)
    exams = [{"shipment_id": name, "exam_date": days[1], "known_at": noon} for name in (carried, drawn)]
    ingest(workspace, "outcomes", [outcomes_file(tmp_path / "found.parquet", exams)])
    with workspace.ledger(read_only=True) as ledger:
        asked = pa.array([carried, drawn], pa.string())
        known = exam_chances(ledger.connection, asked, days[1] + timedelta(1), ledger.position)
    assert known["shipment_id"].to_pylist() == [drawn]


def again_held(result):
    return [wait.exam for wait in waits([result.run]).values() if wait.became == "held"]


def test_a_day_with_carried_exams_replays_to_its_bytes_though_the_day_before_was_scored_anew(country, tmp_path):
    workspace = country.copy(tmp_path / "ws", CROWDED)
    days = [country.day, country.day + timedelta(1)]
    _, second = (run(workspace, country.world.manifest(day), day) for day in days)
    (workspace.root / "riskscore.toml").write_text(CROWDED.replace("seed = 5", "seed = 6"), encoding="utf-8")
    run(Workspace.open(workspace.root, threads=1), country.manifest, country.day, refresh=True)
    again = run(workspace, country.world.manifest(days[1]), days[1])
    assert again.replayed
    assert again.run.parquet_sha256 == second.run.parquet_sha256
    with workspace.ledger(read_only=True) as ledger:
        told = taken_over(ledger, days[1], second.run.position, 2).as_record(again_held(second))
    assert told == {key: second.run.record[key] for key in told}


@pytest.fixture
def random_day(country, tmp_path):
    """A morning whose exams are nearly all random."""
    workspace = country.copy(tmp_path / "ws", DRAWN)
    return workspace, run(workspace, country.manifest, country.day)


def drift(workspace, day, at=None):
    with workspace.ledger(read_only=True) as ledger:
        return recent_drift(ledger.connection, day, ledger.position if at is None else at)


def test_random_exams_that_find_more_than_foretold_widen_the_floor(country, random_day, tmp_path):
    workspace, result = random_day
    rows = [row for row in result.recommendations.to_pylist() if row["arm"] == "random_floor"][:6]
    noon = datetime.combine(country.day + timedelta(3), time(12), UTC)
    found = [
        {"shipment_id": row["shipment_id"], "exam_date": country.day + timedelta(1), "exam_type": "intensive",
         "result": "seized", "hazard": "ipr", "known_at": noon}
        for row in rows
    ]  # fmt: skip
    before, known = position(workspace), country.day + timedelta(4)
    ingest(workspace, "outcomes", [outcomes_file(tmp_path / "found.parquet", found)])
    seen = drift(workspace, known)
    assert (seen.exams, seen.found) == (len(rows), len(rows))
    assert seen.expected == pytest.approx(sum(row["risk_score"] for row in rows), abs=1e-6)
    assert seen.drifted
    # Not before it is known, nor when it is long ago, nor at an earlier position of the log.
    assert drift(workspace, known - timedelta(1)).exams == 0
    assert drift(workspace, country.day + timedelta(WINDOW_DAYS + 1)).exams == 0
    assert drift(workspace, known, before).exams == 0
    with workspace.ledger() as ledger:  # as if the same shipments had been drawn on the day before too, and then moved
        ledger.connection.execute(
            "INSERT INTO runs SELECT seq, run_date - 1, 'earlier', position, parquet_sha256, record FROM runs"
        )
        ledger.connection.execute(
            "INSERT INTO recommendations SELECT * REPLACE ('earlier' AS run_id) FROM recommendations"
        )
    assert drift(workspace, known) == seen
    config = workspace.config
    assert widened(config, seen).selection.floor_share == 0.9  # never below what is configured
    small = config.model_copy(update={"selection": config.selection.model_copy(update={"floor_share": 0.1})})
    assert widened(small, seen).selection.floor_share == 0.2


def test_what_was_found_by_targeting_says_nothing_about_drift(country, random_day, tmp_path):
    workspace, result = random_day
    rows = [row for row in result.recommendations.to_pylist() if row["arm"] != "random_floor"][:6]
    found = [
        {"shipment_id": row["shipment_id"], "exam_date": country.day, "result": "seized", "hazard": "ipr"}
        for row in rows
    ]
    ingest(workspace, "outcomes", [outcomes_file(tmp_path / "found.parquet", found)])
    assert drift(workspace, country.day + timedelta(4)).exams == 0
