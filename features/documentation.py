"""Documentation: what is missing, late, contradictory, amended, unknown, or does not check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from riskscore import reference
from riskscore.features.protocol import Feature
from riskscore.features.text_columns import as_text, container_checks, each, entry_number_checks, listed
from riskscore.features.track_record import ratio
from riskscore.reference import codes, entry_types, identifiers, manufacturers, partner_agencies, timeline
from riskscore.reference.validity import is_country
from riskscore.tables import ROLES, ROLES_WITH_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from riskscore.features.text_columns import Listed
    from riskscore.features.track_record import Floats
    from riskscore.history import History

    Bools = NDArray[np.bool_]

EXPECTED = ("importer_id", "consignee_id", "shipper_id", "manufacturer_id", "carrier_id", "filer_id",
            "origin_country", "export_country", "hts", "description", "value_usd", "weight_kg", "quantity",
            "entry_type")  # fmt: skip
"""Fields a complete entry states, whatever the mode."""

NAMES = tuple(f"{role}_name" for role in ROLES)
ADDRESSES = tuple(f"{role}_address" for role in ROLES_WITH_ADDRESS)

PLACEHOLDERS = ("UNKNOWN", "N/A", "NA", "NONE", "NIL", "TBA", "TBD", "NOT AVAILABLE", "NOT APPLICABLE", "NOT STATED",
                "SAME", "SAME AS CONSIGNEE", "SAME AS SHIPPER", "SAME AS IMPORTER")  # fmt: skip
TO_ORDER = ("TO ORDER", "TO THE ORDER")
"""What stands in bills of lading where a party's name should: such a name, or one that begins with TO_ORDER."""

CONTRADICTIONS = ("weight_zero_with_value", "manufacturer_origin_differs", "manufacturer_name_differs",
                  "entry_type_out_of_date", "in_bond_entry_not_in_bond", "adcvd_regime_without_entry",
                  "vessel_number_on_other_mode", "containers_contradict_mode")  # fmt: skip

ISF_HOURS = 24.0
"""19 CFR 149.2(b): the ISF is filed no later than 24 hours before the goods are laden aboard."""

_ADCVD = r"(?i)\b(AD|ADD|CVD|anti-?dumping|countervailing)\b"

_OWN = "the shipment itself"
_PAST = "all filings that entered history before the morning of arrival"
_FLAG = "0 or 1"
_ALWAYS = "never null"
_NO_BOX = "not containerised or not stated"
_MID = "mid_rules.csv, 19 CFR 102 Appendix (confidence S)"
_IMO = "shipments.conveyance_id, mode; check digit of IMO numbers"
_TYPE = "shipments.entry_type; entry_types.csv (confidence S, in-bond types M)"
_DATED = "entry_types.csv (confidence S; type 86 from 2019-09-28: M; start of type 13 unverified)"


def _feature(name: str, meaning: str, unit: str, null_meaning: str, source: str, look_back: str = _OWN) -> Feature:
    return Feature(name, "documentation", meaning, unit, null_meaning, look_back, source)


