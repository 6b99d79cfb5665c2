"""Decisions: events that add up, held against what was recommended; and the same rules for a file of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore.errors import InputError, RunError
from riskscore.pipelines.decide import Decision, decide
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.referrals import referrals
from riskscore.reference.reviews import DECISIONS, EFFECTS, review_codes
from tests.factories import DAY, append_rows, make_workspace, noon, reviews, shipments
from tests.pipelines.recommended import recommend, unmet

NEXT = DAY + timedelta(1)
FAR = date(2100, 1, 1)
WAIVER = Decision("S0", "waive", "ar_data_error", "Ada", "weight in pounds, not kilograms")


@pytest.fixture
def workspace(tmp_path):
    """S0 is recommended for nii and S1 released on DAY; S0, late, for lab on the day after; S9 was never scored."""
    made, late = make_workspace(tmp_path / "ws"), {"shipment_id": "S0", "version": 1, "action": "amended"}
    with made.writing() as ledger:
        append_rows(made, ledger, shipments=shipments({}, {}, {"shipment_id": "S9"}, late | {"arrival_date": NEXT}))
        recommend(ledger, DAY, {"S0": "nii", "S1": None})
        recommend(ledger, NEXT, {"S0": "lab"})
    return made


def log(workspace):
    with workspace.ledger(read_only=True) as ledger:
        return ledger.connection.sql("SELECT * FROM reviews_log ORDER BY seq").to_arrow_table().to_pylist()


def states(workspace):
    with workspace.ledger(read_only=True) as ledger:
        found = referrals(ledger, FAR, ledger.position)
        return list(zip(found["run_date"].dt.date, found["shipment_id"], found["status"], strict=True))


def test_a_decision_is_an_event_with_who_when_and_which_run(workspace):
    made = decide(workspace, WAIVER)
    [row] = log(workspace)
    assert (made.run.run_date, made.recommendation["exam_type"], made.earlier) == (NEXT, "lab", 0)
    assert (row["shipment_id"], row["run_date"], row["run_id"], row["seq"]) == ("S0", NEXT, made.run.run_id, made.seq)
    assert (row["decision"], row["code"], row["text"]) == ("waive", "ar_data_error", WAIVER.text)
    assert (row["decided_by"], row["exam_type"]) == ("Ada", None)
    with workspace.ledger(read_only=True) as ledger:
        [(began,)] = ledger.connection.execute("SELECT began_at FROM commands WHERE seq = ?", [made.seq]).fetchall()
    assert abs(row["known_at"] - began) < timedelta(seconds=1)
    assert states(workspace) == [(DAY, "S0", "open"), (NEXT, "S0", "waived")]


def test_the_last_counts_and_all_are_kept(workspace):
    steps = [
        (WAIVER, "waived"),
        (Decision("S0", "accept", "", "Bo"), "open"),
        (Decision("S0", "override", "release_no_slot", "Bo"), "overridden"),
        (Decision("S0", "override", "exam_equipment", "Bo", exam="nii"), "open"),
        (WAIVER, "waived"),
    ]
    for number, (decision, status) in enumerate(steps):
        assert decide(workspace, decision).earlier == number
        assert states(workspace)[1] == (NEXT, "S0", status)
    assert [row["code"] for row in log(workspace)] == [
        "ar_data_error", "agreed", "release_no_slot", "exam_equipment", "ar_data_error"]  # fmt: skip


def test_the_day_chooses_the_recommendation(workspace):
    assert decide(workspace, replace(WAIVER, day=DAY)).recommendation["exam_type"] == "nii"
    assert states(workspace) == [(DAY, "S0", "waived"), (NEXT, "S0", "open")]


def test_an_exam_of_a_shipment_that_was_to_be_released(workspace):
    ordered = decide(workspace, Decision("S1", "override", "exam_partner", "Ada", exam="agriculture"))
    assert (ordered.recommendation["recommendation"], ordered.code.effect) == ("release", "exam")
    assert log(workspace)[0]["exam_type"] == "agriculture"


REFUSED = [
    (replace(WAIVER, shipment_id="S7"), InputError, "unknown shipment 'S7'"),
    (replace(WAIVER, shipment_id="S9"), RunError, "no run speaks of shipment 'S9'. Hint: it arrives on 2026-03-02"),
    (replace(WAIVER, day=DAY - timedelta(1)), RunError, "2026-03-01 was not scored"),
    (
        Decision("S1", "accept", "", "Ada", day=NEXT),
        RunError,
        "run of 2026-03-03 does not speak of 'S1'.*for 2026-03-02",
    ),
    (
        replace(WAIVER, code="AR"),
        InputError,
        r"unknown code 'AR' for waive. Hint: one of se_diplomatic, .*ar_explained",
    ),
    (replace(WAIVER, code="agreed"), InputError, "unknown code 'agreed' for waive"),
    (replace(WAIVER, code=""), InputError, "waive needs a code. Hint: one of se_diplomatic"),
    (replace(WAIVER, decision="ignore"), InputError, "unknown decision 'ignore'. Hint: one of accept, override, waive"),
    (replace(WAIVER, text=""), InputError, "text: expected the words that this code asks for, got nothing: S0"),
    (replace(WAIVER, text="  "), InputError, "text: expected the words"),
    (replace(WAIVER, exam="lab"), InputError, "exam_type: expected nothing, for this code names no exam, got 'lab'"),
    (replace(WAIVER, by=""), InputError, "decided_by: required, got nothing"),
    (
        replace(WAIVER, shipment_id="S1"),
        InputError,
        "code: expected one for a shipment .* released anyway, got 'ar_data",
    ),
    (Decision("S1", "override", "release_no_slot", "Ada"), InputError, "released anyway, got 'release_no_slot'"),
    (Decision("S0", "override", "exam_partner", "Ada"), InputError, "exam_type: expected the exam to be done instead"),
    (Decision("S0", "override", "exam_partner", "Ada", exam="lab"), InputError, "another exam than the .*, got 'lab'"),
    (Decision("S0", "override", "exam_partner", "Ada", exam="xray"), InputError, "exam_type: expected one of document"),
]


@pytest.mark.parametrize(("decision", "error", "said"), REFUSED)
def test_what_cannot_be_decided_is_told_and_leaves_no_trace(workspace, decision, error, said):
    with workspace.ledger(read_only=True) as ledger:
        before = ledger.position
    with pytest.raises(error, match=said):
        decide(workspace, decision)
    with workspace.ledger(read_only=True) as ledger:
        assert (ledger.position, log(workspace)) == (before, [])


def test_a_deleted_bill_is_past_deciding(workspace):
    with workspace.writing() as ledger:
        gone = {"version": 2, "action": "deleted", "filed_at": noon(DAY, 2)}
        append_rows(workspace, ledger, shipments=shipments(gone))
    with pytest.raises(InputError, match="the bill of shipment 'S0' is deleted"):
        decide(workspace, WAIVER)


# Must-exams that wait for a slot: published as a release, and decided about like an exam that is recommended.


@pytest.fixture
def crowded(workspace):
    """On DAY no slot is left for W0, W1 and W2; on the day after W1 is held, W2 waits on, and W0's wait is over."""
    later = {name: unmet(name) | {"since": DAY.isoformat()} for name in ("W1", "W2")}
    first = {"must_exam_unmet": [unmet(f"W{n}") for n in range(3)] + [unmet("W3") | {"given": "lab"}]}
    second = {"carried_over": [later["W1"]], "must_exam_waiting": [later["W2"]], "must_exam_lapsed": []}
    with workspace.writing() as ledger:
        append_rows(workspace, ledger, shipments=shipments(*[{"shipment_id": f"W{n}"} for n in range(4)]))
        recommend(ledger, DAY, {"W0": None, "W1": None, "W2": None, "W3": None}, record=first)
        recommend(ledger, NEXT, {"S0": "lab"}, record=second)
    return workspace


