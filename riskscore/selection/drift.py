"""Has the trade moved away from the model? Random exams that find more than the scores foretold say so."""

from __future__ import annotations

LEVEL = 0.01
"""Chance of a false alarm at one look. A false alarm costs a larger random floor until the next look; a missed one
costs weeks of blindness."""

_ROUNDING = 1e-9


def tail(found: int, expected: float) -> float:
    """Chance of at least `found` finds where `expected` are foretold, if the scores were true.

    Exact for a Poisson count. Finds of exams with scores p_1, p_2, ... vary less than that around their sum, so the
    true chance is smaller where `found` exceeds `expected` by one or more (Hoeffding 1956, Ann. Math. Stat. 27: 713).

    Args:
        found: random exams that found something, 0 or more.
        expected: sum of their scores, 0 or more.

    >>> round(tail(3, 0.5), 4), tail(0, 2.0)
    (0.0144, 1.0)
    """
    from scipy.special import gammainc

    if found <= 0:
        return 1.0
    return float(gammainc(found, expected)) if expected > 0 else 0.0


def drifted(found: int, expected: float, level: float = LEVEL) -> bool:
    """Whether random exams found more than the scores foretold, by an exact one-sided Poisson test.

    Only an excess counts: fewer finds than foretold are no reason to look harder. One find alone is never enough, since
    a score of nearly 0 makes any find look impossible.

    Args:
        found: finds among recent random exams with a result that tells.
        expected: sum of the scores of the same exams.
        level: chance of a false alarm at one look.

    >>> drifted(6, 1.5), drifted(3, 1.5), drifted(1, 0.0)
    (True, False, False)
    """
    return found > 1 and tail(found, expected) < level - _ROUNDING
