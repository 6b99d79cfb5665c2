"""What became of must-exams without a slot: every wait is told of by every morning until one says how it ended."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from riskscore.pipelines.carry_over import TakenOver, taken_over, waits
from tests.factories import DAY, append_rows, make_workspace, noon, outcomes, reviews, shipments
from tests.pipelines.recommended import recommend, unmet

BACK = {"decision": "accept", "code": "agreed"}
WAIVED = {"decision": "waive", "code": "se_empty"}


def day(number):
    return DAY + timedelta(number)


class Unit:
    """A ledger whose runs are put on record by hand, and mornings that take over from them."""

    def __init__(self, root):
        self.workspace = make_workspace(root)
        self.ledger = self.workspace.ledger()

    def tell(self, **rows):
        append_rows(self.workspace, self.ledger, **rows)

    def over(self, number, days=2, at=None):
        return taken_over(self.ledger, day(number), self.ledger.position if at is None else at, days)

    def score(self, number, names=(), *, days=2, held=(), **changed):
        """A run that leaves `names` without a slot and holds `held` of those that wait; what it took over."""
        over = self.over(number, days)
        record = over.as_record(one for one in over.waiting if one.shipment_id in held)
        everybody = dict.fromkeys([*names, "other"])
        recommend(self.ledger, day(number), everybody,
                  record=record | {"must_exam_unmet": [unmet(name) for name in names]} | changed)  # fmt: skip
        return over


@pytest.fixture
def unit(tmp_path):
    made = Unit(tmp_path / "ws")
    with made.ledger:
        yield made


def names(over):
    return [one.shipment_id for one in over.waiting]


def lapsed(over):
    return {one.exam.shipment_id: one.why for one in over.lapsed}


FACTS = {
    "deleted": [
        {"shipments": [{"version": 1, "action": "deleted", "filed_at": noon(DAY)}]},
        {"outcomes": [{"result": "bill_deleted"}]},
        {"outcomes": [{"result": "cargo_never_arrived", "exam_type": None}]},
    ],
    "examined": [
        {"outcomes": [{"result": "released_no_discrepancy"}]},
        {"outcomes": [{"result": "detained"}]},
        {"outcomes": [{"result": "seized", "hazard": "ipr"}], "reviews": [WAIVED]},
    ],
    "waived": [{"reviews": [WAIVED]}, {"outcomes": [{"result": "waived_standard_exception"}]}],
    "overridden": [
        {"reviews": [{"decision": "override", "code": "release_no_slot"}]},
        {"reviews": [{"decision": "override", "code": "exam_partner", "exam_type": "pga"}]},
    ],
    "moved": [{"shipments": [{"version": 1, "action": "amended", "filed_at": noon(DAY), "arrival_date": day(1)}]}],
    None: [
        {},
        {"reviews": [BACK]},
        {"outcomes": [{"result": "not_examined", "exam_type": None}]},
        {"reviews": [WAIVED, BACK | {"known_at": noon(DAY) + timedelta(hours=1)}]},
    ],
}
MADE = {"shipments": shipments, "outcomes": outcomes, "reviews": reviews}


def told(facts, known):
    """Rows of the tables about S0, known at noon of `known` where they do not say."""
    when = {"outcomes": {"exam_date": known, "known_at": noon(known)}, "reviews": {"known_at": noon(known)}}
    return {
        table: MADE[table](*[{"shipment_id": "S0"} | when.get(table, {}) | row for row in rows])
        for table, rows in facts.items()
    }


@pytest.mark.parametrize(("why", "facts"), [(why, facts) for why, listed in FACTS.items() for facts in listed])
def test_a_wait_ends_for_a_reason_on_the_morning_after_it_is_known(unit, why, facts):
    unit.tell(shipments=shipments({"shipment_id": "S0"}))
    unit.score(0, ["S0"])
    before = unit.ledger.position
    unit.tell(**told(facts, DAY))

    assert names(unit.over(1, at=before)) == ["S0"]
    assert names(unit.over(1)) == ["S0"] * (why is None)
    assert lapsed(unit.over(1)) == ({"S0": why} if why else {})


def test_it_lapses_when_its_days_are_over_once_and_for_good(unit):
    for number in range(5):
        over = unit.score(number, ["S0"] if number == 0 else [])
        assert names(over) == ["S0"] * (number in {1, 2})
        assert lapsed(over) == ({"S0": "no_slot"} if number == 3 else {})
    assert not names(unit.over(5, days=9))
    assert unit.ledger.run_of(day(1)).record["must_exam_waiting"][0]["until"] == day(2).isoformat()
    assert waits(unit.ledger.runs())["S0", DAY].why == "no_slot"


def test_days_without_a_run_and_fewer_days_to_wait_hide_no_lapse(unit):
    unit.score(0, ["S0"], days=9)
    assert lapsed(unit.over(30, days=0)) == {"S0": "no_slot"}
    assert names(unit.score(6, days=9)) == ["S0"]
    assert lapsed(unit.over(7)) == {"S0": "no_slot"}
    assert lapsed(unit.over(7, days=0)) == {"S0": "no_slot"}


def test_a_decision_taken_back_lets_it_wait_again_and_an_exam_does_not(unit):
    unit.score(0, ["S0", "S1"], days=9)
    unit.tell(reviews=reviews(WAIVED | {"shipment_id": "S0", "known_at": noon(DAY)}),
              outcomes=outcomes({"shipment_id": "S1", "exam_date": DAY, "known_at": noon(DAY)}))  # fmt: skip
    assert lapsed(unit.score(1, days=9)) == {"S0": "waived", "S1": "examined"}
    assert unit.score(2, days=9) == TakenOver(days=9)
    unit.tell(reviews=reviews(BACK | {"shipment_id": "S0", "known_at": noon(day(2))}))
    assert names(unit.score(3, days=9)) == ["S0"]
    unit.tell(reviews=reviews(WAIVED | {"shipment_id": "S0", "known_at": noon(day(3))}))
    assert lapsed(unit.over(4, days=9)) == {"S0": "waived"}


def test_of_several_orders_the_last_counts(unit):
    moved = {"shipment_id": "S0", "version": 1, "action": "amended", "filed_at": noon(DAY), "arrival_date": day(1)}
    unit.tell(shipments=shipments({"shipment_id": "S0"}, moved))
    unit.score(0, ["S0"], days=9)
    assert lapsed(unit.score(1, ["S0"], days=9)) == {"S0": "moved"}
    assert [(one.shipment_id, one.since) for one in unit.score(2, days=9, held=["S0"]).waiting] == [("S0", day(1))]
    assert unit.over(3, days=9) == TakenOver(days=9)


def test_records_of_an_older_version_are_taken_over_from_too(unit):
    unit.score(0, ["S0", "S1"])
    old = {"carried_over": [{"shipment_id": "S1", "port": "2704", "rule_id": "watch", "exam": "nii",
                             "since": DAY.isoformat()}], "must_exam_unmet": []}  # fmt: skip
    recommend(unit.ledger, day(1), {"other": None}, record=old)
    assert names(unit.over(2)) == ["S0"]
    assert lapsed(unit.over(3)) == {"S0": "no_slot"}


@pytest.mark.parametrize("seed", range(4))
def test_every_wait_is_told_of_by_every_morning_until_it_ends(unit, seed):
    """Held against a naive account, wait by wait."""
    rng, days = random.Random(seed), 3  # noqa: S311
    pending: dict[tuple[str, date], str] = {}
    said: dict[str, tuple[date, str]] = {}
    for number in range(9):
        today = day(number)
        expected = {}
        for (name, since), state in pending.items():
            why = next((word for known, word in [said.get(name, (today, ""))] if known < today), "")
            expected[name, since] = why or ("no_slot" if (today - since).days > days else state)
        fresh = [f"S{number}-{at}" for at in range(rng.randrange(4))]
        held = {name for name, _ in pending if rng.random() < 0.25}
        over = unit.score(number, fresh, days=days, held=held)

        assert {(one.shipment_id, one.since) for one in over.waiting} == {k for k, v in expected.items() if v == "wait"}
        assert {(w.exam.shipment_id, w.exam.since): w.why for w in over.lapsed} == {
            key: why for key, why in expected.items() if why != "wait"
        }
        record = unit.ledger.run_of(today).record
        parts = [record[key] for key in ("carried_over", "must_exam_waiting", "must_exam_lapsed")]
        assert sorted((one["shipment_id"], one["since"]) for part in parts for one in part) == sorted(
            (name, since.isoformat()) for name, since in expected
        )
        pending = {key: "wait" for key, why in expected.items() if why == "wait" and key[0] not in held}
        pending |= {(name, today): "wait" for name in fresh}
        for name, _ in [key for key in pending if rng.random() < 0.2]:
            said[name] = (today, "waived")
            unit.tell(reviews=reviews(WAIVED | {"shipment_id": name, "run_date": today, "known_at": noon(today)}))
