"""The closed loop: no truth and no future reaches a policy; figures against cases counted by hand."""

import dataclasses
import math
from functools import partial

import loop
import loop_figures
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loop_country import KINDS, STANDING, Country, ExamRoom, Size
from loop_life import FEATURES, Log, inputs, live
from loop_policies import BLIND, EXAM, OURS, TRAININGS, Legacy, Oracle, Random, TopK, Week
from loop_record import NAMES, Results, hazard_rates, track_record

from riskscore import config, reference
from riskscore.selection.values import expected_finds
from riskscore.simulator import exams, lists

SIZE = Size(weeks=9, per_week=200, warm_up=4)
FAST = config.Model(trees=8, leaves=4)
FLOOR = TopK("floor", TRAININGS["ipw + recency"])


def small_country(seed=0, size=SIZE):
    """A country of 30 importers, a third of them bad, made without the simulator's files."""
    rng = np.random.default_rng(seed)
    n = size.weeks * size.per_week
    day = np.sort(rng.integers(0, 7 * size.weeks, n))
    importer = rng.integers(-1, 30, n)
    shipments = pd.DataFrame(
        {
            "arrival_date": pd.Timestamp("2025-01-06") + pd.to_timedelta(day, "D"),
            "port": "2704",
            "legacy_score": rng.random(n),
            "legacy_exam": rng.choice(["document", "nii"], n),
            **{name: rng.integers(0, 3, n).astype(float) for name in STANDING},
        },
        index=pd.Index([f"S{at:05d}" for at in range(n)], name="shipment_id"),
    )
    bad = rng.random((n, len(lists.HAZARDS))) < np.where(importer % 3 == 0, 0.12, 0.005)[:, None]
    room = ExamRoom(seed, shipments[["arrival_date"]], bad, np.full(n, 1000.0))
    entities = {kind: importer if "importer" in kind else rng.integers(-1, 9, n) for kind in KINDS}
    week = day // 7
    warm = np.flatnonzero((week < size.warm_up) & (rng.random(n) < 0.3))
    past = room.outcomes(warm, np.full(len(warm), EXAM, object), np.full(len(warm), "random", object), warm * 0 + 0.3)
    monday = shipments["arrival_date"].iloc[0].date()
    return Country(size, seed, pd.Timestamp("2025-01-06").date(), 6, shipments, week, entities, past), room, monday


@pytest.fixture(scope="module")
def country_and_room():
    country, room, _ = small_country()
    return country, room


@pytest.fixture(scope="module")
def lived(country_and_room):
    return live(*country_and_room, FLOOR, FAST)


def with_hazards(room, rows):
    """The room with the truth of some shipments turned round: the clean are hazardous, the hazardous clean."""
    hazards = room.hazards.copy()
    hazards[rows] = ~hazards[rows].any(axis=1, keepdims=True)
    return dataclasses.replace(room, hazards=hazards)


def test_truth_of_unexamined_shipments_reaches_no_score_and_no_pick(country_and_room, lived):
    country, room = country_and_room
    known = lived.examined | country.shipments.index.isin(country.past["shipment_id"])
    again = live(country, with_hazards(room, np.flatnonzero(~known)), FLOOR, FAST)
    np.testing.assert_array_equal(again.examined, lived.examined)
    np.testing.assert_array_equal(again.score, lived.score)
    np.testing.assert_array_equal(again.records, lived.records)


@pytest.mark.parametrize("week", [5, 7])
def test_the_future_reaches_no_feature_and_no_pick_of_the_past(country_and_room, lived, week):
    country, room = country_and_room
    later = country.week >= week
    again = live(country, with_hazards(room, np.flatnonzero(later)), FLOOR, FAST)
    so_far = country.week <= week  # what arrives in the week itself is examined after it was chosen
    np.testing.assert_array_equal(again.examined[so_far], lived.examined[so_far])
    np.testing.assert_array_equal(again.score[so_far], lived.score[so_far])
    np.testing.assert_array_equal(again.records[so_far], lived.records[so_far])
    assert not np.array_equal(again.records[~so_far], lived.records[~so_far], equal_nan=True)


def test_results_known_later_reach_nothing_before_they_are_known(country_and_room, lived):
    country, room = country_and_room
    cut = pd.Timestamp(country.first_day(6), tz="UTC")
    late = country.past["known_at"].quantile(0.7)
    assert late < cut
    past = country.past.assign(result=np.where(country.past["known_at"] < late, country.past["result"], "seized"))
    again = live(dataclasses.replace(country, past=past), room, FLOOR, FAST)
    mondays = pd.Timestamp(country.monday, tz="UTC") + pd.to_timedelta(7 * country.week, "D")
    before = np.asarray(mondays <= late)
    np.testing.assert_array_equal(again.records[before], lived.records[before])
    assert not np.array_equal(again.records[~before], lived.records[~before], equal_nan=True)


