"""What a yes and a no of each flag mean, in a sentence: one pair per feature of unit `0 or 1`."""

from __future__ import annotations

FLAGS: dict[str, tuple[str, str]] = {
    # programme and trust
    "importer_on_record": ("the importer has a programme record", "the importer has no programme record"),
    "importer_ctpat_lost": (
        "the importer's CTPAT membership is suspended, removed or withdrawn",
        "the importer has not lost a CTPAT membership",
    ),
    "importer_tier_not_of_role": (
        "the record gives the importer a tier that members of its role cannot hold",
        "the importer's tier is one that its role can hold",
    ),
    "importer_standing_predates_ctpat": (
        "the importer's CTPAT standing is dated before CTPAT was launched",
        "the date of the importer's CTPAT standing is possible",
    ),
    "importer_self_assessment": (
        "the importer is in self-assessment (ISA or CTPAT Trade Compliance)",
        "the importer is not in self-assessment (ISA or CTPAT Trade Compliance)",
    ),
    "importer_membership_out_of_date": (
        "the importer's self-assessment was not carried over to the programme in force",
        "the importer holds no outdated self-assessment",
    ),
    "importer_trusted_trader": ("the importer is a trusted trader", "the importer is not a trusted trader"),
    "shipper_on_record": ("the shipper has a programme record", "the shipper has no programme record"),
    "shipper_country_recognised": (
        "the shipper's country has an arrangement of mutual recognition",
        "no arrangement of mutual recognition with the shipper's country",
    ),
    "shipper_foreign_programme": (
        "the shipper holds a recognised foreign programme",
        "the shipper holds no recognised foreign programme",
    ),
    "shipper_programme_not_recognised": (
        "the shipper claims a foreign programme that is not recognised",
        "the shipper claims no unrecognised programme",
    ),
    "shipper_ctpat_member": ("the shipper is itself in CTPAT", "the shipper is not in CTPAT"),
    "shipper_ctpat_lost": (
        "the shipper's CTPAT membership is suspended, removed or withdrawn",
        "the shipper has not lost a CTPAT membership",
    ),
    "port_offers_aqua_lane": ("the port offers AQUA Lane", "the port does not offer AQUA Lane"),
    "port_runs_unified_processing": (
        "the port inspects jointly with Mexican customs",
        "the port does not inspect jointly with Mexican customs",
    ),
    # trust erosion
    "importer_hit_since_tier": (
        "something was found at the importer since it got its tier",
        "nothing was found at the importer since it got its tier",
    ),
    # valuation
    "value_is_round": ("the declared value is a round number", "the declared value is not a round number"),
    "weight_is_round": ("the declared weight is round, as a guess is", "the declared weight is not a round number"),
    # commodity
    "description_is_vague": ("the description of the goods is vague", "the description of the goods is not vague"),
    "importer_center_agrees": (
        "the goods belong to the importer's own Center",
        "the goods do not belong to the importer's own Center",
    ),
    # route
    "origin_differs_from_export": (
        "exported from another country than that of origin",
        "exported from the country of origin",
    ),
    "third_country_export": ("exported through a third country", "not exported through a third country"),
    "foreign_port_elsewhere": (
        "laden in another country than that of export",
        "laden in the country of export",
    ),
    "foreign_port_missing": ("no foreign port stated", "the foreign port is stated"),
    "moves_in_bond": ("moves in bond", "does not move in bond"),
    "bonded_warehouse": (
        "entered for, or withdrawn from, a bonded warehouse or zone",
        "not entered for a bonded warehouse or zone",
    ),
    "adcvd_declared": (
        "declared as subject to antidumping or countervailing duty",
        "not declared as subject to antidumping or countervailing duty",
    ),
    "adcvd_undeclared": (
        "an antidumping or countervailing order names these goods and this origin, and the entry declares none",
        "no undeclared antidumping or countervailing order names these goods and this origin",
    ),
    "adcvd_order_elsewhere": (
        "an antidumping or countervailing order names these goods from other origins",
        "no antidumping or countervailing order names these goods from other origins",
    ),
    # preference claims
    "preference_claimed": ("a tariff preference is claimed", "no tariff preference is claimed"),
    "preference_unknown": ("the preference claimed is not a known one", "the preference claimed is a known one"),
    "preference_lapsed": (
        "the preference claimed was not in force on the day",
        "the preference claimed was in force on the day",
    ),
    "preference_wrong_origin": (
        "goods of the declared origin cannot claim this preference",
        "goods of the declared origin can claim this preference",
    ),
    "preference_through_outsider": (
        "goods under a preference came through a country outside it",
        "goods under a preference came directly",
    ),
    "preference_at_positive_rate": (
        "a preference is claimed, yet the declared duty rate is not 0",
        "the declared duty rate fits the preference",
    ),
    "preference_first_claim": (
        "the importer claims this preference for the first time",
        "the importer has claimed this preference before",
    ),
    # forced labour
    "mid_china_origin_elsewhere": (
        "the manufacturer's MID says China, the declared origin another country",
        "the manufacturer's MID does not say China under another origin",
    ),
    "manufacturer_address_in_xinjiang": (
        "the manufacturer's address is in Xinjiang",
        "the manufacturer's address is not in Xinjiang",
    ),
    "mid_city_in_xinjiang": (
        "the manufacturer's MID ends like a city of Xinjiang (a tell, no proof)",
        "the manufacturer's MID does not end like a city of Xinjiang",
    ),
    "uflpa_third_country": (
        "goods of a UFLPA sector from a country that works up its inputs",
        "not from a country that works up inputs of a UFLPA sector",
    ),
    "withhold_release_order": (
        "a withhold release order covers these goods",
        "no withhold release order covers these goods",
    ),
    # agriculture and partner agencies
    "wood_packaging_used": ("packed in solid wood", "no solid wood packaging"),
    "wood_packaging_must_be_treated": (
        "solid wood packaging that must be treated and marked",
        "no wood packaging that must be treated",
    ),
    "pga_data_required": ("partner agency data are required", "no partner agency data are required"),
    # e-commerce
    "value_just_under_de_minimis": (
        "the declared value is just under the de minimis limit",
        "the declared value is not just under the de minimis limit",
    ),
    "value_just_under_informal_limit": (
        "the declared value is just under the limit of an informal entry (2,500 USD)",
        "the declared value is not just under the limit of an informal entry",
    ),
    "entry_is_de_minimis": ("entered as de minimis (type 86)", "not entered as de minimis"),
    "entry_is_informal": ("entered informally", "not entered informally"),
    "entry_is_mail_test": ("entered under the informal mail entry test", "not entered under the mail entry test"),
    "de_minimis_claim_unfounded": (
        "entered as de minimis without a right to it",
        "no unfounded de minimis claim",
    ),
    "informal_entry_over_limit": (
        "entered informally with a value above 2,500 USD",
        "not over the limit of an informal entry",
    ),
    "mail_test_unfounded": (
        "entered under the mail entry test without a right to it",
        "no unfounded use of the mail entry test",
    ),
    # documentation
    "hts_missing": ("the goods are not classified", "the goods are classified"),
    "value_missing": ("no value declared", "a value is declared"),
    "manufacturer_missing": ("no manufacturer stated", "the manufacturer is stated"),
    "importer_name_missing": ("the importer's name is not given", "the importer's name is given"),
    "conveyance_missing": ("no vessel, flight, truck or rail car stated", "the conveyance is stated"),
    "quantity_without_unit": ("a quantity without its unit", "the quantity has its unit"),
    "isf_missing": ("no Importer Security Filing", "the Importer Security Filing is there"),
    "isf_late": (
        "the Importer Security Filing came later than 24 hours before lading",
        "the Importer Security Filing came in time",
    ),
    "weight_zero_with_value": ("goods of a value that weigh nothing", "value and weight are both above zero or agree"),
    "manufacturer_id_malformed": ("the manufacturer's MID is malformed", "the manufacturer's MID is well formed"),
    "manufacturer_origin_differs": (
        "the MID names another country than that of origin",
        "the MID names the country of origin",
    ),
    "manufacturer_name_differs": (
        "the MID does not fit the manufacturer's name",
        "the MID fits the manufacturer's name",
    ),
    "entry_type_out_of_date": (
        "an entry type that could not be used on the day",
        "the entry type could be used on the day",
    ),
    "in_bond_entry_not_in_bond": (
        "an in-bond entry type for goods said not to move in bond",
        "entry type and in-bond movement agree",
    ),
    "adcvd_regime_without_entry": (
        "the duty regime speaks of antidumping duty, the entry type does not",
        "duty regime and entry type agree about antidumping duty",
    ),
    "vessel_number_on_other_mode": (
        "a vessel's IMO number on goods that did not come by sea",
        "not by sea, and no vessel's number given",
    ),
    "containers_contradict_mode": (
        "container numbers on a mode without containers",
        "containers and mode agree",
    ),
    "vessel_number_invalid": ("the vessel's IMO number is not valid", "the vessel's IMO number is valid"),
    "entry_number_invalid": ("the entry number's check digit is wrong", "the entry number's check digit is right"),
    "importer_number_malformed": (
        "the importer's number has no known format",
        "the importer's number has a known format",
    ),
    "entry_type_unknown": ("an entry type that is not known", "the entry type is known"),
}
"""Feature to (yes, no)."""
