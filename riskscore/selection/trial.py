"""A champion and a challenger compared where they disagree: who gets a disputed slot is decided by a fair toss.

With k ranked slots at a port, both models' first k places are compared. Shipments in both are examined with certainty.
Those in one only are paired by rank, the first that only the champion wants with the first that only the challenger
wants, and a fair toss per pair says which of the two is examined: each with chance exactly 1/2, and no slot more than
without a trial. Ports where more than the slots binds (limits of an exam, minutes) stand outside: a won toss could
break the limit. Of the pair (a, b) one result is seen, and 2 y(b) with the toss for b, -2 y(a) with the toss for a, is
an unbiased estimate of y(b) - y(a) (Horvitz and Thompson 1952); the difference of the two hit rates estimates the same
and varies less. How many exams a decision takes is computed before the first (`exams_needed`): looking every morning
and stopping when the picture pleases would find a difference where there is none (Armitage, McPherson and Rowe 1969,
J. R. Stat. Soc. A 132: 235).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from riskscore.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from riskscore.selection.lottery import Lottery

    Flags = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

Side = Literal["champion", "challenger"]
SIDES: tuple[Side, Side] = ("champion", "challenger")

ALPHA, POWER = 0.05, 0.8
"""Chance of finding a difference where there is none, and of finding the one planned for, unless told."""


@dataclass(frozen=True, slots=True)
class Rival:
    """What a model on trial says of the day.

    Attributes:
        version: its version, for the reasons.
        scores: index shipment_id; column any (calibrated probability of any hazard, no nulls) and one per modelled
            hazard.
        harm: its expected harm in USD per shipment and hazard, same index; None = not known.
    """

    version: str
    scores: pd.DataFrame
    harm: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A slot that was tossed for.

    Attributes:
        port: where.
        pair: number of the slot among the port's disputed ones, 1 = first.
        champion: shipment_id that only the champion wanted.
        challenger: shipment_id that only the challenger wanted.
        examined: whose shipment the toss gave the slot to.
    """

    port: str
    pair: int
    champion: str
    challenger: str
    examined: Side


@dataclass(frozen=True, slots=True)
class TrialEvidence:
    """What a trial has to say about promoting the challenger.

    Attributes:
        difference: hit rate of the exams the challenger won minus that of those the champion won; NaN while one of
            them has none.
        low: lower end of the interval for it.
        high: upper end.
        pairs: disputed pairs whose examined shipment has a known result, at most `needed`.
        needed: pairs that were planned before the first toss; None = nothing was planned, so nothing is decided.
        decided: as many as planned are known. `low > 0` then says that the challenger is better, `high < 0` that the
            champion is; anything else that no difference of the planned size was seen.
    """

    difference: float
    low: float
    high: float
    pairs: int
    needed: int | None
    decided: bool

    @property
    def verdict(self) -> Literal["not yet", "challenger", "champion", "no difference"]:
        """Whose picks find more.

        >>> TrialEvidence(0.06, 0.01, 0.11, pairs=900, needed=900, decided=True).verdict
        'challenger'
        """
        if not self.decided:
            return "not yet"
        if self.low > 0:
            return "challenger"
        return "champion" if self.high < 0 else "no difference"


def pairs(ours: Flags, theirs: Flags, rank: Ints, rival_rank: Ints) -> Ints:
    """Pair the shipments that only one of two models wants, the first of each side with the first of the other.

    Args:
        ours: wanted by the champion.
        theirs: wanted by the challenger. Where it wants fewer or more, the rest of the longer side stays unpaired.
        rank: places in the champion's ranking, 1 = first.
        rival_rank: places in the challenger's ranking.

    Returns:
        Number of the disputed slot each stands for, 1 = first (two shipments have the same number), 0 = not disputed.

    >>> wanted = np.array([True, True, False]), np.array([True, False, True])
    >>> pairs(*wanted, rank=np.array([1, 2, 3]), rival_rank=np.array([1, 3, 2])).tolist()
    [0, 1, 1]
    """
    only_ours = np.flatnonzero(ours & ~theirs)
    only_theirs = np.flatnonzero(theirs & ~ours)
    number = min(len(only_ours), len(only_theirs))
    pair = np.zeros(len(ours), dtype="int64")
    pair[only_ours[np.argsort(rank[only_ours])][:number]] = np.arange(1, number + 1)
    pair[only_theirs[np.argsort(rival_rank[only_theirs])][:number]] = np.arange(1, number + 1)
    return pair


