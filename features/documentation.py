"""Documentation: what is missing, late, changed, or does not check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from stdnum import iso6346

from riskscore.features.protocol import Feature

if TYPE_CHECKING:
    from riskscore.history import History

_OWN = "the shipment itself"

EXPECTED = ("importer_id", "consignee_id", "shipper_id", "manufacturer_id", "carrier_id", "filer_id",
            "origin_country", "export_country", "hts", "description", "value_usd", "weight_kg", "quantity",
            "entry_type")  # fmt: skip
"""Fields a complete entry states, whatever the mode."""


def _feature(name: str, meaning: str, unit: str, null_meaning: str, source: str) -> Feature:
    return Feature(name, "documentation", meaning, unit, null_meaning, _OWN, source)


class Documentation:
    """Completeness of the filing, its timing and versions, and containers that do not check."""

    name = "documentation"
    features = (
        _feature("fields_missing", f"fields missing of {', '.join(EXPECTED)}", "fields", "never null", "shipments"),
        _feature("hts_missing", "goods not classified", "0 or 1", "never null", "shipments.hts"),
        _feature("value_missing", "no value declared", "0 or 1", "never null", "shipments.value_usd"),
        _feature("manufacturer_missing", "no manufacturer stated", "0 or 1", "never null", "shipments.manufacturer_id"),
        _feature("importer_name_missing", "importer's name withheld or not given (lawful: 19 USC 1431(c))", "0 or 1",
                 "never null", "shipments.importer_name"),
        _feature("versions_filed", "amendments filed before arrival", "versions", "never null", "shipments.version"),
        _feature("filed_days_before_arrival", "days from filing to the day of arrival", "days",
                 "filing time not stated", "shipments.filed_at, arrival_date"),
        _feature("containers", "container numbers stated", "containers", "not containerised or not stated",
                 "shipments.container_ids"),
        _feature("containers_invalid", "container numbers whose check digit is wrong", "containers",
                 "not containerised or not stated", "shipments.container_ids; ISO 6346"),
        _feature("seals_missing", "containers without a seal number", "containers",
                 "not containerised or not stated", "shipments.seal_ids, container_ids"),
        _feature("pga_flag_count", "partner agency flags", "flags", "never null", "shipments.pga_flags"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        del history
        containers, seals = _items(shipments["container_ids"]), _items(shipments["seal_ids"])
        boxes = containers.map(len).where(shipments["container_ids"].notna())
        lead = pd.to_datetime(shipments["arrival_date"]) - pd.to_datetime(shipments["filed_at"])
        invalid = containers.map(lambda numbers: sum(not _checks(number) for number in numbers))
        columns = {
            "fields_missing": shipments[list(EXPECTED)].isna().sum(axis=1),
            "hts_missing": shipments["hts"].isna(),
            "value_missing": shipments["value_usd"].isna(),
            "manufacturer_missing": shipments["manufacturer_id"].isna(),
            "importer_name_missing": shipments["importer_name"].isna(),
            "versions_filed": shipments["version"].fillna(0),
            "filed_days_before_arrival": lead / pd.Timedelta(days=1),
            "containers": boxes,
            "containers_invalid": invalid.where(boxes.notna()),
            "seals_missing": np.maximum(boxes - seals.map(len), 0),
            "pga_flag_count": _items(shipments["pga_flags"]).map(len),
        }
        return pd.DataFrame(columns, index=shipments.index)


def _checks(number: str) -> bool:
    # stdnum takes letters and digits of any script for its own, then fails on those its alphabet lacks.
    return number.isascii() and number.replace(" ", "").isalnum() and iso6346.is_valid(number)


def _items(column: pd.Series) -> pd.Series:
    """The items of a ';'-separated text column, as lists; empty where null."""
    split = [[] if pd.isna(text) else [item for item in text.split(";") if item] for text in column.tolist()]
    return pd.Series(split, index=column.index, dtype=object)