_MISSING = (
    _feature("fields_missing", f"fields missing of {', '.join(EXPECTED)}", "fields", _ALWAYS, "shipments"),
    _feature("names_missing", f"names not given of {', '.join(ROLES)} (may be lawful: 19 USC 1431(c))", "fields",
             _ALWAYS, "shipments.importer_name and the other names"),
    _feature("addresses_missing", f"addresses not given of {', '.join(ROLES_WITH_ADDRESS)}", "fields", _ALWAYS,
             "shipments.importer_address and the other addresses"),
    _feature("names_placeholder", "names that name nobody, like TO ORDER, UNKNOWN or SAME AS CONSIGNEE", "fields",
             _ALWAYS, "shipments.importer_name and the other names; words seen in AMS manifests"),
    _feature("hts_missing", "goods not classified", _FLAG, _ALWAYS, "shipments.hts"),
    _feature("value_missing", "no value declared", _FLAG, _ALWAYS, "shipments.value_usd"),
    _feature("manufacturer_missing", "no manufacturer stated", _FLAG, _ALWAYS, "shipments.manufacturer_id"),
    _feature("importer_name_missing", "importer's name withheld or not given (lawful: 19 USC 1431(c))", _FLAG,
             _ALWAYS, "shipments.importer_name"),
    _feature("conveyance_missing", "no vessel, flight, truck or rail car stated", _FLAG, _ALWAYS,
             "shipments.conveyance_id"),
    _feature("quantity_without_unit", "a quantity of no stated unit", _FLAG, "quantity not declared",
             "shipments.quantity, quantity_unit"),
    _feature("isf_missing", "no Importer Security Filing (bulk cargo needs none, which a manifest does not tell)",
             _FLAG, "not ocean, or before 2009-01-26",
             "shipments.isf_filed_at, mode; 19 CFR 149.2; programmes_timeline.csv (confidence S)"),
)  # fmt: skip
_LATE = (
    _feature("versions_filed", "amendments filed before arrival", "versions", _ALWAYS, "shipments.version"),
    _feature("importer_amended_share", "share of the importer's earlier shipments that stand as an amendment", "share",
             "no importer stated, or no earlier shipment", "shipments.version", _PAST),
    _feature("filer_amended_share", "share of the filer's earlier shipments that stand as an amendment", "share",
             "no filer stated, or no earlier shipment", "shipments.version", _PAST),
    _feature("importer_deleted_share", "share of the importer's earlier filings that were deleted", "share",
             "no importer stated, or no earlier filing", "shipments.action", _PAST),
    _feature("filed_days_before_arrival", "days from filing to the day of arrival", "days", "filing time not stated",
             "shipments.filed_at, arrival_date"),
    _feature("isf_hours_before_lading", "hours from the Importer Security Filing to lading; negative = after it",
             "hours", "not ocean, or one of the two times not stated",
             "shipments.isf_filed_at, laden_at, mode; 19 CFR 149.2(b)"),
    _feature("isf_late", "Importer Security Filing later than 24 hours before lading (break bulk may be)", _FLAG,
             "not ocean, or one of the two times not stated",
             "shipments.isf_filed_at, laden_at, mode; 19 CFR 149.2(b)"),
)  # fmt: skip
_CONTRADICTORY = (
    _feature("weight_zero_with_value", "goods of a value that weigh nothing", _FLAG, "value or weight not declared",
             "shipments.value_usd, weight_kg"),
    _feature("manufacturer_id_malformed", "the manufacturer's number cannot have been built by the rules of a MID",
             _FLAG, "no manufacturer stated", f"shipments.manufacturer_id; {_MID}"),
    _feature("manufacturer_origin_differs", "the MID begins with another country than that of origin", _FLAG,
             "no manufacturer, no well-formed MID, or origin not stated",
             f"shipments.manufacturer_id, origin_country; {_MID}"),
    _feature("manufacturer_name_differs", "the MID lacks the letters that the manufacturer's stated name gives (one "
             "made for a trading company lacks them too)", _FLAG,
             "no manufacturer, no well-formed MID, or name not stated",
             f"shipments.manufacturer_id, manufacturer_name; {_MID}"),
    _feature("entry_type_out_of_date", "an entry type that could not be used on the day of arrival", _FLAG,
             "entry type not stated or not known to the table", f"shipments.entry_type, arrival_date; {_DATED}"),
    _feature("in_bond_entry_not_in_bond", "an in-bond entry type for goods said not to move in bond", _FLAG,
             "in bond or not: not stated, or entry type not stated or unknown", f"shipments.in_bond; {_TYPE}"),
    _feature("adcvd_regime_without_entry", "a duty regime that speaks of antidumping or countervailing duty under an "
             "entry type without it", _FLAG, "duty regime not stated, or entry type not stated or unknown",
             f"shipments.duty_regime; {_TYPE}"),
    _feature("vessel_number_on_other_mode", "a vessel's IMO number on goods that did not come by sea (one seven-digit "
             "number in ten is one by chance)", _FLAG, "ocean, or conveyance not stated", _IMO),
    _feature("containers_contradict_mode", "container numbers on a mode without containers (mail, express)", _FLAG,
             _NO_BOX, "shipments.container_ids, mode; mode_families.csv (confidence M)"),
    _feature("contradictions", f"contradictions among {', '.join(CONTRADICTIONS)}", "contradictions", _ALWAYS,
             "shipments"),
)  # fmt: skip
_CHECKED = (
    _feature("containers", "container numbers stated", "containers", _NO_BOX, "shipments.container_ids"),
    _feature("containers_invalid", "container numbers that are malformed or whose check digit is wrong", "containers",
             _NO_BOX, "shipments.container_ids; ISO 6346"),
    _feature("container_last_seen_days", "days since the first container was last filed: a box that is back too soon "
             "is not that box", "days", "no container stated, or never seen before", "shipments.container_ids", _PAST),
    _feature("seals_missing", "containers without a seal number", "containers", _NO_BOX,
             "shipments.seal_ids, container_ids"),
    _feature("seals_repeated", "seal numbers that repeat another of the shipment", "seals", "no seal stated",
             "shipments.seal_ids"),
    _feature("seal_shipments", "earlier shipments under the first seal: a seal is used once", "shipments",
             "no seal stated", "shipments.seal_ids", _PAST),
    _feature("vessel_number_invalid", "by sea on what is no IMO number", _FLAG, "not ocean, or vessel not stated",
             _IMO),
    _feature("entry_number_invalid", "a shipment numbered like an entry whose check digit is wrong", _FLAG,
             "the shipment's number has not the form of an entry number (ABC-1234567-6)",
             "shipments.shipment_id; CBP AE Table 1 (confidence S)"),
    _feature("importer_number_malformed", "an importer number of no known format", _FLAG, "no importer stated",
             "shipments.importer_id; ior_formats.csv (confidence S)"),
    _feature("entry_type_unknown", "an entry type that the table does not know", _FLAG, "entry type not stated",
             "shipments.entry_type; entry_types.csv (confidence S)"),
    _feature("pga_flag_count", "partner agency flags", "flags", _ALWAYS, "shipments.pga_flags"),
    _feature("pga_flags_unknown", "partner agency flags that the table does not know", "flags", "no flag stated",
             "shipments.pga_flags; pga_flags_partial.csv (partial, confidence M)"),
    _feature("countries_unknown", "codes of origin and export that name no country (ISO 3166)", "fields",
             "neither stated", "shipments.origin_country, export_country"),
)  # fmt: skip


