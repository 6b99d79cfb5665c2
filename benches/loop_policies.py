"""Policies of the closed loop: who is examined this week, with which exam and what chance, and how to train for it.

A policy is any object with a name, a `training` (None = it needs no model) and `choose`. It sees what customs sees on a
Monday and nothing else; to try another one, append it to `policies`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from riskscore.config import Selection
from riskscore.selection.design import ARM_ORDER, Design, draw
from riskscore.selection.lottery import Lottery

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    from loop_country import Flags, Floats, Texts

SHARE = 0.05
"""Share of each week's shipments that can be examined."""

FLOOR_SHARE = Selection().floor_share
"""Share of these exams that the library draws at random, unless configured otherwise."""

EXAM = Selection().floor_exam
"""The exam of every pick: one model of any hazard cannot tell which other exam would do better."""


@dataclass(frozen=True, slots=True)
class Training:
    """How a policy wants its model trained.

    Attributes:
        weights: weigh each label by its inverse inclusion probability.
        half_life_days: see riskscore.config.Model; 0 = all labels alike.
    """

    weights: bool
    half_life_days: float


@dataclass(frozen=True, slots=True)
class Week:
    """What is known on the Monday before a week's arrivals are chosen from; the country is one port.

    Attributes:
        monday: the day.
        shipments: the arrivals, index shipment_id: arrival_date, port, legacy_score, legacy_exam and all features.
        scores: probability that the exam EXAM finds any hazard, one per shipment; None without a model.
        position: number of the first arrival among all shipments of the country.
    """

    monday: date
    shipments: pd.DataFrame
    scores: Floats | None
    position: int

    @property
    def slots(self) -> int:
        """Exams that can be held."""
        return round(SHARE * len(self.shipments))


@dataclass(frozen=True, slots=True)
class Choice:
    """A week's exams: four arrays with one entry per shipment of the week.

    Attributes:
        arm: arm of riskscore.selection that examines it; "none" = released.
        chance: inclusion probability.
        exam: the exam it gets, or would get.
    """

    arm: Texts
    chance: Floats
    exam: Texts

    @property
    def examined(self) -> Flags:
        """Whether each shipment is examined."""
        return np.asarray(self.arm != "none")


class Policy(Protocol):
    """Chooses each week's exams.

    `choose` must depend on its arguments only: the same week and generator give the same choice. `rng` is seeded by the
    country and the week, alike for all policies.
    """

    @property
    def name(self) -> str:
        """As in the tables; unique."""
        ...

    @property
    def training(self) -> Training | None:
        """How to train the model whose scores it wants; None = it wants none."""
        ...

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The week's exams: `week.slots` of them."""
        ...


@dataclass(frozen=True, slots=True)
class TopK:
    """The library's design over one port: the highest scores, then a uniform random floor among all others."""

    name: str
    training: Training
    floor_share: float = FLOOR_SHARE

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The highest scores; a share of the slots by lot."""
        assert week.scores is not None
        return _drawn(week, week.scores, self.floor_share * week.slots, rng)


@dataclass(frozen=True, slots=True)
class Random:
    """Every exam by lot."""

    name: str = "random"
    training: None = None

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """A simple random sample."""
        return _drawn(week, np.zeros(len(week.shipments)), float(week.slots), rng)


@dataclass(frozen=True, slots=True)
class Legacy:
    """The unit's old rules: the most points, each with the exam its rule orders."""

    name: str = "legacy"
    training: None = None

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The most points."""
        choice = _drawn(week, week.shipments["legacy_score"].to_numpy(), 0.0, rng)
        return Choice(choice.arm, choice.chance, week.shipments["legacy_exam"].to_numpy(dtype=object))


@dataclass(frozen=True, slots=True)
class Oracle:
    """Knows the truth, not the luck. The only policy that does: `merit` and `exam` are those of the whole country."""

    merit: Floats
    exam: Texts
    name: str = "oracle"
    training: None = None

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The highest chances to find something."""
        rows = slice(week.position, week.position + len(week.shipments))
        choice = _drawn(week, self.merit[rows], 0.0, rng)
        return Choice(choice.arm, choice.chance, self.exam[rows])


def _drawn(week: Week, merit: Floats, floor: float, rng: np.random.Generator) -> Choice:
    """The library's own draw, the whole country being its one port."""
    n = len(week.shipments)
    lottery = Lottery(int(rng.integers(2**62)), week.monday, "all ports")
    none = np.zeros(n, dtype=bool)
    drawn = draw(
        week.shipments.index.to_numpy(dtype=object), merit, none, Design(n, week.slots, round(floor, 9)), lottery
    )
    arm = np.array(ARM_ORDER, dtype=object)[drawn.arm]
    return Choice(arm, drawn.by_ranking + drawn.by_floor, np.full(n, EXAM, dtype=object))


HALF_LIFE_DAYS = 84.0
"""Twelve weeks (evidence of the design: with weights it is the robust part)."""

TRAININGS = {
    "ipw + recency": Training(weights=True, half_life_days=HALF_LIFE_DAYS),
    "ipw": Training(weights=True, half_life_days=0.0),
    "recency": Training(weights=False, half_life_days=HALF_LIFE_DAYS),
    "neither": Training(weights=False, half_life_days=0.0),
}
"""Of the trainings that are compared under one selection."""

BLIND: tuple[Policy, ...] = (
    Random(),
    Legacy(),
    TopK("top-k", TRAININGS["neither"], floor_share=0.0),
    *(TopK(f"floor, {how}", training) for how, training in TRAININGS.items()),
)
"""The policies that do not know the truth."""
