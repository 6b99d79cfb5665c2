"""The catalogue says everything about every feature, and is what the builders make."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from riskscore.errors import ConfigError
from riskscore.features import BUILDERS, Feature, build, catalogue, monotone
from riskscore.features.listing import COLUMNS, as_markdown, as_rows
from riskscore.reference import hazards
from riskscore.tables import INGESTED, SHIPMENTS

FEATURES = catalogue()
MEASURED = "\n## What each group is worth\n"
"""Where the generated catalogue ends in docs/features.md and the measured table begins."""
NAMES = {feature.name for feature in FEATURES}

CONCEPTS = (
    "programme and trust",
    "track record",
    "novelty and change",
    "valuation",
    "commodity",
    "route",
    "parties and network",
    "e-commerce",
    "documentation",
    "post-entry",
    "forced labour",
    "agriculture and partner agencies",
    "preference claims",
    "trust erosion",
)
"""The groups in which analysts think, and in which the effect of features is measured."""

SIGNALS = {
    "trade programme": ("importer_ctpat_tier", "importer_self_assessment", "shipper_foreign_programme"),
    "suspension and removal": ("importer_ctpat_lost",),
    "trust as of the date": ("importer_trusted_trader",),
    "mutual recognition as of the date": ("shipper_country_recognised", "shipper_programme_not_recognised"),
    "AQUA Lane and Unified Cargo Processing by port": ("port_offers_aqua_lane", "port_runs_unified_processing"),
    "exams": ("importer_exams", "shipper_exams", "importer_exam_share"),
    "hits per hazard": tuple(f"importer_hits_{hazard}" for hazard in hazards()),
    "severity": ("importer_minor_hits", "importer_seizures", "importer_recovered_usd"),
    "repeat offences": ("importer_repeat_hits",),
    "recency": ("importer_last_hit_days",),
    "several half-lives": ("importer_hit_rate_hl90d", "importer_hit_rate_hl365d"),
    "Bayes-smoothed rates": ("importer_hit_rate", "shipper_hit_rate", "manufacturer_x_hs4_hit_rate"),
    "importer of record misused: several novelties at once": ("importer_new_pairings", "importer_novelty_surprise"),
    "new filer": ("importer_x_filer_shipments", "importer_x_filer_first_seen_days"),
    "new port": ("importer_x_port_shipments", "importer_x_port_first_seen_days"),
    "new commodity": ("importer_x_hs4_shipments", "importer_x_hs4_first_seen_days"),
    "new origin": ("importer_x_origin_shipments", "importer_x_origin_first_seen_days"),
    "new address": ("importer_x_place_shipments", "importer_x_place_first_seen_days"),
    "volume jump": ("importer_volume_ratio_hl7d", "importer_volume_ratio_hl30d"),
    "dormancy then activity": ("importer_last_seen_days", "importer_dormancy_ratio"),
    "position of value per kilogram": ("value_per_kg_position_hs6_x_origin", "value_per_kg_ratio_hs6_x_origin"),
    "position of value per unit": ("value_per_unit_position_hs6_x_origin_x_unit",),
    "position of weight per unit": ("weight_per_unit_position_hs6_x_origin_x_unit",),
    "robust: in spreads, with the number of peers": ("value_per_kg_spreads_hs6_x_origin", "peers_hs6_x_origin"),
    "HTS risk": ("hs6_hit_rate", "hs6_x_origin_hit_rate"),
    "description against HTS": ("wording_x_hs4_share",),
    "vagueness": ("description_is_vague",),
    "Center": ("center_code",),
    "usual Center against this shipment's": ("center_share_of_importer", "importer_center_agrees"),
    "origin against export country": ("origin_differs_from_export", "origin_x_export_share", "third_country_export"),
    "origin and export against port": ("route_shipments", "foreign_port_elsewhere"),
    "unusual lane for the goods": ("hs4_x_route_shipments", "hs4_x_route_share"),
    "in-bond": ("moves_in_bond",),
    "bonded warehouse": ("bonded_warehouse",),
    "shared shippers with offenders": ("shipper_hits_with_other_importers", "importer_via_shipper_offenders"),
    "shared addresses with offenders": ("importer_place_hits_of_others", "importer_via_place_offenders"),
    "shared filers with offenders": ("importer_via_filer_offenders",),
    "fan-in": ("importer_shippers", "consignee_shippers"),
    "fan-out": ("shipper_importers", "shipper_consignees", "filer_importers"),
    "two-hop exposure": ("importer_via_shipper_hits", "shipper_via_consignee_hits"),
    "near-duplicate shells": ("importer_lookalikes", "importer_lookalike_hits"),
    "mail and express": ("mode_code", "entry_is_mail_test"),
    "de minimis as it stood that day": ("de_minimis_threshold_usd", "value_share_of_de_minimis"),
    "splitting of one buyer's goods": ("consignee_split_over_de_minimis", "consignee_place_split_over_de_minimis"),
    "splitting of one seller's goods": ("shipper_split_over_de_minimis",),
    "parcel velocity": ("consignee_parcel_velocity_hl7d", "shipper_parcel_velocity_hl7d"),
    "missing": ("fields_missing", "names_missing", "addresses_missing"),
    "late": ("filed_days_before_arrival",),
    "contradictory": ("contradictions",),
    "amended": ("versions_filed", "importer_amended_share"),
    "seals": ("seals_missing", "seal_shipments", "seals_repeated"),
    "conveyances that do not check": ("vessel_number_invalid",),
    "container numbers that do not check": ("containers_invalid",),
    "ISF timeliness": ("isf_missing", "isf_late", "isf_hours_before_lading"),
    "CF-28": ("importer_cf28", "importer_cf28_per_1000_hl365d"),
    "CF-29": ("importer_cf29", "importer_cf29_per_1000_hl365d"),
    "protests": ("importer_protests",),
    "post-entry amendments": ("importer_corrections",),
    "forced labour: sector": ("uflpa_sector",),
    "forced labour: origin": ("uflpa_china_ties", "uflpa_third_country"),
    "forced labour: manufacturer lists": ("withhold_release_order", "manufacturer_address_in_xinjiang"),
    "forced labour: upstream inputs by HTS": ("uflpa_sector_stage",),
    "PGA flags": ("pga_agencies", "pga_data_required", "pga_agencies_unflagged"),
    "wood packaging": ("wood_packaging_used", "wood_packaging_must_be_treated"),
    "season": ("agri_arrival_month", "agri_origin_season"),
    "preference against origin": ("preference_wrong_origin",),
    "preference against route": ("preference_through_outsider",),
    "preference against history": ("preference_first_claim", "preference_share_of_importer"),
    "AD/CVD": ("adcvd_declared", "adcvd_undeclared"),
    "trust erosion: hits": ("importer_hit_rate_departure_hl90d", "tiered_importer_hit_rate_departure_hl90d"),
    "trust erosion: volume and value": ("importer_volume_departure_hl30d", "tiered_importer_volume_departure_hl30d"),
    "trust erosion: new business": ("importer_new_pairing_departure", "tiered_importer_new_pairing_departure"),
}
"""Every signal that was asked for, and features that carry it."""


class Doubled:
    """A user's builder: twice the declared value."""

    name = "doubled"
    features = (Feature("value_usd_doubled", "mine", "twice the value", "USD", "not declared", "itself", "shipments"),)

    def build(self, shipments, history):
        return pd.DataFrame({"value_usd_doubled": shipments["value_usd"] * 2}, index=shipments.index)


