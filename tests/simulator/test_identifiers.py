"""Check digits against an independent implementation (python-stdnum) and published vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import imo, iso6346, luhn
from stdnum.us import ein

from riskscore.simulator import identifiers, lists
from riskscore.simulator.traders import employer_numbers

CARRIERS = lists.table("carriers")


@given(
    prefix=st.sampled_from([row["prefix"] for row in CARRIERS if row["prefix"].isalpha()]),
    serial=st.integers(0, 999_999),
)
def test_container_numbers_hold_under_iso_6346(prefix, serial):
    assert iso6346.is_valid(identifiers.container(prefix, serial))


@pytest.mark.parametrize("number", ["CSQU3054383", "HASU5044950", "BGBU5086915", "BGBU5109230", "MRKU5017545"])
def test_real_container_numbers_are_reproduced(number):
    assert identifiers.container(number[:4], int(number[4:10])) == number


@given(serial=st.integers(0, 9_999_999), digits=st.integers(0, 999))
def test_entry_numbers_of_numeric_filers_hold_under_luhn(serial, digits):
    assert luhn.is_valid(identifiers.entry_number(f"{digits:03d}", serial).replace("-", ""))


@given(serial=st.integers(0, 9_999_999))
def test_letters_of_a_filer_fold_to_digits(serial):
    # A and J = 1, S = 2 (one place past R), T = 3: the same digits, the same check digit.
    lettered, plain = identifiers.entry_number("JST", serial), identifiers.entry_number("123", serial)

    assert lettered[-1] == plain[-1]


@given(serial=st.integers(0, 9_999_999))
def test_air_waybills_end_in_the_remainder_of_seven(serial):
    number = identifiers.air_waybill("160", serial).split("-")[1]

    assert len(number) == 8
    assert int(number[:7]) % 7 == int(number[7])


@given(serial=st.integers(0, 99_999_999))
def test_postal_items_hold_under_s10(serial):
    number = identifiers.postal_item("LX", serial, "CN")
    total = sum(int(d) * w for d, w in zip(number[2:10], (8, 6, 4, 2, 3, 5, 9, 7), strict=True))

    assert len(number) == 13
    assert (total + int(number[10])) % 11 == 0 or number[10] in "05"


@given(serial=st.integers(0, 999_999))
def test_hulls_have_valid_numbers(serial):
    assert imo.is_valid(identifiers.vessel(serial))


def test_employer_numbers_are_distinct_and_have_issued_prefixes():
    numbers = employer_numbers(np.random.default_rng(0), 500)

    assert len(set(numbers)) == 500
    assert all(ein.is_valid(number[:10]) for number in numbers)


@given(n=st.integers(0, 60), seed=st.integers(0, 99))
def test_distinct_numbers_are_distinct_in_range_and_as_many_as_asked(n, seed):
    numbers = identifiers.distinct(np.random.default_rng(seed), 5, 5 + max(n, 1), n)

    assert len(np.unique(numbers)) == n
    assert all(5 <= number < 5 + n for number in numbers)
