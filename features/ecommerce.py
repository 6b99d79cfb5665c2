"""E-commerce: the duty-free limit as it stood that day, goods split to stay under it, and the flow of parcels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.features.novelty import pace
from riskscore.features.protocol import Feature
from riskscore.features.text_columns import each
from riskscore.features.track_record import ratio
from riskscore.reference import de_minimis, entry_types
from riskscore.reference.asof import as_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.features.track_record import Floats
    from riskscore.history import Batch, History, Track

    Bools = NDArray[np.bool_]

PARCEL_MODES = ("mail", "express")

SIDES = {
    "consignee": ("the consignee (buyer)", "no consignee stated"),
    "consignee_place": ("the consignee's address", "consignee's address not stated"),
    "shipper": ("the shipper (seller)", "no shipper stated"),
}
"""Whose goods may have been split: kind, in words, and what null means."""

BUYERS = ("consignee", "consignee_place")

JUST_UNDER = 0.9
"""From this share of a limit up to the limit itself, a value is just under it."""

INFORMAL_LIMIT_USD = 2500.0
INFORMAL_LIMIT_SINCE = date(2013, 1, 7)
"""19 CFR 143.21(a), 77 FR 72715: the value up to which an informal entry will do. Before: 2,000 since some day of 1998,
which is not answered."""

MAIL_TEST = "13"
"""Informal mail entry, a voluntary test: 91 FR 38007."""

_OWN = "the shipment itself"
_BATCH = "shipments arriving the same day and filed before its cut-off, this one included"
_WEEK = "all filings that entered history before the morning of arrival, half-life 7 days"
_THRESHOLD = "de_minimis.csv, de_minimis_scopes.csv (confidence M before 2025-05-02, S after)"
_TYPES = "shipments.entry_type; entry_types.csv (confidence S; type 86 from 2019-09-28: M; start of type 13 unverified)"
_INFORMAL = "19 CFR 143.21(a), 77 FR 72715 (confidence S)"
_NO_TYPE = "entry type not stated or not known to the table"


def _feature(name: str, meaning: str, unit: str, null_meaning: str, look_back: str, source: str) -> Feature:
    return Feature(name, "e-commerce", meaning, unit, null_meaning, look_back, source)


_LIMITS = (
    _feature("de_minimis_threshold_usd", "value up to which goods of this origin entered free of duty on the day of "
             "arrival; 0 = no exemption", "USD", "origin not stated on a day on which it matters, or before 1993",
             _OWN, f"shipments.origin_country, arrival_date; {_THRESHOLD}"),
    _feature("value_share_of_de_minimis", "declared value over that threshold", "ratio",
             "value not declared, threshold not known, or no exemption", _OWN, f"shipments.value_usd; {_THRESHOLD}"),
    _feature("value_just_under_de_minimis", "declared value is from 90 to 100 % of that threshold", "0 or 1",
             "value not declared, threshold not known, or no exemption", _OWN, f"shipments.value_usd; {_THRESHOLD}"),
    _feature("value_just_under_informal_limit", "declared value is from 90 to 100 % of what an informal entry may hold "
             "(2,500 USD)", "0 or 1", "value not declared, or before 2013-01-07", _OWN,
             f"shipments.value_usd; {_INFORMAL}"),
)  # fmt: skip
_ENTRIES = (
    _feature("entry_is_de_minimis", "entered as de minimis (type 86)", "0 or 1", _NO_TYPE, _OWN, _TYPES),
    _feature("entry_is_informal", "entered informally (types 11, 12, 13)", "0 or 1", _NO_TYPE, _OWN, _TYPES),
    _feature("entry_is_mail_test", "entered under the informal mail entry test (type 13)", "0 or 1", _NO_TYPE, _OWN,
             f"{_TYPES}; 91 FR 38007"),
    _feature("de_minimis_claim_unfounded", "entered as de minimis on a day without that entry type, on which its "
             "origin had no exemption, or with a value above the threshold", "0 or 1",
             f"{_NO_TYPE}; for type 86 on its days: threshold not known, or value not declared",
             _OWN, f"shipments.value_usd, origin_country; {_TYPES}; {_THRESHOLD}"),
    _feature("informal_entry_over_limit", "entered informally with a value above 2,500 USD", "0 or 1",
             f"{_NO_TYPE}; for informal entries: value not declared, or before 2013-01-07", _OWN,
             f"shipments.value_usd; {_TYPES}; {_INFORMAL}"),
    _feature("mail_test_unfounded", "entered under the mail entry test on a day before it, or not by mail", "0 or 1",
             _NO_TYPE, _OWN, f"shipments.mode; {_TYPES}; 91 FR 38007"),
)  # fmt: skip


def _same_day(kind: str) -> tuple[Feature, ...]:
    words, absent = SIDES[kind]
    split = f"value of the day's shipments of {words} together (no value declared counts as 0) over"
    alone = "0 where one of them alone exceeds it; above 1 = together over it, each under it"
    found = [
        _feature(f"{kind}_same_day_shipments", f"shipments of {words} that arrive the same day, this one included",
                 "shipments", absent, _BATCH, "shipments"),
        _feature(f"{kind}_split_over_de_minimis", f"{split} the threshold of this shipment's origin; {alone}", "ratio",
                 f"{absent}, threshold not known, or no exemption", _BATCH, f"shipments.value_usd; {_THRESHOLD}"),
    ]  # fmt: skip
    if kind in BUYERS:
        found.append(
            _feature(f"{kind}_split_over_informal_limit", f"{split} the 2,500 USD of an informal entry; {alone}",
                     "ratio", f"{absent}, or before 2013-01-07", _BATCH, f"shipments.value_usd; {_INFORMAL}")
        )  # fmt: skip
    return tuple(found)


def _flow(kind: str) -> tuple[Feature, ...]:
    words, absent = SIDES[kind]
    return (
        _feature(f"{kind}_parcels_hl7d", f"recent shipments of {words}", "shipments",
                 f"not by mail or express, or {absent}", _WEEK, "shipments"),
        _feature(f"{kind}_parcel_velocity_hl7d", f"shipments a day of {words} of late against the pace of the year; 1 "
                 "= as always", "ratio", f"not by mail or express, {absent}, never seen before, or all deleted",
                 f"{_WEEK} over half-life 365 days", "shipments"),
    )  # fmt: skip


@dataclass(frozen=True)
class ECommerce:
    """De minimis and informal limits, entry types of small consignments, splitting, and parcel velocity.

    Limits, entry types and splitting speak of every mode: 19 USC 1321 and 19 CFR 143.21 name none, and small
    consignments come by truck too. Parcel counts and velocity are null unless the goods come by mail or express: of
    other modes they would say how much cargo a party receives, which is no e-commerce.

    Attributes:
        tables: reference tables in use (de_minimis.csv, de_minimis_scopes.csv, entry_types.csv).
    """

    tables: reference.Tables = reference.PACKAGED

    name = "e-commerce"
    features = (
        *_LIMITS,
        *_ENTRIES,
        *(feature for kind in SIDES for feature in _same_day(kind)),
        *(feature for kind in SIDES for feature in _flow(kind)),
    )

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        days = as_days(shipments["arrival_date"])
        threshold = de_minimis.threshold_usd(shipments["origin_country"], days, tables=self.tables)
        informal = informal_limit_usd(days)
        value = shipments["value_usd"].to_numpy(np.float64, na_value=np.nan)
        columns = {
            "de_minimis_threshold_usd": threshold,
            "value_share_of_de_minimis": ratio(value, threshold),
            "value_just_under_de_minimis": _just_under(value, threshold),
            "value_just_under_informal_limit": _just_under(value, informal),
            **self._entries(shipments, threshold, informal),
        }
        for kind in SIDES:
            columns |= _splits(kind, history.batch[kind], threshold, informal)
        is_parcel = shipments["mode"].isin(PARCEL_MODES).to_numpy()
        for kind in SIDES:
            columns |= _flows(kind, history.tracks[kind], is_parcel)
        return pd.DataFrame(columns, index=shipments.index)

    def _entries(self, shipments: pd.DataFrame, threshold: Floats, informal: Floats) -> dict[str, Floats]:
        code, value = shipments["entry_type"], shipments["value_usd"].to_numpy(np.float64, na_value=np.nan)
        valid = entry_types.valid(code, shipments["arrival_date"], tables=self.tables) == 1
        category = each(lambda texts: entry_types.category(texts, tables=self.tables), code)
        known = pd.notna(category)
        exempt, small = category == "de minimis test", category == "informal"
        mail_test = known & (code == MAIL_TEST).to_numpy(np.bool_, na_value=False)
        by_mail = (shipments["mode"] == "mail").to_numpy(np.bool_, na_value=False)
        # Without an exemption even goods of no value have no claim to it.
        no_exemption = ~valid | (threshold == 0)
        flags = {
            "entry_is_de_minimis": exempt.astype(np.float64),
            "entry_is_informal": small.astype(np.float64),
            "entry_is_mail_test": mail_test.astype(np.float64),
            "de_minimis_claim_unfounded": np.where(exempt & no_exemption, 1.0, _exceeds(exempt, value, threshold)),
            "informal_entry_over_limit": _exceeds(small, value, informal),
            "mail_test_unfounded": (mail_test & ~(valid & by_mail)).astype(np.float64),
        }
        return {name: np.where(known, flag, np.nan) for name, flag in flags.items()}


def informal_limit_usd(days: NDArray[np.datetime64]) -> Floats:
    """The value up to which an informal entry will do on each day, in USD; null before 2013-01-07.

    >>> informal_limit_usd(np.array(["2013-01-06", "2013-01-07"], dtype="datetime64[D]"))
    array([  nan, 2500.])
    """
    return np.where(days >= np.datetime64(INFORMAL_LIMIT_SINCE), INFORMAL_LIMIT_USD, np.nan)


def _just_under(value: Floats, limit: Floats) -> Floats:
    share = ratio(value, limit)
    return np.where(np.isnan(share), np.nan, (share >= JUST_UNDER) & (share <= 1))


def _exceeds(asked: Bools, value: Floats, limit: Floats) -> Floats:
    """Whether `value` exceeds `limit` where that is asked, 0 elsewhere; null where asked of a null."""
    return np.where(asked, np.where(np.isnan(value) | np.isnan(limit), np.nan, value > limit), 0.0)


def _splits(kind: str, batch: Batch, threshold: Floats, informal: Floats) -> dict[str, Floats]:
    found = {
        f"{kind}_same_day_shipments": batch.shipments,
        f"{kind}_split_over_de_minimis": _together(batch, threshold),
    }
    if kind in BUYERS:
        found[f"{kind}_split_over_informal_limit"] = _together(batch, informal)
    return found


def _together(batch: Batch, limit: Floats) -> Floats:
    # `ratio` is null for a null limit and for none at all, so the comparison decides between numbers only.
    share = ratio(batch.value_usd, limit)
    return np.where(batch.highest_value_usd > limit, share * 0, share)


def _flows(kind: str, track: Track, is_parcel: Bools) -> dict[str, Floats]:
    velocity = ratio(pace(track, "shipments", 7), pace(track, "shipments", 365))
    return {
        f"{kind}_parcels_hl7d": np.where(is_parcel, track.recent("shipments", 7), np.nan),
        f"{kind}_parcel_velocity_hl7d": np.where(is_parcel, velocity, np.nan),
    }
