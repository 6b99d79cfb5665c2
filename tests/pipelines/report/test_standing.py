"""The standing reports: every count a second time, from the facts that went in."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from riskscore import reference
from riskscore.config import Exam
from riskscore.pipelines.backtest.numbers import dollars, times
from riskscore.pipelines.report import centers, trusted
from riskscore.pipelines.report.year import DAYS, exam_rate, hit_rate, read_year
from riskscore.reference import PACKAGED, examinations
from tests.factories import DAY
from tests.pipelines.report import days


@pytest.fixture(scope="module")
def opened(day):
    with day.workspace.ledger(read_only=True) as ledger:
        yield ledger, ledger.run_of(DAY).position


@pytest.fixture(scope="module")
def year(opened):
    ledger, position = opened
    return read_year(ledger, DAY, position)


@pytest.fixture(scope="module")
def arrived(day):
    """The year's arrivals, each with what was known of it by then."""
    known = {row["shipment_id"]: row for row in day.results if row["known_at"].date() < DAY}
    events = Counter(
        row["shipment_id"] for row in day.events if row["known_at"].date() < DAY and row["status"] != "withdrawn"
    )
    return [
        {**row, "result": known.get(row["shipment_id"]), "events": events[row["shipment_id"]]}
        for row in day.past
        if DAY - timedelta(DAYS) <= row["arrival_date"] < DAY
    ]


def status_of(day, importer, morning):
    """The only record of an importer, where it had begun and was known that morning."""
    found = [row for row in day.statuses if row["trader_id"] == importer and row["valid_from"] <= morning]
    return next((row for row in found if row["known_at"].date() < morning), None)


def amounts(rows):
    return sum(row["result"]["amount_usd"] or 0 for row in rows if hit(row))


def hit(row):
    return row["result"] is not None and row["result"]["result"] in reference.POSITIVE


def lines(table):
    return {name: [cell.value for cell in cells] for name, cells in table["rows"]}


def test_the_year_is_what_was_known(year, arrived):
    assert sorted(year.arrivals.index) == sorted(row["shipment_id"] for row in arrived)
    for row in arrived:
        shown = year.arrivals.loc[row["shipment_id"]]
        assert shown["examined"] == (row["result"] is not None)
        assert shown["hit"] == hit(row)
        assert shown["post_entry"] == row["events"]
        assert shown["amount_usd"] == pytest.approx(amounts([row]))


def test_each_center_s_line(day, opened, year, arrived):
    made = lines(centers.table(centers.by_center(year, *opened), {}))
    groups = defaultdict(list)
    for row in arrived:
        status = status_of(day, row["importer_id"], DAY)
        groups[(status and status["center"]) or centers.NOT_ON_RECORD].append(row)
    assert len(groups) > 2
    assert set(made) == {*groups, "all"}
    for center, rows in [*groups.items(), ("all", arrived)]:
        importers = {row["importer_id"] for row in rows} - {None}
        partners = [
            importer
            for importer in importers
            if (own := status_of(day, importer, DAY))
            and (own["ctpat_tier"] or own["isa_member"] or own["ctpat_trade_compliance"])
        ]
        exams = sum(row["result"] is not None for row in rows)
        assert made[center][:5] == [
            str(number) for number in (len(importers), len(partners), len(rows), sum(r["events"] for r in rows), exams)
        ]
        assert made[center][-1] == dollars(amounts(rows))


def test_each_tier_s_record(day, opened, year, arrived):
    rows = trusted.by_standing(year, *opened)
    made = lines(trusted.record(rows, "tier", trusted.TIERS, ""))
    groups = defaultdict(list)
    for row in arrived:
        status = status_of(day, row["importer_id"], row["arrival_date"])
        tier = (status["ctpat_tier"] or 0) if status else 0
        groups[trusted.TIERS[tier] if row["importer_id"] else trusted.UNSTATED].append(row)
    assert set(made) == set(groups)
    rates = {name: sum(r["result"] is not None for r in mine) / len(mine) for name, mine in groups.items()}
    for name, mine in groups.items():
        exams = sum(row["result"] is not None for row in mine)
        assert made[name][:2] == [str(len(mine)), str(exams)]
        assert made[name][-1] == dollars(amounts(mine))
        assert made[name][3] == ("1" if name == "no tier" else times(rates[name] / rates["no tier"]))


def test_rates_have_intervals_around_them(year):
    for figure in (exam_rate(year.arrivals), hit_rate(year.arrivals)):
        assert 0 < figure.low < figure.value < figure.high < 1
    assert math.isnan(hit_rate(year.arrivals.iloc[:0]).value)


def test_what_is_pending_is_in_no_hit_rate(year):
    rows = year.arrivals[year.arrivals["examined"]]
    clear = rows.index[~rows["hit"]][:3]
    held_up = rows.assign(pending=rows.index.isin(clear))
    assert hit_rate(held_up).rows == hit_rate(rows).rows - 3
    assert hit_rate(held_up).positives == hit_rate(rows).positives


def test_what_exams_took(opened, year):
    rows = trusted.by_standing(year, *opened)
    costs = {exam: Exam(cost_usd=100.0) for exam in reference.exams()}
    made = lines(trusted.cost(rows, year.exams, "tier", trusted.TIERS, costs, PACKAGED))
    for tier, line in made.items():
        mine = rows[rows["tier"] == tier]
        held = year.exams[year.exams["shipment_id"].isin(mine.index)]["exam_type"]
        spans = [fact.value.cost_usd for exam in held if (fact := examinations.examination(exam)) and fact.value]
        least = sum(span.low for span in spans if span)
        assert line[0] == str(len(held))
        assert line[2].startswith(f"{least:,.0f}")
        assert line[3] == dollars(100 * len(held))
        assert line[4] == times(mine["amount_usd"].sum() / (100 * len(held)))


def test_without_costs_there_is_no_return(opened, year):
    rows = trusted.by_standing(year, *opened)
    made = lines(trusted.cost(rows, year.exams, "tier", trusted.TIERS, {}, PACKAGED))
    assert {tuple(line[3:]) for line in made.values()} == {("not given", "not measurable")}


def test_the_pages_are_written_and_hostile_names_only_read(bad_written):
    assert [path.name for path in bad_written.files[3:]] == ["centers.html", "trusted.html"]
    for path in bad_written.files[3:]:
        text = path.read_text(encoding="utf-8")
        assert days.PWNED not in text
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
        assert "<script" not in text


def test_an_empty_year_has_pages(tmp_path):
    made = days.make(tmp_path / "ws", arrivals=1, examine=1)
    with made.workspace.ledger(read_only=True) as ledger:
        empty = read_year(ledger, DAY - timedelta(5_000), 1)
        rows = centers.by_center(empty, ledger, 1)
    assert centers.table(rows, {})["rows"] == []
    assert trusted.record(rows.assign(tier=""), "tier", trusted.TIERS, "")["rows"] == []
