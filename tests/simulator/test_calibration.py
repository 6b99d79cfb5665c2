"""The country has the rates it is meant to have: who cheats, what the old rules find, what could be found."""

import numpy as np
import pandas as pd
import pytest

from riskscore import simulator
from riskscore.simulator import events, exams, lanes, legacy, lists, risk, traders, traffic, turns
from riskscore.simulator.settings import Settings


@pytest.fixture(scope="session")
def live(country):
    """Live shipments with their truth."""
    return country.live().merge(country.truth.drop(columns="arrival_date"), on="shipment_id", validate="one_to_one")


def found(country, rows, exam_type) -> pd.Series:
    picks = pd.DataFrame({"shipment_id": rows["shipment_id"], "exam_type": exam_type})
    return simulator.findings(country.world, picks)["any"]


def yield_of(country, live, score, exam_type) -> float:
    """Share of exams that find something, at 5 % of each port's day, highest scores first."""
    ranked = live[["arrival_date", "port"]].assign(legacy_score=score)
    top = legacy.top(ranked, legacy.slots)
    return found(country, live[top], np.asarray(exam_type)[top]).mean()


def test_each_hazard_is_rare_and_three_to_five_percent_carry_one(country):
    rates = country.truth[list(lists.HAZARDS)].mean()

    assert rates.between(0.0001, 0.03).all()
    assert np.allclose(rates, lists.numbers("hazards", "prevalence"), rtol=0.6)
    assert 0.03 <= country.truth["any"].mean() <= 0.05


def test_the_old_rules_find_more_than_chance_but_not_much(country, live):
    scores = simulator.legacy_scores(live, country.traders)
    by_chance = found(country, live, "intensive").mean()
    by_rule = yield_of(country, live, scores["legacy_score"], scores["exam_type"])

    assert 1.5 <= by_rule / by_chance <= 3


def test_who_knew_the_truth_would_find_most_but_not_all(country, live):
    best = simulator.best_exams(live)
    flags = live[list(lists.HAZARDS)].to_numpy(dtype=bool)
    chance = 1 - np.prod(1 - flags * exams.sensitivities(best.to_numpy(dtype=object)), axis=1)
    top = legacy.top(live[["arrival_date", "port"]].assign(legacy_score=chance), legacy.slots)

    assert 0.6 <= found(country, live[top], best[top]).sum() / live["any"].sum() <= 0.8


def test_past_hits_of_the_importer_foretell_the_next_one(live):
    early = live["arrival_date"] < live["arrival_date"].median()
    past = live[early].groupby("importer_id")["any"].agg(["sum", "mean"])
    # One hit may be anybody's bad luck; two, and one shipment in ten, are a habit.
    guilty = past[(past["sum"] >= 2) & (past["mean"] >= 0.1)].index
    later, known = live.loc[~early, "any"], live.loc[~early, "importer_id"].isin(guilty)

    assert later[known].mean() > 3 * later[~known].mean()


@pytest.mark.parametrize(
    ("hazard", "shows"),
    [
        ("undervaluation", lambda f: f["value_usd"] / f["weight_kg"] < f["peer"] / 2),
        ("manifest_quality", lambda f: f["container_ids"].notna() & f["seal_ids"].isna()),
        ("agriculture", lambda f: f["pga_flags"].isna() & f["hts"].str.startswith(("06", "07", "08"), na=False)),
        ("identity_ior", lambda f: f["bond_type"] == "9"),
        ("forced_labour", lambda f: f["manufacturer_id"].isna()),
    ],
)
def test_a_hazard_leaves_a_trace_that_also_occurs_innocently(live, hazard, shows):
    # What is planted has tells of its own (test_planted.py).
    live = live[~live["planted"].isin([*lists.PATTERNS, "novelty and change"])]
    head = live["hts"].str[:6]
    frame = live.assign(peer=(live["value_usd"] / live["weight_kg"]).groupby(head).transform("median"))
    trace = shows(frame)

    assert trace[live[hazard]].mean() > 1.5 * trace[~live[hazard]].mean()
    assert trace[~live[hazard]].mean() > 0.002


def test_the_largest_traders_carry_most_of_the_volume(live):
    counts = live["importer_id"].value_counts()

    assert counts.head(len(counts) // 5).sum() > 0.5 * len(live)


def test_most_pairs_repeat_and_new_ones_keep_coming(live):
    last = live["arrival_date"] > live["arrival_date"].max() - pd.Timedelta(days=14)
    pairs = live["importer_id"] + live["shipper_id"]
    known = pairs[last].isin(set(pairs[~last]))

    assert 0.6 < known.mean() < 0.95


def imagine(scenario, seed=1, weeks=26, per_day=150):
    """Traffic without files: the scenario's shipments, their trust, their lanes and what they carry."""
    settings = Settings(weeks=weeks, per_day=per_day, seed=seed, scenario=scenario)
    people = traders.populate(settings)
    standing = events.sleepers(settings, people, lanes.ordinary(settings, people))
    parts = [standing, events.sudden(settings, people), events.new_goods(settings, people)]
    arrivals = traffic.arrivals(settings)
    ways = risk.weigh(settings, people, lanes.concat(parts), arrivals)
    turned = turns.draw(settings, people, ways, arrivals)
    moves = traffic.travel(settings, people, ways, risk.assess(settings, people, ways, arrivals), turned, arrivals)
    return pd.DataFrame({
        "late": moves.day >= settings.break_day,
        "hit": moves.hazards.any(axis=1),
        "trusted": people.tier[moves.importer] >= 2,
        "kind": ways.kind[moves.lane],
        "old": ways.start[moves.lane] < settings.break_day - 30,
    })  # fmt: skip


@pytest.mark.parametrize("scenario", ["break", "stealth"])
def test_hazards_move_but_do_not_grow(scenario):
    shipments = imagine(scenario)

    assert shipments.groupby("late")["hit"].mean().between(0.03, 0.05).all()


def test_trusted_traders_are_safer_until_the_break():
    shipments = imagine("break")
    rate = shipments.groupby(["late", "trusted"])["hit"].mean()

    assert rate[False, True] < 0.5 * rate[False, False]
    assert rate[True, True] > rate[True, False]


def test_a_break_brings_shells_and_new_goods():
    hits = imagine("break").query("hit")
    shells = (hits["kind"] == lanes.SHELL).groupby(hits["late"]).mean()
    new_goods = (hits["kind"] == lanes.NEW_GOODS).groupby(hits["late"]).mean()

    assert shells[True] > shells[False] + 0.05
    assert new_goods[False] == 0
    assert new_goods[True] > 0.1


def test_a_stealthy_break_stays_on_the_old_lanes_of_the_untrusted():
    hits = imagine("stealth").query("hit and late")

    assert hits["old"].mean() > 0.75
    assert hits["trusted"].mean() < 0.15


def test_nothing_changes_in_a_steady_country():
    shipments = imagine("steady")
    half = np.arange(len(shipments)) < len(shipments) // 2
    rates = [shipments.loc[part & shipments["trusted"], "hit"].mean() for part in (half, ~half)]

    assert not shipments["late"].any()
    assert abs(rates[0] - rates[1]) < 0.01
