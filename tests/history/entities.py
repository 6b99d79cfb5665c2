"""Which entities a shipments row names: the kinds of the design and their key columns, in plain Python."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from riskscore import identity
from riskscore.reference import centers

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

Row = dict[str, Any]
Entity = tuple[str, ...]

KINDS: dict[str, tuple[str, ...]] = {
    "country": (),
    "importer": ("importer_id",),
    "consignee": ("consignee_id",),
    "shipper": ("shipper_id",),
    "manufacturer": ("manufacturer_id",),
    "carrier": ("carrier_id",),
    "filer": ("filer_id",),
    "hs6": ("hs6",),
    "origin": ("origin_country",),
    "importer_x_hs4": ("importer_id", "hs4"),
    "importer_x_origin": ("importer_id", "origin_country"),
    "importer_x_port": ("importer_id", "port"),
    "importer_x_filer": ("importer_id", "filer_id"),
    "importer_x_shipper": ("importer_id", "shipper_id"),
    "shipper_x_consignee": ("shipper_id", "consignee_id"),
    "hs6_x_origin": ("hs6", "origin_country"),
    "hs6_x_origin_x_unit": ("hs6", "origin_country", "quantity_unit"),
    "route": ("export_country", "port"),
    "origin_x_export": ("origin_country", "export_country"),
    "hs4_x_route": ("hs4", "export_country", "port"),
    "container": ("container",),
    "seal": ("seal",),
    "vessel": ("conveyance_id",),
    "importer_identity": ("importer_identity",),
    "importer_x_identity": ("importer_id", "importer_identity"),
    "importer_place": ("importer_place",),
    "importer_x_place": ("importer_id", "importer_place"),
    "consignee_place": ("consignee_place",),
    "manufacturer_x_hs4": ("manufacturer_id", "hs4"),
    "importer_x_center": ("importer_id", "center"),
    "importer_x_preference": ("importer_id", "preference_program"),
    "wording": ("wording",),
    "wording_x_hs4": ("wording", "hs4"),
}
PEERS: dict[str, tuple[str, ...]] = {
    "hs6": ("value_per_kg",),
    "hs6_x_origin": ("value_per_kg",),
    "hs6_x_origin_x_unit": ("value_per_unit", "weight_per_unit"),
}
FANS: dict[str, tuple[str, ...]] = {
    "importer": ("importer_x_hs4", "importer_x_origin", "importer_x_port", "importer_x_filer", "importer_x_shipper"),
    "consignee": ("shipper_x_consignee",),
    "shipper": ("shipper_x_consignee", "importer_x_shipper"),
    "filer": ("importer_x_filer",),
    "importer_place": ("importer_x_place",),
}
BATCHES = ("importer", "consignee", "shipper", "consignee_place")
EXPOSURES: dict[str, tuple[str, str | None, str]] = {
    "importer_via_shipper": ("importer", "importer_x_shipper", "shipper"),
    "importer_via_filer": ("importer", "importer_x_filer", "filer"),
    "importer_via_place": ("importer", "importer_x_place", "importer_place"),
    "consignee_via_shipper": ("consignee", "shipper_x_consignee", "shipper"),
    "shipper_via_consignee": ("shipper", "shipper_x_consignee", "consignee"),
    "importer_lookalikes": ("importer_identity", None, "importer_identity"),
}
"""Name: whose exposure, through which pairs (None: through likeness), to whom."""


def entity(row: Row, kind: str) -> Entity | None:
    """The entity of `kind` that a shipments row names; None when it leaves one of its columns out."""
    values = tuple(_DERIVED[column](row) if column in _DERIVED else row[column] for column in KINDS[kind])
    return None if None in values else values


@lru_cache(maxsize=10_000)
def linked(one: Entity, other: Entity) -> bool:
    """Whether two importer identities are nearly the same."""
    return bool(identity.linked(one[0], other[0]))


def first_number(text: str | None) -> str | None:
    """The first of several numbers separated by ';', in capitals, without blanks and punctuation."""
    numbers = ("".join(c for c in item.upper() if c.isalnum()) for item in (text or "").split(";"))
    return next((number for number in numbers if number), None)


@lru_cache(maxsize=10_000)
def wording(text: str | None) -> str | None:
    """The words of three letters or more in a description: without case, accents, order and repetition."""
    plain = unicodedata.normalize("NFKD", text or "").encode("ascii", "ignore").decode("ascii").lower()
    return " ".join(sorted(set(re.findall("[a-z]{3,}", plain)))) or None


def _leading(hts: str | None, digits: int) -> str | None:
    return hts[:digits] if hts is not None and len(hts) >= digits else None


@lru_cache(maxsize=10_000)
def _center(hts: str | None, day: date) -> str | None:
    return centers.center([hts], day)[0]


_place = lru_cache(maxsize=10_000)(identity.place)
_identity = lru_cache(maxsize=10_000)(identity.identity)

_DERIVED: dict[str, Callable[[Row], str | None]] = {
    "hs4": lambda row: _leading(row["hts"], 4),
    "hs6": lambda row: _leading(row["hts"], 6),
    "center": lambda row: _center(row["hts"], row["arrival_date"]),
    "container": lambda row: first_number(row["container_ids"]),
    "seal": lambda row: first_number(row["seal_ids"]),
    "wording": lambda row: wording(row["description"]),
    "importer_place": lambda row: _place(row["importer_address"]),
    "consignee_place": lambda row: _place(row["consignee_address"]),
    "importer_identity": lambda row: _identity(row["importer_name"], row["importer_address"]),
}