@dataclass(frozen=True)
class Documentation:
    """Completeness, timing and versions of the filing; papers that contradict each other; numbers that do not check.

    Attributes:
        tables: reference tables in use (entry_types.csv, mid_rules.csv, ior_formats.csv, mode_families.csv,
            pga_flags_partial.csv, programmes_timeline.csv).
    """

    tables: reference.Tables = reference.PACKAGED

    name = "documentation"
    features = (*_MISSING, *_LATE, *_CONTRADICTORY, *_CHECKED)

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        boxes = listed(shipments["container_ids"])
        columns = {
            **_missing(shipments),
            "isf_missing": self._isf_missing(shipments),
            **_versions(shipments, history),
            **_late(shipments),
            **self._manufacturer(shipments),
            **self._entry(shipments),
            **self._conveyance(shipments, boxes),
            **_numbers(shipments, history, boxes),
            **self._codes(shipments),
        }
        columns["contradictions"] = np.sum([np.nan_to_num(columns[name]) for name in CONTRADICTIONS], axis=0)
        return pd.DataFrame({f.name: columns[f.name] for f in self.features}, index=shipments.index)

    def _isf_missing(self, shipments: pd.DataFrame) -> Floats:
        rule = timeline.events_until(date.max, tables=self.tables).get("ISF 10+2 effective")
        since = np.datetime64(rule.since if rule else None, "D")
        asked = _is_ocean(shipments) & (pd.to_datetime(shipments["arrival_date"]).to_numpy() >= since)
        return _flag(shipments["isf_filed_at"].isna(), asked)

    def _manufacturer(self, shipments: pd.DataFrame) -> dict[str, Floats]:
        mid, origin = shipments["manufacturer_id"], shipments["origin_country"]
        plausible = each(lambda texts: manufacturers.plausible(texts, tables=self.tables), mid)
        country = each(lambda texts: manufacturers.origin(texts, tables=self.tables), mid)
        comparable = (plausible == 1) & origin.notna().to_numpy()
        letters = each(_letters, shipments["manufacturer_name"])
        carried = np.strings.startswith(each(_after_country, mid), letters)
        return {
            "manufacturer_id_malformed": 1 - plausible,
            "manufacturer_origin_differs": _flag(country != origin.to_numpy(object), comparable),
            "manufacturer_name_differs": _flag(~carried, (plausible == 1) & (letters != "")),
        }

    def _entry(self, shipments: pd.DataFrame) -> dict[str, Floats]:
        code, regime = shipments["entry_type"], shipments["duty_regime"]
        valid = entry_types.valid(code, shipments["arrival_date"], tables=self.tables)
        category = each(lambda texts: entry_types.category(texts, tables=self.tables), code)
        covers = each(lambda texts: entry_types.covers_adcvd(texts, tables=self.tables), code)
        in_bond = shipments["in_bond"].astype("boolean").astype("Float64").to_numpy(np.float64, na_value=np.nan)
        bonded = pd.notna(category) & np.isfinite(in_bond)
        owed = each(_speaks_of_adcvd, regime)
        return {
            "entry_type_out_of_date": 1 - valid,
            "entry_type_unknown": _flag(np.isnan(valid), code.notna()),
            "in_bond_entry_not_in_bond": _flag((category == "in-bond") & (in_bond == 0), bonded),
            "adcvd_regime_without_entry": _flag((owed == 1) & (covers == 0), np.isfinite(owed) & np.isfinite(covers)),
        }

    def _conveyance(self, shipments: pd.DataFrame, boxes: Listed) -> dict[str, Floats]:
        ocean, conveyance = _is_ocean(shipments), shipments["conveyance_id"]
        is_imo = each(identifiers.vessel, conveyance)
        contained = shipments["mode"].isin(_modes_with_containers(self.tables))
        return {
            "vessel_number_invalid": np.where(ocean, 1 - is_imo, np.nan),
            "vessel_number_on_other_mode": np.where(ocean, np.nan, is_imo),
            "containers_contradict_mode": _flag(~contained, boxes.counts > 0),
        }

    def _codes(self, shipments: pd.DataFrame) -> dict[str, Floats]:
        importer, flags = shipments["importer_id"], shipments["pga_flags"]
        kind = each(lambda texts: identifiers.importer_kind(texts, tables=self.tables), importer)
        countries = [each(_names_no_country, shipments[name]) for name in ("origin_country", "export_country")]
        return {
            "importer_number_malformed": _flag(pd.isna(kind), importer.notna()),
            "pga_flag_count": listed(flags).counts.astype(np.float64),
            "pga_flags_unknown": each(lambda texts: partner_agencies.unknown(texts, tables=self.tables), flags),
            "countries_unknown": _flag(np.nansum(countries, axis=0), np.isfinite(countries).any(axis=0)),
        }