def renamed(name: str) -> Doubled:
    """A user's builder whose feature has another name than it makes."""
    builder = Doubled()
    builder.features = (Feature(name, *(["x"] * 6)),)
    return builder


def test_every_field_is_filled_in():
    empty = [
        (row[0], name)
        for row in as_rows(FEATURES)
        for name, text in zip(COLUMNS, row, strict=True)
        if not text or text != text.strip()
    ]

    assert empty == []


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_concept_has_features(concept):
    assert [feature.name for feature in FEATURES if feature.concept == concept] != []


def test_every_feature_belongs_to_a_concept():
    assert {feature.concept for feature in FEATURES} <= set(CONCEPTS)


@pytest.mark.parametrize("signal", SIGNALS)
def test_every_signal_of_the_trade_is_a_feature(signal):
    assert SIGNALS[signal]
    assert set(SIGNALS[signal]) - NAMES == set()


def test_names_are_plain_identifiers():
    assert [feature.name for feature in FEATURES if not re.fullmatch("[a-z][a-z0-9_]*", feature.name)] == []


def test_every_source_names_a_table_or_its_columns():
    tables = {*INGESTED, *(column.name for table in INGESTED.values() for column in table.columns)}

    assert [f.name for f in FEATURES if not set(re.findall("[a-z_]+", f.source)) & tables] == []


