"""Antidumping and countervailing duty: the few published figures, by fiscal year. Table: adcvd_stats.csv.

Which goods and origins an order covers is in adcvd_orders; what was declared, the entry type says
(entry_types.covers_adcvd).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from riskscore.reference.asof import by_day, numbers
from riskscore.reference.facts import Fact, changes, number
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from riskscore.reference.asof import Days, Floats

_ORDERS = "orders in force"


def orders_in_force(days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """Number of AD/CVD orders in force in the fiscal year of the day (October to September).

    Args:
        days: the days to answer for.
        tables: reference tables in use (adcvd_stats.csv).

    Returns:
        Orders; NaN for a year without a published figure: figures are not carried over.

    >>> orders_in_force([date(2017, 9, 30), date(2017, 10, 1), date(2018, 10, 1)])
    array([411., 469.,  nan])
    """
    figures = statistics(_ORDERS, tables=tables)
    orders = {f: number("adcvd_stats", {"value": f.value}, "value") for f in figures}
    answers = by_day(lambda day: next((orders[f] for f in figures if f.covers(day)), None), changes(figures), days=days)
    return numbers(answers)


def statistics(measure: str, *, tables: Tables = PACKAGED) -> tuple[Fact[str], ...]:
    """The published figures of a measure, in the words of the table, by fiscal year ascending.

    >>> [(f.since.year + 1, f.value) for f in statistics("penalties")]
    [(2014, '29; 61 M USD'), (2017, '43; 253.6 M USD')]
    """
    found = []
    for row in sorted(tables.rows("adcvd_stats"), key=lambda r: r["fy"]):
        if row["measure"] == measure:
            year = int(number("adcvd_stats", row, "fy"))
            found.append(Fact(row["value"], date(year - 1, 10, 1), date(year, 9, 30), row["conf"], row["source"]))
    return tuple(found)
