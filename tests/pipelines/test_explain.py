from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from riskscore import reference
from riskscore.features import Feature
from riskscore.models.explanation import contributions
from riskscore.pipelines.explain import driving_hazards, explain
from riskscore.pipelines.explain.reasons import LOWERING, NOTHING, RAISING
from tests.pipelines.planted_model import CONCEPTS, planted, rows


@pytest.fixture(scope="module")
def model():
    return planted()


def asked(frame, target="any"):
    return pd.Series(target, index=frame.index, dtype="str")


def shipment(**values):
    return rows(1).assign(**(dict.fromkeys(rows(1).columns, 0.0) | values))


def test_what_was_planted_is_the_reason(model):
    frame = shipment(isf_late=1.0, seals_missing=1.0)
    [reasons] = explain(model, frame, asked(frame))
    assert reasons[0]["concept"] == "documentation"
    assert reasons[0]["direction"] == "raises"
    late, seals = (
        "the Importer Security Filing came later than 24 hours before lading",
        "containers without a seal number",
    )
    assert reasons[0]["text"] == f"{late}; {seals}: 1"


def test_the_hazard_decides_the_reason(model):
    frame = shipment(isf_late=1.0, importer_hits=1.0)
    of_any, of_ipr = (explain(model, frame, asked(frame, target), everything=True)[0] for target in ("any", "ipr"))
    of_any, of_ipr = ({each["concept"]: each["contribution"] for each in reasons} for reasons in (of_any, of_ipr))
    assert of_any["documentation"] > of_ipr.get("documentation", 0) + 0.2
    assert of_ipr["track record"] > of_any["track record"] + 0.2


def test_what_speaks_for_the_trader_is_said_too(model):
    frame = shipment(importer_hits=1.0)
    [reasons] = explain(model, frame, asked(frame))
    lowers = [reason for reason in reasons if reason["direction"] == "lowers"]
    assert [reason["concept"] for reason in lowers] == ["documentation"]
    assert lowers[0]["text"] == "the Importer Security Filing came in time; containers without a seal number: 0"


def test_every_shipment_has_a_few_reasons_strongest_first(model):
    frame = rows(400, seed=7)
    for reasons in explain(model, frame, asked(frame)):
        strength = [abs(reason["contribution"]) for reason in reasons]
        assert strength == sorted(strength, reverse=True)
        directions = [reason["direction"] for reason in reasons]
        assert 1 <= len(reasons) <= RAISING + LOWERING
        assert directions.count("raises") <= RAISING
        assert directions.count("lowers") <= LOWERING
        for reason in reasons:
            assert (reason["contribution"] > 0) == (reason["direction"] == "raises")
            assert reason["text"]


def test_all_concepts_sum_to_the_log_odds(model):
    frame = rows(50, seed=8)
    base = contributions(model, frame, asked(frame)).base
    every = explain(model, frame, asked(frame), everything=True)
    sums = [sum(reason["contribution"] for reason in reasons) for reasons in every]
    # Concepts under 0.01 are left out, and each is rounded to 4 digits.
    left_out = 0.011 * len(set(CONCEPTS.values()))
    np.testing.assert_allclose(base + sums, logit(model.predict(frame)["any"]), atol=left_out)


def test_order_neighbours_and_threads_change_nothing(model):
    frame = rows(60, seed=9)
    whole = explain(model, frame, asked(frame))
    turned = frame.iloc[::-1]
    assert explain(model, turned, asked(turned), threads=2)[::-1] == whole
    assert explain(model, frame.iloc[5:6], asked(frame.iloc[5:6])) == [whole[5]]


def test_a_model_that_says_nothing_says_so(model, monkeypatch):
    frame = shipment()
    none = contributions(model, frame, asked(frame))
    none.frame.loc[:] = 0.0
    monkeypatch.setattr("riskscore.pipelines.explain.reasons.contributions", lambda *_: none)
    assert explain(model, frame, asked(frame)) == [
        [{"concept": "score", "direction": "none", "contribution": 0.0, "text": NOTHING}]
    ]


def test_features_of_ones_own(model):
    class Own:
        name = "own"
        features = tuple(Feature(name, "our own", f"what {n} says", "count", "-", "", "") for n, name in enumerate(
            ("isf_late", "seals_missing", "importer_hits", "importer_ctpat_lost", "mode_code")))  # fmt: skip

    frame = shipment(isf_late=1.0)
    [reasons] = explain(model, frame, asked(frame), builders=[Own()])
    assert [reason["concept"] for reason in reasons] == ["our own"]


def test_the_driving_hazard_by_its_definition():
    rng = np.random.default_rng(3)
    hazards, exams = reference.learned_hazards()[:5], reference.exams()
    scores = pd.DataFrame({hazard: rng.choice([0.0, 0.1, 0.2, np.nan], 200) for hazard in hazards})
    ordered = pd.Series(rng.choice([*exams, None], 200), dtype="str")
    found = driving_hazards(scores.assign(any=0.5), ordered)
    for row, exam, hazard in zip(scores.to_dict("records"), ordered, found, strict=True):
        chances = {name: 0.0 if np.isnan(chance) else chance for name, chance in row.items()}
        seen = {name: chance * (1 if pd.isna(exam) else reference.sensitivity()[exam, name])
                for name, chance in chances.items()}  # fmt: skip
        worth = seen if max(seen.values()) > 0 else chances
        best = max(worth, key=worth.get)  # the first among equals, as the dict has the order of reference.hazards()
        assert hazard == (best if worth[best] > 0 else "any")


def test_without_hazards_any_drives():
    scores = pd.DataFrame({"any": [0.5]})
    assert driving_hazards(scores, pd.Series(["nii"], dtype="str")).tolist() == ["any"]
