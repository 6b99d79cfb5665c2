"""What a features oracle may ask about the past of one shipment: the answers of tests.history.oracle, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.history.entities import entity
from tests.history.records import Batch, Exposure, Peers, Track

if TYPE_CHECKING:
    from datetime import date

    from tests.history.entities import Row
    from tests.history.oracle import Oracle

__all__ = ["Batch", "Exposure", "Past", "Peers", "Track"]


@dataclass(frozen=True)
class Past:
    """The past of `row` on the morning it arrives. A question about an entity that the row does not name: None."""

    row: Row
    oracle: Oracle

    @property
    def morning(self) -> date:
        """The day of arrival; what is known on days before it is known."""
        return self.row["arrival_date"]

    def track(self, kind: str) -> Track | None:
        """The record of the row's entity of `kind`."""
        who = entity(self.row, kind)
        return None if who is None else self.oracle.track(kind, who, self.morning)

    def peers(self, kind: str, quantity: str) -> Peers:
        """Where the row's `quantity` stands among its peers of `kind`; without an entity all its fields are None."""
        return self.oracle.peers(kind, quantity, self.row, self.morning)

    def batch(self, kind: str) -> Batch | None:
        """What arrives with the row that names the same entity of `kind`, the row included."""
        return self.oracle.batch(kind, self.row, self.morning)

    def exposure(self, name: str) -> Exposure | None:
        """The record of those that the row's entity has dealt with, its own business with them left out."""
        return self.oracle.exposure(name, self.row, self.morning)

    def status(self, role: str) -> Row | None:
        """The traders row of the importer's or the shipper's status as known that morning; None = no record."""
        return self.oracle.status(self.row[f"{role}_id"], self.morning)
