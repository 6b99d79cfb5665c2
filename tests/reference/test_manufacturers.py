import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.reference import manufacturers, rows

NAMES = {row["example_in"]: row["example_out"] for row in rows("mid_rules") if row["step"] == "2" and row["example_in"]}

# Examples printed with the rules (19 CFR Part 102 Appendix).
WHOLE = [
    ("FRLAVIE243BRE", "FR", "LA VIE DE FRANCE", "243 Rue de la Payees", "62591 Bremond"),
    ("VE20TCEN5880CAR", "VE", "20TH CENTURY TECHNOLOGIES", "5880 Ricardo Munoz", "Caracas"),
    ("GBEKRODLON", "GB", "THE E.K. RODGERS COMPANIES", "One World Trade Center", "London"),
    ("USGRE45BIR", "US", "THE GREENHOUSE", "45 Royal Crescent", "Birmingham"),
    ("AUCARJON88SID", "AU", "CARDUCCIO AND JONES", "88 Canburra Avenue", "Sidney"),
    ("ITBOCSPA61VER", "IT", "BOCCHACCIO S.P.A.", "Via Mendotti, 61", "8320 Verona"),
    ("GRMURINCATH", "GR", "MURLA-PRAXITELES INC.", "", "Athens"),
]
TEXTS = st.text(max_size=40)


@pytest.mark.parametrize(("name", "letters"), NAMES.items())
def test_names_of_the_table(name, letters):
    assert manufacturers.name_part(name) == letters


@pytest.mark.parametrize(("mid", "country", "name", "address", "city"), WHOLE)
def test_whole_examples(mid, country, name, address, city):
    assert manufacturers.build(country, name, address, city) == mid
    assert manufacturers.plausible(mid) == 1
    assert manufacturers.origin(mid).item() == country
    assert manufacturers.names(mid, name) == 1


def test_the_example_and_the_number_of_the_table():
    assert (
        manufacturers.build("US", "DHL Express", "236 Wendell Ford Blvd Ste 1304", "Erlanger KY") == "USDHLEXP1304ERL"
    )
    assert manufacturers.number_part("236 Wendell Ford Blvd Suite 1000") == "1000"
    assert manufacturers.city_part("St Louis") == "STL"


@given(st.sampled_from(["CN", "DE", "CA"]), TEXTS, TEXTS, TEXTS)
def test_any_text_gives_at_most_15_capitals_and_digits(country, name, address, city):
    mid = manufacturers.build(country, name, address, city, province="QC")

    assert len(mid) <= 15
    assert all(c.isascii() and (c.isdigit() or c.isupper()) for c in mid)


@given(st.sampled_from(["CN", "DE"]), st.from_regex("[A-Z]{3,9} [A-Z]{3,9}", fullmatch=True), st.integers(1, 9999),
       st.from_regex("[B-Z]{3,9}", fullmatch=True))  # fmt: skip
def test_what_is_built_is_plausible_and_carries_its_name(country, name, number, city):
    mid = manufacturers.build(country, name, str(number), city)
    letters = manufacturers.name_part(name)

    assert manufacturers.plausible(mid) == 1
    assert manufacturers.names(mid, name) == (1 if letters else None)


@pytest.mark.parametrize(
    ("line", "digits"),
    [
        ("11455 Main Street Suite 9999", "1145"),
        ("12,34,56 Alaska Road", "1234"),
        ("0012 Bond St 99", "99"),
        ("One Plaza", ""),
    ],
)
def test_the_largest_number_of_an_address(line, digits):
    assert manufacturers.number_part(line) == digits


def test_canada_is_its_provinces():
    assert manufacturers.build("CA", "Maple", "1 Main", "Laval", province="QC") == "XQMAP1LAV"
    assert manufacturers.plausible(["XQMAP1LAV", "CAMAP1LAV", "XZMAP1LAV"]).tolist() == [1, 0, 0]
    assert manufacturers.origin("XQMAP1LAV").item() == "CA"


@pytest.mark.parametrize(
    "mid", ["", "CN", "CN1", "CNABC12345678SHA", "CNABCDEFGHIJKLMNOP", "CNABC DEF", "cnabc1sha", "ZZABC1SHA"]
)
def test_what_the_rules_cannot_give_is_not_plausible(mid):
    assert manufacturers.plausible(mid) == 0
    assert manufacturers.origin(mid).item() is None


def test_accents_are_left_out_and_null_is_null():
    assert manufacturers.name_part("Müller & Söhne GmbH") == "MULSOH"
    assert np.isnan(manufacturers.plausible(None))
    np.testing.assert_array_equal(manufacturers.names("CNABC1SHA", ["", None]), [np.nan, np.nan])


def test_provinces_of_ones_own(own):
    header = ",".join(rows("mid_rules")[0])
    mine = own(mid_rules=f"{header}\nCA,AB XB,,,S,x\n")

    assert manufacturers.build("CA", "Maple", "", "Banff", province="AB", tables=mine) == "XBMAPBAN"
