from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskscore import features
from riskscore.features.documentation import CONTRADICTIONS
from riskscore.features.verifiable import FACTS, concerned, settled

KNOWN = {feature.name: feature for feature in features.catalogue()}


def fact(word):
    [found] = [each for each in FACTS if word in each.what]
    return found


def test_facts_are_about_features_of_the_catalogue():
    named = [name for each in FACTS for name in each.usual]
    assert set(named) <= set(KNOWN)
    assert len({each.what for each in FACTS}) == len(FACTS)


def test_no_paper_changes_a_record():
    """What an authority found, and who a trader is, cannot be verified away."""
    untouchable = {name for name, feature in KNOWN.items() if feature.monotone or feature.concept == "track record"}
    assert not untouchable & {name for each in FACTS for name in each.usual}


@pytest.mark.parametrize("each", FACTS, ids=lambda each: each.what)
def test_only_what_is_wrong_changes_and_once_is_enough(each):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.choice([0.0, 0.5, 1.0, 3.0, 30.0, -2.0, np.nan], 60) for name in KNOWN})
    frame["contradictions"] = frame[list(CONTRADICTIONS)].fillna(0).sum(axis=1)
    then = settled(frame, each)
    others = [name for name in KNOWN if name not in concerned(frame, each)]
    pd.testing.assert_frame_equal(then[others], frame[others])
    pd.testing.assert_frame_equal(then.isna(), frame.isna())
    pd.testing.assert_frame_equal(settled(then, each), then)
    assert not then.equals(frame)
    for name, usual in each.usual.items():
        fine = frame[name] <= usual.value if usual.wrong == "above" else frame[name] >= usual.value
        kept = fine if usual.wrong != "both" else frame[name] == usual.value
        assert (then[name][kept] == frame[name][kept]).all()
        assert (then[name][~kept & frame[name].notna()] == usual.value).all()


def test_contradictions_are_counted_again():
    frame = pd.DataFrame({name: [1.0, np.nan] for name in CONTRADICTIONS} | {"contradictions": [8.0, 0.0]})
    then = settled(frame, fact("the weight"))
    assert then["weight_zero_with_value"].iloc[0] == 0
    assert then["contradictions"].tolist() == [7.0, 0.0]


def test_columns_that_are_not_there_are_not_made():
    frame = pd.DataFrame({"isf_late": [1.0]})
    assert settled(frame, fact("Importer Security Filing")).to_dict("list") == {"isf_late": [0.0]}
