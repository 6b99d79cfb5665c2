"""Rules over past runs: planted faults are found on their day and not before."""

from datetime import date, timedelta

import pandas as pd
import pytest

from riskscore.config import Config, MustExam
from riskscore.ledger import Run
from riskscore.selection import match
from riskscore.selection.rule_history import rule_history

START = date(2026, 1, 1)
LIVE = 4


def rule(name="r1", **said):
    where = [{"column": "hts", "op": "eq", "value": name}]
    return MustExam(**{"id": name, "exam": "nii", "owner": "port", "reason": "why", "where": where} | said)


def day(at):
    return START + timedelta(at)


def run(at, rules, matches=None, live=LIVE, old=False):
    """A run in which each rule of `matches` meets that many of `live` shipments; `old` = as recorded before."""
    shares = matches or {}
    first = next(iter(rules)).id if rules else ""
    hts = pd.array([first if row < shares.get(first, 0) else "x" for row in range(live)], dtype="str")
    report = match(rules, pd.DataFrame({"hts": hts}, index=[f"S{row}" for row in range(live)]), day(at)).report
    said = [report.as_record() for report in report]
    if old:
        said = [{name: one[name] for name in ("rule_id", "matches", "flag")} for one in said]
    config = Config.model_construct(must_exam=tuple(rules)).model_dump(mode="json")
    record = {"config": {"must_exam": config["must_exam"]}, "rules": said, "slots": {"P1": {"arrivals": live}}}
    return Run(at, day(at), f"run {at}", at, "", record)


def runs(days, rules, **matches):
    """A run a day; `matches` by rule: how many on the day numbered so."""
    return [run(at, rules, {name: of(at) for name, of in matches.items()}) for at in range(days)]


def findings(found):
    return {(one.rule_id, one.version): one.findings for one in found}


@pytest.mark.parametrize("old", [False, True])
def test_a_rule_is_counted_over_its_days(old):
    past = [run(at, [rule()], {"r1": at % 3}, old=old) for at in range(6)]
    [one] = rule_history(past, day(5), days=3)
    assert (one.first_day, one.last_day, one.days) == (day(0), day(5), 6)
    assert (one.first_match, one.last_match) == (day(1), day(5))
    assert (one.matches, one.shipments) == (0 + 1 + 2, 3 * LIVE)
    assert (one.digest, one.owner, one.exam, one.findings) == (rule().digest(), "port", "nii", ())


def test_silence_is_found_on_its_day_and_not_before():
    past = runs(40, [rule()], r1=lambda at: at == 5)
    assert findings(rule_history(past, day(34))) == {("r1", 1): ()}
    assert findings(rule_history(past, day(35))) == {("r1", 1): (f"matched nothing for 30 days, since {day(5)}",)}


def test_a_rule_that_never_matched_is_given_its_time():
    past = runs(40, [rule()])
    assert findings(rule_history(past, day(28))) == {("r1", 1): ()}
    assert findings(rule_history(past, day(29))) == {("r1", 1): ("matched nothing for 30 days, and never before",)}


def test_days_without_a_run_are_no_silence():
    past = runs(3, [rule()])
    assert findings(rule_history(past, day(300))) == {("r1", 1): ()}


def test_a_day_without_shipments_says_nothing():
    [one] = rule_history([run(0, [rule()], live=0)], day(0))
    assert (one.first_day, one.days, one.findings) == (None, 0, ())


def test_a_rule_that_takes_everything_is_found_at_once():
    past = runs(10, [rule()], r1=lambda at: LIVE if at in {3, 4} else 1)
    found = (f"matched everything on 2 of 10 days, last on {day(4)}",)
    assert findings(rule_history(past, day(9))) == {("r1", 1): found}
    assert findings(rule_history(past, day(9), days=5)) == {("r1", 1): ()}
    assert findings(rule_history(past[:3], day(2))) == {("r1", 1): ()}


@pytest.mark.parametrize(
    ("left", "words"),
    [(-1, ("expired on 2026-01-09",)), (0, ("expires on 2026-01-10",)), (14, ("expires on 2026-01-24",)), (15, ())],
)
def test_the_end_of_a_rule_is_announced(left, words):
    past = runs(10, [rule(expires=day(9 + left))], r1=lambda _: 1)
    assert findings(rule_history(past, day(9))) == {("r1", 1): words}


@pytest.mark.parametrize(
    ("begins", "words"),
    [(12, ()), (13, ("expires on 2026-01-12, the next version begins on 2026-01-14",))],
)
def test_a_version_that_follows_is_no_gap(begins, words):
    rules = [rule(expires=day(11)), rule(version=2, valid_from=day(begins))]
    past = runs(10, rules, r1=lambda _: 1)
    assert findings(rule_history(past, day(9)))["r1", 1] == words


def test_a_rule_that_another_version_has_followed_is_no_finding():
    rules = [rule(expires=day(3)), rule(version=2, valid_from=day(6))]
    past = runs(10, rules, r1=lambda _: 1)
    first, second = rule_history(past, day(9))
    assert (first.findings, first.last_day, second.first_day) == ((), day(3), day(6))
    assert second.findings == ()


def test_a_text_that_changed_under_one_version_is_named():
    other = rule(reason="because")
    past = [run(at, [rule() if at < 4 else other], {"r1": 1}) for at in range(8)]
    [one] = rule_history(past, day(7))
    assert one.findings == (f"its text changed on {day(4)} without a new version",)
    assert (one.digest, one.reason) == (other.digest(), "because")


def test_a_rule_taken_out_is_named_for_a_while():
    both, one = [rule(), rule("r2")], [rule()]
    past = [run(at, both if at < 5 else one, {"r1": 1}) for at in range(10)]
    assert findings(rule_history(past, day(9), days=6)) == {
        ("r1", 1): (), ("r2", 1): (f"taken out of the configuration after {day(4)}",),
    }  # fmt: skip
    assert findings(rule_history(past, day(9), days=5)) == {("r1", 1): ()}


def test_later_runs_and_the_order_of_runs_do_not_matter():
    past = runs(10, [rule(), rule("r2")], r1=lambda at: at % 2)
    assert rule_history(past[::-1], day(6)) == rule_history(past[:7], day(6))
    assert [one.rule_id for one in rule_history(past, day(6))] == ["r1", "r2"]


def test_what_a_record_says_of_rules_that_are_not_configured_is_left_out():
    past = run(0, [rule()], {"r1": 1})
    past.record["rules"].append({"rule_id": "high-risk-threshold", "matches": 2, "flag": ""})
    assert [one.rule_id for one in rule_history([past], day(0))] == ["r1"]


def test_no_runs_and_no_rules():
    assert rule_history([], START) == ()
    assert rule_history([run(5, [])], day(4)) == ()
    assert rule_history([run(5, [])], day(5)) == ()
