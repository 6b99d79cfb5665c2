"""Whole columns of text at once: the same answers as one at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.features.text_columns import as_text, container_checks, each, entry_number_checks, listed
from riskscore.reference import identifiers
from riskscore.simulator import identifiers as drawn

OWNERS = st.sampled_from(["CSQU", "MSKU", "ABCJ", "XYZR", "ABCD", "9ABU", "csqu", "CS QU"])
DIGITS = st.integers(0, 10**7 - 1).map("{:07d}".format)
BOXES = st.one_of(
    st.builds(lambda owner, digits: owner + digits, OWNERS, DIGITS),
    st.builds(drawn.container, st.sampled_from(["CSQU", "MSKU"]), st.integers(0, 999_999)),
    st.text(max_size=13),
    st.none(),
)
FILERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=3, max_size=3)
CELLS = st.lists(st.none() | st.text("aB ;é\u00a0", max_size=9), max_size=6)


@given(st.lists(BOXES, max_size=8))
def test_containers_check_as_one_at_a_time(numbers):
    expected = [number is not None and identifiers.container(number).item() == 1 for number in numbers]

    assert container_checks(numbers).tolist() == expected


@given(st.lists(st.builds("{}-{}-{}".format, FILERS, DIGITS, st.integers(0, 9)), max_size=8))
def test_entry_numbers_check_as_one_at_a_time(numbers):
    assert entry_number_checks(numbers).tolist() == [identifiers.entry_number(number).item() for number in numbers]


@pytest.mark.parametrize(
    "number", ["160-12345675", "ABC12345676", "abc-1234567-6", "ABC-1234567-6\n", "ÄBC-1234567-6", "", None]
)
def test_what_does_not_look_like_an_entry_number_is_not_asked(number):
    assert np.isnan(entry_number_checks([number])).all()


@given(CELLS)
def test_lists_in_cells(cells):
    split = [[item.strip(" ") for item in (cell or "").split(";") if item.strip(" ")] for cell in cells]
    found = listed(cells)

    assert found.items.to_pylist() == [item for items in split for item in items]
    assert found.counts.tolist() == [len(items) for items in split]
    assert found.repeated().tolist() == [len(items) - len(set(items)) for items in split]
    assert found.per_row(np.ones(len(found.items), dtype=bool)).tolist() == found.counts.tolist()


@given(st.lists(st.none() | st.sampled_from(["a", "bb", ""]), max_size=8))
def test_a_look_up_is_asked_once_for_each_text(texts):
    asked = []

    def length(distinct):
        asked.extend(distinct)
        return np.array([len(text) for text in distinct], dtype=float)

    np.testing.assert_array_equal(each(length, texts), [np.nan if text is None else len(text) for text in texts])
    assert sorted(asked) == sorted({text for text in texts if text is not None})


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", None]),
        pd.Series(["a", None], dtype=object),
        pd.concat([pd.Series(["a"]), pd.Series([None], dtype="str")]),
        pd.Index(["a", None]),
        pd.Series(["x", "a", None]).iloc[1:],
    ],
)
def test_every_kind_of_column_is_text(column):
    assert as_text(column).to_pylist() == ["a", None]


def test_a_column_of_nulls_is_text():
    assert as_text(pd.Series([None, None], dtype=object)).to_pylist() == [None, None]
    assert each(identifiers.vessel, pd.Series([], dtype="str")).tolist() == []
