"""Splits what a file says into accepted rows and quarantined ones, each with all its reasons.

The rules are those of riskscore.tables, compiled to one DuckDB query: every value is cast to its declared type, and
each rule that a row breaks adds a sentence naming the column, what was expected and what came.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import InputError
from riskscore.tables import INGESTED, MAX_CODE_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from riskscore.tables import Column, Table

SQL_TYPES = {
    "text": "VARCHAR",
    "int": "BIGINT",
    "float": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "bool": "BOOLEAN",
}
_NAMES_OF_TYPES = {
    "int": "a whole number",
    "float": "a finite number",
    "date": "a date like 2026-01-31",
    "timestamp": "a time like 2026-01-31T12:00:00Z",
    "bool": "true or false",
}
# A shipment before the first SQL date of interest or a century ahead is a typing error, not history.
_FIRST_DATE, _LAST_DATE = "1990-01-01", "2100-01-01"
_TIME = r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*([Zz]|UTC|[+-]\d{2}(:?\d{2})?)?)?"
# Long enough to recognise the value, short enough for one line.
_SHOWN_CHARACTERS = 60
# Enough to tell which table a file was meant for.
_SHOWN_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Validated:
    """The two halves of a raw table, and what was noticed in the good one.

    Attributes:
        accepted: the declared columns, typed, plus `_row`; in row order.
        quarantined: `_row`, `arrival_date` (null unless readable), `reasons` (list of text), `raw` (JSON).
        findings: accepted rows per column whose code does not match the column's pattern; zero counts left out.
    """

    accepted: pa.Table
    quarantined: pa.Table
    findings: dict[str, int]


def validate(raw: pa.Table, table: Table, where: str = "") -> Validated:
    """Split `raw` by the rules of `table`.

    Args:
        raw: the file's columns plus `_row` and `_fault` (see riskscore.readers).
        table: the declaration to hold it against.
        where: the file, for error messages.

    Raises:
        InputError: `raw` has columns the table does not know, or lacks a required one. A value is never an
            error: its row is quarantined.

    >>> from riskscore.readers import number_rows
    >>> from riskscore.tables import TRADERS
    >>> raw = number_rows(pa.table({"trader_id": ["T1", None], "valid_from": ["2025-01-01", "soon"]}))
    >>> validate(raw, TRADERS).quarantined["reasons"].to_pylist()
    [['trader_id: required, got nothing', "valid_from: expected a date like 2026-01-31, got 'soon'"]]
    """
    return validate_all([raw], table, [where])[0]


def validate_all(raws: Sequence[pa.Table], table: Table, wheres: Sequence[str]) -> list[Validated]:
    """As `validate`, for many files: planning the query costs more than a small file, so equal schemas share one.

    Args:
        raws: one raw table per file.
        table: the declaration to hold them against.
        wheres: the files, for error messages; as long as `raws`.

    Raises:
        InputError: as `validate`, for the first file that has a fault of columns.
    """
    kinds: dict[pa.Schema, list[int]] = {}
    raws = [_with_wall_dates(raw, table) for raw in raws]
    for at, (raw, where) in enumerate(zip(raws, wheres, strict=True)):
        _check_columns(raw, table, where)
        kinds.setdefault(raw.schema.remove_metadata(), []).append(at)
    found: dict[int, Validated] = {}
    for chosen in kinds.values():
        where = wheres[chosen[0]] if len(chosen) == 1 else f"{wheres[chosen[0]]} and {len(chosen) - 1} more"
        found.update(zip(chosen, _together([raws[at] for at in chosen], table, where), strict=True))
    return [found[at] for at in range(len(raws))]


def _together(raws: Sequence[pa.Table], table: Table, where: str) -> Iterator[Validated]:
    """Files of one schema, numbered through for the time of one query."""
    ends = np.cumsum([raw.num_rows for raw in raws])
    given = pa.concat_tables([raw.replace_schema_metadata(None) for raw in raws])
    numbered = given.set_column(given.schema.get_field_index("_row"), "_row", pa.array(np.arange(1, len(given) + 1)))
    own = given["_row"].to_numpy()
    halves = []
    for half in _judge(numbered, table, where):
        rows = half["_row"].to_numpy()
        cuts = np.searchsorted(rows, ends, side="right")
        renumbered = half.set_column(0, "_row", pa.array(own[rows - 1], pa.int64()))
        halves.append([renumbered.slice(first, last - first) for first, last in pairwise([0, *cuts.tolist()])])
    for accepted, quarantined in zip(*halves, strict=True):
        yield Validated(accepted, quarantined, _findings(accepted, table))


def _judge(raw: pa.Table, table: Table, where: str) -> tuple[pa.Table, pa.Table]:
    with duckdb.connect() as connection:
        # A column of instants is written out as text first: in UTC, not in the zone of this computer.
        connection.execute("SET TimeZone = 'UTC'")
        try:
            connection.register("raw_rows", raw)
            judged = connection.sql(_judged_query(raw, table)).to_arrow_table()
        except duckdb.NotImplementedException as error:
            raise InputError(f"a column has an unusual type ({str(error).splitlines()[0]})", where=where) from None
        good = pc.equal(pc.list_value_length(judged["broken"]), 0)
        connection.register("refused", judged.filter(pc.invert(good)))
        quarantined = connection.sql(_quarantine_query(raw, table)).to_arrow_table()
    return judged.filter(good).drop_columns(["broken"]), quarantined


def _with_wall_dates(raw: pa.Table, table: Table) -> pa.Table:
    """Instants given for a date column as the calendar day in their own zone, not in UTC."""
    for column in table.columns:
        at = raw.schema.get_field_index(column.name) if column.type == "date" else -1
        if at >= 0 and pa.types.is_timestamp(raw.schema.types[at]) and raw.schema.types[at].tz:
            raw = raw.set_column(at, column.name, pc.local_timestamp(raw[column.name]))
    return raw


def _check_columns(raw: pa.Table, table: Table, where: str) -> None:
    given = [name for name in raw.column_names if not name.startswith("_")]
    unknown = [name for name in given if name not in table.names]
    other = _resembled(given, table)
    if unknown:
        close = difflib.get_close_matches(unknown[0], table.names, n=1)
        hint = f"did you mean {close[0]!r}" if close else f"the {table.name} columns are {', '.join(table.names)}"
        raise InputError(f"unknown column {unknown[0]!r} for {table.name}", where=where, fix=other or hint)
    missing = [column.name for column in table.columns if column.required and column.name not in given]
    if missing:
        raise InputError(f"the {table.name} table needs the columns {missing}", where=where, fix=other)


def _resembled(given: Sequence[str], table: Table) -> str:
    """Which table a file of these columns was more likely meant for; empty when none fits better than `table`."""
    likest = max(INGESTED.values(), key=lambda one: (len(set(given) & set(one.names)), one is table))
    shared = [name for name in given if name in likest.names and name not in table.names]
    return f"{', '.join(shared[:_SHOWN_COLUMNS])} are columns of the {likest.name} table" if shared else ""


def _judged_query(raw: pa.Table, table: Table) -> str:
    """The typed columns, and the numbers of the rules that each row breaks."""
    given = _given(raw, table)
    empty = [f"NULL::{SQL_TYPES[column.type]} AS {column.name}" for column in table.columns if column not in given]
    typed = ", ".join([*(f"{_typed(column)} AS {column.name}" for column in given), *empty])
    rules = _rules(given, table)
    tests = ", ".join(f"CASE WHEN {rule.test} THEN {number} END" for number, rule in enumerate(rules, 1))
    # A faulty line has no fields: reporting each of them as missing would bury the one true reason.
    return f"""
        WITH texts AS ({_texts_query(raw, table)}), typed AS (SELECT *, {typed} FROM texts)
        SELECT _row, {", ".join(table.names)}, CASE WHEN _fault IS NOT NULL THEN [0]
            ELSE list_filter([{tests}], lambda number: number IS NOT NULL) END AS broken
        FROM typed ORDER BY _row"""


def _texts_query(raw: pa.Table, table: Table) -> str:
    texts = ", ".join(f"{_text(raw, column)} AS {_raw(column)}" for column in _given(raw, table))
    return f"SELECT _row, _fault, {texts} FROM raw_rows"


def _given(raw: pa.Table, table: Table) -> list[Column]:
    return [column for column in table.columns if column.name in raw.column_names]


def _raw(column: Column) -> str:
    return f"raw_{column.name}"


def _text(raw: pa.Table, column: Column) -> str:
    """The value as text, trimmed, empty as null; lists joined by ';'."""
    arrow_type = raw.schema.field(column.name).type
    name = f'"{column.name}"'
    if _is_list(arrow_type):
        return f"nullif(array_to_string(CAST({name} AS VARCHAR[]), ';'), '')"
    if pa.types.is_floating(arrow_type) and column.type == "text":
        # pandas makes floats of whole numbers with a missing one: 2704.0 is port 2704.
        whole = f"{name} = trunc({name}) AND abs({name}) < 1e15"
        return f"CASE WHEN {whole} THEN {name}::BIGINT::VARCHAR ELSE {name}::VARCHAR END"
    return f"nullif(trim(CAST({name} AS VARCHAR), ' \t'), '')"


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _typed(column: Column) -> str:
    text = _raw(column)
    match column.type:
        case "text":
            return text
        case "int":
            # Through DOUBLE, so that '3.0' is 3; a plain cast to BIGINT would round 3.7 silently.
            return f"CASE WHEN {_number(text)} % 1 = 0 THEN TRY_CAST({_number(text)} AS BIGINT) END"
        case "float":
            return f"CASE WHEN isfinite({_number(text)}) THEN {_number(text)} END"
        case "date":
            return f"CASE WHEN {text} SIMILAR TO '\\d{{4}}-\\d{{2}}-\\d{{2}}.*' THEN TRY_CAST({text} AS DATE) END"
        case "timestamp":
            # A time without an offset is UTC; a cast to TIMESTAMPTZ would read it in the zone of this computer.
            zoned = f"regexp_matches({text}, ':\\d{{2}}.*([Zz]|[+-]\\d{{2}}(:?\\d{{2}})?)$')"
            return (
                # The pattern first: a cast would drop what it does not know, such as ' Asia/Seoul' or ' PM'.
                f"CASE WHEN NOT regexp_full_match({text}, '{_TIME}') THEN NULL "
                f"WHEN {zoned} THEN make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))) "
                f"ELSE TRY_CAST({text} AS TIMESTAMP) END"
            )
        case "bool":
            return (
                f"CASE WHEN lower({text}) IN ('true', 't', 'yes', 'y', '1') THEN true "
                f"WHEN lower({text}) IN ('false', 'f', 'no', 'n', '0') THEN false END"
            )


def _number(text: str) -> str:
    # A cast reads 1_000 as 1000: no feed writes thousands so, and a damaged code would pass for a number.
    return f"TRY_CAST(replace({text}, '_', '?') AS DOUBLE)"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a row breaks when `test` (SQL) holds: `column` should have been `expected`."""

    column: Column
    test: str
    expected: str

    @property
    def sentence(self) -> str:
        """The reason, but for the value that came."""
        wanted = f"expected {self.expected}" if self.expected else "required"
        return f"{self.column.name}: {wanted}, got "