def test_the_log_gives_the_latest_word_known_before_the_morning():
    rows = pd.DataFrame(
        {
            "shipment_id": "S1",
            "exam_type": "intensive",
            "exam_date": pd.Timestamp("2025-01-06"),
            "hazard": ["ipr", "ipr", "ipr"],
            "result": ["detained", "seized", "released_no_discrepancy"],
            "known_at": pd.to_datetime(["2025-01-07T08:00", "2025-01-12T23:59", "2025-01-13T00:00"], utc=True),
        }
    )
    known = Log([rows.iloc[[2]], rows.iloc[:2]]).known(pd.Timestamp("2025-01-13").date())
    assert known["result"].tolist() == ["seized"]


def naive_record(country, rows, results, week):
    """The features of loop_record, one shipment and one exam at a time."""
    exams_known = list(zip(results.rows, results.hit, results.known_week, strict=True))
    table = []
    for at in range(rows.start, rows.stop):
        line = []
        for kind in ("importer", "consignee", "shipper", "manufacturer", "filer", "importer_x_hs4", "hs4_x_origin"):
            codes = country.entities[kind]
            own = [hit for row, hit, _ in exams_known if codes[at] >= 0 and codes[row] == codes[at]]
            usual = np.mean([hit for _, hit, _ in exams_known])
            line.append((sum(own) + 10 * usual) / (len(own) + 10) if codes[at] >= 0 else math.nan)
        codes = country.entities["importer"]
        own = [(hit, seen) for row, hit, seen in exams_known if codes[at] >= 0 and codes[row] == codes[at]]
        decayed = [(hit, 0.5 ** ((week - seen) / 13)) for _, hit, seen in exams_known]
        usual = sum(w for hit, w in decayed if hit) / sum(w for _, w in decayed)
        recent = [(hit, 0.5 ** ((week - seen) / 13)) for hit, seen in own]
        hits = [seen for hit, seen in own if hit]
        rate = (sum(w for hit, w in recent if hit) + 10 * usual) / (sum(w for _, w in recent) + 10)
        known = codes[at] >= 0
        line += [len(own) if known else math.nan, len(hits) if known else math.nan, rate if known else math.nan]
        table.append([*line, week - max(hits) if hits else math.nan])
    return np.array(table, dtype=float)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), many=st.integers(1, 30))
def test_track_records_are_those_counted_one_by_one(seed, many):
    country, _, _ = small_country(1, Size(weeks=6, per_week=15, warm_up=2))
    rng = np.random.default_rng(seed)
    results = Results(rng.choice(60, many, replace=False), rng.random(many) < 0.4, rng.integers(1, 4, many))
    rows = country.rows(4)
    found = track_record(country, rows, results, 4)
    assert found.shape == (rows.stop - rows.start, len(NAMES))
    np.testing.assert_allclose(found, naive_record(country, rows, results, 4), rtol=1e-12)


def test_without_a_result_there_is_no_rate():
    country, _, _ = small_country(1, Size(weeks=6, per_week=15, warm_up=2))
    nothing = Results(np.zeros(0, int), np.zeros(0, bool), np.zeros(0, int))
    found = pd.DataFrame(track_record(country, country.rows(4), nothing, 4), columns=list(NAMES))
    assert found["importer_hit_rate"].isna().all()
    assert found["importer_exams"].fillna(0).eq(0).all()


def week_of(country, number, scores=None):
    rows = country.rows(number)
    shipments = country.shipments.iloc[rows]
    chances = np.random.default_rng(number).random((len(shipments), len(lists.HAZARDS))) ** 6 / 20
    hazards = pd.DataFrame(chances, index=shipments.index, columns=list(lists.HAZARDS))
    return Week(country.first_day(number), shipments, scores, hazards, rows.start)


