"""Conditions of must-exam rules, compiled against the columns at hand; docs/rules.md is the language in one page.

Comparisons by kind of column: text by Unicode code point (so "8501" <= hts < "8600" is a range of
headings), numbers as float64, days and times in UTC (a day is its midnight, written "2026-03-02").
`contains` and `starts_with` ignore case. `has` and `in_list` compare identifiers as the library writes them
(`rule_columns.writing_of`), and look into columns of several entries one by one.

A null satisfies `is_null` and nothing else: not even `ne`, `not_in` or a condition under `none_of`, for what is unknown
cannot be said to differ.

A rule's text is data: it is compared with, and never run, formatted into a query or taken for a pattern.
"""

from __future__ import annotations

import difflib
import operator
from datetime import UTC, datetime
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.selection.rule_checks import Check, ColumnCheck, Group, Listing
from riskscore.selection.rule_columns import SETS, Columns, ConditionFaultError, Kind, Sets, Texts, entry, writing_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    import numpy.typing as npt

    from riskscore.config import Condition
    from riskscore.selection.watch_lists import WatchList

    Bools = npt.NDArray[np.bool_]

_EXPECTED: dict[Kind, str] = {
    "text": "text in quotes",
    "number": "a number",
    "bool": "true or false",
    "date": "a day or time as text, like '2026-03-02'",
}
_COMPARE: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "eq": (operator.eq, pc.equal),
    "ne": (operator.ne, pc.not_equal),
    "ge": (operator.ge, pc.greater_equal),
    "gt": (operator.gt, pc.greater),
    "le": (operator.le, pc.less_equal),
    "lt": (operator.lt, pc.less),
}
_SEARCH = {"contains": pc.match_substring, "starts_with": pc.starts_with}

MAX_SUGGESTIONS = 3
"""Close matches named for an unknown column: more would hide the likeliest slip."""


def compile_condition(condition: Condition, columns: Columns, lists: Mapping[str, WatchList], day: date) -> Check:
    """Hold a condition against the columns at hand.

    Args:
        condition: as configured.
        columns: of the day's shipments.
        lists: the watch-lists in use, by name.
        day: the run date: entries of a watch-list that are out of force on it do not count.

    Raises:
        ConditionFaultError: a column or watch-list is unknown, the operator does not suit the column's kind, or the
            value is of the wrong type.
    """
    if parts := tuple(compile_condition(part, columns, lists, day) for part in condition.parts):
        return Group(parts, every=bool(condition.all_of), negated=bool(condition.none_of))
    if condition.column not in columns.names:
        raise ConditionFaultError(_unknown("column", condition.column, columns.names))
    return _test(condition, columns, lists, day)


def _test(condition: Condition, columns: Columns, lists: Mapping[str, WatchList], day: date) -> Check:
    name, op, kind = condition.column, condition.op, columns.kind(condition.column)
    if op in {"is_null", "not_null"}:
        _require(condition.value is None, condition, "no value")
        null = columns.null(name)
        return ColumnCheck(lambda: null if op == "is_null" else ~null, lambda: np.ones(len(null), dtype=bool))
    if op in {*_SEARCH, "has", "in_list"}:
        _require(kind in {"text", "empty"}, condition, "a column of text", kind)
        return _listing(condition, columns, lists, day) if op == "in_list" else _search(condition, columns)
    return _comparison(condition, columns, kind)


def _comparison(condition: Condition, columns: Columns, kind: Kind) -> ColumnCheck:
    operand = _operand(condition, kind)
    if kind in {"text", "empty"}:
        return _of_texts(columns.texts(condition.column), partial(_text_test, str(condition.op), operand))
    null = columns.null(condition.column)
    values = columns.moments(condition.column) if kind == "date" else columns.numbers(condition.column)
    return ColumnCheck(partial(_value_test, str(condition.op), values, operand), lambda: ~null)


def _text_test(op: str, operand: Any, values: pa.Array) -> pa.Array:  # noqa: ANN401 - as the kind of column has it
    if op in _COMPARE:
        return _COMPARE[op][1](values, pa.scalar(str(operand), pa.large_string()))
    found = pc.is_in(values, pa.array(map(str, operand), pa.large_string()))
    return pc.invert(found) if op == "not_in" else found


def _value_test(op: str, values: Any, operand: Any) -> Bools:  # noqa: ANN401 - as the kind of column has it
    found = _COMPARE[op][0](values, operand) if op in _COMPARE else pd.Series(values).isin(operand) ^ (op == "not_in")
    return np.asarray(found, dtype=bool)


def _search(condition: Condition, columns: Columns) -> ColumnCheck:
    name, wanted = condition.column, _texts(condition)
    if condition.op == "has":
        _require(name in SETS, condition, f"a column of several entries ({', '.join(SETS)})", name)
        write = writing_of(name) or entry
        members = pa.array([write(text) for text in wanted], pa.large_string())
        _require(not members.null_count, condition, "identifiers")
        return _of_texts(columns.sets(name), lambda values: pc.is_in(values, members))
    search, parts = _SEARCH[str(condition.op)], [text.casefold() for text in wanted]
    return _of_texts(
        columns.texts(name, str.casefold),
        lambda values: reduce(pc.or_, (search(values, part) for part in parts)),
    )


def _of_texts(column: Texts | Sets, found: Callable[[pa.Array], pa.Array]) -> ColumnCheck:
    return ColumnCheck(
        lambda: column.rows(found(column.values).to_numpy(zero_copy_only=False).astype(bool)), lambda: column.known
    )


def _listing(condition: Condition, columns: Columns, lists: Mapping[str, WatchList], day: date) -> Listing:
    name = condition.list_
    _require(condition.value is None, condition, "no value beside list")
    if name not in lists:
        raise ConditionFaultError(_unknown("watch-list", name, lists))
    entries = lists[name].in_force(day)
    write = writing_of(condition.column)
    written = columns.once(
        f"watch-list {name}", write, lambda: [write(one.value) if write else one.value for one in entries]
    )
    if None in written:
        value = entries[written.index(None)].value
        message = f"watch-list {name!r}: {value!r} names nothing that column {condition.column!r} could hold"
        raise ConditionFaultError(message)
    is_set = condition.column in SETS
    column = columns.sets(condition.column) if is_set else columns.texts(condition.column, write)
    at = pc.index_in(column.values, pa.array(written, pa.large_string())).fill_null(-1)
    return Listing(name, entries, column, at.to_numpy(zero_copy_only=False).astype(np.int64))


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=MAX_SUGGESTIONS)
    hint = f", did you mean {' or '.join(close)}" if close else ""
    return f"unknown {what} {name!r}{hint}"


def _operand(condition: Condition, kind: Kind) -> object:
    if condition.op in {"in", "not_in"}:
        value = condition.value
        _require(isinstance(value, list) and bool(value), condition, "a list")
        return [_scalar(item, kind, condition) for item in value or ()]  # type: ignore[union-attr]
    if kind == "bool":
        _require(condition.op in {"eq", "ne"}, condition, "eq or ne, the column being true or false")
    return _scalar(condition.value, kind, condition)


def _texts(condition: Condition) -> list[str]:
    """The value of an operator that takes one text or several."""
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    _require(bool(texts) and len(texts) == len(values), condition, "text in quotes, or a list of texts, none blank")
    return texts


def _require(holds: bool, condition: Condition, expected: str, got: object = None) -> None:
    if not holds:
        value = condition.value if got is None else got
        shown = "nothing" if value is None else repr(value)
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
        return pd.Timestamp(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
