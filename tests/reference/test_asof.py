"""Whole columns at once give what asking row by row gives."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.errors import InputError
from riskscore.reference.asof import as_days, as_text, by_code, by_day, numbers
from riskscore.reference.facts import Fact, changes

DAYS = st.dates(date(1990, 1, 1), date(2035, 12, 31))
KEYS = st.sampled_from(["a", "b", "c", None])
PERIODS = st.tuples(st.sampled_from("ab"), DAYS, st.none() | st.integers(0, 4000))
ROWS = st.lists(st.tuples(KEYS, KEYS, st.none() | DAYS), max_size=30)


def fact(start, length):
    return Fact(start.toordinal(), start, None if length is None else start + timedelta(days=length), "S", "")


@given(st.lists(PERIODS, max_size=6), ROWS)
def test_columns_equal_row_by_row(periods, rows):
    facts = [(key, fact(start, length)) for key, start, length in periods]

    def rule(key, other, day):
        found = [f.value for k, f in facts if k == key and f.covers(day)]
        return f"{max(found, default=None)} {other}"

    first, second, days = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    answers = by_day(rule, changes(f for _, f in facts), first, second, days=days)

    assert answers.tolist() == [None if None in row else rule(*row) for row in rows]


@given(ROWS)
def test_each_distinct_question_is_asked_once_whatever_the_order(rows):
    asked = []
    by_code(lambda a, b: asked.append((a, b)), [r[0] for r in rows], [r[1] for r in rows])

    assert sorted(asked) == sorted({(a, b) for a, b, _ in rows if a and b})


def test_scalars_are_repeated_and_alone_give_a_scalar_array():
    answers = by_day(
        lambda key, day: (key, day.year), [date(2020, 1, 1)], "a", days=[date(2019, 5, 5), date(2024, 5, 5)]
    )

    assert answers.tolist() == [("a", 2019), ("a", 2020)]
    assert by_code(str.upper, "a").item() == "A"


def test_null_keys_are_shown_to_rules_that_want_them():
    answers = by_day(lambda key, _: key is None, [], [None, "a"], days=date(2020, 1, 1), nullable=True)

    assert answers.tolist() == [True, False]


DAY = date(2025, 5, 2)


@pytest.mark.parametrize(
    "days",
    [
        DAY,
        [DAY],
        datetime(2025, 5, 2, 23, 59),  # noqa: DTZ001 - a naive time is what is tested
        np.datetime64("2025-05-02T23"),
        pd.Series([DAY]),
        pd.Series(["2025-05-02"]),
        pd.Series([pd.Timestamp("2025-05-02 12:00")]),
        pd.DatetimeIndex(["2025-05-02"]),
        pd.Series([DAY], dtype="date32[pyarrow]"),
    ],
)
def test_days_come_in_many_shapes(days):
    assert np.ravel(as_days(days)).tolist() == [DAY]


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (pd.Series(pd.to_datetime(["2025-05-02"]).tz_localize("UTC")), "expected days without a time zone"),
        (["soon"], "expected days: "),
    ],
)
def test_what_is_no_day_is_refused(days, message):
    with pytest.raises(InputError, match=message):
        as_days(days)


@pytest.mark.parametrize("keys", [[104, 201], pd.Series([1.0]), [b"CN"]])
def test_codes_that_are_not_text_are_refused(keys):
    with pytest.raises(InputError, match="expected codes as text, got"):
        as_text(keys)


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
def test_text_comes_in_many_types(dtype):
    answers = by_code(str.lower, pd.Series(["CN", None], dtype=dtype))

    assert answers.tolist() == ["cn", None]


def test_null_is_nan_and_never_zero():
    assert np.isnan(numbers(np.array([None], dtype=object))).all()
