"""The trade on its days of change, from the reference tables: limits, entry types, and numbers that check.

The days are read from the tables and held against those of the law, so that a changed table fails here, loudly.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from riskscore.features.documentation import Documentation
from riskscore.features.ecommerce import ECommerce
from riskscore.features.text_columns import container_checks, entry_number_checks
from riskscore.reference import PACKAGED, entry_types, identifiers
from riskscore.reference.facts import read_day
from tests.features.handmade import arrivals, past

VECTORS = Path(__file__).with_name("identifier_test_vectors.csv")
ONE_DAY = timedelta(days=1)

PARCEL = {"mode": "express", "entry_type": "86", "value_usd": 500.0, "consignee_id": "C1"}


def begins(scope: str) -> date:
    """The first day of the row of de_minimis.csv whose scope begins so."""
    (found,) = {row["effective_from"] for row in PACKAGED.rows("de_minimis") if row["scope"].startswith(scope)}
    return read_day(found)


TO_800 = begins("all origins, per person per day, fair retail value")
END_OF_CHINA = begins("products of China and Hong Kong")
END_OF_ALL = begins("all origins: suspended")


def entered(*rows):
    """E-commerce features of these shipments; the consignee gets three such parcels that day."""
    shipments = arrivals(*rows)
    batch = {"consignee": [(3, 1500, 500)] * len(rows)}
    return ECommerce().build(shipments, past(shipments, batch=batch))


def test_the_tables_hold_the_days_of_the_law():
    days = [TO_800, END_OF_CHINA, END_OF_ALL]

    assert days == [date(2016, 3, 10), date(2025, 5, 2), date(2025, 8, 29)]
    assert entry_types.entry_type("86").until == END_OF_ALL - ONE_DAY
    assert entry_types.entry_type("13").since == date(2026, 6, 24)


@pytest.mark.parametrize(
    ("day", "china", "elsewhere"),
    [
        (TO_800 - ONE_DAY, 200, 200),
        (TO_800, 800, 800),
        (END_OF_CHINA - ONE_DAY, 800, 800),
        (END_OF_CHINA, 0, 800),
        (END_OF_ALL - ONE_DAY, 0, 800),
        (END_OF_ALL, 0, 0),
    ],
    ids=str,
)
def test_the_same_shipment_from_china_and_from_elsewhere(day, china, elsewhere):
    origins = ("CN", "HK", "VN", "MO")
    frame = entered(*(PARCEL | {"origin_country": origin, "arrival_date": day} for origin in origins))
    limits = np.array([china, china, elsewhere, elsewhere], dtype=float)
    exempt = limits > 0

    assert frame["de_minimis_threshold_usd"].tolist() == limits.tolist()
    shares = np.divide(500, limits, out=np.full(4, np.nan), where=exempt)
    np.testing.assert_allclose(frame["value_share_of_de_minimis"], shares)
    # Three parcels of 500 USD: split where the exemption covers one of them but not all.
    splits = np.where(limits >= 500, 3 * shares, np.where(exempt, 0, np.nan))
    np.testing.assert_allclose(frame["consignee_split_over_de_minimis"], splits)
    claimable = exempt & (limits >= 500) & (entry_types.valid("86", day) == 1)
    assert frame["de_minimis_claim_unfounded"].tolist() == (~claimable).astype(float).tolist()


@pytest.mark.parametrize(
    ("code", "day", "in_use"),
    [
        ("86", date(2019, 9, 27), False),
        ("86", date(2019, 9, 28), True),
        ("86", END_OF_ALL - ONE_DAY, True),
        ("86", END_OF_ALL, False),
        ("13", date(2026, 6, 23), False),
        ("13", date(2026, 6, 24), True),
        ("11", date(1990, 1, 1), True),
        ("11", date(2026, 6, 24), True),
    ],
)
def test_an_entry_type_can_be_used_on_its_days(code, day, in_use):
    shipments = arrivals({"mode": "mail", "entry_type": code, "arrival_date": day, "value_usd": 10.0})
    row = Documentation().build(shipments, past(shipments)).iloc[0]

    assert row["entry_type_out_of_date"] == row["contradictions"] == (not in_use)
    assert row["entry_type_unknown"] == 0


def vectors(kind: str) -> list[tuple[str, bool]]:
    """The numbers of a kind and whether each checks; lines that describe a number instead of giving it are left out."""
    with VECTORS.open(encoding="utf-8", newline="") as lines:
        found = [(row["value"], row["valid"] != "no") for row in csv.DictReader(lines) if row["kind"] == kind]
    return [(value, valid) for value, valid in found if "remainder" not in value]


def test_published_container_numbers_check():
    for number, valid in vectors("iso6346"):
        shipments = arrivals({"container_ids": number}, {"container_ids": f"{number};{number}"})
        invalid = Documentation().build(shipments, past(shipments))["containers_invalid"]

        assert invalid.tolist() == [not valid, 2 * (not valid)], number
        assert container_checks([number]) == (identifiers.container(number) == 1) == valid


def test_published_vessel_numbers_check():
    for number, valid in vectors("imo"):
        rows = ({"conveyance_id": number, "mode": mode} for mode in ("ocean", "air"))
        shipments = arrivals(*rows)
        frame = Documentation().build(shipments, past(shipments))

        assert frame["vessel_number_invalid"].iloc[0] == (not valid)
        assert frame["vessel_number_on_other_mode"].iloc[1] == valid


def test_published_entry_numbers_check():
    for number, valid in vectors("entry_number"):
        shipments = arrivals({"shipment_id": number})

        assert Documentation().build(shipments, past(shipments))["entry_number_invalid"].item() == (not valid)
        assert entry_number_checks([number]) == valid


def test_the_vectors_are_there():
    assert [len(vectors(kind)) for kind in ("iso6346", "imo", "entry_number")] == [6, 2, 3]
