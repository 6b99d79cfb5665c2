from datetime import date

import numpy as np
import pytest

from riskscore.reference import port_programmes, rows


@pytest.mark.parametrize(
    ("port", "day", "answer"),
    [
        ("5203", date(2015, 11, 30), 0),
        ("5203", date(2015, 12, 1), 1),
        ("2704", date(2016, 9, 14), 0),
        ("2704", date(2016, 9, 15), 1),
        ("1601", date(2016, 12, 14), 0),
        ("1601", date(2016, 12, 15), 1),
        ("1902", date(2017, 1, 31), 0),
        ("1902", date(2017, 2, 1), np.nan),  # planned for all ports, start not seen
        ("9901", date(2016, 1, 1), np.nan),  # no such district
        ("USMIA", date(2016, 1, 1), np.nan),
        (None, date(2016, 1, 1), np.nan),
    ],
)
def test_aqua_lane_came_in_steps(port, day, answer):
    np.testing.assert_array_equal(port_programmes.aqua_lane(port, day), answer)


def test_twenty_ports_were_named():
    named = {row["port"] for row in rows("port_programmes") if row["programme"] == "AQUA" and row["conf"] == "S"}

    # New York and Newark, and Seattle and Tacoma, count as one each in the sources.
    assert len(named) == 22


@pytest.mark.parametrize(
    ("port", "day", "answer"),
    [
        ("2604", date(2016, 7, 24), 0),
        ("2604", date(2016, 7, 25), 1),
        ("2304", date(2016, 7, 24), 0),
        ("2304", date(2018, 1, 1), np.nan),  # one of eleven ports, perhaps
        ("2304", date(2020, 3, 4), 1),
        ("2704", date(2020, 3, 4), 0),  # not at the southern border
    ],
)
def test_unified_cargo_processing_spread_along_the_border(port, day, answer):
    np.testing.assert_array_equal(port_programmes.unified_cargo_processing(port, day), answer)


def test_programmes_of_a_port_with_their_confidence():
    found = port_programmes.programmes("2304", date(2018, 1, 1))

    assert {name: f.unverified for name, f in found.items()} == {"AQUA": True, "UCP": True}
    assert port_programmes.programmes("2704", date(2015, 1, 1)) == {}
    assert not port_programmes.programmes("2704", date(2020, 1, 1))["AQUA"].low_confidence


def test_ports_belong_to_the_districts_of_the_table():
    ports = [row["port"] for row in rows("port_programmes") if "*" not in row["port"]]

    assert all(port_programmes.district(ports))


def test_a_port_of_ones_own(own):
    header = ",".join(rows("port_programmes")[0])
    mine = own(port_programmes=f"{header}\nAQUA,1902,Gulfport,2018-01-01,2018-12-31,S,notice\n")
    days = [date(2017, 12, 31), date(2018, 1, 1), date(2018, 12, 31), date(2019, 1, 1)]

    assert port_programmes.aqua_lane("1902", days, tables=mine).tolist() == [0, 1, 1, 0]
