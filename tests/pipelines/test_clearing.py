from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.pipelines.explain import clearing, port_cuts
from tests.pipelines.planted_model import planted, rows


@pytest.fixture(scope="module")
def model():
    return planted()


def shipment(**values):
    return rows(1).assign(**(dict.fromkeys(rows(1).columns, 0.0) | values))


def risk(model, **values):
    return float(model.predict(shipment(**values))["any"].iloc[0])


def cleared(model, cut, **values):
    frame = shipment(**values)
    return clearing(model, frame, pd.Series([cut], index=frame.index))[0]


def test_one_fact_is_enough(model):
    before, after = risk(model, isf_late=1.0, importer_hits=1.0), risk(model, importer_hits=1.0)
    [found] = cleared(model, (before + after) / 2, isf_late=1.0, importer_hits=1.0)
    assert found.facts == ("the Importer Security Filing",)
    assert found.risk == pytest.approx(after)
    assert found.text.startswith("if verified, the Importer Security Filing alone would take the risk score from")


def test_two_facts_together(model):
    lowest, without_isf = risk(model), risk(model, seals_missing=1.0)
    [found] = cleared(model, (lowest + without_isf) / 2, isf_late=1.0, seals_missing=1.0)
    assert found.facts == ("the Importer Security Filing", "the seals")
    assert found.risk == pytest.approx(lowest)
    assert "together would" in found.text


def test_each_single_fact_is_named_the_lowest_risk_first(model):
    found = cleared(model, risk(model, isf_late=1.0, seals_missing=1.0) - 1e-6, isf_late=1.0, seals_missing=1.0)
    assert [each.facts for each in found] == [("the Importer Security Filing",), ("the seals",)]
    assert found[0].risk < found[1].risk


def test_a_record_cannot_be_cleared(model):
    assert cleared(model, risk(model) + 1e-6, importer_hits=1.0, importer_ctpat_lost=1.0) == []


def test_no_cut_or_under_it_already(model):
    assert cleared(model, np.nan, isf_late=1.0) == []
    assert cleared(model, 0.999, isf_late=1.0) == []


def test_as_alone_so_among_others(model):
    frame = rows(16, seed=4)
    cuts = pd.Series(np.quantile(model.predict(frame)["any"], 0.4), index=frame.index)
    together = clearing(model, frame, cuts, threads=2)
    assert any(len(each) and len(each[0].facts) == 1 for each in together)
    alone = [clearing(model, frame.iloc[[n]], cuts.iloc[[n]])[0] for n in range(len(frame))]
    assert together == alone
    assert clearing(model, frame.iloc[:0], cuts.iloc[:0]) == []


ARMS = st.sampled_from(["must_exam", "risk", "random_floor", "novelty", "none"])
ROW = st.tuples(st.sampled_from(["A", "B"]), ARMS, st.integers(0, 20).map(lambda n: n / 20))


@given(st.lists(ROW, min_size=1, max_size=12))
def test_cuts_by_their_definition(given_rows):
    day = pd.DataFrame(given_rows, columns=["port", "arm", "risk_score"])
    for (port, _, _), cut in zip(given_rows, port_cuts(day), strict=True):
        ranked = [score for at, arm, score in given_rows if (at, arm) == (port, "risk")]
        below = [score for at, _, score in given_rows if at == port and ranked and score < min(ranked)]
        assert (cut == max(below)) if below else np.isnan(cut)
