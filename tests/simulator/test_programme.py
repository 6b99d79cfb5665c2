"""The traders table is bitemporal and consistent whenever one looks."""

import pandas as pd
import pytest

from riskscore.simulator.legacy import dated, standings


@pytest.fixture(scope="session")
def traders(country):
    return dated(country.traders)


def as_known(traders: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """The latest row of each key among those known before `moment`."""
    known = traders[traders["known_at"] < moment.tz_localize("UTC")].sort_values("known_at")
    return known.drop_duplicates(["trader_id", "valid_from"], keep="last")


@pytest.mark.parametrize("weeks", [0, 5, 10, 30])
def test_at_any_time_each_trader_has_at_most_one_standing_a_day(country, traders, weeks):
    rows = as_known(traders, pd.Timestamp(country.world.first_day) + pd.Timedelta(weeks=weeks))
    rows = rows.sort_values(["trader_id", "valid_from"])
    follows = rows["trader_id"] == rows["trader_id"].shift(-1)
    gap = rows["valid_from"].shift(-1) - rows["valid_to"]

    assert (rows.loc[rows["valid_to"].notna(), "valid_to"] >= rows["valid_from"][rows["valid_to"].notna()]).all()
    assert (gap[follows & rows["valid_to"].notna()] == pd.Timedelta(days=1)).all()
    assert rows.loc[follows, "valid_to"].notna().all()


def test_no_key_is_stated_twice_at_one_time(traders):
    assert not traders.duplicated(["trader_id", "valid_from", "known_at"]).any()


def test_some_facts_are_known_late_some_corrected_some_members_lost(country, traders):
    during = traders[traders["known_at"] >= pd.Timestamp(country.world.first_day, tz="UTC")]
    late = during["known_at"].dt.tz_convert(None) - during["valid_from"] > pd.Timedelta(days=5)
    again = traders.duplicated(["trader_id", "valid_from"], keep=False)

    assert (late & during["valid_to"].isna()).any()
    assert again.any()
    assert {"suspended", "removed", "withdrawn"} <= set(traders["ctpat_status"])


def test_only_importers_are_tiered_and_isa_is_over(traders):
    assert set(traders.loc[traders["ctpat_tier"] > 0, "role"]) == {"importer"}
    assert set(traders["ctpat_tier"]) == {0, 1, 2, 3}
    assert not traders["isa_member"].fillna(value=False).any()
    assert traders.loc[traders["ctpat_trade_compliance"].fillna(value=False), "ctpat_tier"].min() >= 1


def test_foreign_programmes_are_held_by_foreign_shippers_only(traders):
    holders = traders[traders["aeo_programme"].notna()]

    assert {"shipper", "manufacturer"} == set(holders["role"])
    assert "US" not in set(holders["country"])


def test_a_change_counts_once_it_is_known_and_holds():
    def row(tier, start, end, known):
        return {
            "trader_id": "a", "role": "importer", "ctpat_tier": tier, "valid_from": start, "valid_to": end,
            "known_at": pd.Timestamp(known, tz="UTC"),
        }  # fmt: skip

    traders = dated(pd.DataFrame([
        row(1, "2024-01-01", None, "2024-01-01 09:00"),
        row(1, "2024-01-01", "2025-02-28", "2025-03-20 09:00"),
        row(2, "2025-03-01", None, "2025-03-20 09:00"),
    ]))  # fmt: skip

    tiers = {day: standings(traders, pd.Timestamp(day)).loc["a", "ctpat_tier"] for day in ("2025-03-20", "2025-03-21")}

    assert tiers == {"2025-03-20": 1, "2025-03-21": 2}
