"""Slots per port: the port's own number, else a share of its arrivals, rounded up."""

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from riskscore.config import Capacity
from riskscore.selection import slots_per_port


@example(arrivals=100, percent=7)  # 7.000000000000001 in binary
@given(st.integers(1, 3000), st.integers(0, 100))
def test_the_default_share_rounds_up_in_exact_arithmetic(arrivals, percent):
    slots = slots_per_port(Capacity(default_share=percent / 100), pd.Series(["2704"] * arrivals))
    assert slots.at["2704", "capacity"] == -(-percent * arrivals // 100)


@pytest.mark.parametrize(("number", "used"), [(0, 0), (2, 2), (50, 3)])
def test_a_number_of_its_own_wins_and_may_exceed_the_arrivals(number, used):
    slots = slots_per_port(Capacity(ports={"2704": number}), pd.Series(["2704"] * 3 + ["1001"]))
    assert slots.loc["2704"].to_dict() == {"arrivals": 3, "capacity": number, "used": used}
    assert slots.at["1001", "capacity"] == 1


def test_ports_are_sorted_and_only_those_with_arrivals():
    slots = slots_per_port(Capacity(ports={"9999": 4}), pd.Series(["B", "A", "B"]))
    assert slots.index.tolist() == ["A", "B"]


def test_a_day_without_shipments_has_no_ports():
    assert slots_per_port(Capacity(), pd.Series([], dtype="str")).empty
