"""The exam of a ranked pick finds most of what the shipment may hide."""

from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore import reference
from riskscore.selection.exams import best_exam, exam_probabilities, expected_detections

chances = st.one_of(st.just(float("nan")), st.floats(0, 1))
frames = st.lists(st.fixed_dictionaries(dict.fromkeys(reference.learned_hazards(), chances)), min_size=1)


@settings(max_examples=25, deadline=None)
@given(frames)
def test_expected_detections_are_the_sum_written_out(rows):
    found = expected_detections(pd.DataFrame(rows))
    for row, exams in zip(rows, found.to_dict("records"), strict=True):
        for exam, seen in exams.items():
            parts = [p * reference.sensitivity()[exam, hazard] for hazard, p in row.items() if not isnan(p)]
            assert seen == pytest.approx(sum(parts))


@settings(max_examples=25, deadline=None)
@given(frames)
def test_neither_rows_nor_columns_around_it_change_an_exam(rows):
    frame = pd.DataFrame(rows)
    alone = [best_exam(frame.iloc[[at], ::-1], "nii").iloc[0] for at in range(len(frame))]
    assert best_exam(frame, "nii").tolist() == alone


@pytest.mark.parametrize(
    ("hazard", "exam"), [("undervaluation", "document"), ("agriculture", "agriculture"), ("ipr", "intensive")]
)
def test_one_likely_hazard_calls_for_the_exam_that_sees_it(hazard, exam):
    assert best_exam(pd.DataFrame({hazard: [0.4]}), "nii").tolist() == [exam]


def test_equal_detections_go_to_the_earlier_exam():
    # pga and lab both find pga_safety with 0.8.
    assert best_exam(pd.DataFrame({"pga_safety": [0.4]}), "nii").tolist() == ["pga"]


@pytest.mark.parametrize("hazards", [{}, {"ipr": [np.nan]}, {"ipr": [0.0]}])
def test_nothing_known_means_the_exam_that_sees_most(hazards):
    assert best_exam(pd.DataFrame(hazards, index=["S1"]), "intensive").tolist() == ["intensive"]


def test_chances_of_one_exam_by_both_ways_add_up():
    exams = pd.Series(["nii", "intensive"], index=["S1", "S2"], dtype="str")
    table = exam_probabilities((exams, np.array([0.5, 0.25])), ("intensive", np.array([0.1, 0.5])))
    assert table.loc["S1"][lambda row: row > 0].to_dict() == {"nii": 0.5, "intensive": 0.1}
    assert table.loc["S2"][lambda row: row > 0].to_dict() == {"intensive": 0.75}
    assert tuple(table.columns) == reference.exams()
