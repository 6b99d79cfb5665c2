"""One policy's life in one country, week by week: retrain on what is known, score, choose, examine, learn late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from loop_country import STANDING
from loop_policies import Week
from loop_record import NAMES, Results, hazard_rates, track_record

from riskscore import config, features, models
from riskscore.frames import epoch_days
from riskscore.models.delays import correct_delays
from riskscore.tables import OUTCOMES

if TYPE_CHECKING:
    from datetime import date

    from loop_country import Country, ExamRoom, Flags, Floats, Ints
    from loop_policies import Choice, Policy, Training

FEATURES = (*STANDING, *NAMES)
"""Input columns of the model."""

CATEGORICAL = tuple(
    feature.name for feature in features.catalogue() if feature.categorical and feature.name in STANDING
)

MONOTONE = {name: sign for name, sign in features.monotone().items() if name in FEATURES}
"""Signs that the library gives them."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a policy: arrays with one entry per shipment of the country, in its order.

    Attributes:
        examined: whether it was examined (the warm-up's exams are not the policy's: false).
        finds: whether the exam the policy gave it, or would have given it, finds anything; false in the warm-up.
        score: the model's probability that it does; NaN without a model.
        constant: the share of positives among the labels known then, weighted; NaN without a model.
        chance: inclusion probability.
        records: features NAMES, as of the Monday of arrival.
    """

    examined: Flags
    finds: Flags
    score: Floats
    constant: Floats
    chance: Floats
    records: Floats

    @classmethod
    def unborn(cls, n: int) -> Lived:
        """Nothing has happened to `n` shipments."""
        score, constant, chance = (np.full(n, np.nan) for _ in range(3))
        records = np.full((n, len(NAMES)), np.nan)
        return cls(np.zeros(n, bool), np.zeros(n, bool), score, constant, chance, records)


@dataclass
class Log:
    """The unit's append-only log of outcomes."""

    frames: list[pd.DataFrame] = field(default_factory=list)

    def known(self, morning: date) -> pd.DataFrame:
        """The latest word on each finding known before `morning`, as riskscore.ledger.outcomes_known gives it.

        Like there, known_at is in UTC and says no zone.
        """
        rows = pd.concat(self.frames, ignore_index=True)
        rows["known_at"] = rows["known_at"].dt.tz_localize(None)
        known = rows[rows["known_at"] < pd.Timestamp(morning)]
        return known.sort_values("known_at", kind="stable").drop_duplicates(list(OUTCOMES.key), keep="last")


def live(country: Country, room: ExamRoom, policy: Policy, settings: config.Model) -> Lived:
    """Live through all weeks of the country with one policy.

    In the warm-up the unit examines as it used to, alike for all policies.

    Args:
        country: what may be known.
        room: where exams are held.
        policy: who chooses.
        settings: the library's, but for the half-life, which is the policy's.
    """
    log, lived = Log([country.past]), Lived.unborn(len(country.week))
    learner = None if policy.training is None else Learner(country, policy.training, settings, lived)
    for number in range(country.size.weeks):
        if learner is not None:
            learner.begin(number, log.known(country.first_day(number)))
        if number < country.size.warm_up:
            continue
        if learner is not None:
            learner.score()
        rows = country.rows(number)
        rates = np.zeros((0, 0)) if learner is None else learner.rates
        choice = _choose(country, policy, number, lived, rates)
        lived.examined[rows], lived.chance[rows] = choice.examined, choice.chance
        lived.finds[rows] = room.findings(np.arange(rows.start, rows.stop), choice.exam)
        log.frames.append(_examine(room, rows, choice, _told(policy, country, number, choice)))
    return lived


def _told(policy: Policy, country: Country, number: int, choice: Choice) -> Flags:
    """Whose results become known: those examined, and of the others the share that the policy is told."""
    if not policy.all_labels:
        return choice.examined
    rng = np.random.default_rng([country.seed, number, 1])
    return np.asarray(choice.examined | (rng.random(len(choice.exam)) < policy.all_labels))


