"""The vocabulary that columns, schemas and models are made of stays as it is."""

from riskscore import reference


def test_the_vocabulary_is_that_of_the_tables():
    assert len(reference.hazards()) == 14
    assert set(reference.RULE_ONLY_HAZARDS) < set(reference.hazards())
    assert len(reference.exams()) == 7
    assert len(set(reference.results())) == len(reference.results()) == 16


def test_sensitivity_covers_every_exam_and_hazard():
    pairs = {(exam, hazard) for exam in reference.exams() for hazard in reference.hazards()}

    assert set(reference.sensitivity()) == pairs
    assert all(0 <= chance <= 1 for chance in reference.sensitivity().values())
