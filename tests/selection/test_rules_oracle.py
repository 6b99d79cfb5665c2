"""The rule language against a reader that takes one shipment and one condition at a time, in three values."""

import operator
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import identity
from riskscore.config import MustExam
from riskscore.selection import match
from riskscore.selection.watch_lists import COLUMNS, parse
from tests.factories import HOSTILE

DAY = date(2026, 3, 2)
COMPARE = {name: getattr(operator, name) for name in ("eq", "ne", "ge", "gt", "le", "lt")}
SETS = ("container_ids", "pga_flags")
KINDS = {
    "hts": "text",
    "description": "text",
    "importer_name": "text",
    "container_ids": "text",
    "pga_flags": "text",
    "value_usd": "number",
    "importer_age_days": "number",
    "in_bond": "bool",
    "arrival_date": "date",
    "filed_at": "date",
    "nothing": "empty",
}

# The reader.


def truth(condition, row):
    """True, False or None = unknown, of one shipment."""
    if condition.any_of or condition.none_of:
        found = any_of(truth(part, row) for part in condition.any_of or condition.none_of)
        return not_(found) if condition.none_of else found
    if condition.all_of:
        return not_(any_of(not_(truth(part, row)) for part in condition.all_of))
    value = row[condition.column]
    if condition.op in {"is_null", "not_null"}:
        return (value is None) == (condition.op == "is_null")
    return None if value is None else meets(condition, value)


def not_(value):
    return None if value is None else not value


def any_of(values):
    values = list(values)
    return True if True in values else (None if None in values else False)


def meets(condition, value):
    """One test of a value that is not null."""
    column, op, wanted = condition.column, condition.op, condition.value
    if op == "in_list":
        return listed(column, value)
    if op == "has":
        members = {written(column, part) for part in value.split(";")} - {None}
        return any(written(column, text) in members for text in several(wanted))
    if op == "contains":
        return any(text.casefold() in value.casefold() for text in several(wanted))
    if op == "starts_with":
        return any(value.casefold().startswith(text.casefold()) for text in several(wanted))
    held = moment(value) if KINDS[column] == "date" else value
    read = moment if KINDS[column] == "date" else lambda item: item
    if op in {"in", "not_in"}:
        return (held in [read(item) for item in wanted]) == (op == "in")
    return COMPARE[op](held, read(wanted))


def listed(column, value):
    values = {written(column, entry) for entry in listed_in(column)}
    if column in SETS:
        return any(written(column, part) in values for part in value.split(";") if written(column, part))
    held = written(column, value)
    return None if held is None else held in values


def written(column, text):
    if column == "container_ids":
        return "".join(letter for letter in text.upper() if letter.isalnum()) or None
    if column == "importer_name":
        return identity.name(text)
    return (text.strip() or None) if column in SETS else text


def several(value):
    return value if isinstance(value, list) else [value]


def moment(value):
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value if value.tzinfo else value.replace(tzinfo=UTC)


# What it reads.

words = st.sampled_from(
    ["8501", "85", "850110", "Vape pens", "VAPE", "ß", "SS", "é", "a;b", "%", "_", ".*", "\\", "💊", "  x ", *HOSTILE]
)
containers = st.sampled_from(["CSQU3054383", "csqu 305438-3", "MSCU1", "mscu_1", "--", "", "ÄBCU1", "²"])
flags = st.sampled_from(["FD4", "AQ1", " FD1", "fd4", ""])
names = st.sampled_from(["ACME Inc", "acme, inc.", "Best Buys LLC", "N/A", "Straße GmbH"])
numbers = st.sampled_from([-1.0, 0.0, 0.5, 1e6, 2.0**53])
days = st.integers(-2, 2).map(lambda days: DAY + timedelta(days))
times = st.integers(-3, 3).map(lambda hours: datetime.combine(DAY, time()) + timedelta(hours=hours))
VALUES = {
    "hts": words,
    "description": words,
    "importer_name": names,
    "container_ids": st.lists(containers, max_size=3).map(";".join),
    "pga_flags": st.lists(flags, max_size=3).map(";".join),
    "value_usd": numbers,
    "importer_age_days": numbers,
    "in_bond": st.booleans(),
    "arrival_date": days,
    "filed_at": times,
    "nothing": st.none(),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), min_size=1, max_size=5
)
OPERANDS = {
    "date": st.sampled_from(["2026-03-02", "2026-03-01T23:00:00+02:00", "2026-03-02T01:00Z", "20260303"]),
    "empty": numbers,
}
ENTRIES = {"container_ids": ["CSQU 3054383", "ÄBCU-1"], "importer_name": ["ACME", "STRASSE"], "pga_flags": ["FD4"]}


