"""Preference claims: a programme claimed against origin, route, date, duty rate and the importer's own past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.features.track_record import ratio
from riskscore.reference import PACKAGED, Tables, preferences
from riskscore.reference.asof import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History

    Floats = NDArray[np.float64]

_OWN = "the shipment itself"
_PAST = "all filings that entered history before the morning of arrival"
_TABLE = "preference_programmes.csv (mostly conf M)"
_CLAIM = "shipments.preference_program"


def _feature(name: str, meaning: str, unit: str, null_meaning: str, look_back: str, source: str) -> Feature:
    return Feature(name, "preference claims", meaning, unit, null_meaning, look_back, source)


@dataclass(frozen=True)
class Preferences:
    """Whether a preference is claimed, could be claimed, and has been claimed before.

    Reads shipments and the packaged table of programmes. During a lapse of GSP filers keep claiming it to keep their
    right to a refund, so a lapsed programme is a fact about the day, not a fault.

    Attributes:
        tables: reference tables in use.
    """

    tables: Tables = PACKAGED

    name = "preference claims"
    features = (
        _feature("preference_claimed", "a preference programme is claimed", "0 or 1", "never null", _OWN, _CLAIM),
        _feature("preference_unknown", "the indicator claimed is none that the table knows", "0 or 1",
                 "no preference claimed", _OWN, f"{_CLAIM}; {_TABLE}"),
        _feature("preference_lapsed", "the programme was in force for no origin on the day: not yet, lapsed or ended",
                 "0 or 1", "no preference claimed, indicator unknown, or renewal not verified", _OWN,
                 f"{_CLAIM}, arrival_date; {_TABLE}"),
        _feature("preference_wrong_origin", "goods of the declared origin could not claim the programme on the day",
                 "0 or 1", "no preference claimed, indicator or origin unknown, or the table cannot tell", _OWN,
                 f"{_CLAIM}, origin_country, arrival_date; {_TABLE}"),
        _feature("preference_through_outsider",
                 "goods under a claim were exported from a country that is neither their origin nor one that the "
                 "programme serves: direct consignment is in question", "0 or 1",
                 "no preference claimed, origin or export not stated, or exported from elsewhere and the table "
                 "cannot tell", _OWN, f"{_CLAIM}, origin_country, export_country, arrival_date; {_TABLE}"),
        _feature("preference_at_positive_rate", "a preference is claimed and the declared duty rate is not 0", "0 or 1",
                 "no preference claimed, or rate not declared", _OWN, f"{_CLAIM}, duty_rate_pct"),
        _feature("preference_first_claim", "the importer claims this programme for the first time", "0 or 1",
                 "no preference claimed, or no importer stated", _PAST, f"{_CLAIM}, importer_id"),
        _feature("preference_share_of_importer",
                 "share of the importer's earlier shipments that claimed this programme", "share",
                 "no preference claimed, no importer stated, or no earlier shipment", _PAST,
                 f"{_CLAIM}, importer_id"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        spi, rate = shipments["preference_program"], shipments["duty_rate_pct"].to_numpy(np.float64, na_value=np.nan)
        claimed = spi.notna().to_numpy()
        programme, importer = history.tracks["importer_x_preference"], history.tracks["importer"]
        named = preferences.programme(spi, tables=self.tables)
        columns = {
            "preference_claimed": claimed,
            "preference_unknown": np.where(claimed, pd.isna(named), np.nan),
            "preference_lapsed": 1 - preferences.in_force(spi, shipments["arrival_date"], tables=self.tables),
            **self._against_countries(shipments),
            "preference_at_positive_rate": np.where(claimed & ~np.isnan(rate), rate > 0, np.nan),
            "preference_first_claim": np.where(
                np.isnan(programme.count("shipments")), np.nan, np.isnan(programme.days_since_first())
            ),
            "preference_share_of_importer": ratio(programme.count("shipments"), importer.count("shipments")),
        }
        return pd.DataFrame(columns, index=shipments.index)[[feature.name for feature in self.features]]

    def _against_countries(self, shipments: pd.DataFrame) -> dict[str, Floats]:
        spi, origin, export = (
            as_text(shipments[c]) for c in ("preference_program", "origin_country", "export_country")
        )
        days = shipments["arrival_date"]
        outsider = 1 - preferences.eligible(spi, export, days, tables=self.tables)
        stated = pd.notna(spi) & pd.notna(origin) & pd.notna(export)
        direct = stated & (origin == export)
        return {
            "preference_wrong_origin": 1 - preferences.eligible(spi, origin, days, tables=self.tables),
            "preference_through_outsider": np.where(direct, 0.0, np.where(stated, outsider, np.nan)),
        }