def test_names_are_unique_and_no_columns_of_shipments():
    names = [feature.name for feature in FEATURES]

    assert len(set(names)) == len(names)
    assert not set(names) & set(SHIPMENTS.names)


def test_builders_have_names_of_their_own_and_their_features_share_a_concept():
    names = [builder.name for builder in BUILDERS]

    assert len(set(names)) == len(names)
    assert all({feature.concept for feature in builder.features} == {builder.name} for builder in BUILDERS)


def test_a_half_life_in_a_name_is_a_half_life_in_the_look_back():
    for feature in FEATURES:
        found = re.search(r"_hl(\d+)d", feature.name)
        assert (f"half-life {found[1]} days" in feature.look_back) if found else ("half-life" not in feature.look_back)


def test_the_page_in_the_documentation_is_the_catalogue():
    page = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    catalogue, _, measured = page.partition(MEASURED)

    assert catalogue.strip() == as_markdown(FEATURES).strip()
    assert all(f"| {concept} |" in measured for concept in {feature.concept for feature in FEATURES})


def test_a_bar_in_a_text_does_not_break_the_page():
    lines = as_markdown([Feature("a", "b", "c | d", "e", "f", "g", "h")]).splitlines()

    assert [line.count("|") for line in lines if line.startswith("|")] == [8, 8, 8]


def test_two_features_of_one_name_are_refused():
    with pytest.raises(ConfigError, match=r"taken: \['value_usd_doubled'\]. Hint: rename"):
        catalogue([Doubled(), Doubled()])


def test_a_feature_named_like_a_column_of_shipments_is_refused():
    with pytest.raises(ConfigError, match=r"taken: \['weight_kg'\]"):
        catalogue([renamed("weight_kg")])


def test_a_builder_is_added_by_passing_it(some):
    shipments, history = some

    built = build(shipments, history, (*BUILDERS, Doubled()))

    assert list(built.columns) == [feature.name for feature in (*FEATURES, *Doubled.features)]
    pd.testing.assert_series_equal(built["value_usd_doubled"], shipments["value_usd"] * 2, check_names=False)


def test_the_sign_of_a_feature_is_in_its_row():
    signs = dict(zip((feature.name for feature in FEATURES), (row[4] for row in as_rows(FEATURES)), strict=True))

    assert [signs[name] for name in ("importer_seizures", "importer_last_hit_days", "importer_exams")] == [
        "+",
        "-",
        "any",
    ]


def test_a_sign_of_codes_without_order_is_refused():
    builder = Doubled()
    builder.features = (Feature("colour", *(["x"] * 6), categorical=True, monotone=1),)

    with pytest.raises(ConfigError, match=r"categorical features with a sign: \['colour'\]. Hint: leave monotone"):
        monotone([builder])


def test_no_builders_make_an_empty_frame(some):
    assert build(*some, []).shape == (len(some[0]), 0)


def test_a_builder_that_makes_other_columns_than_it_declares_is_refused(some):
    with pytest.raises(ConfigError, match=r"'doubled' declares \['promised'\] but made \['value_usd_doubled'\]"):
        build(*some, [renamed("promised")])


def test_a_builder_that_loses_rows_is_refused(some):
    class Shortened(Doubled):
        def build(self, shipments, history):
            return super().build(shipments, history).iloc[1:]

    with pytest.raises(ConfigError, match="'doubled' returned another index"):
        build(*some, [Shortened()])
