"""Commodity: what the goods are said to be, how precisely, and whether words, tariff number and Center agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.features.track_record import ratio
from riskscore.reference import PACKAGED, Tables, centers, descriptions
from riskscore.reference.asof import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History
    from riskscore.reference.asof import Objects

    Floats = NDArray[np.float64]

_CHAPTER = re.compile("0[1-9]|[1-9][0-9]")
_OWN = "the shipment itself"
_PAST = "all filings that entered history before the morning of arrival"
_CENTERS = "center_hts.csv and centers_of_excellence.csv (ranges mostly from memory: conf M)"
_CODES = ", ".join(f"{n} {code}" for n, code in enumerate(centers.all_centers(PACKAGED)))
_WORDING = "shipments.description: its words of three letters and more, in any order"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, look_back: str, source: str, *, categorical: bool = False
) -> Feature:
    return Feature(name, "commodity", meaning, unit, null_meaning, look_back, source, categorical)


@dataclass(frozen=True)
class Commodity:
    """Chapter, precision and Center of the tariff number; vagueness of the words; and whether they belong together.

    Reads shipments, the importer's status in traders, and the packaged tables of Centers and vague descriptions.

    Attributes:
        tables: reference tables in use.
    """

    tables: Tables = PACKAGED

    name = "commodity"
    features = (
        _feature("hs_chapter", "chapter of the Harmonized System", "code: chapter 1 to 99", "goods not classified",
                 _OWN, "shipments.hts", categorical=True),
        _feature("hts_digits", "digits of the tariff number given", "digits", "goods not classified", _OWN,
                 "shipments.hts"),
        _feature("description_words", "words in the description", "words", "no description", _OWN,
                 "shipments.description"),
        _feature("description_is_vague",
                 "the description has three words or fewer and describes nothing: one of the phrases that are not "
                 "acceptable is part of it, or all of it", "0 or 1", "no description", _OWN,
                 "shipments.description; vague_descriptions.csv (19 CFR 4.7a(c)(4)(vii) and CBP's examples, partly "
                 "conf M)"),
        _feature("hs6_shipments", "earlier shipments of these goods", "shipments", "no HS6 stated", _PAST,
                 "shipments.hts"),
        _feature("wording_shipments", "earlier shipments described in the same words; 0 = wording never seen",
                 "shipments", "no description, or no word of three letters", _PAST, _WORDING),
        _feature("wording_x_hs4_share",
                 "share of the earlier shipments in the same words that were filed under this heading; low = the words "
                 "usually mean other goods", "share",
                 "wording never seen, no words, or no heading stated", _PAST, f"{_WORDING}; shipments.hts"),
        _feature("center_code", "Center of Excellence and Expertise that most likely handles the goods",
                 f"code: row of centers_of_excellence.csv, as packaged {_CODES}",
                 "goods not classified, in no Center's range, in several with equal claim, or before the Center opened",
                 _OWN, f"shipments.hts, arrival_date; {_CENTERS}", categorical=True),
        _feature("importer_center_agrees", "the importer's own Center is among the candidates for the goods", "0 or 1",
                 "no Center on record for the importer, goods not classified, or claimed by no Center",
                 "the status known on the morning of arrival", f"traders.center; shipments.hts; {_CENTERS}"),
        _feature("center_share_of_importer",
                 "share of the importer's earlier shipments that belonged to this shipment's Center; low = goods that "
                 "the importer's usual Center does not know", "share",
                 "no importer, no Center for the goods, or no earlier shipment", _PAST,
                 f"shipments.importer_id, hts; {_CENTERS}"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        hts, days, tracks = as_text(shipments["hts"]), shipments["arrival_date"], history.tracks
        own_center = history.statuses["importer"]["center"]
        columns = {
            **_number(hts),
            **self._description(shipments["description"]),
            "hs6_shipments": tracks["hs6"].count("shipments"),
            "wording_shipments": tracks["wording"].count("shipments"),
            "wording_x_hs4_share": ratio(
                tracks["wording_x_hs4"].count("shipments"), tracks["wording"].count("shipments")
            ),
            "center_code": self._center_code(hts, days),
            "importer_center_agrees": centers.agrees(own_center, hts, days, tables=self.tables),
            "center_share_of_importer": ratio(
                tracks["importer_x_center"].count("shipments"), tracks["importer"].count("shipments")
            ),
        }
        return pd.DataFrame(columns, index=shipments.index)

    def _description(self, texts: pd.Series) -> dict[str, Floats]:
        """What each distinct text says of itself: asked once for each."""
        codes, distinct = pd.factorize(texts)
        words = np.array([len(text.split()) for text in distinct], dtype=np.float64)
        vague = np.zeros(len(distinct))
        short = words <= descriptions.MOST_WORDS
        vague[short] = [descriptions.is_vague(text, tables=self.tables) for text in distinct[short]]
        # Position -1 is the last one: that of the null.
        return {
            "description_words": np.append(words, np.nan)[codes],
            "description_is_vague": np.append(vague, np.nan)[codes],
        }

    def _center_code(self, hts: Objects, days: pd.Series) -> Floats:
        codes = list(centers.all_centers(self.tables))
        found = pd.Categorical(centers.center(hts, days, tables=self.tables), categories=codes).codes
        return np.where(found >= 0, found, np.nan)


def _number(hts: Objects) -> dict[str, Floats]:
    """What each distinct tariff number says of itself."""
    codes, distinct = pd.factorize(hts)
    chapters = [float(found[0]) if (found := _CHAPTER.match(number)) else np.nan for number in distinct]
    # Position -1 is the last one: that of the null.
    return {
        "hs_chapter": np.array([*chapters, np.nan])[codes],
        "hts_digits": np.array([*map(len, distinct), np.nan])[codes],
    }
