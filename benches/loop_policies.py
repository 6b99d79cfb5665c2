"""Policies of the closed loop: who is examined this week, with which exam and what chance, and how to train for it.

A policy is any object with a name, a `training` (None = it needs no model) and `choose`. It sees what customs sees on a
Monday and nothing else; to try another one, append it to `policies`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from loop_country import TRUSTED_TIER

from riskscore import reference
from riskscore.config import Selection
from riskscore.selection.design import ARM_ORDER, Port, RandomPart, draw
from riskscore.selection.lottery import Lottery
from riskscore.selection.room import Room
from riskscore.selection.values import expected_finds

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    from loop_country import Flags, Floats, Ints, Texts

SHARE = 0.05
"""Share of each week's shipments that can be examined."""

FLOOR_SHARE = Selection().floor_share
"""Share of these exams that the library draws at random, unless configured otherwise."""

EXAM = Selection().floor_exam
"""The exam of every pick, but where exams are matched: one model of any hazard cannot tell which would do better."""

EXAMS = np.array(reference.exams(), dtype=object)
"""All exams, in the order of the library."""

FIRST_TIME = ("importer_first_seen_days", "importer_x_filer_first_seen_days", "importer_x_hs4_first_seen_days")
"""Features that tell of something new to the importer, or of a new importer."""

NEW_DAYS = 28
"""Days for which it counts as new; null = never seen before: new."""


@dataclass(frozen=True, slots=True)
class Training:
    """How a policy wants its model trained.

    Attributes:
        weights: weigh each label by its inverse inclusion probability.
        half_life_days: see riskscore.config.Model; 0 = all labels alike.
        hazards: also train the models of single hazards.
    """

    weights: bool
    half_life_days: float
    hazards: bool = False


@dataclass(frozen=True, slots=True)
class Week:
    """What is known on the Monday before a week's arrivals are chosen from; the country is one port.

    Attributes:
        monday: the day.
        shipments: the arrivals, index shipment_id: arrival_date, port, legacy_score, legacy_exam and all features.
        scores: probability that the exam EXAM finds any hazard, one per shipment; None without a model.
        hazards: the same per hazard, one column for each that has a model; no columns without any.
        position: number of the first arrival among all shipments of the country.
    """

    monday: date
    shipments: pd.DataFrame
    scores: Floats | None
    hazards: pd.DataFrame
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

    @property
    def all_labels(self) -> float:
        """Share of the shipments it does not examine whose result it is told all the same; 0 but for a ceiling."""
        ...

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The week's exams: `week.slots` of them."""
        ...