def chances(ours: Flags, theirs: Flags, pair: Ints) -> tuple[Floats, Floats]:
    """Chance of an exam by the champion's wish, and by the challenger's alone.

    Args:
        ours: wanted by the champion.
        theirs: wanted by the challenger.
        pair: number of the disputed slot, see `pairs`.

    >>> ours, theirs = np.array([True, True, False]), np.array([True, False, True])
    >>> by_champion, by_challenger = chances(ours, theirs, np.array([0, 1, 1]))
    >>> by_champion.tolist(), by_challenger.tolist()
    ([1.0, 0.5, 0.0], [0.0, 0.0, 0.5])
    """
    each = np.where(pair > 0, 0.5, 1.0)
    return each * ours, each * (theirs & ~ours)


def toss(pair: Ints, wanted: tuple[Floats, Floats], lottery: Lottery) -> Flags:
    """Give the ranked slots of a port: which shipments are examined.

    Args:
        pair: number of the disputed slot, see `pairs`.
        wanted: chances of an exam by the champion's wish and by the challenger's alone, see `chances`.
        lottery: the port's draws; a pair's toss depends on its number, not on who else was drawn.
    """
    for_us = np.array([False, *(lottery.uniform(f"toss {number + 1}") < 0.5 for number in range(pair.max(initial=0)))])
    won = np.where(wanted[0] > 0, for_us[pair], ~for_us[pair])
    return np.asarray((wanted[0] + wanted[1] > 0) & ((pair == 0) | won))


def difference(hits: tuple[int, int], exams: tuple[int, int], level: float = 1 - ALPHA) -> tuple[float, float, float]:
    """Difference of two hit rates, challenger minus champion, with an interval that holds for few hits.

    The interval is that of Agresti and Caffo (2000, Am. Stat. 54: 280): one hit and one clear exam are added to each
    side. It has no width of zero where nothing was found, and its coverage at low rates is shown in
    tests/selection/test_trial.py.

    Args:
        hits: exams with a finding, of champion and challenger.
        exams: exams with a known result, of champion and challenger.
        level: confidence level.

    Returns:
        The difference (NaN when a side has no exam), and the interval's ends, within -1 to 1.

    >>> [round(part, 3) for part in difference(hits=(0, 3), exams=(40, 38))]
    [0.079, -0.028, 0.18]
    """
    shares = [(hit + 1) / (count + 2) for hit, count in zip(hits, exams, strict=True)]
    variance = sum(share * (1 - share) / (count + 2) for share, count in zip(shares, exams, strict=True))
    reach = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance)
    centre = shares[1] - shares[0]
    seen = hits[1] / exams[1] - hits[0] / exams[0] if min(exams) else math.nan
    return seen, max(centre - reach, -1.0), min(centre + reach, 1.0)


def exams_needed(base_rate: float, difference: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Disputed exams with a known result that a trial takes to see a difference of hit rates, both sides together.

    The usual count for two proportions (Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions,
    3rd ed., 4.14), twice, as the toss gives each side half of the exams.

    Args:
        base_rate: hit rate of the champion's exams, in (0, 1).
        difference: what the challenger's rate must be higher (negative: lower) by to be worth seeing.
        power: chance that such a difference is seen.
        alpha: chance that one is seen where there is none.

    Raises:
        ConfigError: a rate outside 0 to 1, no difference, or a power or alpha that is no chance.

    >>> exams_needed(base_rate=0.2, difference=0.05), exams_needed(base_rate=0.2, difference=0.1)
    (2188, 588)
    """
    rates = (base_rate, base_rate + difference)
    if not (0 < base_rate < 1 and 0 <= rates[1] <= 1 and difference and 0 < alpha < power < 1):
        raise ConfigError(
            f"expected a base rate and a changed rate between 0 and 1, got {rates[0]:g} and {rates[1]:g} "
            f"(power {power:g}, alpha {alpha:g})",
            where="trial plan",
        )
    mean, normal = sum(rates) / 2, NormalDist()
    alike = normal.inv_cdf(1 - alpha / 2) * math.sqrt(2 * mean * (1 - mean))
    apart = normal.inv_cdf(power) * math.sqrt(sum(rate * (1 - rate) for rate in rates))
    return 2 * math.ceil(((alike + apart) / difference) ** 2)
