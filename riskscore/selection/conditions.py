"""One condition of a must-exam rule, compiled against the columns at hand.

Comparisons by kind of column: text by Unicode code point (so "8501" <= hts < "8600" is a range of
headings), numbers as float64, days and times in UTC (a day is its midnight, written "2026-03-02").
A null satisfies `is_null` and nothing else: not even `ne` or `not_in`, for what is unknown cannot be
said to differ.
"""

from __future__ import annotations

import difflib
import operator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from riskscore import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    import numpy.typing as npt

    from riskscore.config import Condition

Kind = Literal["text", "number", "bool", "date", "empty"]

_DECLARED: dict[tables.ColumnType, Kind] = {
    "text": "text",
    "int": "number",
    "float": "number",
    "bool": "bool",
    "date": "date",
    "timestamp": "date",
}
_INFERRED: dict[str, Kind] = {
    "boolean": "bool",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "decimal": "number",
    "empty": "empty",
    "floating": "number",
    "integer": "number",
    "mixed-integer-float": "number",
}
_EXPECTED: dict[Kind, str] = {
    "text": "text in quotes",
    "number": "a number",
    "bool": "true or false",
    "date": "a day or time as text, like '2026-03-02'",
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}

MAX_SUGGESTIONS = 3
"""Close matches named for an unknown column: more would hide the likeliest slip."""


class ConditionFaultError(ValueError):
    """What is wrong with a condition, in words; gathered into one ConfigError by `rules.match`."""


@dataclass(frozen=True, slots=True)
class Check:
    """A compiled condition: call it for the rows of its frame that satisfy it."""

    op: str
    column: pd.Series
    kind: Kind
    operand: Any

    def __call__(self) -> npt.NDArray[np.bool_]:
        """One entry per row; False where the column is null, unless the condition is is_null."""
        null = self.column.isna().to_numpy()
        if self.op in {"is_null", "not_null"}:
            return null if self.op == "is_null" else ~null
        if null.all():
            return ~null
        return self._compare(_normalised(self.column[~null], self.kind), ~null)

    def _compare(self, values: pd.Series, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        if self.op in _COMPARE:
            found = _COMPARE[self.op](values, self.operand)
        else:
            found = values.isin(self.operand) ^ (self.op == "not_in")
        known[known] = found.to_numpy(dtype=bool)
        return known


def compile_condition(condition: Condition, frame: pd.DataFrame) -> Check:
    """Hold a condition against the columns of `frame`.

    Raises:
        ConditionFaultError: the column is unknown, the operator does not suit its kind, or the value is of
            the wrong type.
    """
    if condition.column not in frame.columns:
        raise ConditionFaultError(_unknown(condition.column, map(str, frame.columns)))
    column = frame[condition.column]
    kind = kind_of(column)
    return Check(condition.op, column, kind, _operand(condition, kind))


def kind_of(column: pd.Series) -> Kind:
    """How a column compares: as tables.py declares it, else by its dtype; 'empty' = nothing but nulls.

    >>> kind_of(pd.Series([None], name="in_bond")), kind_of(pd.Series([1, 2], name="any_feature"))
    ('bool', 'number')
    """
    if column.name in tables.SHIPMENTS.names:
        return _DECLARED[tables.SHIPMENTS[str(column.name)].type]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "text"
    return _INFERRED.get(pd.api.types.infer_dtype(column, skipna=True), "text")


def _unknown(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=MAX_SUGGESTIONS)
    hint = f", did you mean {' or '.join(close)}" if close else ""
    return f"unknown column {name!r}{hint}"


def _operand(condition: Condition, kind: Kind) -> object:
    op, value = condition.op, condition.value
    if op in {"is_null", "not_null"}:
        _require(value is None, condition, "no value")
        return None
    if op in {"in", "not_in"}:
        _require(isinstance(value, list) and bool(value), condition, "a list")
        return [_scalar(item, kind, condition) for item in value or ()]  # type: ignore[union-attr]
    if kind == "bool":
        _require(op in {"eq", "ne"}, condition, "eq or ne, the column being true or false")
    return _scalar(value, kind, condition)


def _require(holds: bool, condition: Condition, expected: str) -> None:
    if not holds:
        shown = "nothing" if condition.value is None else repr(condition.value)
        message = f"column {condition.column!r} {condition.op}: expected {expected}, got {shown}"
        raise ConditionFaultError(message)


def _scalar(value: object, kind: Kind, condition: Condition) -> object:
    _require(not isinstance(value, list) and value is not None, condition, "one value")
    if kind == "empty":
        return value
    # bool is a subclass of int in Python; `true` is no number in a rule.
    fits = {
        "text": isinstance(value, str),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "date": isinstance(value, str) and _moment(value) is not None,
    }
    _require(fits[kind], condition, _EXPECTED[kind])
    return _moment(str(value)) if kind == "date" else value


def _moment(text: str) -> pd.Timestamp | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return pd.Timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _normalised(column: pd.Series, kind: Kind) -> pd.Series:
    if kind == "date":
        return pd.to_datetime(column, utc=True)
    if kind == "bool":
        return column.astype("bool")
    return column.astype("float64" if kind == "number" else "str")
