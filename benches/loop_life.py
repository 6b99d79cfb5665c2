"""One policy's life in one country, week by week: retrain on what is known, score, choose, examine, learn late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from loop_country import STANDING
from loop_policies import Week
from loop_record import NAMES, Results, hazard_rates, track_record

from riskscore import features, models
from riskscore.frames import epoch_days
from riskscore.models.delays import correct_delays
from riskscore.simulator import lists
from riskscore.tables import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from loop_country import Country, ExamRoom, Flags, Floats, Ints
    from loop_policies import Choice, Policy, Training

    from riskscore import config

FEATURES = (*STANDING, *NAMES)
"""Input columns of the model."""

CATEGORICAL = tuple(
    feature.name for feature in features.catalogue() if feature.categorical and feature.name in STANDING
)

MONOTONE = {name: sign for name, sign in features.monotone().items() if name in FEATURES}
"""Signs that the library gives them."""


HAZARD_WEEKS = 8
"""Models of single hazards are trained again after so many weeks: every week would take six times as long."""


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
        rows = country.rows(number)
        choice = policy.choose(_week(country, number, lived, learner), np.random.default_rng([country.seed, number]))
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
    """Labels what is known on a Monday, brings the track records up to it, and trains the library's models.

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
        self._rates = np.full((len(country.week), len(lists.HAZARDS)), np.nan)
        self._week, self._labels = -1, pd.DataFrame()
        self._of_hazards: models.Model | None = None

    def begin(self, week: int, known: pd.DataFrame) -> None:
        """Read the outcomes known on the Monday of `week`, and the records of that week's arrivals."""
        if not self._training.weights:
            known = known.assign(inclusion_probability=np.nan)
        labels, monday = models.label(known), self._country.first_day(week)
        rows = self._country.rows(week)
        if self._training.hazards:
            self._rates[rows] = hazard_rates(self._country, rows, known)
        self._lived.records[rows] = track_record(self._country, rows, self._results(labels, week), week)
        self._week, self._labels = week, correct_delays(labels, known, monday, self._settings.settled_after_days)

    def score(self) -> pd.DataFrame:
        """Train, and score the arrivals of the week; returns their probabilities per hazard that has a model."""
        rows = self._country.rows(self._week)
        arrivals = np.arange(rows.start, rows.stop)
        any_hazard = self._labels.loc[self._labels["any"].notna(), ["any", "weight", "uncorrected"]]
        trained = self._trained(any_hazard, self._inputs)
        self._lived.score[rows] = trained.predict(self._inputs(arrivals))["any"]
        self._lived.constant[rows] = np.average(any_hazard["any"], weights=any_hazard["weight"])
        if not self._training.hazards:
            return pd.DataFrame(index=self._country.shipments.index[arrivals])
        if self._of_hazards is None or self._week % HAZARD_WEEKS == 0:
            self._of_hazards = self._trained(self._labels, self._inputs_of_hazards)
        return self._of_hazards.predict(self._inputs_of_hazards(arrivals)).drop(columns="any")

    def _results(self, labels: pd.DataFrame, week: int) -> Results:
        """Concluded exams; remembers the week in which each was first known."""
        concluded = labels["any"].dropna()
        rows = self._positions(concluded.index)
        self._known_week[rows[self._known_week[rows] < 0]] = week
        return Results(rows, concluded.to_numpy() == 1, self._known_week[rows])

    def _positions(self, shipments: pd.Index) -> Ints:
        return self._country.shipments.index.get_indexer(shipments).astype(np.int64)

    def _inputs(self, rows: Ints) -> pd.DataFrame:
        return inputs(self._country, self._lived, rows)

    def _inputs_of_hazards(self, rows: Ints) -> pd.DataFrame:
        """The same, and what each hazard's rate was."""
        frame = self._inputs(rows)
        names = [f"found_rate_{hazard}" for hazard in lists.HAZARDS]
        return frame.join(pd.DataFrame(self._rates[rows], index=frame.index, columns=names))

    def _trained(self, labels: pd.DataFrame, inputs: Callable[[Ints], pd.DataFrame]) -> models.Model:
        rows = self._positions(labels.index)
        days = epoch_days(self._country.shipments["arrival_date"].iloc[rows])
        frame, monday = inputs(rows), self._country.first_day(self._week)
        return models.Model(
            models.train(frame, labels, days, self._settings, categorical=CATEGORICAL, monotone=MONOTONE, as_of=monday)
        )


def inputs(country: Country, lived: Lived, rows: Ints) -> pd.DataFrame:
    """FEATURES of the shipments at `rows`, indexed by shipment_id."""
    standing = country.shipments[list(STANDING)].iloc[rows]
    records = pd.DataFrame(lived.records[rows], index=standing.index, columns=list(NAMES))
    return pd.concat([standing, records], axis="columns")


def _week(country: Country, number: int, lived: Lived, learner: Learner | None) -> Week:
    rows = country.rows(number)
    arrivals = country.shipments.iloc[rows]
    hazards = pd.DataFrame(index=arrivals.index) if learner is None else learner.score()
    records = pd.DataFrame(lived.records[rows], index=arrivals.index, columns=list(NAMES))
    scores = None if learner is None else lived.score[rows].copy()
    shipments = pd.concat([arrivals, records], axis="columns")
    return Week(country.first_day(number), shipments, scores, hazards, rows.start)


def _examine(room: ExamRoom, rows: slice, choice: Choice, told: Flags) -> pd.DataFrame:
    picked = np.flatnonzero(told)
    return room.outcomes(rows.start + picked, choice.exam[picked], choice.arm[picked], choice.chance[picked])