@pytest.mark.parametrize(
    ("name", "on", "run_date", "recommendation"),
    [
        ("W0", None, DAY, "waiting"),
        ("W1", None, NEXT, "examine"),
        ("W1", DAY, DAY, "waiting"),
        ("W2", None, NEXT, "waiting"),
        ("W2", DAY, DAY, "waiting"),
    ],
)
@pytest.mark.parametrize(
    ("word", "status"),
    [
        (("waive", "se_empty"), "waived"),
        (("override", "release_no_slot"), "overridden"),
        (("override", "exam_equipment", "lab"), "open"),
        (("accept", "agreed"), "open"),
    ],
)
def test_a_must_exam_is_decided_about_where_it_waits_and_where_it_is_held(
    crowded, name, on, run_date, recommendation, word, status
):
    decision, code, *exam = word
    made = decide(crowded, Decision(name, decision, code, "Ada", exam="".join(exam), day=on))
    assert made.run.run_date == run_date
    assert made.recommendation == {"recommendation": recommendation, "exam_type": "nii", "arm": "must_exam",
                                   "rule_id": "watch", "since": DAY}  # fmt: skip
    assert [found for _, shipment, found in states(crowded) if shipment == name] == [status]
    assert log(crowded)[0]["run_date"] == run_date


def test_the_days_of_a_wait_are_one_referral_and_its_last_word_counts(crowded):
    decide(crowded, Decision("W2", "waive", "se_empty", "Ada", day=DAY))
    assert decide(crowded, Decision("W2", "accept", "", "Bo")).earlier == 1
    assert [row for row in states(crowded) if row[1] == "W2"] == [(DAY, "W2", "open")]
    assert decide(crowded, Decision("W2", "override", "release_no_slot", "Bo")).earlier == 2
    assert [row for row in states(crowded) if row[1] == "W2"] == [(DAY, "W2", "overridden")]


