"""What another ranking would have found, guessed from exams that this design chose: a screen, never a decision.

Every live shipment of the logged days had a known chance of an exam. An examined shipment that the other ranking would
also have examined stands for 1/chance shipments like it (Horvitz and Thompson 1952). Where the two rankings differ, all
that is known comes from the few exams of the random floor, each standing for many: the effective number of exams is
small and the interval wide. Such estimates cannot tell rankings apart that lie within about five points of hit rate;
they show what is not worth a trial. What decides is a trial (riskscore.selection.trial); no gate reads these figures.

The estimand is the hit rate that the exams of this design would find among the other ranking's picks on these days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskscore.errors import ModelError
from riskscore.models.estimates import effective_rows
from riskscore.models.evaluation import wilson

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COLUMNS = ("inclusion_probability", "examined", "hit")

MIN_EFFECTIVE = 30.0
"""Fewer effective exams than this and the estimate is called too thin to screen with: its interval is then wider than
the five points within which it could not tell rankings apart anyway."""

_ROUNDING = 1e-12
"""What sums of shares may miss 1 by."""


@dataclass(frozen=True, slots=True)
class Screening:
    """Estimates of the hit rate of another ranking's picks, in [0, 1] unless said otherwise.

    Attributes:
        slots: exams the other ranking would have ordered.
        unsupported: share of them that this design could not have examined (chance zero or unknown): nothing is known
            of these. The estimates speak of the rest, the interval of all, as if none or all of these were hits.
        exams: examined shipments with a known result that both would examine.
        unknown: examined shipments of both whose result is not known; taken to be like the others.
        effective_exams: equally weighted exams that would say as much; 0 when none was drawn for a part of the picks.
        inverse_propensity: weighted hits per supported slot; unbiased where every result is known, may exceed 1.
        self_normalised: weighted hits per weighted exam (Hajek 1971), apart for picks that this design was certain to
            examine and for those that it drew, joined by how many of each the other ranking wants. A little biased;
            never above 1.
        doubly_robust: the mean prediction, corrected by the weighted errors of it (Cassel, Särndal and Wretman 1976);
            NaN without predictions.
        low: lower end of the 95 % interval around the self-normalised rate: of both parts Wilson's at the effective
            number of exams, joined by the method of variance estimates recovery (Zou and Donner 2008). Picks that have
            no support, and a part in which no exam was drawn, are anything from no hit to all hits.
        high: upper end.
    """

    slots: float
    unsupported: float
    exams: int
    unknown: int
    effective_exams: float
    inverse_propensity: float
    self_normalised: float
    doubly_robust: float
    low: float
    high: float

    @property
    def caution(self) -> str:
        """What speaks against reading anything into the figures; empty when nothing special does.

        >>> Screening(10, 1.0, 0, 0, 0.0, *[float("nan")] * 3, 0.0, 1.0).caution
        'no support: this design could not have examined any of these picks, or its chances are unknown'
        """
        if self.unsupported >= 1:
            return "no support: this design could not have examined any of these picks, or its chances are unknown"
        parts = []
        if self.unsupported:
            parts.append(f"no support for {self.unsupported:.1%} of these picks")
        if self.effective_exams < MIN_EFFECTIVE:
            parts.append(f"too thin: {self.effective_exams:.1f} effective exams")
        return "; ".join(parts)


def screen(logged: pd.DataFrame, wanted: pd.Series[float], predicted: pd.Series[float] | None = None) -> Screening:
    """Estimate the hit rate that another ranking would have had on logged days.

    Args:
        logged: every live shipment of these days. Columns: inclusion_probability (of the design; NaN = unknown),
            examined (bool), hit (1 found, 0 not; NaN = not examined, or its result is not known).
        wanted: chance in [0, 1] that the other ranking would have examined each, same index; a plain list of picks is
            0 and 1.
        predicted: probability of a hit of each shipment, same index, by a model that has not seen these results; for
            the doubly robust estimate.

    Returns:
        The estimates. A hit of a shipment that was not examined is not used, wherever it came from.

    Raises:
        ModelError: columns are missing, the indexes differ, a chance is out of range, or nothing is wanted.

    >>> import pandas as pd
    >>> day = pd.DataFrame(
    ...     {
    ...         "inclusion_probability": [1.0, 0.5, 0.1, 0.1],
    ...         "examined": [True, True, False, True],
    ...         "hit": [1.0, 0.0, None, 0.0],
    ...     }
    ... )
    >>> found = screen(day, wanted=pd.Series([1.0, 1.0, 1.0, 0.0]))
    >>> found.exams, round(found.inverse_propensity, 3), round(found.self_normalised, 3)
    (2, 0.333, 0.333)
    """
    _check(logged, wanted, predicted)
    chance, asked = _floats(logged["inclusion_probability"]), _floats(wanted)
    supported = chance > 0
    slots = float(asked.sum())
    both = supported & logged["examined"].to_numpy(dtype=bool) & (asked > 0)
    hit = _floats(logged["hit"])
    known = both & ~np.isnan(hit)
    weights, labels, certain = asked[known] / chance[known], hit[known], chance[known] >= 1
    shares = [float(asked[part].sum()) / slots for part in (chance >= 1, supported & (chance < 1))]
    rate, low, high, effective = _joined(shares, [(labels[part], weights[part]) for part in (certain, ~certain)])
    unsupported = 1 - sum(shares)
    return Screening(
        slots=slots,
        unsupported=unsupported if unsupported > _ROUNDING else 0.0,
        exams=len(labels),
        unknown=int(both.sum()) - len(labels),
        effective_exams=effective,
        inverse_propensity=_ratio(float((weights * labels).sum()), slots * sum(shares)) if len(labels) else math.nan,
        self_normalised=rate,
        doubly_robust=_doubly_robust(predicted, asked * supported, (known, weights, labels)),
        low=max(0.0, low),
        high=min(1.0, high + unsupported),
    )


def _joined(shares: list[float], parts: list[tuple[Floats, Floats]]) -> tuple[float, float, float, float]:
    """Rate of the supported picks, the ends of what they add to the rate of all, and the effective exams behind it.

    Args:
        shares: of each part in all picks.
        parts: labels and weights of the exams of each.
    """
    seen = [(share, *_part(*part)) for share, part in zip(shares, parts, strict=True) if share and len(part[0])]
    if not seen:
        return math.nan, 0.0, sum(shares), 0.0
    rate = sum(share * mean for share, mean, *_ in seen) / sum(share for share, *_ in seen)
    # A part in which no exam was drawn is guessed to be like the rest, and may be anything.
    unseen = [
        (share, rate, 0.0, 1.0, 0.0) for share, part in zip(shares, parts, strict=True) if share and not len(part[0])
    ]
    below = math.sqrt(sum((share * (mean - low)) ** 2 for share, mean, low, *_ in [*seen, *unseen]))
    above = math.sqrt(sum((share * (high - mean)) ** 2 for share, mean, _, high, _ in [*seen, *unseen]))
    effective = 0.0 if unseen else sum(shares) ** 2 / sum(share**2 / size for share, *_, size in seen)
    return rate, sum(shares) * rate - below, sum(shares) * rate + above, effective


def _part(labels: Floats, weights: Floats) -> tuple[float, float, float, float]:
    """Weighted rate of a part, its interval, and its effective number of exams."""
    mean, size = float((weights * labels).sum() / weights.sum()), effective_rows(labels, weights)
    return mean, *wilson(mean * size, size), size


def _doubly_robust(
    predicted: pd.Series[float] | None, asked: Floats, seen: tuple[NDArray[np.bool_], Floats, Floats]
) -> float:
    if predicted is None or not asked.any():
        return math.nan
    guess, (known, weights, hit) = _floats(predicted), seen
    correction = _ratio(float((weights * (hit - guess[known])).sum()), float(weights.sum()))
    return float((asked * guess).sum() / asked.sum()) + (0.0 if math.isnan(correction) else correction)


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.nan


def _floats(values: pd.Series) -> Floats:
    return values.to_numpy(dtype="float64", na_value=np.nan)


def _check(logged: pd.DataFrame, wanted: pd.Series, predicted: pd.Series | None) -> None:
    missing = [name for name in COLUMNS if name not in logged.columns]
    if missing:
        raise ModelError(f"columns are missing: {', '.join(missing)}", where="logged exams")
    if not all(logged.index.equals(other.index) for other in (wanted, predicted) if other is not None):
        raise ModelError("the ranking speaks of other shipments than the log, or in another order", where="wanted")
    if not _floats(wanted).sum() > 0 or not wanted.between(0, 1).all():
        raise ModelError("expected chances of an exam in [0, 1], and some above 0", where="wanted")
    if not logged["inclusion_probability"].dropna().between(0, 1).all():
        raise ModelError("expected chances in [0, 1]", where="inclusion_probability")
