"""The same shipment on both sides of each date on which the trade changed, through the builders.

The days are written here and looked up in the tables, so that a changed table fails loudly.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from riskscore.features.agriculture import Agriculture
from riskscore.features.commodity import Commodity
from riskscore.features.forced_labour import ForcedLabour
from riskscore.features.preferences import Preferences
from riskscore.features.route import ENTRY_CATEGORIES, Route
from riskscore.reference import centers, rows
from riskscore.reference.facts import read_day
from tests.features import records

if TYPE_CHECKING:
    import pandas as pd

    from riskscore.features import FeatureBuilder

SHIRTS, SOLAR = "6109100012", "8541430010"


def of(builder: FeatureBuilder, day: date, status=None, **stated) -> pd.Series:
    """The features of one shipment on a day."""
    row = {"arrival_date": day} | stated
    return records.one({"importer": status} if status else None, row).built(builder).astype(float).iloc[0]


def around(builder: FeatureBuilder, day: date, name: str, status=None, **stated) -> list[float]:
    """One feature of the same shipment the day before and on the day."""
    return [float(of(builder, each, status, **stated)[name]) for each in (day - timedelta(1), day)]


def day_of(table: str, column: str, **cells: str) -> date:
    """The day that the rows of a table with these cells agree on."""
    [cell] = {row[column] for row in rows(table) if all(row[name] == cell for name, cell in cells.items())}
    day = read_day(cell)
    assert day is not None
    return day


# Forced labour -----------------------------------------------------------------------------------------------

STRATEGIES = {
    date(2022, 6, 17): ("Apparel", "Cotton and cotton products", "Silica-based products incl. polysilicon",
                        "Tomatoes and downstream"),
    date(2024, 7, 9): ("Aluminum", "Polyvinyl chloride (PVC)", "Seafood"),
    date(2025, 8, 19): ("Steel", "Copper", "Lithium", "Caustic soda", "Red dates (jujubes)"),
}  # fmt: skip
"""Sectors by the day they became a priority."""


def test_the_table_has_these_sectors_and_no_other():
    assert [row["sector"] for row in rows("uflpa_sectors")] == [name for names in STRATEGIES.values() for name in names]


@pytest.mark.parametrize(("day", "sector"), [(day, name) for day, names in STRATEGIES.items() for name in names])
def test_goods_of_a_sector_are_a_priority_from_its_day(day, sector):
    assert day_of("uflpa_sectors", "priority_from", sector=sector) == day
    code = 1 + [row["sector"] for row in rows("uflpa_sectors")].index(sector)
    goods = next(row for row in rows("uflpa_headings") if row["sector"] == sector)["hts_from"].ljust(10, "0")

    assert around(ForcedLabour(), day, "uflpa_sector", hts=goods) == [0, code]
    assert min(around(ForcedLabour(), day + timedelta(1), "uflpa_sector_stage", hts=goods)) > 0


def test_the_presumption_counts_ties_to_china_from_the_21st_of_june_2022():
    day = day_of("programmes_timeline", "date", event="UFLPA presumption")
    stated = {"origin_country": "CN", "export_country": "HK", "manufacturer_id": "CNNINHEN88NIN"}

    assert day == date(2022, 6, 21)
    assert around(ForcedLabour(), day, "uflpa_china_ties", **stated) == [0, 2]


@pytest.mark.parametrize(("origin", "day"), [("VN", date(2022, 6, 17)), ("MY", date(2022, 6, 17))])
def test_solar_cells_from_third_countries_are_exposed_from_the_first_strategy_on(origin, day):
    assert around(ForcedLabour(), day, "uflpa_third_country", hts=SOLAR, origin_country=origin) == [0, 1]


# Centers -----------------------------------------------------------------------------------------------------

OPENED = {"ELEC": date(2011, 10, 1), "PHC": date(2011, 10, 1), "AERO": date(2012, 1, 1), "PNGM": date(2012, 1, 1),
          "BM": date(2013, 1, 1), "APP": date(2013, 6, 1), "AFT": date(2013, 6, 1)}  # fmt: skip
GOODS_OF = {"ELEC": "8517130000", "PHC": "3004909244", "AERO": "8703230190", "PNGM": "2710193000", "BM": "8307101000",
            "APP": "0804400040", "AFT": SHIRTS}  # fmt: skip


@pytest.mark.parametrize(("center", "day"), OPENED.items())
def test_a_center_handles_its_goods_from_the_day_it_opened(center, day):
    assert day_of("centers_of_excellence", "opened", code=center) == day
    code, goods = list(centers.all_centers()).index(center), GOODS_OF[center]

    np.testing.assert_array_equal(around(Commodity(), day, "center_code", hts=goods), [np.nan, code])
    found = around(Commodity(), day, "importer_center_agrees", {"center": center}, hts=goods)
    np.testing.assert_array_equal(found, [np.nan, 1])


@pytest.mark.parametrize(
    ("low", "high", "center"), [("8517", "8529", "ELEC"), ("8701", "8711", "AERO"), ("6101", "6217", "AFT")]
)
def test_a_range_of_headings_belongs_to_one_center(low, high, center):
    assert {row["center"] for row in rows("center_hts") if (row["hts_from"], row["hts_to"]) == (low, high)} == {center}
    code, day = list(centers.all_centers()).index(center), date(2020, 1, 1)

    assert [of(Commodity(), day, hts=goods + "000000")["center_code"] for goods in (low, high)] == [code, code]


# Preferences -------------------------------------------------------------------------------------------------


def test_the_peru_agreement_serves_goods_of_peru_from_february_2009():
    day = day_of("preference_programmes", "effective_from", spi="PE")
    claim = {"preference_program": "PE", "origin_country": "PE", "export_country": "PE"}

    assert day == date(2009, 2, 1)
    assert around(Preferences(), day, "preference_wrong_origin", **claim) == [1, 0]
    assert around(Preferences(), day, "preference_lapsed", **claim) == [1, 0]
    assert around(Preferences(), day, "preference_wrong_origin", **claim | {"origin_country": "CN"}) == [1, 1]


def test_nafta_gave_way_to_usmca_in_july_2020():
    day = day_of("preference_programmes", "effective_from", spi="S")
    stated = {"origin_country": "MX", "export_country": "MX"}

    assert day == date(2020, 7, 1) == day_of("preference_programmes", "effective_to", spi="MX") + timedelta(1)
    assert around(Preferences(), day, "preference_wrong_origin", preference_program="MX", **stated) == [0, 1]
    assert around(Preferences(), day, "preference_wrong_origin", preference_program="S", **stated) == [1, 0]


LAPSES = (date(2011, 1, 1), date(2013, 8, 1), date(2018, 1, 1), date(2021, 1, 1))


@pytest.mark.parametrize("day", LAPSES)
def test_gsp_lapses_on_its_days(day):
    ends = {read_day(row["effective_to"]) for row in rows("preference_programmes") if row["spi"] == "A"}
    claim = {"preference_program": "A", "origin_country": "PH", "export_country": "PH"}

    assert day - timedelta(1) in ends
    assert around(Preferences(), day, "preference_lapsed", **claim) == [0, 1]
    assert around(Preferences(), day, "preference_wrong_origin", **claim) == [0, 1]


# Agencies and wood -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "agencies", "required"),
    [
        ("FD1", 1, 0),
        ("FD4", 1, 1),
        ("FD4;AQ1", 2, 1),
        ("AL1", 1, 0),
        ("AL2", 1, 1),
        ("DT2", 1, 1),
        ("NM1", 1, np.nan),
        ("FD1;FD2", 1, 1),
        ("??", 0, np.nan),
        (None, np.nan, np.nan),
    ],
)
def test_a_flag_speaks_for_its_agency(flags, agencies, required):
    row = of(Agriculture(), date(2026, 3, 2), pga_flags=flags)

    np.testing.assert_array_equal(row[["pga_agencies", "pga_data_required"]], [agencies, required])


def test_wood_packaging_had_to_be_treated_from_the_16th_of_september_2005():
    day = day_of("wood_packaging_rules", "effective_from", exempt="CA")
    stated = {"wood_packaging": True, "export_country": "CN"}

    assert day == date(2005, 9, 16)
    assert around(Agriculture(), day, "wood_packaging_must_be_treated", **stated) == [0, 1]
    assert around(Agriculture(), day, "wood_packaging_must_be_treated", **stated | {"export_country": "CA"}) == [0, 0]


# Entry types and orders --------------------------------------------------------------------------------------

ADCVD = {"03": 1, "07": 1, "34": 1, "38": 1, "01": 0, "11": 0, "21": 0, "31": 0, "61": 0, "86": 0}
CATEGORY = {"01": "consumption", "11": "informal", "21": "warehouse", "26": "warehouse", "31": "withdrawal",
            "52": "government", "61": "in-bond", "86": "de minimis test"}  # fmt: skip


@pytest.mark.parametrize(("code", "declared"), ADCVD.items())
def test_four_entry_types_declare_adcvd_goods(code, declared):
    assert of(Route(), date(2025, 1, 1), entry_type=code)["adcvd_declared"] == declared


@pytest.mark.parametrize(("code", "category"), CATEGORY.items())
def test_an_entry_type_has_the_category_of_the_table(code, category):
    assert [row["category"] for row in rows("entry_types") if row["code"] == code] == [category]
    row = of(Route(), date(2025, 1, 1), entry_type=code)

    assert ENTRY_CATEGORIES[int(row["entry_category"])] == category
    assert row["bonded_warehouse"] == (category in ("warehouse", "withdrawal"))


@pytest.mark.parametrize(
    ("hts", "origin", "day"),
    [
        ("9404210013", "VN", date(2021, 5, 14)),
        ("4412310520", "CN", date(2018, 1, 4)),
        (SOLAR, "KH", date(2025, 6, 24)),
        (SOLAR, "CN", date(2012, 12, 7)),
        ("4011101010", "TH", date(2021, 7, 19)),
        ("9403509042", "CN", date(2005, 1, 4)),
    ],
)
def test_an_order_asks_for_its_entry_type_from_its_day(hts, origin, day):
    orders = [row for row in rows("adcvd_orders") if row["hts_from"] <= hts[: len(row["hts_from"])] <= row["hts_to"]]
    before = float(
        any(row["effective_from"] < day.isoformat() and origin in row["origins"].split(";") for row in orders)
    )

    assert day.isoformat() in {row["effective_from"] for row in orders if origin in row["origins"].split(";")}
    stated = {"hts": hts, "origin_country": origin}
    assert around(Route(), day, "adcvd_undeclared", **stated, entry_type="01") == [before, 1]
    assert around(Route(), day, "adcvd_undeclared", **stated, entry_type="03") == [0, 0]
    assert around(Route(), day, "adcvd_order_elsewhere", hts=hts, origin_country="NZ")[1] == 1
