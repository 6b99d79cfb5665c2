"""Must-exam rules: CPU seconds to hold 50 rules against a day, at growing sizes, beside reading it row by row.

    python benches/rules.py --rows 1000,10000,100000,1000000

The shipments are made here, with nulls, few and many distinct values as a manifest has them; the rules are of every
operator, in groups, and two of them look into a watch-list of 10,000 entries. Each size is prepared and matched from
nothing, as the daily job does. `row by row` is a plain reader of the same rules in Python, on the first rows only, and
must find the same matches.
"""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from harness import counts, head, parser, save, show

from riskscore.config import Condition, MustExam
from riskscore.selection.rule_columns import number
from riskscore.selection.rules import match
from riskscore.selection.watch_lists import COLUMNS, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from riskscore.selection.watch_lists import WatchList

DAY = date(2026, 3, 2)
LISTED = 10_000
COMPARED = 2_000
"""Rows that the plain reader takes: it needs seconds for 100,000."""


def shipments(rows: int, seed: int) -> pd.DataFrame:
    """A day of shipments, of the columns that the rules name; a tenth of most columns is null."""
    draws = np.random.default_rng(seed)

    def text(make: Callable[[int], str], distinct: int) -> pd.Series:
        values = np.array([*map(make, range(distinct)), None], dtype=object)
        codes = draws.integers(0, distinct, rows)
        return pd.Series(values[np.where(draws.random(rows) < 0.1, distinct, codes)], dtype="str")

    def floats(scale: float) -> pd.Series:
        return pd.Series(np.where(draws.random(rows) < 0.1, np.nan, draws.lognormal(np.log(scale), 2, rows)))

    words = ("Vape", "toys", "steel", "shirts", "lamps", "Batteries", "tiles", "honey")
    frame = pd.DataFrame(
        {
            "port": text(lambda at: f"{2700 + at}", 50),
            "origin_country": text(lambda at: ("CN", "VN", "DE", "MX", "KR")[at % 5], 5),
            "hts": text(lambda at: f"{85011000 + 37 * at}", 5_000),
            "importer_id": text(lambda at: f"IMP-{at:06d}", max(10, rows // 20)),
            "importer_name": text(lambda at: f"Acme {words[at % 8]} {at} Co., Ltd.", max(10, rows // 20)),
            "description": text(lambda at: f"{words[at % 8]} of kind {at} {words[at // 8 % 8]}", max(10, rows // 2)),
            "container_ids": text(lambda at: f"CSQU{at:07d};MSCU{at + 1:07d}", max(10, rows // 2)),
            "pga_flags": text(lambda at: ("FD4", "FD1;AQ1", "AQ2", "EP1;FD3")[at % 4], 4),
            "in_bond": pd.array(draws.random(rows) < 0.1, dtype="boolean"),
            "arrival_date": pd.Series(pd.Timestamp(DAY), index=range(rows)),
            **{
                name: floats(scale)
                for name, scale in (("value_usd", 2e4), ("weight_kg", 9e3), ("importer_age_days", 400))
            },
            **{name: pd.Series(draws.beta(1, 30, rows)) for name in ("risk_score", "score_ipr")},
        }
    )
    return frame.set_axis([f"S{at}" for at in range(rows)])


def rules(wanted: int) -> tuple[MustExam, ...]:
    """`wanted` rules of two to four conditions, of nine kinds in turn."""
    kinds: list[Callable[[int], list[dict[str, Any]]]] = [
        lambda at: [_is("port", "eq", f"{2700 + at}"), _is("value_usd", "ge", 1e5)],
        lambda at: [_is("hts", "starts_with", [f"85{at:02d}", "8517"]), _is("origin_country", "in", ["CN", "VN"])],
        lambda at: [_is("description", "contains", ["vape", "battery"]), _is("importer_age_days", "lt", 30 + at)],
        lambda _: [_is("pga_flags", "has", "FD4"), {"none_of": [_is("in_bond", "eq", True), _is("hts", "is_null")]}],
        lambda at: [_is("container_ids", "has", [f"CSQU {at:07d}", "MSCU-000001-2"])],
        lambda at: [_is("risk_score", "ge", 0.2), _is("score_ipr", "ge", 0.1), _is("weight_kg", "gt", 100.0 * at)],
        lambda _: [{"any_of": [_is("value_usd", "is_null"), _is("weight_kg", "le", 1.0), _is("hts", "ge", "8600")]}],
        lambda _: [
            _is("arrival_date", "ge", "2026-03-01"),
            _is("origin_country", "ne", "CN"),
            _is("hts", "lt", "8502"),
        ],
        lambda at: [_is(("importer_id", "importer_name")[at % 2], "in_list", listed="holds")],
    ]
    made = [(at, kinds[at % len(kinds)](at)) for at in range(wanted)]
    return tuple(MustExam(id=f"r{at}", exam="nii", owner="bench", reason="bench", where=where) for at, where in made)


def _is(column: str, op: str, value: object = None, listed: str = "") -> dict[str, Any]:
    return {"column": column, "op": op, "value": value} | ({"list": listed} if listed else {})


def holds() -> WatchList:
    """A watch-list of importers, by number and by name."""
    values = [f"IMP-{7 * at:06d}" if at % 2 else f"ACME Toys {at}" for at in range(LISTED)]
    return parse("holds", "\n".join([",".join(COLUMNS), *(f"{value},import alert,agency,," for value in values)]))


def row_by_row(wanted: tuple[MustExam, ...], frame: pd.DataFrame, lists: Mapping[str, WatchList]) -> list[int]:
    """Matches of each rule, read one shipment and one condition at a time."""
    from riskscore.identity import name

    listed = {entry.value for entry in lists["holds"].in_force(DAY)}
    names = {name(value) for value in listed}
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [sum(all(_truth(c, row, listed, names) for c in rule.where) for row in rows) for rule in wanted]


def _truth(condition: Condition, row: dict[str, Any], listed: set[str], names: set[str | None]) -> bool | None:
    if condition.parts:
        each = [_truth(part, row, listed, names) for part in condition.parts]
        found = True if True in each else None if None in each else False
        return (None if found is None else not found) if condition.none_of else found
    value, wanted = row[condition.column], condition.value
    if condition.op == "is_null" or value is None:
        return value is None if condition.op == "is_null" else None
    return _meets(condition, value, wanted, listed, names)


def _meets(condition: Condition, value: Any, wanted: Any, listed: set[str], names: set[str | None]) -> bool:  # noqa: ANN401
    from riskscore.identity import name

    several = wanted if isinstance(wanted, list) else [wanted]
    tests: dict[str, Callable[[], bool]] = {
        "in_list": lambda: value in listed if condition.column == "importer_id" else name(value) in names,
        "has": lambda: not {number(part) for part in several}.isdisjoint(number(part) for part in value.split(";")),
        "contains": lambda: any(part.casefold() in value.casefold() for part in several),
        "starts_with": lambda: any(value.casefold().startswith(part.casefold()) for part in several),
        "in": lambda: value in wanted,
        "eq": lambda: value == wanted,
        "ne": lambda: value != wanted,
        "ge": lambda: value >= (pd.Timestamp(wanted) if condition.column == "arrival_date" else wanted),
        "gt": lambda: value > wanted,
        "le": lambda: value <= wanted,
        "lt": lambda: value < wanted,
    }
    return tests[str(condition.op)]()


def measure(rows: int, wanted: tuple[MustExam, ...], lists: Mapping[str, WatchList], seed: int) -> dict[str, Any]:
    """CPU seconds and matches of one size, and the plain reader's seconds per row on its first rows."""
    frame = shipments(rows, seed)
    begin = time.process_time()
    found = match(wanted, frame, DAY, lists)
    taken = time.process_time() - begin
    few = frame.iloc[:COMPARED]
    begin = time.process_time()
    expected = row_by_row(wanted, few, lists)
    plain = time.process_time() - begin
    assert [rule.matches for rule in match(wanted, few, DAY, lists).report] == expected
    matched = int(found.frame["rule_id"].notna().sum())
    return {"rows": rows, "cpu_s": taken, "plain_cpu_s": plain / len(few) * rows, "matched": matched}


def main() -> None:
    """Measure, print and keep."""
    options = parser(__doc__)
    options.add_argument("--rows", type=counts, default=[1_000, 10_000, 100_000, 1_000_000], help="shipments of a day")
    options.add_argument("--rules", type=int, default=50, help="rules, all in force")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    head(f"{given.rules} must-exam rules")
    lists, wanted = {"holds": holds()}, rules(given.rules)
    figures = [measure(rows, wanted, lists, given.seed) for rows in given.rows]
    columns = ["shipments", "CPU-s", "ns per rule and row", "row by row, CPU-s", "times faster", "matched"]
    show("To hold the rules against a day", columns, [_line(one, len(wanted)) for one in figures])
    save("rules", figures)


def _line(one: dict[str, Any], wanted: int) -> list[str]:
    each = one["cpu_s"] / one["rows"] / wanted * 1e9
    ratio = one["plain_cpu_s"] / one["cpu_s"]
    plain = f"{one['plain_cpu_s']:.1f}"
    return [f"{one['rows']:,}", f"{one['cpu_s']:.2f}", f"{each:.0f}", plain, f"{ratio:.0f}", f"{one['matched']:,}"]


if __name__ == "__main__":
    main()
