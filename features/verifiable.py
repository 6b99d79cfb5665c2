"""Facts that an analyst can verify from papers or by looking, and the features that would change if they held.

Only what looks wrong changes: a seal that is stated, a price among its peers' stays as it is. What is null stays null:
there is nothing to verify. Features that speak of the past stay too: no paper changes a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from riskscore.features.documentation import CONTRADICTIONS
from riskscore.features.valuation import POSITIONS

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["above", "below", "both"]


@dataclass(frozen=True, slots=True)
class Usual:
    """What a feature is when nothing is wrong, and on which side of it something is."""

    value: float
    wrong: Side = "above"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to verify.

    Attributes:
        what: what is verified, and by what.
        usual: the features it would set right, by name.
    """

    what: str
    usual: dict[str, Usual]


def _flags(*names: str) -> dict[str, Usual]:
    return dict.fromkeys(names, Usual(0.0))


def _among_peers(*quantities: str) -> dict[str, Usual]:
    middle = {"position": 0.5, "ratio": 0.0, "spreads": 0.0}
    return {
        f"{quantity}_{what}_{kind}": Usual(value, "both")
        for kind, quantity in POSITIONS
        if quantity in quantities
        for what, value in middle.items()
    }


FACTS: tuple[Fact, ...] = (
    Fact(
        "the declared value (invoice, proof of payment)",
        _among_peers("value_per_kg", "value_per_unit")
        | _flags("value_is_round", "value_just_under_de_minimis", "value_just_under_informal_limit")
        | {"value_per_kg_ratio_importer_x_hs4": Usual(0.0, "both"), "value_over_importer_mean": Usual(1.0, "both")},
    ),
    Fact(
        "the weight (weighing)",
        _among_peers("weight_per_unit") | _flags("weight_is_round", "weight_zero_with_value", "quantity_without_unit"),
    ),
    Fact(
        "the goods and their classification (packing list, look at the goods)",
        _flags("description_is_vague", "hts_missing") | {"wording_x_hs4_share": Usual(1.0, "below")},
    ),
    Fact(
        "the manufacturer (purchase order, MID)",
        _flags(
            "manufacturer_missing", "manufacturer_id_malformed", "manufacturer_name_differs", "mid_city_in_xinjiang",
        ),
    ),
    Fact(
        "the origin (certificate of origin, production records)",
        _flags(
            "manufacturer_origin_differs", "mid_china_origin_elsewhere", "third_country_export",
            "foreign_port_elsewhere", "uflpa_third_country", "adcvd_order_elsewhere",
        ),
    ),
    Fact(
        "the right to the preference (proof of origin, direct transport)",
        _flags(
            "preference_unknown", "preference_lapsed", "preference_wrong_origin", "preference_through_outsider",
            "preference_at_positive_rate",
        ),
    ),
    Fact("the container numbers (check digits)", _flags("containers_invalid", "containers_contradict_mode")),
    Fact("the seals", _flags("seals_missing", "seals_repeated", "seal_shipments")),
    Fact(
        "the Importer Security Filing",
        _flags("isf_missing", "isf_late") | {"isf_hours_before_lading": Usual(24.0, "below")},
    ),
    Fact(
        "the entry type and the right to it",
        _flags(
            "entry_type_out_of_date", "entry_type_unknown", "in_bond_entry_not_in_bond", "adcvd_regime_without_entry",
            "adcvd_undeclared", "de_minimis_claim_unfounded", "informal_entry_over_limit", "mail_test_unfounded",
        ),
    ),
    Fact(
        "the parties' names, numbers and addresses",
        _flags(
            "names_missing", "addresses_missing", "names_placeholder", "importer_name_missing",
            "importer_number_malformed", "entry_number_invalid",
        ),
    ),
    Fact(
        "the vessel, flight or vehicle and its voyage",
        _flags(
            "vessel_number_invalid", "vessel_number_on_other_mode", "conveyance_missing", "foreign_port_missing",
        ),
    ),
)  # fmt: skip
"""What papers, a scale or a look can settle."""


def concerned(frame: pd.DataFrame, fact: Fact) -> list[str]:
    """The columns of `frame` that a fact may change."""
    return [name for name in frame.columns if name in fact.usual or name in (*CONTRADICTIONS, "contradictions")]


def settled(frame: pd.DataFrame, fact: Fact) -> pd.DataFrame:
    """The features as they would be if the fact held; columns that are not there are not made.

    Args:
        frame: features, one column each; NaN = null.
        fact: what is verified.

    >>> import pandas as pd
    >>> seals = next(fact for fact in FACTS if fact.what == "the seals")
    >>> settled(pd.DataFrame({"seals_missing": [2.0, float("nan")], "containers": [2.0, 3.0]}), seals)
       seals_missing  containers
    0            0.0         2.0
    1            NaN         3.0
    """
    changed = {
        name: _set_right(frame[name].to_numpy(), usual) for name, usual in fact.usual.items() if name in frame.columns
    }
    made = frame.assign(**changed)
    contradicting = [name for name in CONTRADICTIONS if name in frame.columns]
    if "contradictions" in frame.columns and set(contradicting) & set(changed):
        made["contradictions"] = np.nan_to_num(made[contradicting].to_numpy()).sum(axis=1)
    return made


def _set_right(values: np.ndarray, usual: Usual) -> np.ndarray:
    if usual.wrong == "above":
        return np.where(values > usual.value, usual.value, values)
    if usual.wrong == "below":
        return np.where(values < usual.value, usual.value, values)
    return np.where(np.isnan(values), values, usual.value)