def test_hazard_rates_are_finds_over_the_chances_to_find(country_and_room):
    country, _ = country_and_room
    rows, known = country.rows(5), country.past
    hs, importer = country.shipments["hs_chapter"].fillna(-1).to_numpy(), country.entities["importer"]
    concluded = known[known["result"].isin([*reference.CLEAR, *reference.POSITIVE])]
    assert (concluded["hazard"].notna()).any()

    def tally(hazard, of_group):
        """Finds, and summed chances to find, over the exams of shipments in a group."""
        own = concluded[[of_group(country.shipments.index.get_loc(name)) for name in concluded["shipment_id"]]]
        exam = own.drop_duplicates(["shipment_id", "exam_type"])["exam_type"]
        found = (own["hazard"].eq(hazard) & own["result"].isin(list(reference.POSITIVE))).sum()
        return found, sum(reference.sensitivity()[each, hazard] for each in exam)

    rates = hazard_rates(country, rows, known)
    for row in (0, 3, rows.stop - rows.start - 1):
        at = rows.start + row
        for column, hazard in list(enumerate(lists.HAZARDS))[::4]:
            found, chances = tally(hazard, lambda other: True)
            rate = (found + 1e-4) / (chances + 1e-4)
            found, chances = tally(hazard, lambda other, at=at: hs[other] == hs[at])
            rate = (found + 8 * rate) / (chances + 8)
            found, chances = tally(hazard, lambda other, at=at: importer[other] == importer[at] >= 0)
            assert rates[row, column] == pytest.approx((found + 3 * rate) / (chances + 3))


@pytest.mark.parametrize("policy", BLIND, ids=lambda policy: policy.name)
def test_policies_fill_the_slots_and_log_chances_that_add_up(country_and_room, policy):
    country, _ = country_and_room
    rng = np.random.default_rng(3)
    week = week_of(country, 5, rng.random(country.rows(5).stop - country.rows(5).start))
    choice = policy.choose(week, np.random.default_rng(1))
    assert choice.examined.sum() == week.slots
    assert choice.chance.sum() == pytest.approx(week.slots)
    assert (choice.chance[choice.examined] > 0).all()
    again = policy.choose(week, np.random.default_rng(1))
    np.testing.assert_array_equal(again.arm, choice.arm)


def test_ours_orders_the_exam_that_suits_the_hazards_and_nothing_else_does(country_and_room):
    country, _ = country_and_room
    week = week_of(country, 5, np.random.default_rng(3).random(country.rows(5).stop - country.rows(5).start))
    suits = expected_finds(week.hazards.assign(any=week.scores)).idxmax(axis=1).to_numpy()
    assert len(set(suits)) > 3
    for policy in OURS:
        choice = policy.choose(week, np.random.default_rng(1))
        ranked = choice.arm == "risk"
        assert (choice.exam[ranked] == (suits[ranked] if policy.matched else EXAM)).all()
        assert set(choice.exam[choice.arm == "random_floor"]) <= {EXAM}


def test_logged_chances_are_the_frequencies_of_the_draw(country_and_room):
    country, _ = country_and_room
    scores = np.random.default_rng(3).random(country.rows(5).stop - country.rows(5).start)
    week = week_of(country, 5, scores)
    for policy in (FLOOR, OURS[0]):
        choices = [policy.choose(week, np.random.default_rng(draw)) for draw in range(600)]
        seen = np.mean([choice.examined for choice in choices], axis=0)
        np.testing.assert_allclose(choices[0].chance, seen, atol=0.07)


def test_the_floor_is_drawn_among_the_rest_and_random_and_legacy_are_what_they_say(country_and_room):
    country, room = country_and_room
    rows = country.rows(5)
    scores = np.linspace(1, 0, rows.stop - rows.start)
    choice = FLOOR.choose(week_of(country, 5, scores), np.random.default_rng(1))
    slots = round(0.05 * len(scores))
    ranked = int((choice.arm == "risk").sum())
    assert (choice.arm[:ranked] == "risk").all()
    assert ranked in (math.floor(0.9 * slots), math.ceil(0.9 * slots))
    assert set(Random().choose(week_of(country, 5), np.random.default_rng(1)).arm) == {"random_floor", "none"}
    legacy = Legacy().choose(week_of(country, 5), np.random.default_rng(1))
    points = country.shipments["legacy_score"].to_numpy()[rows]
    assert points[legacy.examined].min() > points[~legacy.examined].max()
    assert legacy.exam.tolist() == country.shipments["legacy_exam"].iloc[rows].tolist()
    merit = room.chance_to_find(np.full(len(country.week), EXAM, object))
    oracle = Oracle(merit, np.full(len(country.week), EXAM, object)).choose(
        week_of(country, 5), np.random.default_rng(1)
    )
    assert merit[rows][oracle.examined].min() >= merit[rows][~oracle.examined].max()


