"""A hit rate that is looked at every day: bounds that hold at every look together.

An interval that covers 95 % at one look misses far more often when somebody looks each morning. A confidence sequence
(Darling and Robbins 1967) is one band for all looks: with the stated chance it holds the true rate at every one.
"""

from __future__ import annotations

import math

from riskscore.models.estimates import Estimate

PRIOR = 0.5
"""Shape and rate of the gamma mixture over the ratio of true to claimed count. The band holds for any value; this one
is narrow from no find at all to a few hundred (a smaller one bounds few finds better from below, a larger one many)."""


def confidence_sequence(found: int, exams: int, level: float = 0.95) -> Estimate:
    """Rate of finds among random exams so far, with bounds that hold at every look together.

    The exams come in an order fixed before their results; each may have another chance to find something, which may
    depend on all before it. The bounds are for the mean of those chances over the exams so far: claims m of that mean
    are kept while the gamma mixture of Poisson likelihood ratios at `exams` x m stays below 1 / (1 - level). Under the
    truth the mixture is a supermartingale, since 1 + p (r - 1) <= exp(p (r - 1)); Ville's inequality (1939) does the
    rest, as in Howard et al. (2021, Ann. Stat. 49: 1055).

    Args:
        found: exams that found something.
        exams: exams with a result; results that are still to come must not be left out selectively: count the exams of
            days whose results are complete.
        level: chance that no look ever misses.

    Returns:
        Undefined before the first exam.

    >>> made = confidence_sequence(4, 100)
    >>> made.value, round(made.low, 3), round(made.high, 3)
    (0.04, 0.003, 0.133)
    """
    if not exams:
        return Estimate(math.nan, math.nan, math.nan, 0, 0)
    value = found / exams
    limit = -math.log(1 - level)
    low = _crossing(found, 0.0, limit) if found else 0.0
    above = found + 1.0
    while _evidence(found, above) < limit:
        above *= 2
    return Estimate(value, low / exams, min(1.0, _crossing(found, above, limit) / exams), exams, found)


def _evidence(found: int, expected: float) -> float:
    """Logarithm of the mixture's likelihood ratio against a claimed total of `expected` finds."""
    shape = PRIOR + found
    prior = PRIOR * math.log(PRIOR) - math.lgamma(PRIOR)
    return expected + prior + math.lgamma(shape) - shape * math.log(PRIOR + expected)


def _crossing(found: int, outside: float, limit: float) -> float:
    """Where the evidence reaches the limit between a claim of `found`, against which there is none, and `outside`."""
    from scipy.optimize import brentq

    if _evidence(found, outside) <= limit:
        return outside
    return float(brentq(lambda claim: _evidence(found, claim) - limit, found, outside))