def _rules(columns: Sequence[Column], table: Table) -> list[_Rule]:
    """Those of each column given, then those that columns must keep together."""
    alone = [_Rule(column, *rule) for column in columns for rule in _tests(column)]
    return alone + [_Rule(table[rule.column], rule.test, rule.expected) for rule in table.rules]


def _tests(column: Column) -> Iterator[tuple[str, str]]:
    """What is tested, and what would be right; a required value is missed without another word."""
    name, text = column.name, _raw(column)
    if column.required:
        yield f"{text} IS NULL", ""
    if column.type == "text":
        yield f"length({text}) > {column.max_length}", f"at most {column.max_length} characters"
        yield _control_characters(column, text), "no control characters"
    else:
        yield f"{text} IS NOT NULL AND {name} IS NULL", _NAMES_OF_TYPES[column.type]
    if column.type in ("date", "timestamp"):
        in_range = f"{name} BETWEEN '{_FIRST_DATE}' AND '{_LAST_DATE}'"
        yield f"NOT ({in_range})", f"a day between {_FIRST_DATE} and {_LAST_DATE}"
    if column.choices:
        allowed = ", ".join(f"'{choice}'" for choice in column.choices)
        yield f"{text} IS NOT NULL AND {text} NOT IN ({allowed})", f"one of {', '.join(column.choices)}"
    if column.minimum is not None:
        yield f"{name} < {column.minimum}", f"at least {column.minimum:g}"
    if column.maximum is not None:
        yield f"{name} > {column.maximum}", f"at most {column.maximum:g}"


