"""The digest of labels tells every change of a label from every change that is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.models.labels import targets
from riskscore.models.labels_digest import labels_digest

LABELS = st.dictionaries(
    st.text(min_size=1, max_size=4),
    st.tuples(*[st.sampled_from([0.0, 1.0, np.nan])] * len(targets())),
    min_size=1,
    max_size=6,
)


def frame(rows):
    made = pd.DataFrame.from_dict(rows, orient="index", columns=list(targets()), dtype=float)
    return made.assign(weight=1.0, uncorrected=True)


@given(LABELS, st.randoms())
def test_order_weights_and_absent_targets_do_not_count(rows, random):
    labels = frame(rows)
    order = random.sample(range(len(labels)), len(labels))
    empty = [name for name in targets() if labels[name].isna().all()]
    assert labels_digest(labels) == labels_digest(labels.iloc[order].assign(weight=7.0).drop(columns=empty))


@given(LABELS, st.data())
def test_any_other_label_does(rows, data):
    labels = frame(rows)
    row, name = data.draw(st.integers(0, len(labels) - 1)), data.draw(st.sampled_from(targets()))
    now = labels.iloc[row][name]
    others = [value for value in (0.0, 1.0, np.nan) if not (value == now or (np.isnan(value) and np.isnan(now)))]
    changed = labels.copy()
    changed.iloc[row, changed.columns.get_loc(name)] = data.draw(st.sampled_from(others))
    assert labels_digest(changed) != labels_digest(labels)


@pytest.mark.parametrize("change", [lambda f: f.iloc[1:], lambda f: f.rename(index={"A": "C"})])
def test_another_shipment_does(change):
    labels = frame({"A": (1.0,) * len(targets()), "B": (0.0,) * len(targets())})
    assert labels_digest(change(labels)) != labels_digest(labels)