@dataclass(frozen=True, slots=True)
class TopK:
    """The highest scores, then a uniform random floor among all others: the library's design over one port.

    Without a floor nothing is left to chance.
    """

    name: str
    training: Training
    floor_share: float = FLOOR_SHARE
    all_labels: float = 0.0

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The highest scores; a share of the slots by lot."""
        assert week.scores is not None
        if not self.floor_share:
            return _top(week, week.scores, np.full(len(week.shipments), EXAM, dtype=object), rng)
        return _drawn(week, _worth(week.scores, EXAM), RandomPart(self.floor_share, 1.0, 0.0, _EXAM), rng)


@dataclass(frozen=True, slots=True)
class Ours:
    """The library's whole design over one port.

    Attributes:
        name: as in the tables.
        training: how its model is trained.
        floor_share: share of the exams that the random floor is.
        novelty_share: share drawn among shipments that do something new, by how new and how risky.
        strata: whether half of the floor is shared alike by trusted or not, known or new; else it is uniform.
        matched: whether each exam is the one that finds most by the models of single hazards; else all are EXAM.
    """

    name: str
    training: Training
    floor_share: float = 0.03
    novelty_share: float = 0.0
    strata: bool = True
    matched: bool = True
    all_labels: float = 0.0

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """Ranked by worth, then the random part."""
        assert week.scores is not None
        new = (~(week.shipments[list(FIRST_TIME)].to_numpy() > NEW_DAYS)).sum(axis=1)
        trusted = (week.shipments["importer_ctpat_tier"] >= TRUSTED_TIER).to_numpy()
        stratum = np.where(self.strata, 2 * ~trusted + (new > 0), 0).astype(np.int64)
        part = RandomPart(max(self.floor_share, _NONE), 0.5 if self.strata else 1.0, self.novelty_share, _EXAM)
        worth = _matched(week) if self.matched else _worth(week.scores, EXAM)
        return _drawn(week, worth, part, rng, stratum, new * week.scores)


@dataclass(frozen=True, slots=True)
class Random:
    """Every exam by lot."""

    name: str = "random"
    training: None = None
    all_labels: float = 0.0

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """A simple random sample."""
        return _drawn(week, _worth(np.zeros(len(week.shipments)), EXAM), RandomPart(1.0, 1.0, 0.0, _EXAM), rng)


@dataclass(frozen=True, slots=True)
class Legacy:
    """The unit's old rules: the most points, each with the exam its rule orders."""

    name: str = "legacy"
    training: None = None
    all_labels: float = 0.0

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The most points."""
        exam = week.shipments["legacy_exam"].to_numpy(dtype=object)
        return _top(week, week.shipments["legacy_score"].to_numpy(), exam, rng)


@dataclass(frozen=True, slots=True)
class Oracle:
    """Knows the truth, not the luck. The only policy that does: `merit` and `exam` are those of the whole country."""

    merit: Floats
    exam: Texts
    name: str = "oracle"
    training: None = None
    all_labels: float = 0.0

    def choose(self, week: Week, rng: np.random.Generator) -> Choice:
        """The highest chances to find something."""
        rows = slice(week.position, week.position + len(week.shipments))
        return _top(week, self.merit[rows], self.exam[rows], rng)


_EXAM = list(EXAMS).index(EXAM)

_NONE = 1e-9
"""Share of a floor that is none; the library still draws one exam in twenty weeks."""


def _worth(merit: Floats, exam: Texts | str) -> Floats:
    """Worth of each exam where only one is thought of."""
    meant = np.reshape(np.asarray(exam, dtype=object), (-1, 1)) == EXAMS
    return np.where(meant, merit[:, None], 0.0)


def _top(week: Week, merit: Floats, exam: Texts, rng: np.random.Generator) -> Choice:
    """The highest merits, nothing left to chance but ties."""
    tickets = _lottery(week, rng).tickets(week.shipments.index)[:, 0]
    examined = np.zeros(len(merit), dtype=bool)
    examined[np.lexsort((tickets, -merit))[: week.slots]] = True
    return Choice(np.where(examined, "risk", "none").astype(object), examined.astype(np.float64), exam)


def _lottery(week: Week, rng: np.random.Generator) -> Lottery:
    return Lottery(int(rng.integers(2**62)), week.monday, "all ports")


def _matched(week: Week) -> Floats:
    """Worth of each exam, as the library has it."""
    return expected_finds(week.hazards.assign(any=week.scores)).to_numpy()


def _drawn(
    week: Week,
    worth: Floats,
    part: RandomPart,
    rng: np.random.Generator,
    stratum: Ints | None = None,
    novelty: Floats | None = None,
) -> Choice:
    """The library's own draw, the whole country being its one port."""
    n, kinds, slots = len(week.shipments), len(EXAMS), week.slots
    port = Port(
        shipment_ids=week.shipments.index.to_numpy(dtype=object),
        values=worth,
        must=np.full(n, -1),
        room=Room(slots, (slots,) * kinds, None, (60.0,) * kinds),
        random=part,
        stratum=np.zeros(n, dtype=np.int64) if stratum is None else stratum,
        novelty=np.zeros(n) if novelty is None else novelty,
    )
    drawn = draw(port, _lottery(week, rng))
    exam = np.where(drawn.exam >= 0, drawn.exam, worth.argmax(axis=1))
    return Choice(np.array(ARM_ORDER, dtype=object)[drawn.arm], drawn.exam_chances.sum(axis=1), EXAMS[exam])


HALF_LIFE_DAYS = 84.0
"""Twelve weeks (evidence of the design: with weights it is the robust part)."""

TRAININGS = {
    "ipw + recency": Training(weights=True, half_life_days=HALF_LIFE_DAYS),
    "ipw": Training(weights=True, half_life_days=0.0),
    "recency": Training(weights=False, half_life_days=HALF_LIFE_DAYS),
    "neither": Training(weights=False, half_life_days=0.0),
}
"""Of the trainings that are compared under one selection."""

_LIBRARY = replace(TRAININGS["ipw"], hazards=True)

OURS: tuple[Policy, ...] = (
    Ours("ours", _LIBRARY),
    Ours("ours without floor", _LIBRARY, floor_share=0.0),
    Ours("ours with novelty", _LIBRARY, novelty_share=0.07),
    Ours("ours without strata", _LIBRARY, strata=False),
    Ours("ours without matched exams", TRAININGS["ipw"], matched=False),
    Ours("ours without weights", replace(_LIBRARY, weights=False)),
    Ours("ours with recency", replace(_LIBRARY, half_life_days=HALF_LIFE_DAYS)),
)
"""The library's design, and each of its parts switched off, or on where its default is off."""

BLIND: tuple[Policy, ...] = (
    Random(),
    Legacy(),
    TopK("top-k", TRAININGS["neither"], floor_share=0.0),
    *OURS,
    *(TopK(f"floor, {how}", training) for how, training in TRAININGS.items()),
    TopK("a third of all labels known", TRAININGS["neither"], floor_share=0.0, all_labels=0.3),
)
"""The policies that do not know the truth. The last is told the result of three in ten of the shipments that it does
not examine: seven times the labels, so about as much as labels can bring; all of them would take hours to learn."""

MAIN = ("random", "legacy", "top-k", "ours", "ours without weights", "oracle")
"""Policies of a run that fits an hour."""
