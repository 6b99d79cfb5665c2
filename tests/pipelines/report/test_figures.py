"""Every figure of the page, computed a second time from the published Parquet and the facts that went in."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from statistics import median

import pyarrow.parquet as pq
import pytest

from riskscore import reference
from riskscore.pipelines.report.past import DAYS, LEAST_PEERS, MOST_PRICES, PEER_DAYS
from riskscore.publication import recommendations_path
from tests.factories import DAY

CLOSE = pytest.approx


@pytest.fixture(scope="module")
def published(day):
    path = recommendations_path(day.workspace.out, DAY)
    return pq.ParquetFile(path).read().to_pylist()


@pytest.fixture(scope="module")
def examine(published):
    return [row for row in published if row["recommendation"] == "examine"]


def near(value):
    return CLOSE(value, rel=1e-6)


def test_the_rows_are_the_published_ones(data, examine):
    assert [row["id"] for row in data["rows"]] == [row["shipment_id"] for row in examine]
    for shown, row in zip(data["rows"], examine, strict=True):
        for name in ("port", "priority", "exam_type", "arm", "version"):
            assert shown[name] == row[name]
        for name in ("center", "rule_id", "stratum", "programme_credit"):
            assert shown.get(name) == row.get(name)
        assert shown["risk"] == near(row["risk_score"])
        assert shown["harm"] == near(row["expected_harm_usd"])
        assert shown["chance"] == near(row["inclusion_probability"])
        assert shown["hazards"] == {k: near(v) for k, v in row["hazard_scores"].items() if v is not None}
        assert shown["exams"] == {k: near(v) for k, v in row["exam_probabilities"].items() if v}
        for reason, given in zip(shown["reasons"], row["reasons"], strict=True):
            assert reason == {k: near(v) if k == "contribution" else v for k, v in given.items() if v is not None}


def test_the_declaration_is_the_one_filed(day, data):
    filed = {row["shipment_id"]: row for row in day.live}
    for row in data["rows"]:
        for name in ("importer_id", "importer_name", "hts", "origin_country", "mode", "foreign_port"):
            assert row["declared"].get(name) == filed[row["id"]][name]
        assert row["declared"]["value_usd"] == near(filed[row["id"]]["value_usd"])
        assert row["price"] == near(filed[row["id"]]["value_usd"] / filed[row["id"]]["weight_kg"])
        assert row["declared"]["arrival_date"] == DAY.isoformat()


def test_the_totals(data, published, examine):
    released = [row for row in published if row["recommendation"] == "release"]
    assert data["figures"]["total"] == {
        "arrivals": len(published),
        "examine": len(examine),
        "released": len(released),
        "finds": near(sum(row["risk_score"] for row in examine)),
        "risk_of_all": near(sum(row["risk_score"] for row in published)),
        "harm_usd": near(sum(row["expected_harm_usd"] for row in examine)),
        "highest_released": near(max(row["risk_score"] for row in released)),
    }


def test_the_ports(day, data, published, examine):
    with day.workspace.ledger(read_only=True) as ledger:
        record = ledger.run_of(DAY).record
    slots = record["slots"]
    assert [row["port"] for row in data["figures"]["ports"]] == sorted({row["port"] for row in published})
    for row in data["figures"]["ports"]:
        here = [each for each in published if each["port"] == row["port"]]
        arms = Counter(each["arm"] for each in here)
        assert row["arrivals"] == len(here) == slots[row["port"]]["arrivals"]
        assert row["capacity"] == slots[row["port"]]["capacity"]
        assert row["used"] == slots[row["port"]]["used"] == len(here) - arms["none"]
        assert {arm: row[arm] for arm in ("must_exam", "risk", "random_floor", "novelty")} == {
            arm: arms[arm] for arm in ("must_exam", "risk", "random_floor", "novelty")
        }
        assert row["carried"] == Counter(each["port"] for each in record["carried_over"])[row["port"]]
        assert row["finds"] == near(sum(each["risk_score"] for each in here if each["arm"] != "none"))
        assert row["highest_released"] == near(max(e["risk_score"] for e in here if e["arm"] == "none"))


@pytest.mark.parametrize(("figure", "column"), [("arms", "arm"), ("exams", "exam_type"), ("centers", "center")])
def test_the_groups(data, examine, figure, column):
    shown = {row.get("name"): (row["shipments"], row["finds"]) for row in data["figures"][figure]}
    assert shown == {
        name: (count, near(sum(row["risk_score"] for row in examine if row[column] == name)))
        for name, count in Counter(row[column] for row in examine).items()
    }


def test_the_hazards(data, published, examine):
    shown = {row["name"]: (row["finds"], row["of_all"]) for row in data["figures"]["hazards"]}
    assert shown == {
        hazard: tuple(near(sum(row["hazard_scores"][hazard] for row in rows)) for rows in (examine, published))
        for hazard in reference.learned_hazards()
    }


def test_what_the_run_recorded(day, data):
    with day.workspace.ledger(read_only=True) as ledger:
        record = ledger.run_of(DAY).record
    assert data["figures"]["counts"] == record["counts"]
    assert data["figures"]["findings"] == record["findings"]
    assert data["figures"]["carried"] == record["carried_over"]
    assert data["figures"]["waiting"] == record["must_exam_waiting"]
    assert [row["why"] for row in data["figures"]["lapsed"]] == ["no slot in time"]
    assert data["figures"]["drift"] == record["drift"]
    assert len(data["figures"]["unmet"]) == len(record["must_exam_unmet"])
    assert sum(row["rows"] for row in data["figures"]["refused"]) == 2


def test_a_trader_s_months(day, data):
    since = DAY - timedelta(DAYS)
    counted = defaultdict(Counter)
    for row in day.past:
        if since <= row["arrival_date"] < DAY:
            counted[row["importer_id"]][f"{row['arrival_date']:%Y-%m}"] += 1
    shown = {key: dict(trader.get("months", [])) for key, trader in data["traders"].items()}
    assert shown
    assert shown == {key: dict(counted[key.removeprefix("importer ")]) for key in shown}


def test_a_trader_s_exams_are_those_known_that_morning(day, data):
    since, arrived = DAY - timedelta(DAYS), {row["shipment_id"]: row for row in day.past}
    known = [row for row in day.results if row["known_at"].date() < DAY]
    expected = defaultdict(list)
    for row in known:
        if arrived[row["shipment_id"]]["arrival_date"] >= since:
            expected[arrived[row["shipment_id"]]["importer_id"]].append(row)
    assert any(row["known_at"].date() >= DAY for row in day.results), "nothing that must not be seen"
    assert any(expected.values())
    for key, trader in data["traders"].items():
        exams = expected[key.removeprefix("importer ")]
        hits = [row for row in exams if row["result"] == "seized"]
        assert trader.get("examined", 0) == len(exams)
        assert trader.get("hits", 0) == len(hits)
        assert trader.get("found_usd", 0) == near(sum(row["amount_usd"] for row in hits))
        shown = {(e["shipment_id"], e["exam_date"], e["result"]) for e in trader.get("exams", [])}
        assert shown == {
            (row["shipment_id"], row["exam_date"].isoformat(), "hit" if row in hits else "clear") for row in exams
        }


def test_a_trader_s_standing_had_begun(day, data):
    for key, trader in data["traders"].items():
        [own] = [row for row in day.statuses if f"importer {row['trader_id']}" == key]
        begun = own["valid_from"] <= DAY and own["known_at"].date() < DAY
        assert [row["ctpat_tier"] for row in trader["statuses"]] == ([own["ctpat_tier"]] if begun else [])


def test_the_prices_of_peers(day, data):
    since = DAY - timedelta(PEER_DAYS)
    for key, peers in data["peers"].items():
        prefix, origin = key.split(" ")
        prices = sorted(
            row["value_usd"] / row["weight_kg"]
            for row in day.past
            if row["hts"].startswith(prefix) and row["origin_country"] == origin and since <= row["arrival_date"] < DAY
        )
        assert peers["n"] == len(prices) >= LEAST_PEERS
        assert peers["quantiles"][2] == near(median(prices))
        assert len(peers["prices"]) == min(len(prices), MOST_PRICES)
        assert peers["prices"][0] == near(prices[0])
        if len(prices) <= MOST_PRICES:
            assert peers["prices"] == [near(price) for price in prices]
    assert all(
        row["peers"] == f"{row['declared']['hts'][:6]} {row['declared']['origin_country']}" for row in data["rows"]
    )


def test_what_an_exam_sees_is_the_reference_table(data):
    for exam, sees in data["words"]["sees"].items():
        assert sees == {hazard: reference.sensitivity()[exam, hazard] for hazard in reference.hazards()}