def _flag(answer: ArrayLike, asked: ArrayLike) -> Floats:
    """The answer where it was asked for; null elsewhere."""
    return np.where(asked, answer, np.nan)


def _is_ocean(shipments: pd.DataFrame) -> Bools:
    return (shipments["mode"] == "ocean").to_numpy(np.bool_, na_value=False)


def _missing(shipments: pd.DataFrame) -> dict[str, Floats | pd.Series]:
    absent = shipments.isna()
    value, weight = shipments["value_usd"], shipments["weight_kg"]
    weighed = ~(absent["value_usd"] | absent["weight_kg"])
    return {
        "fields_missing": absent[list(EXPECTED)].sum(axis=1),
        "names_missing": absent[list(NAMES)].sum(axis=1),
        "addresses_missing": absent[list(ADDRESSES)].sum(axis=1),
        "names_placeholder": np.sum([_names_nobody(shipments[name]) for name in NAMES], axis=0).astype(np.float64),
        "hts_missing": absent["hts"],
        "value_missing": absent["value_usd"],
        "manufacturer_missing": absent["manufacturer_id"],
        "importer_name_missing": absent["importer_name"],
        "conveyance_missing": absent["conveyance_id"],
        "quantity_without_unit": _flag(absent["quantity_unit"], ~absent["quantity"]),
        "weight_zero_with_value": _flag((weight == 0) & (value > 0), weighed),
    }


