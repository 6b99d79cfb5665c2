from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.models import population
from riskscore.models.evaluation import hits_at_capacity
from riskscore.models.population import TIES, Cut, Sample

LEVELS = st.sampled_from([0.1, 0.2, 0.2, 0.5, 0.9])


def plain(scores, labels, amounts=None):
    """Everybody examined."""
    ones = np.ones(len(scores))
    found = ones * 0 if amounts is None else amounts
    return Sample(np.asarray(scores), np.asarray(labels, dtype=float), ones, ones > 0, found, ones > 0)


@given(st.lists(st.tuples(LEVELS, st.booleans()), min_size=1, max_size=25), st.sampled_from([0.01, 0.1, 0.4, 1.0]))
def test_when_everybody_is_examined_figures_are_those_of_the_hits(rows, share):
    scores, labels = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    sample, cut = plain(scores, labels), Cut.of(scores, share)
    members = {tie: cut.members(sample, tie) for tie in TIES}
    made = population.at_capacity(sample, members, cut.slots, len(scores))
    hits = hits_at_capacity(scores, labels, cut.slots)
    for tie in TIES:
        assert members[tie].sum() == pytest.approx(cut.slots)
        assert made[f"precision_{tie}"].value == pytest.approx(getattr(hits, tie) / cut.slots)
        if labels.sum():
            assert made[f"recall_{tie}"].value == pytest.approx(getattr(hits, tie) / labels.sum())
        else:
            assert not made[f"recall_{tie}"].defined


@given(st.lists(LEVELS, max_size=40), st.floats(0.01, 1))
def test_chances_fill_the_slots(scores, share):
    cut = Cut.of(np.array(scores), share)
    assert cut.chances(np.array(scores)).sum() == pytest.approx(cut.slots)


def country(rng, size=3000):
    """A population in which risk grows with the score, and exams that look at what scores high by another rule."""
    scores = rng.random(size)
    found = (rng.random(size) < 0.02 + 0.25 * scores**4).astype(float)
    amounts = found * rng.lognormal(7, 1, size)
    targeted = (scores + rng.normal(0, 0.3, size)) > 1.2
    chance = np.where(targeted, 1.0, 0.1)
    seen = rng.random(size) < chance
    return scores, found, amounts, targeted, seen, 1 / chance


def test_estimates_from_a_few_exams_are_right_on_average():
    rng = np.random.default_rng(4)
    errors = []
    for _ in range(120):
        scores, found, amounts, targeted, seen, weights = country(rng)
        sample = Sample(scores[seen], found[seen], weights[seen], targeted[seen], amounts[seen], ~targeted[seen])
        cut = Cut.of(scores, 0.1)
        members = {"random": cut.members(sample, "random")}
        made = population.at_capacity(sample, members, cut.slots, len(scores))
        top = scores > cut.last
        truth = (found[top].mean(), found[top].sum() / found.sum(), amounts[top].sum(), found.mean())
        figures = [made[f"{name}_random"].value for name in ("precision", "recall", "harm_usd")]
        figures.append(population.prevalence(sample, len(scores)).value)
        errors.append(np.array(figures) / np.array(truth) - 1)
    bias, error = np.mean(errors, axis=0), np.std(errors, axis=0) / np.sqrt(len(errors))
    assert (np.abs(bias) < 3.5 * error + 0.01).all()


def test_intervals_of_recall_cover_the_truth():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        scores, found, amounts, targeted, seen, weights = country(rng)
        sample = Sample(scores[seen], found[seen], weights[seen], targeted[seen], amounts[seen], ~targeted[seen])
        cut = Cut.of(scores, 0.1)
        made = population.recall(sample, cut.chances(sample.scores), cut.slots, len(scores))
        covered += made.low <= found[scores > cut.last].sum() / found.sum() <= made.high
    assert covered >= 0.93 * 200


def test_recall_is_unsure_where_random_exams_found_nothing():
    """Six sure finds, all in the top; fifty random exams without one: the other 950 may still hide some."""
    labels = np.repeat([1.0, 0.0], [6, 50])
    certain = labels > 0
    sample = Sample(certain * 1.0, labels, np.where(certain, 1.0, 19.0), certain, labels * 0, ~certain)
    made = population.recall(sample, certain * 1.0, 6, 956)
    assert made.value == 1
    assert made.low < 0.2


def test_lift_is_held_against_random_exams():
    labels = np.repeat([1.0, 0.0, 1.0, 0.0], [8, 2, 5, 95])
    part = np.repeat([1.0, 0.0], [10, 100])
    drawn = part == 0
    sample = Sample(part, labels, np.where(drawn, 10.0, 1.0), ~drawn, labels * 0, drawn)
    made = population.lifts(sample, part, 10, 1010)
    assert made["lift_over_random_floor"].value == pytest.approx(0.8 / 0.05)
    assert made["lift"].value == pytest.approx(0.8 / ((8 + 50) / 1010))
    assert population.floor_rate(sample).rows == 100


def test_samples_are_joined_and_taken():
    sample = plain([0.1, 0.9], [0, 1])
    together = Sample.joined([sample, sample])
    assert len(together) == 4
    assert together.take(np.array([3])).labels.tolist() == [1.0]
    assert Sample.joined([sample]).unweighted().certain.all()
