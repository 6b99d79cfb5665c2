"""Splits what a file says into accepted rows and quarantined ones, each with all its reasons.

The rules are those of riskscore.tables, compiled to one DuckDB query: every value is cast to its declared type, and
each rule that a row breaks adds a sentence naming the column, what was expected and what came.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from riskscore.errors import InputError
from riskscore.tables import MAX_CODE_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    _check_columns(raw, table, where)
    with duckdb.connect() as connection:
        # A column of instants is written out as text first: in UTC, not in the zone of this computer.
        connection.execute("SET TimeZone = 'UTC'")
        try:
            connection.register("raw_rows", raw)
            connection.execute(_typed_query(raw, table))
        except duckdb.NotImplementedException as error:
            raise InputError(f"a column has an unusual type ({str(error).splitlines()[0]})", where=where) from None
        accepted = connection.sql(
            f"SELECT _row, {', '.join(table.names)} FROM judged WHERE len(reasons) = 0 ORDER BY _row"
        ).to_arrow_table()
        quarantined = connection.sql(_quarantine_query(raw, table)).to_arrow_table()
        findings = _findings(connection, table)
    return Validated(accepted, quarantined, findings)


def _check_columns(raw: pa.Table, table: Table, where: str) -> None:
    given = [name for name in raw.column_names if not name.startswith("_")]
    unknown = [name for name in given if name not in table.names]
    if unknown:
        close = difflib.get_close_matches(unknown[0], table.names, n=1)
        hint = f"did you mean {close[0]!r}" if close else f"the {table.name} columns are {', '.join(table.names)}"
        raise InputError(f"unknown column {unknown[0]!r} for {table.name}", where=where, fix=hint)
    missing = [column.name for column in table.columns if column.required and column.name not in given]
    if missing:
        raise InputError(f"the {table.name} table needs the columns {missing}", where=where)


def _typed_query(raw: pa.Table, table: Table) -> str:
    """Creates `judged`: the typed columns, the texts they came from, and the reasons against each row."""
    texts, typed, reasons = [], [], ["CASE WHEN _fault IS NOT NULL THEN 'line: ' || _fault END"]
    for column in table.columns:
        texts.append(f"{_text(raw, column)} AS {_raw(column)}")
        typed.append(f"{_typed(column)} AS {column.name}")
        reasons += _reasons(column)
    # A faulty line has no fields: reporting each of them as missing would bury the one true reason.
    judged = (
        f"CASE WHEN _fault IS NOT NULL THEN [{reasons[0]}] ELSE list_filter([{', '.join(reasons[1:])}], "
        "lambda reason: reason IS NOT NULL) END"
    )
    return f"""CREATE TEMP TABLE judged AS
        WITH texts AS (SELECT _row, _fault, {", ".join(texts)} FROM raw_rows),
             typed AS (SELECT *, {", ".join(typed)} FROM texts)
        SELECT *, {judged} AS reasons FROM typed"""


def _raw(column: Column) -> str:
    return f"raw_{column.name}"


def _text(raw: pa.Table, column: Column) -> str:
    """The value as text, trimmed, empty as null; lists joined by ';'."""
    if column.name not in raw.column_names:
        return "NULL::VARCHAR"
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
            return (
                f"CASE WHEN TRY_CAST({text} AS DOUBLE) % 1 = 0 THEN TRY_CAST(TRY_CAST({text} AS DOUBLE) AS BIGINT) END"
            )
        case "float":
            return f"CASE WHEN isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE) END"
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


def _reasons(column: Column) -> Iterator[str]:
    name, text = column.name, _raw(column)

    def broken(test: str, expected: str) -> str:
        return f"CASE WHEN {test} THEN '{name}: expected {_quoted(expected)}, got ' || {_got(text)} END"

    if column.required:
        yield f"CASE WHEN {text} IS NULL THEN '{name}: required, got nothing' END"
    if column.type == "text":
        yield broken(f"length({text}) > {column.max_length}", f"at most {column.max_length} characters")
        yield broken(_control_characters(column, text), "no control characters")
    else:
        yield broken(f"{text} IS NOT NULL AND {name} IS NULL", _NAMES_OF_TYPES[column.type])
    if column.type in ("date", "timestamp"):
        in_range = f"{name} BETWEEN '{_FIRST_DATE}' AND '{_LAST_DATE}'"
        yield broken(f"NOT ({in_range})", f"a day between {_FIRST_DATE} and {_LAST_DATE}")
    if column.choices:
        allowed = ", ".join(f"'{choice}'" for choice in column.choices)
        yield broken(f"{text} IS NOT NULL AND {text} NOT IN ({allowed})", f"one of {', '.join(column.choices)}")
    if column.minimum is not None:
        yield broken(f"{name} < {column.minimum}", f"at least {column.minimum:g}")
    if column.maximum is not None:
        yield broken(f"{name} > {column.maximum}", f"at most {column.maximum:g}")


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
    given = ", ".join(f"{name} := {_raw(table[name])}" for name in table.names if name in raw.column_names)
    arrival = "arrival_date" if "arrival_date" in table.names else "NULL::DATE AS arrival_date"
    return (
        f"SELECT _row, {arrival}, reasons, CAST(to_json(struct_pack({given})) AS VARCHAR) AS raw "
        "FROM judged WHERE len(reasons) > 0 ORDER BY _row"
    )


def _findings(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    patterned = [column for column in table.columns if column.pattern]
    if not patterned:
        return {}
    counts = ", ".join(f"count(*) FILTER (NOT regexp_matches({c.name}, '{c.pattern}'))" for c in patterned)
    found = connection.execute(f"SELECT {counts} FROM judged WHERE len(reasons) = 0").fetchone()
    return {c.name: n for c, n in zip(patterned, found or (), strict=True) if n}