def test_what_the_room_says_was_found_is_what_it_records(country_and_room):
    country, room = country_and_room
    rows = np.arange(400)
    exam = np.full(400, EXAM, object)
    outcomes = room.outcomes(rows, exam, np.full(400, "random_floor", object), np.full(400, 0.5))
    hit = set(outcomes.loc[outcomes["hazard"].notna() & (outcomes["result"] != "detained"), "shipment_id"])
    hit -= set(outcomes.loc[outcomes["result"] == "detained_released", "shipment_id"])
    finds = room.findings(rows, exam)
    recorded = country.shipments.index[:400].isin(outcomes["shipment_id"])
    assert hit == set(country.shipments.index[:400][finds & recorded])
    late = (pd.to_datetime(outcomes["known_at"]).dt.tz_localize(None) - outcomes["exam_date"]).dt.days
    assert late.between(1, exams.LATEST_DAYS).all()


def test_the_model_reads_at_most_thirty_features(country_and_room, lived):
    country, _ = country_and_room
    assert len(FEATURES) <= 30
    frame = inputs(country, lived, np.array([5, 3]))
    assert frame.columns.tolist() == list(FEATURES)
    assert frame.index.tolist() == ["S00005", "S00003"]


def test_figures_are_those_counted_by_hand(country_and_room, lived):
    country, room = country_and_room
    found = loop_figures.figures(country, room, lived)
    scored = country.week >= SIZE.warm_up
    hits = lived.examined & lived.finds
    assert found["exams"] == sum(week_of(country, week).slots for week in range(4, 9))
    assert found["yield"] == pytest.approx(hits.sum() / lived.examined.sum())
    assert found["recall"] == pytest.approx(hits.sum() / room.hazards[scored].any(axis=1).sum())
    after = country.week >= 6
    assert found["ratio_after"] == pytest.approx(lived.score[after].sum() / lived.finds[after].sum())
    assert len(found["weekly_recall"]) == SIZE.weeks
    assert not any(found["weekly_recall"][: SIZE.warm_up])


def test_a_calibrated_score_has_no_error_and_a_shifted_one_its_shift():
    rng = np.random.default_rng(5)
    score = rng.random(200_000) * 0.1
    finds = rng.random(200_000) < score
    assert loop_figures.ece(score, finds) < 0.002
    assert loop_figures.ece(score + 0.05, finds) == pytest.approx(0.05, abs=0.002)
    assert loop_figures.ece(np.full(1000, 0.3), np.arange(1000) < 200) == pytest.approx(0.1)


def test_ece_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(6)
    score, finds = rng.integers(0, 5, 500) / 10, rng.random(500) < 0.3
    order = rng.permutation(500)
    assert loop_figures.ece(score, finds) == loop_figures.ece(score[order], finds[order])


@pytest.mark.parametrize(
    ("weekly", "weeks"),
    [([0.2] * 4 + [0.2] * 6, 0), ([0.2] * 4 + [0.0] * 2 + [0.2] * 6, 2), ([0.2] * 4 + [0.0] * 8, 8)],
    ids=["never lost", "back after two weeks", "never back"],
)
def test_recovery_is_counted_from_the_break(weekly, weeks):
    assert loop_figures.recovery(np.array(weekly), break_week=4, first=0) == weeks


def test_the_top_share_is_taken_of_each_week():
    score = np.concatenate([np.linspace(0, 0.1, 100), np.linspace(0.5, 0.9, 40)])
    top = loop_figures.top_share(score, np.repeat([0, 1], [100, 40]))
    assert np.flatnonzero(top).tolist() == [95, 96, 97, 98, 99, 138, 139]


def test_paired_differences_are_taken_within_a_seed():
    seeds = [{"a": {"recall": 0.3 + at}, "b": {"recall": 0.1 + at}} for at in (0.0, 0.3, 0.6)]
    mean, low, high = loop_figures.paired(seeds, "a", "b", "recall")
    assert (mean, low, high) == pytest.approx((0.2, 0.2, 0.2))


@pytest.mark.slow
def test_two_small_seeds_run_to_their_tables_and_resume(tmp_path, capsys):
    size = Size(weeks=16, per_week=700, warm_up=6)
    chosen = ["random", "legacy", "floor, ipw + recency", "floor, neither", "oracle"]
    work = partial(loop.run, size=size, chosen=chosen, settings=FAST, kept=tmp_path)
    found = {"stealth": [work(("stealth", seed)) for seed in (1, 2)]}
    loop.tables(found, chosen)
    assert "paired differences" in capsys.readouterr().out
    for seed in found["stealth"]:
        assert seed["oracle"]["recall"] > 3 * seed["floor, ipw + recency"]["recall"]
        assert seed["floor, neither"]["recall"] > seed["random"]["recall"]
        # So few exams calibrate nothing well; what is measured must yet be near what is there.
        assert max(seed[name]["ece"] for name in ("floor, ipw + recency", "floor, neither")) < 0.08
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {"stealth": [work(("stealth", seed)) for seed in (1, 2)]} == found
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
