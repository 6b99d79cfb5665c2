"""How to speak of the shipments of each entity: "shipments of the importer", "on this route"."""

from __future__ import annotations

OF = {
    "importer": "of the importer",
    "consignee": "to the consignee",
    "shipper": "from the shipper",
    "manufacturer": "of the manufacturer",
    "filer": "by the filer",
    "carrier": "by the carrier",
    "vessel": "on this vessel or vehicle",
    "container": "in this container",
    "seal": "under this seal",
    "hs6": "of these goods (HS6)",
    "origin": "of this origin",
    "route": "on this route",
    "hs6_x_origin": "of these goods from this origin",
    "hs4_x_route": "of these goods (HS4) on this route",
    "origin_x_export": "of this origin through this country of export",
    "wording": "described in these words",
    "importer_x_hs4": "of the importer with these goods (HS4)",
    "importer_x_origin": "of the importer from this origin",
    "importer_x_port": "of the importer at this port",
    "importer_x_filer": "of the importer with this filer",
    "importer_x_shipper": "of the importer from this shipper",
    "importer_x_place": "of the importer at this address",
    "importer_x_identity": "of the importer's number under this name and address",
    "importer_identity": "of the importer's name and address (under any number)",
    "importer_place": "at the importer's address",
    "consignee_place": "to the consignee's address",
    "shipper_x_consignee": "from the shipper to this consignee",
    "manufacturer_x_hs4": "of the manufacturer with these goods (HS4)",
}
"""Entity kind to what follows "shipments"."""

UNSTATED = {
    "importer": "no importer stated",
    "consignee": "no consignee stated",
    "shipper": "no shipper stated",
    "manufacturer": "no manufacturer stated",
    "filer": "no filer stated",
    "carrier": "no carrier stated",
    "vessel": "no vessel or vehicle stated",
    "container": "no container stated by a proper number",
    "seal": "no seal stated",
    "hs6": "no HS6 stated",
    "origin": "origin not stated",
    "route": "country of export not stated",
    "hs6_x_origin": "no HS6 or origin stated",
    "hs4_x_route": "heading or country of export not stated",
    "origin_x_export": "origin or country of export not stated",
    "importer_x_hs4": "importer or heading not stated",
    "importer_x_origin": "importer or origin not stated",
    "importer_x_port": "no importer stated",
    "importer_x_filer": "importer or filer not stated",
    "importer_x_shipper": "importer or shipper not stated",
    "importer_x_place": "importer or its address not stated",
    "importer_x_identity": "importer, its name or its address not stated",
    "importer_identity": "importer's name or address not stated",
    "importer_place": "importer's address not stated",
    "consignee_place": "consignee's address not stated",
    "shipper_x_consignee": "shipper or consignee not stated",
    "manufacturer_x_hs4": "manufacturer or heading not stated",
}
"""Entity kind to how it is said that the papers do not state it, or not wholly."""

PARTIES = {
    "importer": "the importer",
    "consignee": "the consignee",
    "shipper": "the shipper",
    "manufacturer": "the manufacturer",
    "filer": "the filer",
    "consignee_place": "the consignee's address",
}
"""Parties by their column's stem."""

HAZARDS = {
    "wmd_terror": "weapons or terrorism",
    "ipr": "counterfeits (IPR)",
    "origin_transship": "false origin or transshipment",
    "adcvd_evasion": "evasion of antidumping duty",
    "pga_safety": "partner agency safety rules",
    "manifest_quality": "a wrong manifest",
    "identity_ior": "a false importer of record",
    "export_control_sanctions": "export controls or sanctions",
    "de_minimis_abuse": "abuse of de minimis",
    "agriculture": "pests or prohibited agricultural goods",
}
"""Hazards whose name alone does not say it."""


def hazard_words(hazard: str) -> str:
    """A hazard in words.

    >>> hazard_words("ipr"), hazard_words("forced_labour")
    ('counterfeits (IPR)', 'forced labour')
    """
    return HAZARDS.get(hazard, hazard.replace("_", " "))
