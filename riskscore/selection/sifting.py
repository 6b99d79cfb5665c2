"""How the program of a large port is solved by a small one and a proof.

Prices of the limits say almost everything: a shipment takes the exam whose value less price is highest, and only those
for which two choices are nearly level are in doubt. A sample of the shipments gives prices that are nearly right; the
program of the doubtful ones gives the shares; and its prices, held against ALL shipments, give a bound that no choice
can exceed (weak duality). Where value and bound agree, that is the proof; where not, more shipments count as doubtful.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.selection.programs import GAP, Limits, Pairs, integral, solved

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

PROOF = 1e-9
"""Relative difference of value and bound that is the rounding of sums and the solver's tolerance."""

_SMALL = 2_000
"""Pairs up to which the whole program is solved at once: a second, smaller one would take as long."""

_EVERY = 4
"""One row in so many is in the sample that prices come from."""

_DOUBTFUL = (0.2, 0.5)
"""Shares of the rows, those with the nearest choices, that are tried as the doubtful ones before all are."""

_WHOLE = 1e-6
"""Shares this near to 0 or 1 are whole: the solver's tolerance."""

_FULL = 1e-6
"""So little below 0 is a limit that is just used up: sums of minutes are not exact."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """An optimum of the linear program.

    Attributes:
        share: of each pair, in [0, 1].
        prices: of the limits, at least 0.
        bound: what no choice among all rows exceeds; the value of the shares, but for rounding.
    """

    share: Floats
    prices: Floats
    bound: float

    @property
    def whole(self) -> bool:
        """Whether every share is 0 or 1."""
        return bool((np.minimum(self.share, 1 - self.share) <= _WHOLE).all())


def relaxed(pairs: Pairs, values: Floats, limits: Limits) -> Relaxation:
    """Solve the linear program.

    Args:
        pairs: the pairs among which an optimum is; at least one.
        values: of all rows, one column per exam.
        limits: of the port.

    Raises:
        RunError: the solver stopped without an answer.
    """
    if len(pairs) > _SMALL:
        prices = _guessed(*_sample(pairs, limits))
        for doubtful in _DOUBTFUL:
            found = _sifted(pairs, limits, prices, doubtful)
            if found is None:
                continue
            share, prices = found
            bound = _bound(values, limits, prices)
            if bound - math.fsum(share * pairs.value) <= PROOF * bound:
                return Relaxation(share, prices, bound)
    share, prices = solved(pairs, limits)
    return Relaxation(share, prices, _bound(values, limits, prices))


def _sample(pairs: Pairs, limits: Limits) -> tuple[Pairs, Limits]:
    """The pairs of every few rows, and their part of the limits; rows go by ticket, so the sample is random."""
    place = np.cumsum(np.diff(pairs.row, prepend=pairs.row[0]) > 0)
    return pairs.only(place % _EVERY == 0), Limits(limits.use, limits.most / _EVERY)


def _guessed(pairs: Pairs, limits: Limits) -> Floats:
    """Prices of the program's limits, or nearly so."""
    if len(pairs) <= _SMALL:
        return solved(pairs, limits)[1]
    prices = _guessed(*_sample(pairs, limits))
    found = _sifted(pairs, limits, prices, _DOUBTFUL[0])
    # Too few doubtful rows can make prices worse; the better ones prove the lower bound.
    return prices if found is None else min(prices, found[1], key=lambda each: _bound_of(pairs, limits, each))


def _bound_of(pairs: Pairs, limits: Limits, prices: Floats) -> float:
    gain = np.maximum(pairs.value - limits.cost(prices)[pairs.exam], 0.0)
    best = np.maximum.reduceat(gain, np.flatnonzero(np.diff(pairs.row, prepend=-1)))
    return float(best.sum()) + float((prices * limits.most).sum())


