"""What has a history: one declaration per entity kind. A new kind is a new line here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EntityKind:
    """A kind of entity, named by one or two key columns; none means the whole country.

    A shipment with null in any key column belongs to no entity of the kind.
    """

    name: str
    columns: tuple[str, ...]
    meaning: str
    peers: bool = False
    """Whether the kind keeps a histogram of value per kilogram."""


KINDS: tuple[EntityKind, ...] = (
    EntityKind("country", (), "all shipments of the workspace"),
    EntityKind("importer", ("importer_id",), "importer of record"),
    EntityKind("consignee", ("consignee_id",), "consignee"),
    EntityKind("shipper", ("shipper_id",), "shipper or seller"),
    EntityKind("manufacturer", ("manufacturer_id",), "manufacturer"),
    EntityKind("carrier", ("carrier_id",), "carrier"),
    EntityKind("filer", ("filer_id",), "entry filer or broker"),
    EntityKind("hs6", ("hs6",), "goods: first six digits of the tariff number", peers=True),
    EntityKind("origin", ("origin_country",), "country of origin"),
    EntityKind("importer_x_hs4", ("importer_id", "hs4"), "importer with a heading of the tariff"),
    EntityKind("importer_x_origin", ("importer_id", "origin_country"), "importer with a country of origin"),
    EntityKind("importer_x_port", ("importer_id", "port"), "importer at a port"),
    EntityKind("importer_x_filer", ("importer_id", "filer_id"), "importer with a filer"),
    EntityKind("shipper_x_consignee", ("shipper_id", "consignee_id"), "shipper with a consignee"),
    EntityKind("hs6_x_origin", ("hs6", "origin_country"), "goods of an origin"),
    EntityKind("route", ("export_country", "port"), "country of export to port of unlading"),
)

KEY_COLUMNS: tuple[str, ...] = tuple(sorted({column for kind in KINDS for column in kind.columns}))
"""Every column that names an entity, once."""

HS_SQL = (
    "CASE WHEN length(hts) >= 6 THEN hts[:6] END AS hs6",
    "CASE WHEN length(hts) >= 4 THEN hts[:4] END AS hs4",
)
"""Derived key columns; a tariff number too short for a level has none there."""
