"""Commodity: what the goods are said to be, and how precisely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature

if TYPE_CHECKING:
    from riskscore.history import History

_OWN = "the shipment itself"
# Words that describe nothing: CBP's list of unacceptable descriptions names the like of these (19 CFR 4.7a(c)(4)(vii),
# "generic descriptions such as FAK or STC are not acceptable").
VAGUE_WORDS = ("fak", "stc", "general cargo", "freight of all kinds", "said to contain", "merchandise", "goods",
               "products", "parts", "various", "assorted", "misc", "samples", "gift", "items", "articles", "supplies",
               "consolidated")  # fmt: skip
_VAGUE = rf"\b(?:{'|'.join(VAGUE_WORDS)})\b"


def _feature(
    name: str, meaning: str, unit: str, null_meaning: str, source: str, *, categorical: bool = False
) -> Feature:
    return Feature(name, "commodity", meaning, unit, null_meaning, _OWN, source, categorical)


class Commodity:
    """HS chapter, precision of the code, and vagueness of the description."""

    name = "commodity"
    features = (
        _feature("hs_chapter", "chapter of the Harmonized System", "code: chapter 1 to 99", "goods not classified",
                 "shipments.hts", categorical=True),
        _feature("hts_digits", "digits of the tariff number given", "digits", "goods not classified", "shipments.hts"),
        _feature("description_words", "words in the description", "words", "no description", "shipments.description"),
        _feature("description_is_vague", "the description has three words or fewer and one that describes nothing",
                 "0 or 1", "no description", "shipments.description; 19 CFR 4.7a(c)(4)(vii)"),
        Feature("hs6_shipments", "commodity", "earlier shipments of these goods", "shipments", "no HS6 stated",
                "all filings that entered history before the morning of arrival", "shipments.hts"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        hts, text = shipments["hts"].astype("str"), shipments["description"].astype("str")
        words = text.str.count(r"\S+")
        vague = text.str.contains(_VAGUE, case=False, regex=True, na=False) & (words <= 3)
        columns = {
            "hs_chapter": hts.str.extract("^(0[1-9]|[1-9][0-9])", expand=False).astype(np.float64),
            "hts_digits": hts.str.len(),
            "description_words": words,
            "description_is_vague": vague.astype(np.float64).where(text.notna()),
            "hs6_shipments": history.tracks["hs6"].count("shipments"),
        }
        return pd.DataFrame(columns, index=shipments.index)