def _control_characters(column: Column, text: str) -> str:
    # Free text may hold tabs and line breaks; an identifier may not hold any control character.
    refused = r"[\x00-\x08\x0e-\x1f\x7f]" if column.max_length > MAX_CODE_LENGTH else r"[\x00-\x1f\x7f]"
    return f"regexp_matches({text}, '{refused}')"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _got(text: str) -> str:
    shown = f"regexp_replace({text}[:{_SHOWN_CHARACTERS}], '[\\x00-\\x1f\\x7f]', '?', 'g')"
    return f"'''' || {shown} || CASE WHEN length({text}) > {_SHOWN_CHARACTERS} THEN '...' ELSE '' END || ''''"


def _quarantine_query(raw: pa.Table, table: Table) -> str:
    """The refused rows once more as text, each broken rule put into words: few rows, so that words cost little."""
    columns = _given(raw, table)
    rules = _rules(columns, table)
    sentences = ", ".join(f"'{_quoted(rule.sentence)}'" for rule in rules)
    # Place 0 of a list is null: what a rule expects of a column that the file does not have.
    places = ", ".join(str(columns.index(rule.column) + 1 if rule.column in columns else 0) for rule in rules)
    texts = ", ".join(_raw(column) for column in columns)
    given = ", ".join(f"{column.name} := {_raw(column)}" for column in columns)
    arrival = "arrival_date" if "arrival_date" in table.names else "NULL::DATE AS arrival_date"
    got = f"coalesce(got[([{places}])[number]], 'nothing')"
    return f"""
        WITH texts AS ({_texts_query(raw, table)} SEMI JOIN refused USING (_row)),
        words AS (
            SELECT *, list_transform([{texts}], lambda text: {_got("text")}) AS got
            FROM texts JOIN refused USING (_row))
        SELECT _row, {arrival}, CASE WHEN _fault IS NOT NULL THEN ['line: ' || _fault]
            ELSE list_transform(broken, lambda number: ([{sentences}])[number] || {got}) END AS reasons,
            CAST(to_json(struct_pack({given})) AS VARCHAR) AS raw
        FROM words ORDER BY _row"""


def _findings(accepted: pa.Table, table: Table) -> dict[str, int]:
    counts = {
        column.name: pc.sum(pc.invert(pc.match_substring_regex(accepted[column.name], column.pattern))).as_py()
        for column in table.columns
        if column.pattern
    }
    return {name: count for name, count in counts.items() if count}
