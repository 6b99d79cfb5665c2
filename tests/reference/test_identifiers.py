import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.errors import ConfigError
from riskscore.reference import identifiers
from riskscore.simulator import identifiers as drawn

VECTORS = list(csv.DictReader(io.StringIO(Path(__file__).with_name("identifier_test_vectors.csv").read_text("utf-8"))))
CHECKS = {
    "iso6346": identifiers.container,
    "entry_number": identifiers.entry_number,
    "imo": identifiers.vessel,
    "ein": identifiers.employer,
}
GIVEN = [row for row in VECTORS if row["kind"] in CHECKS and " remainder " not in f" {row['value']} "]
SERIALS = st.integers(0, 9_999_999)
FILERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=3, max_size=3)


@pytest.mark.parametrize("row", GIVEN, ids=lambda row: row["value"])
def test_published_examples(row):
    assert CHECKS[row["kind"]](row["value"]) == (row["valid"] in ("yes", "check"))


def test_a_container_whose_remainder_is_ten_ends_in_zero():
    serials = (n for n in range(1_000_000) if drawn.container("MSKU", n)[-1] == "0")
    number = next(drawn.container("MSKU", n) for n in serials)

    assert identifiers.container(number) == 1


@given(FILERS, SERIALS, st.integers(0, 9))
def test_one_check_digit_in_ten_holds(filer, serial, digit):
    right = identifiers.entry_check_digit(filer, f"{serial:07d}")

    assert identifiers.entry_number(f"{filer}{serial:07d}{digit}") == (digit == int(right))
    assert drawn.entry_number(filer, serial).endswith(right)


@given(FILERS, SERIALS, st.data())
def test_one_wrong_digit_of_the_serial_is_found(filer, serial, data):
    number = f"{filer}{serial:07d}{identifiers.entry_check_digit(filer, f'{serial:07d}')}"
    place = data.draw(st.integers(3, 10))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))

    assert identifiers.entry_number(number[:place] + wrong + number[place + 1 :]) == 0


@pytest.mark.parametrize("check", [*CHECKS.values(), identifiers.carrier])
@pytest.mark.parametrize("text", ["", " ", "?", "٣٤", "CSQU30543Ⅷ3", "x" * 300, "A\nB"])
def test_damage_is_refused_not_raised(check, text):
    assert check(text) == 0


@pytest.mark.parametrize("check", [*CHECKS.values(), identifiers.carrier])
def test_null_is_unknown(check):
    assert np.isnan(check([None, float("nan")])).all()


@pytest.mark.parametrize(("code", "answer"), [("MAEU", 1), ("OO", 1), ("MAEUX", 0), ("M", 0), ("maeu", 0), ("MA1U", 0)])
def test_the_form_of_carrier_codes(code, answer):
    assert identifiers.carrier(code) == answer


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("91-1144442XX", "EI"),
        ("91-1144442A1", "EI"),
        ("123-45-6789", "34"),
        ("240110-12345", "ANI"),
        ("24AB10-12345", "ANI"),
        ("91-1144442", None),
        ("911144442XX", None),
        ("-12345678901", None),
    ],
)
def test_the_kind_of_an_importer_number(number, kind):
    assert identifiers.importer_kind(number).item() == kind


@pytest.mark.parametrize(
    ("number", "kinds"),
    [
        ("91-1144442XX", {"EI": False}),
        ("911144442", {"EI": True, "AEF": True}),
        ("07-1144442", {}),  # prefix not issued
        ("912-34-5678", {"34": True}),  # sources disagree on ITINs
        ("-12345678901", {"CIN": True}),
        ("P1234567", {"AEF": True}),
    ],
)
def test_candidates_and_their_confidence(number, kinds):
    found = identifiers.importer_candidates(number)

    assert {f.value: f.low_confidence for f in found} == kinds


def test_a_format_of_ones_own(own):
    header = "qualifier,name,pattern,regex,conf,source\n"
    mine = own(ior_formats=header + "RFC,tax number,,^[A-Z]{3}\\d{6}$,S,x\n")

    assert identifiers.importer_kind(["ABC123456", "123-45-6789"], tables=mine).tolist() == ["RFC", None]
    with pytest.raises(ConfigError, match=r"'\(' is no pattern: .*ior_formats\.csv, regex"):
        own(ior_formats=header + "RFC,tax number,,(,S,x\n")