@st.composite
def column_tests(draw):
    column = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[column]
    ops = ["is_null", "not_null", "eq", "ne"]
    if kind != "bool":
        ops += ["in", "not_in", "ge", "gt", "le", "lt"]
    if kind == "text":
        ops += ["contains", "starts_with", "in_list"] + ["has"] * (column in SETS)
    op = draw(st.sampled_from(ops))
    if op in {"is_null", "not_null"}:
        return {"column": column, "op": op}
    if op == "in_list":
        return {"column": column, "op": op, "list": column.replace("_", "-")}
    return {"column": column, "op": op, "value": draw(operands(column, op))}


def operands(column, op):
    one = OPERANDS.get(KINDS[column], VALUES[column])
    if op in {"has", "contains", "starts_with"}:
        stated = {"container_ids": containers, "pga_flags": flags}.get(column, one) if op == "has" else one
        one = stated.filter(lambda text: text.strip(" -"))
        return one | st.lists(one, min_size=1, max_size=3)
    return st.lists(one, min_size=1, max_size=3) if op in {"in", "not_in"} else one


def groups(inner):
    parts = st.lists(inner, min_size=1, max_size=3)
    return st.tuples(st.sampled_from(["any_of", "all_of", "none_of"]), parts).map(lambda pair: dict([pair]))


conditions = st.recursive(column_tests(), groups, max_leaves=6)


def table(rows):
    frame = pd.DataFrame(rows, index=[f"S{at}" for at in range(len(rows))], dtype=object)
    typed = {name: "str" for name, kind in KINDS.items() if kind == "text"} | {"value_usd": "float64"}
    return frame.astype(typed).assign(filed_at=pd.to_datetime(frame["filed_at"]))


def listed_in(column):
    return ENTRIES.get(column, ["8501", "a;b"])


def watch_list(column):
    text = "\n".join([",".join(COLUMNS), *(f"{entry},why,me,," for entry in listed_in(column))])
    return parse(column.replace("_", "-"), text)


LISTS = {made.name: made for made in map(watch_list, KINDS)}


@settings(max_examples=250)
@given(ROWS, st.lists(st.lists(conditions, min_size=1, max_size=2), min_size=1, max_size=3), st.randoms())
def test_every_shipment_as_read_one_by_one(rows, rules, random):
    rules = tuple(
        MustExam(id=f"r{at}", exam="nii", owner="me", reason="why", where=where) for at, where in enumerate(rules)
    )
    matched = [[rule.id for rule in rules if all(truth(c, row) is True for c in rule.where)] for row in rows]
    frame = table(rows)
    found = match(rules, frame, DAY, LISTS)
    assert [None if pd.isna(rule) else rule for rule in found.frame["rule_id"]] == [
        (ids or [None])[0] for ids in matched
    ]
    assert [report.matches for report in found.report] == [sum(rule.id in ids for ids in matched) for rule in rules]
    order = random.sample(range(len(rows)), len(rows))
    pd.testing.assert_frame_equal(match(rules, frame.iloc[order], DAY, LISTS).frame, found.frame.iloc[order])