@dataclass(frozen=True, slots=True)
class _Choices:
    """What the prices say of each pair.

    Attributes:
        behind: by how much its gain is less than the best choice of its row; to have no exam is a choice, with gain 0.
        margin: by how much the row's second choice is behind its best.
    """

    behind: Floats
    margin: Floats

    @classmethod
    def of(cls, pairs: Pairs, limits: Limits, prices: Floats) -> _Choices:
        gain = pairs.value - limits.cost(prices)[pairs.exam]
        starts = np.flatnonzero(np.diff(pairs.row, prepend=-1))
        length = np.diff(starts, append=len(pairs))
        best = np.maximum(np.maximum.reduceat(gain, starts), 0.0)
        behind = np.repeat(best, length) - gain
        level = np.add.reduceat(behind == 0, starts, dtype=np.int64) + (best == 0) > 1
        others = np.minimum.reduceat(np.where(behind > 0, behind, np.inf), starts)
        second = np.minimum(others, np.where(best > 0, best, np.inf))
        return cls(behind, np.repeat(np.where(level, 0.0, second), length))

    def divided(self, within: float) -> tuple[Flags, Flags]:
        """The pairs taken for certain, and those in doubt: whose row has a second choice `within` so much."""
        doubtful = self.margin <= within
        return ~doubtful & (self.behind == 0), doubtful & (self.behind <= within)


def _sifted(pairs: Pairs, limits: Limits, prices: Floats, doubtful: float) -> tuple[Floats, Floats] | None:
    """Shares and prices when only that share of the rows is in doubt; None: the exams of the others do not fit."""
    choices = _Choices.of(pairs, limits, prices)
    first = np.diff(pairs.row, prepend=-1) > 0
    taken, in_doubt = choices.divided(float(np.quantile(choices.margin[first], doubtful)))
    left = limits.after(pairs.exam[taken])
    if (left.most < 0).any() or not in_doubt.any():
        return None
    share = taken.astype(np.float64)
    share[in_doubt], new = solved(pairs.only(in_doubt), left)
    return share, new


def rounded(pairs: Pairs, limits: Limits, relaxation: Relaxation) -> Flags:
    """The pairs with whole shares, improved one shipment at a time while an exam, or a better one, still fits."""
    taken = relaxation.share > 1 - _WHOLE
    while not relaxation.whole:
        better = _improvement(pairs, limits, taken)
        if better is None:
            break
        taken[pairs.row == pairs.row[better]] = False
        taken[better] = True
    return taken


def _improvement(pairs: Pairs, limits: Limits, taken: Flags) -> int | None:
    """The pair that adds most value in place of what its row has, within the limits; None: there is none."""
    kinds = limits.use.shape[1]
    exam, value = np.full(pairs.row[-1] + 1, kinds), np.zeros(pairs.row[-1] + 1)
    exam[pairs.row[taken]], value[pairs.row[taken]] = pairs.exam[taken], pairs.value[taken]
    given_up = np.column_stack([limits.use, np.zeros(len(limits.most))])
    left = limits.after(pairs.exam[taken]).most[:, None] + given_up
    fits: Flags = np.all(limits.use[:, None, :] <= left[:, :, None] + _FULL, axis=0)
    more = np.where(fits[exam[pairs.row], pairs.exam], pairs.value - value[pairs.row], 0.0)
    best = int(more.argmax())
    return best if more[best] > 0 else None


def branched(pairs: Pairs, limits: Limits, relaxation: Relaxation, known: float) -> tuple[Flags | None, float]:
    """Solve the integer program, to within GAP or NODES.

    Args:
        pairs: the pairs among which an optimum is.
        limits: of the port.
        relaxation: the optimum of the linear program.
        known: value of a solution that is known already. A choice that is behind by more than the bound exceeds it
            cannot be part of a better one, and is not looked at.

    Returns:
        The pairs taken, None where nothing better than the known solution is; and a bound.
    """
    spare = (relaxation.bound - known) * (1 + PROOF)
    taken, in_doubt = _Choices.of(pairs, limits, relaxation.prices).divided(spare)
    left = limits.after(pairs.exam[taken])
    if (left.most < -_FULL).any() or not in_doubt.any():
        return None, known
    certain = math.fsum(pairs.value[taken])
    gap = GAP * known / max(relaxation.bound - certain, known * GAP)
    chosen, bound = integral(pairs.only(in_doubt), left, gap)
    if chosen is None or certain + math.fsum(pairs.value[in_doubt][chosen]) <= known:
        return None, max(min(relaxation.bound, certain + bound), known)
    taken[in_doubt] = chosen
    return taken, min(relaxation.bound, certain + bound)


def _bound(values: Floats, limits: Limits, prices: Floats) -> float:
    """What the prices prove: a bound for any prices of at least 0, tight for the best."""
    cost, gain = limits.cost(prices), np.zeros(len(values))
    for exam in np.flatnonzero(limits.most[: len(cost)]):
        np.maximum(gain, values[:, exam] - cost[exam], out=gain)
    return math.fsum(gain) + float((prices * limits.most).sum())
