from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.errors import ConfigError
from riskscore.reference import forced_labour, rows
from riskscore.reference.forced_labour import Order, _all, _any
from riskscore.reference.loading import Tables

ORDERS = "order,origins,hts,manufacturer_id,goods,effective_from,effective_to,conf,source\n"


@pytest.mark.parametrize("row", rows("uflpa_sectors"), ids=lambda row: row["sector"])
def test_a_sector_counts_from_its_day_and_points_to_goods(row):
    day = date.fromisoformat(row["priority_from"])
    headings = [h["hts_from"].ljust(4, "1") for h in rows("uflpa_headings") if h["sector"] == row["sector"]]

    assert row["sector"] in {f.value for f in forced_labour.sectors_on(day)}
    assert row["sector"] not in {f.value for f in forced_labour.sectors_on(date.fromordinal(day.toordinal() - 1))}
    assert headings
    assert set(forced_labour.priority_sector(headings, day)) >= {row["sector"]}


@pytest.mark.parametrize(
    ("hts", "day", "sector"),
    [
        ("6109100012", date(2022, 6, 16), None),
        ("6109100012", date(2022, 6, 17), "Apparel"),
        ("2804610000", date(2022, 6, 17), "Silica-based products incl. polysilicon"),
        ("3904100000", date(2024, 7, 8), None),
        ("3904100000", date(2024, 7, 9), "Polyvinyl chloride (PVC)"),
        ("7208100000", date(2025, 8, 18), None),
        ("7208100000", date(2025, 8, 19), "Steel"),
        ("0813400000", date(2025, 8, 19), "Red dates (jujubes)"),
        ("8507", date(2025, 8, 19), None),  # too coarse to tell lithium batteries
    ],
)
def test_goods_point_to_the_sectors_of_the_day(hts, day, sector):
    assert forced_labour.priority_sector(hts, day).item() == sector


def test_a_suggestion_is_always_of_low_confidence():
    days, goods = date(2026, 1, 1), [row["hts_from"].ljust(10, "0") for row in rows("uflpa_headings")]

    assert all(f.low_confidence for hts in goods for f in forced_labour.sectors(hts, days))


def test_unknown_goods_are_null_and_others_no():
    found = forced_labour.in_priority_sector(["9503000073", "9903", "toy", None], date(2026, 1, 1))

    np.testing.assert_array_equal(found, [0, np.nan, np.nan, np.nan])


def test_a_superseded_sector_ends_the_day_before(own):
    mine = own(
        uflpa_sectors="sector,priority_from,superseded,conf,source\nToys,2023-01-01,2024-01-01,S,x\n",
        uflpa_headings="sector,hts_from,hts_to,stage,conf,source\nToys,9503,9503,direct,S,x\n",
        uflpa_third_countries="sector,origins,conf,source\n",
    )
    days = [date(2022, 12, 31), date(2023, 1, 1), date(2023, 12, 31), date(2024, 1, 1)]

    assert forced_labour.in_priority_sector("9503000073", days, tables=mine).tolist() == [0, 1, 1, 0]
    assert not forced_labour.sectors("9503000073", days[1], tables=mine)[0].low_confidence
    assert forced_labour.sectors("9903", days[1], tables=mine) == ()


def test_the_longest_prefix_comes_first(own):
    header = "sector,hts_from,hts_to,stage,conf,source\n"
    mine = own(uflpa_headings=header + "Copper,85,85,downstream,M,x\nLithium,850760,850760,downstream,M,x\n")

    assert forced_labour.priority_sector("8507600020", date(2026, 1, 1), tables=mine).item() == "Lithium"
    assert forced_labour.priority_sector("8507100030", date(2026, 1, 1), tables=mine).item() == "Copper"


def test_without_a_list_of_orders_nothing_is_known(own):
    none = own(withhold_release_orders=ORDERS)
    found = forced_labour.withhold_release(["CN", None], "5201001400", None, date(2024, 1, 1), tables=none)

    assert forced_labour.orders(none) == ()
    assert np.isnan(found).all()


def test_the_packaged_orders_hold_from_their_day():
    for order in forced_labour.orders():
        scope = order.value
        asked = scope.origins[0], f"{scope.hts[0]}0000", None
        before, on = order.since - timedelta(days=1), order.since
        assert forced_labour.withhold_release(*asked, [before, on]).tolist() == [0, 1]
        assert order.low_confidence


def test_an_order_covers_what_meets_all_its_scopes(own):
    mine = own(withhold_release_orders=ORDERS + "A,TM,5201;5203,,cotton,2018-05-18,,S,x\n"
               + "B,MY,,MYTOP1KUA,gloves,2020-07-15,2021-09-09,S,x\n")  # fmt: skip
    asked = [
        ("TM", "5201001400", None, date(2018, 5, 18), 1),
        ("TM", "5201001400", None, date(2018, 5, 17), 0),
        ("TM", "6109100012", "X", date(2024, 1, 1), 0),
        ("TM", "52", None, date(2024, 1, 1), None),  # no tariff number
        ("TM", None, None, date(2024, 1, 1), None),
        (None, "5201001400", None, date(2024, 1, 1), None),
        (None, "9503000073", "X", date(2024, 1, 1), 0),
        ("MY", None, "MYTOP1KUA", date(2021, 9, 9), 1),
        ("MY", None, "MYTOP1KUA", date(2021, 9, 10), 0),
        ("MY", None, None, date(2021, 1, 1), None),
        ("DE", None, None, date(2021, 1, 1), 0),
    ]
    origin, hts, maker, days, expected = (list(column) for column in zip(*asked, strict=True))
    found = forced_labour.withhold_release(origin, hts, maker, days, tables=mine)

    np.testing.assert_array_equal(found, np.array(expected, dtype=float))


def test_a_number_coarser_than_the_order_leaves_it_open(own):
    mine = own(withhold_release_orders=ORDERS + "A,,520100,,cotton,,,S,x\n")
    found = forced_labour.withhold_release("TM", ["5201", "5202", "5201001400"], None, date(2024, 1, 1), tables=mine)

    np.testing.assert_array_equal(found, [np.nan, 0, 1])


TRILEANS = st.lists(st.sampled_from([0.0, 1.0, np.nan]), min_size=1, max_size=4)


@given(TRILEANS)
def test_three_valued_logic_is_kleene_s(values):
    parts = [np.array(value) for value in values]
    unknown = any(np.isnan(value) for value in values)

    np.testing.assert_array_equal(_all(parts), 0 if 0 in values else np.nan if unknown else 1)
    np.testing.assert_array_equal(_any(parts), 1 if 1 in values else np.nan if unknown else 0)


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        ("withhold_release_orders", "A,,,,all,2020-01-01,,S,x", "order 'A' has no scope"),
        ("uflpa_headings", "Toys,95,95,direct,S,x", "unknown sector 'Toys'"),
        ("programmes_timeline", "x,2001,y,S,z", "no event 'UFLPA presumption'"),
    ],
)
def test_tables_that_cannot_be_read_are_refused(own, table, row, message):
    header = ",".join(rows(table)[0]) if rows(table) else ORDERS.strip()

    with pytest.raises(ConfigError, match=message):
        own(**{table: f"{header}\n{row}\n"})


def test_orders_read_as_facts():
    row = dict(zip(ORDERS.strip().split(","), ["A", "CN;HK", "52", "", "x", "2020", "", "M", "y"], strict=True))
    (found,) = forced_labour.orders(Tables({"withhold_release_orders": (row,)}))

    assert (found.value, found.low_confidence) == (Order("A", ("CN", "HK"), ("52",), "", "x"), True)
