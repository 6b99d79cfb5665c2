"""One rule for one key and one day, applied to whole columns.

A rule changes its answer only on the days on which a fact begins or ends. So a column is answered by asking the rule
once for each distinct key between two such days: exactly what asking it row by row gives, at the price of a few calls.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from riskscore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Objects: TypeAlias = NDArray[np.object_]
    Floats: TypeAlias = NDArray[np.float64]
    Keys: TypeAlias = str | Sequence[str | None] | Objects | pd.Series | None
    Days: TypeAlias = date | Sequence[date | None] | NDArray[np.datetime64] | pd.Series | pd.DatetimeIndex

_SOME_DAY = date(2000, 1, 1)


def as_days(days: Days) -> NDArray[np.datetime64]:
    """Days as datetime64[D]; a time of day is cut off, null is NaT.

    Raises:
        InputError: values that are no dates, or instants with a time zone, whose day depends on where one stands.

    >>> as_days([date(2025, 5, 2), None])
    array(['2025-05-02', 'NaT'], dtype='datetime64[D]')
    """
    values = np.asarray(days)
    if values.dtype.kind == "M":
        return values.astype("datetime64[D]")
    try:
        stamps = pd.to_datetime(pd.Series(values.ravel(), dtype=object))
    except (TypeError, ValueError) as error:
        raise InputError(f"expected days: {error}") from None
    if stamps.dtype.kind != "M" or isinstance(stamps.dtype, pd.DatetimeTZDtype):
        raise InputError(f"expected days without a time zone, got {stamps.dtype}", fix="convert to local days first")
    return stamps.to_numpy().astype("datetime64[D]").reshape(values.shape)


def as_text(keys: Keys) -> Objects:
    """Codes as an array of objects, str or null.

    Raises:
        InputError: codes that are not text; a number has lost its leading zeros.

    >>> as_text(pd.Series(["CN", None]))
    array(['CN', nan], dtype=object)
    """
    values = np.asarray(keys, dtype=object)
    kind = pd.api.types.infer_dtype(values.ravel(), skipna=True)
    if kind not in ("string", "empty"):
        raise InputError(f"expected codes as text, got {kind}", fix="read code columns as text")
    return values


def by_day(
    rule: Callable[..., Any], change_days: Sequence[date], *keys: Keys, days: Days, nullable: bool = False
) -> Objects:
    """`rule(*key, day)` for each row; scalars are repeated.

    Args:
        rule: what to ask; its answer may change on `change_days` only.
        change_days: those days, ascending.
        keys: one column or scalar for each key of the rule.
        days: the days to ask for.
        nullable: whether the rule wants to see null keys (as None); otherwise they give None unasked.

    Returns:
        An array of the broadcast shape; None where the rule says so, or a key or the day is null.

    >>> by_day(lambda code, day: f"{code} {day.year}", [date(2020, 1, 1)], ["US", None], days=date(2024, 2, 29))
    array(['US 2020', None], dtype=object)
    """
    columns = [*(_factorized(key) for key in keys), _epochs(change_days, days)]
    return _apply(rule, columns, [not nullable] * len(keys) + [True])


def by_code(rule: Callable[..., Any], *keys: Keys) -> Objects:
    """`rule(*key)` for each row, for facts without a date; scalars are repeated, null keys give None unasked.

    >>> by_code(str.lower, ["AQ1", None])
    array(['aq1', None], dtype=object)
    """
    return _apply(rule, [_factorized(key) for key in keys], [True] * len(keys))


def numbers(answers: Objects) -> Floats:
    """Answers as numbers; None is NaN, True 1, False 0.

    >>> numbers(np.array([True, None, 800], dtype=object))
    array([  1.,  nan, 800.])
    """
    return answers.astype(np.float64)


def _apply(rule: Callable[..., Any], columns: Sequence[_Coded], required: Sequence[bool]) -> Objects:
    """Ask the rule once for each distinct combination of its arguments; a null in a required one gives None."""
    codes = np.broadcast_arrays(*(column.codes for column in columns))
    combined = np.zeros(codes[0].size, dtype=np.int64)
    for code, column in zip(codes, columns, strict=True):
        combined = combined * (len(column.labels) + 1) + code.ravel() + 1
    _, where, inverse = np.unique(combined, return_index=True, return_inverse=True)
    answers = np.empty(len(where), dtype=object)
    for i, row in enumerate(zip(*(code.ravel()[where].tolist() for code in codes), strict=True)):
        if not any(need and code < 0 for need, code in zip(required, row, strict=True)):
            answers[i] = rule(*(c.labels[code] if code >= 0 else None for c, code in zip(columns, row, strict=True)))
    return np.asarray(answers[inverse].reshape(codes[0].shape))


class _Coded(NamedTuple):
    """A column as positions in `labels`; -1 is null."""

    codes: NDArray[np.int64]
    labels: Sequence[Any] | Objects


def _factorized(keys: Keys) -> _Coded:
    values = as_text(keys)
    codes, labels = pd.factorize(values.ravel())
    return _Coded(codes.reshape(values.shape), labels)


def _epochs(change_days: Sequence[date], days: Days) -> _Coded:
    """Each day as the span between two changes it lies in, labelled by a day of that span."""
    stamps = as_days(days)
    edges = np.array(change_days, dtype="datetime64[D]")
    before = change_days[0] - timedelta(days=1) if change_days else _SOME_DAY
    codes = np.where(np.isnat(stamps), -1, np.searchsorted(edges, stamps, side="right"))
    return _Coded(np.asarray(codes, dtype=np.int64), [before, *change_days])