def _names_nobody(names: pd.Series) -> Bools:
    plain = pc.utf8_trim(pc.ascii_upper(as_text(names)), " .,*-")
    nobody = pc.is_in(plain, as_text(PLACEHOLDERS))
    for start in TO_ORDER:
        nobody = pc.or_(nobody, pc.starts_with(plain, start).fill_null(False))
    return np.asarray(nobody.to_numpy(zero_copy_only=False))


def _versions(shipments: pd.DataFrame, history: History) -> dict[str, Floats | pd.Series]:
    importer, filer = history.tracks["importer"], history.tracks["filer"]
    standing, deleted = importer.count("shipments"), importer.count("deletions")
    return {
        "versions_filed": shipments["version"].fillna(0),
        "importer_amended_share": ratio(importer.count("amendments"), standing),
        "filer_amended_share": ratio(filer.count("amendments"), filer.count("shipments")),
        "importer_deleted_share": ratio(deleted, standing + deleted),
    }


def _late(shipments: pd.DataFrame) -> dict[str, Floats | pd.Series]:
    lead = pd.to_datetime(shipments["arrival_date"]) - pd.to_datetime(shipments["filed_at"])
    ahead = pd.to_datetime(shipments["laden_at"]) - pd.to_datetime(shipments["isf_filed_at"])
    hours = (ahead / pd.Timedelta(hours=1)).where(_is_ocean(shipments))
    return {
        "filed_days_before_arrival": lead / pd.Timedelta(days=1),
        "isf_hours_before_lading": hours,
        "isf_late": _flag(hours < ISF_HOURS, hours.notna()),
    }


def _numbers(shipments: pd.DataFrame, history: History, boxes: Listed) -> dict[str, Floats]:
    boxed, sealed = shipments["container_ids"].notna(), shipments["seal_ids"].notna()
    seals = listed(shipments["seal_ids"])
    entry_holds = entry_number_checks(shipments.index)
    return {
        "containers": _flag(boxes.counts, boxed),
        "containers_invalid": _flag(boxes.per_row(~container_checks(boxes.items)), boxed),
        "container_last_seen_days": history.tracks["container"].days_since_last(),
        "seals_missing": _flag(np.maximum(boxes.counts - seals.counts, 0), boxed),
        "seals_repeated": _flag(seals.repeated(), sealed),
        "seal_shipments": history.tracks["seal"].count("shipments"),
        "entry_number_invalid": 1 - entry_holds,
    }


def _letters(names: Sequence[str]) -> NDArray[np.str_]:
    return np.array([manufacturers.name_part(name) for name in names], dtype="U6")


def _after_country(mids: Sequence[str]) -> NDArray[np.str_]:
    return np.array([mid[2:8] for mid in mids], dtype="U6")


def _modes_with_containers(tables: reference.Tables) -> list[str]:
    """The modes of the shipments table for which mode_families.csv has a containerised code."""
    known = [row["code"] for row in tables.rows("mode_families")]
    boxed = codes.containerised(known, tables=tables) == 1
    return sorted(set(codes.mode(known, tables=tables)[boxed]))


def _names_no_country(texts: Sequence[str]) -> Floats:
    return np.array([not is_country(text) for text in texts], dtype=np.float64)


def _speaks_of_adcvd(texts: Sequence[str]) -> Floats:
    speaks = pc.match_substring_regex(as_text(texts), _ADCVD)
    return np.asarray(speaks.to_numpy(zero_copy_only=False), dtype=np.float64)
