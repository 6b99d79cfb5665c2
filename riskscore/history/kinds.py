"""What has a history: one declaration per entity kind. A new kind is a new line here, or one of a builder's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EntityKind:
    """A kind of entity, named by any number of key columns; none means the whole country.

    A shipment with null in any key column belongs to no entity of the kind.
    """

    name: str
    columns: tuple[str, ...]
    """Text columns of shipments or derived key columns (riskscore.history.keys)."""
    meaning: str
    peers: tuple[str, ...] = ()
    """Quantities (riskscore.history.bins.QUANTITIES) whose distribution among its shipments the kind keeps."""
    fans: tuple[str, ...] = ()
    """Kinds with one of whose columns this kind is named: how many of those each entity has had."""
    batch: bool = False
    """Whether the shipments that arrive with one another and name the same entity are summed up."""


KINDS: tuple[EntityKind, ...] = (
    EntityKind("country", (), "all shipments of the workspace"),
    EntityKind(
        "importer",
        ("importer_id",),
        "importer of record",
        fans=("importer_x_hs4", "importer_x_origin", "importer_x_port", "importer_x_filer", "importer_x_shipper"),
        batch=True,
    ),
    EntityKind("consignee", ("consignee_id",), "consignee", fans=("shipper_x_consignee",), batch=True),
    EntityKind(
        "shipper",
        ("shipper_id",),
        "shipper or seller",
        fans=("shipper_x_consignee", "importer_x_shipper"),
        batch=True,
    ),
    EntityKind("manufacturer", ("manufacturer_id",), "manufacturer"),
    EntityKind("carrier", ("carrier_id",), "carrier"),
    EntityKind("filer", ("filer_id",), "entry filer or broker", fans=("importer_x_filer",)),
    EntityKind("hs6", ("hs6",), "goods: first six digits of the tariff number", peers=("value_per_kg",)),
    EntityKind("origin", ("origin_country",), "country of origin"),
    EntityKind("importer_x_hs4", ("importer_id", "hs4"), "importer with a heading of the tariff"),
    EntityKind("importer_x_origin", ("importer_id", "origin_country"), "importer with a country of origin"),
    EntityKind("importer_x_port", ("importer_id", "port"), "importer at a port"),
    EntityKind("importer_x_filer", ("importer_id", "filer_id"), "importer with a filer"),
    EntityKind("importer_x_shipper", ("importer_id", "shipper_id"), "importer with a shipper"),
    EntityKind("shipper_x_consignee", ("shipper_id", "consignee_id"), "shipper with a consignee"),
    EntityKind("hs6_x_origin", ("hs6", "origin_country"), "goods of an origin", peers=("value_per_kg",)),
    EntityKind(
        "hs6_x_origin_x_unit",
        ("hs6", "origin_country", "quantity_unit"),
        "goods of an origin, counted in one unit",
        peers=("value_per_unit", "weight_per_unit"),
    ),
    EntityKind("route", ("export_country", "port"), "country of export to port of unlading"),
    EntityKind("origin_x_export", ("origin_country", "export_country"), "country of origin by way of another"),
    EntityKind("hs4_x_route", ("hs4", "export_country", "port"), "a heading of the tariff on a route"),
    EntityKind("container", ("container",), "container: the first number stated"),
    EntityKind("seal", ("seal",), "seal: the first number stated"),
    EntityKind("vessel", ("conveyance_id",), "vessel, flight, truck or rail car"),
    EntityKind("importer_identity", ("importer_identity",), "name and address an importer gives, normalised"),
    EntityKind("importer_x_identity", ("importer_id", "importer_identity"), "importer under a name and address"),
    EntityKind("importer_place", ("importer_place",), "address of importers, normalised", fans=("importer_x_place",)),
    EntityKind("importer_x_place", ("importer_id", "importer_place"), "importer at an address"),
    EntityKind("consignee_place", ("consignee_place",), "address of consignees, normalised", batch=True),
    EntityKind("manufacturer_x_hs4", ("manufacturer_id", "hs4"), "manufacturer with a heading of the tariff"),
    EntityKind("importer_x_center", ("importer_id", "center"), "importer with a Center of Excellence and Expertise"),
    EntityKind("importer_x_preference", ("importer_id", "preference_program"), "importer with a preference claimed"),
    EntityKind("wording", ("wording",), "description of goods: its words, order and repetition aside"),
    EntityKind("wording_x_hs4", ("wording", "hs4"), "description of goods under a heading of the tariff"),
)


@dataclass(frozen=True, slots=True)
class Tie:
    """Entities that an entity is exposed to: its partners are those it shares a pair with."""

    name: str
    pair: str
    """Kind of the pairs: named by the entity's column and the partner's."""
    entity: str
    partner: str


TIES: tuple[Tie, ...] = (
    Tie("importer_via_shipper", "importer_x_shipper", "importer", "shipper"),
    Tie("importer_via_filer", "importer_x_filer", "importer", "filer"),
    Tie("importer_via_place", "importer_x_place", "importer", "importer_place"),
    Tie("consignee_via_shipper", "shipper_x_consignee", "consignee", "shipper"),
    Tie("shipper_via_consignee", "shipper_x_consignee", "shipper", "consignee"),
)

LOOKALIKES = "importer_lookalikes"
"""Exposure to importers of nearly the same name and address (riskscore.identity.links)."""
IDENTITY = "importer_identity"
"""The kind whose entities may look alike."""
