from __future__ import annotations

import re
from dataclasses import replace

import pytest

from riskscore import reference
from riskscore.models import card as cards
from riskscore.models.labels import targets
from riskscore.models.published_risks import INVENTORY, RISKS


@pytest.fixture(scope="module")
def text(trained):
    return cards.card(trained, "d1gest")


def rows(text, heading):
    """The first table under a heading, as dictionaries."""
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = section[section.index("|") :].split("\n\n")[0]
    lines = [line.strip("| ") for line in table.strip().split("\n")]
    split = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    return [dict(zip(split[0], line, strict=True)) for line in split[2:]]


def test_figures_are_those_of_the_model_with_their_intervals(trained, text):
    told = {row["target"]: row for row in rows(text, "Figures on later days")}
    assert set(told) == set(trained.boosters)
    for target, booster in trained.boosters.items():
        top = booster.evaluation["top"]["0.05"]
        expected = [top["precision_random"], top["precision_low"], top["precision_high"]]
        found = [float(number) for number in re.findall(r"[\d.]+", told[target]["precision"])]
        assert found == pytest.approx(expected, abs=5e-4)
        assert int(told[target]["positives"]) == booster.evaluation["positives"]
    ratios = {row["target"]: float(row["predicted / observed"]) for row in rows(text, "Calibration")}
    assert ratios["any"] == pytest.approx(trained.boosters["any"].evaluation["calibration_ratio"], rel=1e-3)


def test_data_window_policy_features_and_settings_stand_in_it(trained, text):
    training = trained.training
    for fact in (training["as_of"], trained.feature_hash, training["label_policy"], "d1gest"):
        assert fact in text
    windows = {row["part"]: (row["first arrival"], row["last"]) for row in rows(text, "Data")}
    assert windows == {name: (part["first"], part["last"]) for name, part in training["days"].items()}
    assert "4 columns, 1 of them categorical" in text
    for name, value in training["settings"].items():
        if not isinstance(value, float):
            assert f"- `{name}`: {value}" in text


def test_every_hazard_is_a_target_or_says_why_not(trained, text):
    section = text.split("## Hazards without a model\n")[1].split("\n## ")[0]
    named = set(re.findall(r"^- (\w+):", section, flags=re.MULTILINE))
    assert named | (set(trained.boosters) - {"any"}) == set(reference.hazards())
    assert not named & set(trained.boosters)
    assert "narcotics: 1 confirmed cases to fit on" in section
    assert {"wmd_terror", "export_control_sanctions"} <= named
    assert "any" in targets()


def test_what_was_published_stands_with_its_source_and_an_answer(text):
    told = rows(text, "What CBP and its auditors have published")
    assert [(row["source"], row["published"], row["this model"]) for row in told] == [tuple(risk) for risk in RISKS]
    for question, answer in INVENTORY.items():
        assert f"| `{question}` | {answer} |" in text
    sources = " ".join(risk.source for risk in RISKS)
    for source in ("DHS-2390", "GAO-06-591T", "GAO-13-9", "GAO-15-294", "OIG-10-34", "GAO-17-84"):
        assert source in sources
    assert all(risk.said and risk.answer for risk in RISKS)


def test_segments_are_shown_where_given(trained, text):
    assert "None were given" in text
    shown = cards.card(trained, segments={"mode": [{"mode": "air|sea", "burden": 1.25}, {"mode": "mail\nx"}]})
    assert rows(shown, "Segments") == [
        {"mode": r"air\|sea", "burden": "1.25"},
        {"mode": "mail x", "burden": "not known"},
    ]


def test_what_nobody_knows_is_said(trained, text):
    assert "Who trained this model" in text
    bare = replace(trained, training={}, boosters={"any": replace(trained.boosters["any"], evaluation={})})
    assert rows(cards.card(bare), "Figures on later days") == [
        {
            "target": "any",
            **dict.fromkeys(["rows", "positives", "AUC", "precision", "recall", "lift", "log loss"], "not known"),
        }
    ]


def test_the_same_model_has_the_same_card_without_place_or_time(trained, text):
    assert cards.card(trained, "d1gest") == text
    turned = {name: dict(reversed(part.items())) if isinstance(part, dict) else part
              for name, part in reversed(trained.training.items())}  # fmt: skip
    assert cards.card(replace(trained, training=turned), "d1gest") == text
    assert text.endswith(".\n")
    assert "/tmp" not in text  # noqa: S108