def test_a_wait_that_is_over_or_was_given_another_exam_is_no_occasion(crowded):
    with pytest.raises(RunError, match=r"run of 2026-03-03 does not speak of 'W0'.*for 2026-03-02"):
        decide(crowded, Decision("W0", "waive", "se_empty", "Ada", day=NEXT))
    with pytest.raises(InputError, match="released anyway, got 'se_empty'"):
        decide(crowded, Decision("W3", "waive", "se_empty", "Ada"))
    with pytest.raises(InputError, match=r"another exam than the .*, got 'nii'"):
        decide(crowded, Decision("W1", "override", "exam_partner", "Ada", exam="nii"))


def test_a_file_may_decide_about_what_waits_and_about_what_a_run_of_that_day_said(crowded, tmp_path):
    waived = {"decision": "waive", "code": "se_empty"}
    path = file_of(
        tmp_path / "reviews.parquet",
        *[waived | {"shipment_id": f"W{n}", "known_at": noon(DAY, n)} for n in range(4)],
        waived | {"shipment_id": "W0", "run_date": NEXT, "known_at": noon(DAY, 4)},
        waived | {"shipment_id": "W2", "run_date": NEXT, "known_at": noon(DAY, 5)},
    )
    [result] = ingest(crowded, "reviews", [path])
    assert (result.accepted, result.quarantined) == (4, 2)
    with crowded.writing() as ledger:
        recommend(ledger, NEXT, {"S0": "lab"})
    assert ingest(crowded, "reviews", [path])[0].duplicate == 4


# The same as a feed.


def file_of(path, *named):
    pq.write_table(pa.Table.from_pylist(reviews(*named)), path)
    return path


