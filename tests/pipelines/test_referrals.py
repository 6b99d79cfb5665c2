"""Referrals: statuses held against a naive account, closed by evidence only, and the past left alone."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from riskscore import reference
from riskscore.models import label
from riskscore.pipelines.backtest.rows import findings
from riskscore.pipelines.referrals import LEFT_OUT, STATUSES, referrals
from riskscore.pipelines.train import read_labelled
from riskscore.reference.reviews import review_codes
from tests.factories import DAY, append_rows, noon, opened, outcomes, reviews, shipments
from tests.pipelines.recommended import recommend, unmet

CODES = {each.code: each for each in review_codes()}
LAST = DAY + timedelta(12)


def day(number):
    return DAY + timedelta(number)


# A country of chance: everything that may happen to a bill, a recommendation and an exam, in every order.


class World:
    """Facts by kind, each with the ledger position it came at, beside a ledger that holds the same."""

    def __init__(self, books, seed, size=60):
        self.books, self.size, self.rng = books, size, random.Random(seed)  # noqa: S311
        self.facts = {"shipments": [], "outcomes": [], "reviews": []}
        self.runs = []
        self.minute = 0

    def time(self, first, last):
        """Noon of a day of chance, and some minutes that nothing else has: no two facts are known at one time."""
        self.minute += 1
        return noon(day(self.rng.randint(first, last))) + timedelta(seconds=self.minute)

    def tell(self):
        """One command with facts of each kind."""
        told = {
            "shipments": shipments(*[row for n in range(self.size) for row in self.versions(f"S{n}")]),
            "outcomes": outcomes(*[self.outcome(f"S{n}") for n in range(self.size) if self.rng.random() < 0.7]),
            "reviews": reviews(*[self.review(f"S{n}") for n in range(self.size) if self.rng.random() < 0.7]),
        }
        append_rows(*self.books, **told)
        for kind, rows in told.items():
            self.facts[kind] += [row | {"seq": self.books[1].position} for row in rows]

    def versions(self, name):
        held = [row for row in self.facts["shipments"] if row["shipment_id"] == name]
        if held and self.rng.random() < 0.7:
            return
        action = "new" if not held else self.rng.choice(["amended", "amended", "deleted"])
        filed = self.time(-2, 6) if self.rng.random() < 0.8 else None
        yield {"shipment_id": name, "version": len(held), "action": action, "filed_at": filed,
               "arrival_date": day(self.rng.choice([-1, *[0, 1, 2] * 3, 3]))}  # fmt: skip

    def outcome(self, name):
        result = self.rng.choice([*reference.results(), *reference.UNLABELLED * 2])
        exam = day(self.rng.randint(-1, 4))
        return {"shipment_id": name, "exam_type": self.rng.choice([None, "nii", "intensive"]), "exam_date": exam,
                "hazard": self.rng.choice([None, "narcotics"]), "result": result,
                "waiver_code": self.rng.choice([None, "AR"]), "waiver_text": self.rng.choice([None, "as told"]),
                "known_at": self.time((exam - DAY).days, 8)}  # fmt: skip

    def review(self, name):
        code, who = self.rng.choice(list(CODES.values())), self.rng.choice(["Ada", "Bo"])
        return {"shipment_id": name, "run_date": day(self.rng.randint(0, 2)), "decision": code.decision,
                "code": code.code, "text": "as told", "known_at": self.time(0, 8),
                "exam_type": "lab" if code.effect == "exam" else None, "decided_by": who}  # fmt: skip

    def score(self, number):
        exams = {f"S{n}": self.rng.choice([None, "nii", "document"]) for n in range(self.size)}
        no_slot = [name for name, exam in exams.items() if exam is None and self.rng.random() < 0.4]
        record = {"must_exam_unmet": [unmet(name, "lab") for name in no_slot]}
        run = recommend(self.books[1], day(number), exams, record=record)
        self.runs.append((run, exams | dict.fromkeys(no_slot, "lab")))


def account(world, through, position):
    """The rows of `referrals`, one at a time and in no hurry."""
    latest = {run.run_date: exams for run, exams in world.runs if run.seq <= position and run.run_date <= through}
    facts = {kind: [row for row in rows if row["seq"] <= position] for kind, rows in world.facts.items()}
    for run_date, exams in sorted(latest.items()):
        for name, exam in sorted(exams.items()):
            if exam is not None:
                own = {kind: [row for row in rows if row["shipment_id"] == name] for kind, rows in facts.items()}
                yield {"run_date": run_date, "shipment_id": name, "exam_type": exam} | judge(own, run_date, through)


def judge(own, run_date, through):
    def known(row):
        return row["known_at"].date() <= through

    words = {}
    for row in sorted(filter(known, own["outcomes"]), key=lambda row: row["known_at"]):
        words[row["exam_type"], row["exam_date"], row["hazard"]] = row
    bill = max(
        (row for row in own["shipments"] if standing(row, through)), key=lambda row: row["version"], default=None
    )
    said = [row for row in own["reviews"] if known(row) and row["run_date"] == run_date]
    review = max(said, key=lambda row: row["known_at"], default=None)
    status, closed, waiver = status_of(words.values(), bill, review, run_date)
    found = {"status": status, "days_open": max(((closed or through) - run_date).days, 0)}
    found |= {"waiver_code": waiver and waiver[0], "waiver_text": waiver and waiver[1]}
    named = {"reviewed_by": "decided_by", "decision": "decision", "code": "code", "text": "text"}
    return found | {name: review[column] if review else None for name, column in named.items()}


def standing(row, through):
    if row["filed_at"] is None:
        return row["arrival_date"] <= through + timedelta(1)
    return row["filed_at"].date() <= through


def status_of(words, bill, review, run_date):
    """Status, the day that closed it (None = open), and code and text of the waiver."""
    gone = [row["known_at"].date() for row in words if row["result"] in {"cargo_never_arrived", "bill_deleted"}]
    if gone or (bill and bill["action"] == "deleted"):
        filed = bill and (bill["filed_at"].date() if bill["filed_at"] else bill["arrival_date"])
        return "deleted", min(gone) if gone else filed, None
    over = {*reference.CLEAR, *reference.POSITIVE}
    scored_late = any(row["result"] == "scored_after_release" for row in words)
    examined_before = any(row["result"] in over and row["exam_date"] < run_date for row in words)
    if scored_late or examined_before or (bill and bill["arrival_date"] < run_date):
        return "released_before", run_date, None
    after = [row for row in words if row["exam_date"] >= run_date]
    if done := [row for row in after if row["exam_type"] and row["result"] in {*over, "detained"}]:
        return "examined", min(row["known_at"] for row in done).date(), None
    said = [row for row in after if is_waiver(row)] + [review] * bool(review)
    return by_word(max(said, key=lambda row: row["known_at"])) if said else ("open", None, None)


def by_word(last):
    """The same, by the last word of analysts."""
    closed = last["known_at"].date()
    if "result" in last:
        return "waived", closed, (last["waiver_code"], last["waiver_text"])
    effect = CODES[last["code"]].effect
    if effect == "waived":
        return "waived", closed, (last["code"], last["text"])
    return ("overridden", closed, None) if effect == "release" else ("open", None, None)


def is_waiver(row):
    if row["result"] == "waived_standard_exception":
        return row["waiver_code"] is not None
    return row["result"] == "waived_articulable_reason" and None not in (row["waiver_code"], row["waiver_text"])


def rows_of(frame):
    """As plain values; null is None."""
    made = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [row | {"run_date": row["run_date"].date()} for row in made]


@pytest.mark.parametrize("seed", range(2))
def test_as_the_naive_account_says_on_every_morning_and_at_every_position(seed):
    with opened() as books:
        world, seen = World(books, seed), set()
        positions = []
        for runs in ((0, 1), (1, 2), ()):
            world.tell()
            for number in runs:
                world.score(number)
            positions.append(books[1].position)
        for position in positions:
            for through in map(day, (-1, 0, 1, 2, 4, 9)):
                found = rows_of(referrals(books[1], through, position))
                expected = list(account(world, through, position))
                assert (
                    [{name: row[name] for name in expected[0]} for row in found] == expected if expected else not found
                )
                seen |= {row["status"] for row in found}
        assert seen == set(STATUSES)


@pytest.mark.parametrize("seed", [7])
def test_what_comes_later_changes_nothing_before_it(seed):
    """Neither facts known later, whenever they are told, nor later positions."""
    with opened() as books:
        world = World(books, seed, size=40)
        world.tell()
        for number in range(3):
            world.score(number)
        position, mornings = books[1].position, [day(n) for n in range(4)]
        before = [referrals(books[1], through, position) for through in mornings]
        world.tell()
        world.score(1)
        assert [
            referrals(books[1], through, position).equals(old) for through, old in zip(mornings, before, strict=True)
        ]
        late = [noon(day(n)) for n in range(20, 24)]
        append_rows(*books, outcomes=outcomes(*[{"shipment_id": f"S{n}", "known_at": late[n % 4]} for n in range(40)]),
                    shipments=shipments(*[{"shipment_id": f"S{n}", "version": 9, "action": "deleted",
                                           "filed_at": late[n % 4]} for n in range(40)]))  # fmt: skip
        for through in mornings:
            now = rows_of(referrals(books[1], through, books[1].position))
            assert now == rows_of(referrals(books[1], through, books[1].position - 1))


# One fact at a time.


@pytest.fixture
def books():
    """A workspace and its ledger: S0 is recommended for nii on DAY."""
    with opened() as opened_books:
        append_rows(*opened_books, shipments=shipments({}, {}))
        recommend(opened_books[1], DAY, {"S0": "nii", "S1": None})
        yield opened_books


def status(books, through=LAST):
    [row] = rows_of(referrals(books[1], through, books[1].position))
    return row["status"], row["days_open"], row["waiver_code"]


def test_agreement_leaves_it_open_and_ageing(books):
    append_rows(*books, reviews=reviews({}))
    assert [status(books, day(n)) for n in (0, 1, 12)] == [("open", 0, None), ("open", 1, None), ("open", 12, None)]


@pytest.mark.parametrize(
    "outcome",
    [
        {"result": "not_examined"},
        {"result": "released_no_discrepancy", "exam_type": None},
        {"result": "duty_billed", "exam_type": None},
        {"result": "waived_standard_exception", "waiver_code": None, "waiver_text": "we know them"},
        {"result": "waived_articulable_reason", "waiver_code": "AR", "waiver_text": None},
        {"result": "waived_articulable_reason", "waiver_code": None, "waiver_text": "we know them"},
        {"result": "waived_standard_exception", "waiver_code": "", "waiver_text": None},
        {"result": "detained", "exam_date": day(-1), "known_at": noon(DAY)},
    ],
)
def test_what_is_no_evidence_closes_nothing(books, outcome):
    append_rows(*books, outcomes=outcomes({"exam_type": "nii"} | outcome))
    assert status(books) == ("open", 12, None)


def test_a_decision_about_another_day_closes_nothing(books):
    append_rows(*books, reviews=reviews({"run_date": day(1), "decision": "waive", "code": "se_empty"}))
    assert status(books)[0] == "open"


def test_a_waiver_withdrawn_opens_it_again_and_an_exam_counts_more_than_both(books):
    waived = {"decision": "waive", "code": "se_empty"}
    append_rows(*books, reviews=reviews(waived, {"known_at": noon(DAY, 2)}))
    assert [status(books, day(n)) for n in range(4)] == [
        ("waived", 0, "se_empty"), ("waived", 0, "se_empty"), ("open", 2, None), ("open", 3, None)]  # fmt: skip
    append_rows(*books, reviews=reviews(waived | {"known_at": noon(DAY, 3)}))
    assert status(books) == ("waived", 3, "se_empty")
    append_rows(*books, outcomes=outcomes({"exam_type": "lab", "result": "seized", "known_at": noon(DAY, 5)}))
    assert [status(books, day(4)), status(books)] == [("waived", 3, "se_empty"), ("examined", 5, None)]


def test_a_bill_deleted_later_leaves_the_account_of_that_morning_alone(books):
    gone = {"version": 1, "action": "deleted", "filed_at": noon(DAY, 3)}
    append_rows(*books, shipments=shipments(gone))
    assert [status(books, day(n))[0] for n in (2, 3)] == ["open", "deleted"]


def test_a_refresh_that_recommends_it_no_more_takes_the_referral_away(books):
    before = books[1].position
    recommend(books[1], DAY, {"S0": None, "S1": "lab"})
    assert list(referrals(books[1], LAST, books[1].position)["shipment_id"]) == ["S1"]
    assert list(referrals(books[1], LAST, before)["shipment_id"]) == ["S0"]


def test_no_run_no_referral():
    with opened() as (_, ledger):
        assert len(referrals(ledger, DAY, ledger.position)) == 0


# What the statuses promise of training.


def labelled(books, as_of=LAST):
    workspace, ledger = books
    shipped, labels = read_labelled(workspace, ledger, as_of, ledger.position)
    assert list(shipped.index) == list(labels.index)
    return labels


def test_a_waiver_labels_nothing_neither_as_review_nor_as_outcome(books):
    """The waived are not examined: held against a shipment that was, and is clear."""
    words = [{"shipment_id": "S0", "result": result, "waiver_code": "AR", "waiver_text": "as told", "exam_type": "nii",
              "hazard": hazard}
             for result in ("waived_standard_exception", "waived_articulable_reason")
             for hazard in (None, "narcotics")]  # fmt: skip
    clear = {"shipment_id": "S1", "exam_type": "nii", "result": "released_no_discrepancy"}
    for word in words:
        assert list(label(frame_of(word, clear)).index) == ["S1"]
    append_rows(*books, outcomes=outcomes(words[0], clear))
    before = labelled(books)
    append_rows(*books, reviews=reviews({"decision": "waive", "code": "se_empty"},
                                        {"shipment_id": "S1", "decision": "override", "code": "exam_partner",
                                         "exam_type": "lab"}))  # fmt: skip
    assert list(before.index) == ["S1"]
    assert labelled(books).equals(before)
    assert status(books)[0] == "waived"


def frame_of(*named):
    import pandas as pd

    return pd.DataFrame(outcomes(*named))


@pytest.mark.parametrize(
    "fact",
    [
        {"shipments": shipments({"version": 1, "action": "deleted", "filed_at": noon(DAY, 2)})},
        {"outcomes": outcomes({"result": "bill_deleted", "exam_type": None, "known_at": noon(DAY, 2)})},
        {"outcomes": outcomes({"result": "cargo_never_arrived", "exam_type": None, "known_at": noon(DAY, 2)})},
        {"outcomes": outcomes({"result": "scored_after_release", "exam_type": None, "known_at": noon(DAY, 2)})},
    ],
)
def test_what_is_left_out_of_performance_has_no_label_from_the_next_morning_on(books, fact):
    """Deleted bills and scores after release (GAO-15-294): found by an exam, and out of every label all the same."""
    append_rows(*books, outcomes=outcomes({"exam_type": "nii", "result": "seized", "hazard": "narcotics"}))
    append_rows(*books, **fact)
    assert [status(books, day(n))[0] in LEFT_OUT for n in (1, 2)] == [False, True]
    assert [list(labelled(books, day(n + 1)).index) for n in (1, 2)] == [["S0"], []]
    backtested = [findings(*books, day(n + 1), books[1].position).labels for n in (1, 2)]
    assert [list(some.index.get_level_values("shipment_id")) for some in backtested] == [["S0"], []]


@pytest.mark.parametrize(("known", "exam", "morning", "chance"), [
    (5, 0, 0, 0.25),  # the ordinary case of a moved arrival: the second score came after the exam
    (5, 3, 3, 0.5),  # it was examined when it came
    (2, 0, 0, 0.25),  # known before the second morning
    (5, -2, 3, 0.5),  # examined before any morning, abroad: the last counts, as ever
])  # fmt: skip
def test_a_label_belongs_to_the_last_score_before_its_exam(known, exam, morning, chance):
    """Scored for DAY, and again three days on, when the arrival was moved: which of the scores could order the exam?"""
    moved = {"shipment_id": "S0", "version": 1, "action": "amended", "arrival_date": day(3), "filed_at": noon(DAY, 1)}
    found = {"exam_type": "nii", "exam_date": day(exam), "known_at": noon(DAY, known), "inclusion_probability": None}
    with opened() as books:
        append_rows(*books, shipments=shipments({}, moved))
        for number, given in ((0, 0.25), (3, 0.5)):
            recommend(books[1], day(number), {"S0": "nii"}, chances={"S0": given})
        append_rows(*books, outcomes=outcomes(found))
        shipped, labels = read_labelled(*books, LAST, books[1].position)
    assert [stamp.date() for stamp in shipped["arrival_date"]] == [day(morning)]
    assert 1 / labels["weight_narcotics"].iloc[0] == chance