class Learner:
    """Labels what is known on a Monday, brings the track records up to it, and trains the library's model.

    As riskscore.pipelines.train does; a policy that wants no weights learns as if no chance of an exam had been logged.

    Args:
        country: what may be known.
        training: how the policy wants it.
        settings: the library's, but for the half-life.
        lived: its `records`, `score` and `constant` are written.
    """

    def __init__(self, country: Country, training: Training, settings: config.Model, lived: Lived) -> None:
        self._country, self._training, self._lived = country, training, lived
        self._settings = settings.model_copy(update={"half_life_days": training.half_life_days})
        self._known_week = np.full(len(country.week), -1, dtype=np.int64)
        self._week, self._labels = -1, pd.DataFrame()
        self.rates: Floats = np.zeros((0, 0))

    def begin(self, week: int, known: pd.DataFrame) -> None:
        """Read the outcomes known on the Monday of `week`, and the records of that week's arrivals."""
        if not self._training.weights:
            known = known.assign(inclusion_probability=np.nan)
        labels, monday = models.label(known), self._country.first_day(week)
        rows = self._country.rows(week)
        self.rates = hazard_rates(self._country, rows, known)
        self._lived.records[rows] = track_record(self._country, rows, self._results(labels, week), week)
        self._week, self._labels = week, correct_delays(labels, known, monday, self._settings.settled_after_days)
        self._labels = self._labels.loc[self._labels["any"].notna(), ["any", "weight", "uncorrected"]]

    def score(self) -> None:
        """Train, and score the arrivals of the week."""
        rows = self._country.rows(self._week)
        arrivals = np.arange(rows.start, rows.stop)
        self._lived.score[rows] = self._trained().predict(inputs(self._country, self._lived, arrivals))["any"]
        self._lived.constant[rows] = np.average(self._labels["any"], weights=self._labels["weight"])

    def _results(self, labels: pd.DataFrame, week: int) -> Results:
        """Concluded exams; remembers the week in which each was first known."""
        concluded = labels["any"].dropna()
        rows = self._positions(concluded.index)
        self._known_week[rows[self._known_week[rows] < 0]] = week
        return Results(rows, concluded.to_numpy() == 1, self._known_week[rows])

    def _positions(self, shipments: pd.Index) -> Ints:
        return self._country.shipments.index.get_indexer(shipments).astype(np.int64)

    def _trained(self) -> models.Model:
        rows = self._positions(self._labels.index)
        days = epoch_days(self._country.shipments["arrival_date"].iloc[rows])
        frame, monday = inputs(self._country, self._lived, rows), self._country.first_day(self._week)
        trained = models.train(
            frame, self._labels, days, self._settings, categorical=CATEGORICAL, monotone=MONOTONE, as_of=monday
        )
        return models.Model(trained)


def inputs(country: Country, lived: Lived, rows: Ints) -> pd.DataFrame:
    """FEATURES of the shipments at `rows`, indexed by shipment_id."""
    standing = country.shipments[list(STANDING)].iloc[rows]
    records = pd.DataFrame(lived.records[rows], index=standing.index, columns=list(NAMES))
    return pd.concat([standing, records], axis="columns")


def _choose(country: Country, policy: Policy, number: int, lived: Lived, rates: Floats) -> Choice:
    rows = country.rows(number)
    arrivals = country.shipments.iloc[rows]
    records = pd.DataFrame(lived.records[rows], index=arrivals.index, columns=list(NAMES))
    scores = None if policy.training is None else lived.score[rows].copy()
    week = Week(country.first_day(number), pd.concat([arrivals, records], axis="columns"), scores, rows.start, rates)
    return policy.choose(week, np.random.default_rng([country.seed, number]))


def _examine(room: ExamRoom, rows: slice, choice: Choice, told: Flags) -> pd.DataFrame:
    picked = np.flatnonzero(told)
    return room.outcomes(rows.start + picked, choice.exam[picked], choice.arm[picked], choice.chance[picked])