def test_a_file_is_taken_once_and_what_no_run_gives_occasion_for_is_quarantined(workspace, tmp_path):
    waived = {"decision": "waive", "code": "se_empty"}
    path = file_of(
        tmp_path / "reviews.parquet",
        waived,
        {"shipment_id": "S1"},
        {"shipment_id": "S1", "decision": "override", "code": "exam_partner", "exam_type": "nii",
         "known_at": noon(DAY, 1)},
        waived | {"shipment_id": "S1", "known_at": noon(DAY, 2)},
        waived | {"shipment_id": "S8"},
        waived | {"run_date": DAY - timedelta(1)},
        waived | {"run_id": "run 77", "known_at": noon(DAY, 3)},
        waived | {"code": "agreed", "known_at": noon(DAY, 4)},
        {"decision": "override", "code": "exam_partner", "exam_type": "nii", "known_at": noon(DAY, 5)},
    )  # fmt: skip
    [result] = ingest(workspace, "reviews", [path])
    assert (result.read, result.accepted, result.quarantined, result.duplicate) == (9, 3, 6, 0)
    with workspace.ledger(read_only=True) as ledger:
        kept = ledger.connection.execute("SELECT row_number, reasons FROM quarantine ORDER BY row_number").fetchall()
    assert kept == [
        (4, ["code: expected one for a shipment that is released anyway, got 'se_empty'"]),
        (5, ["shipment_id: expected one that the run speaks of, got 'S8'"]),
        (6, ["run_date: expected a day that was scored, got '2026-03-01'"]),
        (7, ["run_id: expected a run of 2026-03-02, got 'run 77'"]),
        (8, ["code: expected a code of its decision, got 'agreed'"]),
        (9, ["exam_type: expected another exam than the recommended, got 'nii'"]),
    ]
    [again] = ingest(workspace, "reviews", [path])
    assert (again.read, again.accepted, again.quarantined, again.duplicate) == (9, 0, 6, 3)
    assert states(workspace) == [(DAY, "S0", "waived"), (NEXT, "S0", "open")]


def test_a_row_accepted_once_is_a_duplicate_after_a_refresh_that_leaves_no_occasion_for_it(workspace, tmp_path):
    path = file_of(tmp_path / "reviews.parquet", {"decision": "waive", "code": "se_empty"})
    assert ingest(workspace, "reviews", [path])[0].accepted == 1
    with workspace.writing() as ledger:
        recommend(ledger, DAY, {"S0": None, "S1": None})
    assert ingest(workspace, "reviews", [path])[0].duplicate == 1


def test_a_file_agrees_with_the_command(workspace, tmp_path):
    """The same decision, once each way: the rows differ in how they came alone."""
    decide(workspace, replace(WAIVER, day=DAY))
    [by_command] = log(workspace)
    stated = {name: by_command[name] for name in ("known_at", "run_id", "text", "code", "decision")}
    assert ingest(workspace, "reviews", [file_of(tmp_path / "r.parquet", stated)])[0].duplicate == 1


# The list of codes.


def test_the_list_is_closed_and_each_code_says_what_it_means():
    codes = review_codes()
    assert len({each.code for each in codes}) == len(codes)
    assert {each.decision for each in codes} == set(DECISIONS)
    assert {each.effect for each in codes} == set(EFFECTS)
    for each in codes:
        assert each.meaning
        assert each.source
        assert each.conf in {"S", "M"}
        assert (each.effect == "waived") == (each.decision == "waive") == bool(each.result)
        assert (each.effect == "stands") == (each.decision == "accept")
        assert each.needs_text == ("text:" in each.meaning)


def test_waivers_are_of_the_two_kinds_that_outcomes_know():
    from riskscore import reference

    kinds = {each.result: each for each in review_codes("waive")}
    assert set(kinds) == set(reference.UNLABELLED) - {"not_examined"}
    articulable = [each for each in review_codes("waive") if each.result == "waived_articulable_reason"]
    assert all(each.needs_text for each in articulable)
    assert [each.code for each in articulable if each.data_error] == ["ar_data_error"]
