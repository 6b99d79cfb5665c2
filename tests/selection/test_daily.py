"""A day's selection as the job sees it: accounting, independence, must-exams, exams, reasons."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from riskscore import reference, tables
from riskscore.config import Capacity, Condition, Config, Credits, Exam, MustExam, Selection
from riskscore.errors import RunError
from riskscore.selection import match, select
from riskscore.selection.ports import STRATA, THRESHOLD_RULE
from riskscore.selection.values import exam_values
from tests.selection.days import capacities, days_of, few, published, settings

DAY = date(2026, 3, 2)
HAZARDS = ("narcotics", "ipr", "undervaluation", "agriculture")


def make_day(seed=0, ports=None):
    """Columns port, any, watched and hazards; few distinct risks, so that ties are common."""
    random, ports = np.random.default_rng(seed), ports or {"A": 40, "B": 12}
    names = [f"{port}{number:03d}" for port, count in ports.items() for number in range(count)]
    day = pd.DataFrame(index=pd.Index(random.permutation(names), name="shipment_id", dtype="str"))
    day["port"] = [name[0] for name in day.index]
    day["any"] = random.integers(0, 20, len(day)) / 20
    day["watched"] = random.random(len(day)) < 0.1
    for hazard in HAZARDS:
        day[hazard] = random.choice([np.nan, 0.0, 0.1, 0.3], len(day))
    return day


days = days_of(make_day)

WATCH = MustExam(
    id="watch", exam="nii", owner="port", reason="on the watch-list",
    where=(Condition(column="watched", op="eq", value=True),),
)  # fmt: skip


def run(day, capacity=None, settings=None, rules=(WATCH,)):
    return select(day, day[list(HAZARDS)], match(rules, day, DAY), configured(capacity, settings), DAY)


def configured(capacity=None, settings=None, threshold=1.0):
    """Without a threshold to speak of, unless told."""
    settings = (settings or Selection()).model_copy(update={"high_risk_threshold": threshold})
    return Config(capacity=capacity or Capacity(ports={"A": 6, "B": 3}), selection=settings)


@few
@given(days, capacities, settings)
def test_slots_are_filled_and_never_exceeded(day, capacity, settings):
    result = run(day, capacity, settings)
    by_port = result.frame.groupby(day["port"])
    examined = result.frame["recommendation"].eq("examine").groupby(day["port"]).sum()
    assert examined.to_dict() == result.slots["used"].to_dict()
    assert (examined <= result.slots["capacity"]).all()
    assert by_port["inclusion_probability"].sum().to_numpy() == pytest.approx(result.slots["used"], abs=1e-9)


@few
@given(days, capacities, settings)
def test_every_shipment_has_a_chance_where_there_are_slots(day, capacity, settings):
    result = run(day, capacity, settings)
    outside = day["port"].isin(result.ports_without_capacity)
    assert ((result.frame["inclusion_probability"] > 0) == ~outside).all()
    assert result.exam_probabilities.sum(axis="columns").to_numpy() == pytest.approx(
        result.frame["inclusion_probability"], abs=1e-12
    )


@few
@given(days, capacities, settings)
def test_columns_agree_with_each_other(day, capacity, settings):
    frame = run(day, capacity, settings).frame
    assert frame.index.equals(day.index)
    examined = frame["recommendation"] == "examine"
    assert (frame["exam_type"].notna() == examined).all()
    assert (frame["arm"].ne("none") == examined).all()
    assert set(frame["arm"]) <= set(tables.ARMS)
    assert (frame["arm"] != "must_exam")[~day["watched"]].all()
    assert frame["rule_id"].notna().eq(day["watched"]).all()
    for _, priority in frame["priority"].groupby(day["port"]):
        assert sorted(priority) == list(range(1, len(priority) + 1))


@few
@given(days, capacities, settings, st.randoms())
def test_the_order_of_rows_and_columns_changes_nothing(day, capacity, settings, random):
    mixed = day.loc[random.sample(list(day.index), len(day))]
    hazards = mixed[list(reversed(HAZARDS))].sample(frac=1, random_state=1)
    found = match((WATCH,), mixed, DAY)
    other = select(mixed, hazards, found, configured(capacity, settings), DAY)
    assert_frame_equal(published(run(day, capacity, settings)), published(other), check_exact=True)


@few
@given(days, days, capacities, settings)
def test_another_port_changes_nothing(day, more, capacity, settings):
    foreign = more.rename(index="Z{}".format).assign(port="Z")
    alone, both = run(day, capacity, settings), run(pd.concat([foreign, day]), capacity, settings)
    assert_frame_equal(published(both).drop(foreign.index), published(alone), check_exact=True)


@few
@given(days, capacities, settings)
def test_must_exams_are_honoured_or_named(day, capacity, settings):
    result = run(day, capacity, settings)
    got = result.frame["exam_type"].eq("nii") & day["watched"]
    assert {miss.shipment_id for miss in result.unmet} == set(day.index[day["watched"] & ~got])
    assert [miss.given for miss in result.unmet] == [
        None if pd.isna(exam) else exam
        for exam in result.frame["exam_type"].loc[[miss.shipment_id for miss in result.unmet]]
    ]
    assert all("slots of all exams taken" in miss.why or "no exam slots" in miss.why for miss in result.unmet)
    # A must-exam goes without only when no ranked slot went to a mere risk.
    for port in {miss.port for miss in result.unmet}:
        assert "risk" not in set(result.frame["arm"][day["port"] == port])


def test_work_starts_with_must_exams_then_risks_then_random_picks():
    day = make_day(ports={"A": 60})
    frame = run(day, Capacity(ports={"A": 30}), Selection(floor_share=0.3)).frame
    arms = frame.sort_values("priority")["arm"].tolist()
    assert arms == sorted(arms, key=("must_exam", "risk", "random_floor", "none").index)
    worth = exam_values(day[["any", *HAZARDS]], None, Selection(), {}).max(axis="columns")
    for arm in ("must_exam", "risk"):
        ordered = frame[frame["arm"] == arm].sort_values("priority")
        assert worth.loc[ordered.index].is_monotonic_decreasing


def test_each_arm_has_its_exam():
    day = make_day(3, ports={"A": 60}).assign(narcotics=0.0, ipr=0.0, undervaluation=0.4, agriculture=np.nan)
    frame = run(day, Capacity(ports={"A": 30}), Selection(floor_share=0.3)).frame
    exams = frame.groupby("arm")["exam_type"].agg(lambda exams: set(exams.dropna())).to_dict()
    assert exams == {"must_exam": {"nii"}, "none": set(), "random_floor": {"intensive"}, "risk": {"document"}}


def texts(result, arm):
    return [reasons[0]["text"] for reasons in result.frame.loc[result.frame["arm"] == arm, "reasons"]]


def test_reasons_are_in_words_and_random_picks_say_so():
    result = run(make_day(3, ports={"A": 60}), Capacity(ports={"A": 30}), Selection(floor_share=0.3))
    assert set(texts(result, "must_exam")) == {"rule watch: on the watch-list"}
    assert "risk score 0.750; rank 20 of 60 at port A by expected finds; most likely ipr" in texts(result, "risk")
    assert all(
        text.startswith("drawn at random (chance 0.") and text.endswith("; carries no inference about the trader")
        for text in texts(result, "random_floor")
    )
    assert set(texts(result, "none")) == {"not selected: 30 slots for 60 shipments at port A"}


def test_reasons_name_what_a_rule_did_not_get():
    day = make_day(ports={"A": 30}).assign(watched=True)
    result = run(day, Capacity(ports={"A": 2}), Selection(floor_share=0.5))
    assert all(text.endswith("; no slot was left for rule watch: on the watch-list") for text in texts(result, "none"))
    assert texts(result, "random_floor")[0].endswith("trader; no slot was left for rule watch: on the watch-list")
    assert sorted(str(miss.given) for miss in result.unmet) == ["None"] * 28 + ["intensive"]


@few
@given(days, capacities, settings)
def test_every_shipment_has_a_reason_the_table_can_hold(day, capacity, settings):
    import pyarrow as pa

    kind = tables.recommendations_schema().field("reasons").type
    stored = pa.array(run(day, capacity, settings).frame["reasons"].tolist(), type=kind)
    assert stored.null_count == 0
    assert all(len(reasons) == 1 and reasons[0]["text"] for reasons in stored.to_pylist())


def test_ports_without_slots_are_named_and_stand_outside():
    result = run(make_day(), Capacity(ports={"A": 0, "B": 4}))
    outside = result.frame[result.frame.index.str.startswith("A")]
    assert result.ports_without_capacity == ("A",)
    assert outside["inclusion_probability"].eq(0).all()
    assert {reasons[0]["text"].split(";")[0] for reasons in outside["reasons"]} == {
        "not selected: port A has no exam capacity"
    }


def test_slots_for_all_examine_all_with_certainty():
    frame = run(make_day(), Capacity(default_share=1.0)).frame
    assert frame["inclusion_probability"].eq(1).all()
    assert set(frame["arm"]) == {"must_exam", "risk"}


def test_a_day_without_shipments_selects_nothing():
    result = run(make_day().iloc[:0])
    assert result.frame.empty
    assert tuple(result.exam_probabilities.columns) == reference.exams()
    assert result.slots.empty


def test_the_selection_of_a_frozen_day_stays_what_it_was():
    # A change here changes what a re-run of an earlier day publishes.
    frame = run(make_day(), settings=Selection(floor_share=0.4)).frame
    chosen = frame[frame["recommendation"] == "examine"].sort_index()
    assert dict(zip(chosen.index, chosen["arm"], strict=True)) == FROZEN


def test_high_risk_is_always_examined_and_named_as_a_rule():
    day = make_day(ports={"A": 60}).assign(watched=False)
    config = configured(Capacity(ports={"A": 30}), Selection(floor_share=0.1), threshold=0.8)
    frame = select(day, day[list(HAZARDS)], match((WATCH,), day, DAY), config, DAY).frame
    high = day["any"] >= 0.8
    assert frame["arm"].eq("must_exam").equals(high)
    assert set(frame.loc[high, "rule_id"]) == {THRESHOLD_RULE}
    assert (
        frame.loc[high, "reasons"].iloc[0][0]["text"] == f"rule {THRESHOLD_RULE}: the risk reaches the threshold of 0.8"
    )


def test_the_threshold_orders_an_exam_that_the_port_can_hold():
    day = pd.DataFrame({"port": "A", "any": [0.9, 0.45, 0.3, 0.1]}, index=["S1", "S2", "S3", "S4"])
    hazards = day[["any"]].rename(columns={"any": "narcotics"})
    capacity = Capacity(ports={"A": 3}, minutes={"A": 60.0})
    exams = {exam: Exam(minutes=200.0 if exam in ("intensive", "lab") else 20.0) for exam in reference.exams()}
    config = Config(capacity=capacity, exams=exams, selection=Selection(high_risk_threshold=0.8))
    result = select(day, hazards, match((), day, DAY), config, DAY)
    assert result.unmet == ()
    assert (result.frame.at["S1", "arm"], result.frame.at["S1", "exam_type"]) == ("must_exam", "nii")


def test_high_risks_beyond_the_capacity_are_named():
    day = make_day(ports={"A": 60}).assign(any=0.9, watched=False)
    config = configured(Capacity(ports={"A": 5}), threshold=0.8)
    result = select(day, day[list(HAZARDS)], match((), day, DAY), config, DAY)
    assert len(result.unmet) >= 55
    assert {miss.rule_id for miss in result.unmet} == {THRESHOLD_RULE}


def test_credit_lowers_the_rank_and_shows_but_never_the_chance_to_nothing():
    day = make_day(ports={"A": 60}).assign(watched=False, any=0.3, tier=[1.0, np.nan, 3.0] * 20)
    settings = Selection(
        high_risk_threshold=0.5, floor_share=0.2, programme_credits=Credits(tier_1=0.2, tier_2=0.3, tier_3=0.99)
    )
    config = Config(capacity=Capacity(ports={"A": 12}), selection=settings)
    equal = day.assign(**dict.fromkeys(HAZARDS, 0.1))
    frame = select(equal, equal[list(HAZARDS)], match((), day, DAY), config, DAY).frame
    by_tier = frame.groupby(day["tier"].fillna(0))
    assert by_tier["programme_credit"].unique().map(list).to_dict() == {0: [0.0], 1: [0.1], 3: [0.3]}
    assert by_tier["arm"].agg(lambda arms: (arms == "risk").sum()).to_dict() == {0: 9, 1: 0, 3: 0}
    assert frame["inclusion_probability"].min() > 0.01


def test_a_tier_1_credit_above_the_cap_of_the_statute_is_refused():
    with pytest.raises(ValueError, match=r"less than or equal to 0\.2"):
        Credits(tier_1=0.21)


def test_strata_name_trust_and_newness():
    day = make_day().assign(trusted=[True, False] * 26, new_pairing=[True] * 26 + [False] * 26)
    frame = run(day).frame
    assert frame["stratum"].tolist() == ["trusted, new", "other, new"] * 13 + ["trusted, known", "other, known"] * 13
    assert set(frame["stratum"]) == set(STRATA)


def test_the_novelty_arm_draws_the_new_and_says_so():
    day = make_day(ports={"A": 80}).assign(watched=False, novelty=[1.0] * 20 + [0.0] * 60)
    result = run(day, Capacity(ports={"A": 24}), Selection(novelty_share=0.5, floor_share=0.1))
    picked = result.frame["arm"] == "novelty"
    assert picked.sum() >= 5
    assert day["novelty"][picked].eq(1).all()
    assert all(text.startswith("drawn for doing something new (chance") for text in texts(result, "novelty"))


def test_both_objectives_are_stated_whichever_was_chosen():
    day = make_day(ports={"A": 60}).assign(watched=False)
    harm = day[list(HAZARDS)].fillna(0.0) * 1000.0
    said = {}
    for objective in ("hits", "harm"):
        config = configured(Capacity(ports={"A": 15}), Selection(objective=objective))
        result = select(day, day[list(HAZARDS)], match((), day, DAY), config, DAY, harm=harm)
        table, exams = reference.sensitivity(), result.frame["exam_type"].dropna()
        best = {h: max(table[exam, h] for exam in reference.exams()) for h in HAZARDS}
        by_hand = sum(harm.at[name, h] * table[exam, h] / best[h] for name, exam in exams.items() for h in HAZARDS)
        assert result.expected_harm_usd == pytest.approx(by_hand)
        said[objective] = (result.expected_finds, result.expected_harm_usd)
    assert said["hits"][0] > said["harm"][0]
    assert said["harm"][1] > said["hits"][1]


FROZEN = {
    "A005": "must_exam",
    "A009": "must_exam",
    "A014": "random_floor",
    "A020": "random_floor",
    "A029": "random_floor",
    "A032": "must_exam",
    "B000": "random_floor",
    "B003": "must_exam",
    "B004": "must_exam",
}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda day: day.rename({"A000": "A001"}), "shipments named twice: 1, as A001"),
        (lambda day: day.assign(port=day["port"].where(day.index != "A000")), "without a port: 1, as A000"),
        (
            lambda day: day.assign(any=day["any"].where(day.index != "A000")),
            "risk is null or no probability: 1",
        ),
        (lambda day: day.assign(any=1.5), "risk is null or no probability: 52, as"),
        (lambda day: day.iloc[1:], "not in both day and hazards: 1"),
    ],
)
def test_frames_that_would_rank_wrongly_are_refused(spoil, message):
    day = make_day()
    with pytest.raises(RunError, match=message):
        select(spoil(day), day[list(HAZARDS)], match((), day, DAY), Config(), DAY)


def test_an_unknown_hazard_is_refused():
    day = make_day()
    with pytest.raises(RunError, match="unknown hazards: 1, as smuggling"):
        select(
            day,
            day[["ipr"]].set_axis(["smuggling"], axis=1),
            match((), day, DAY),
            Config(),
            DAY,
        )
