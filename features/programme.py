"""Trade programme and trust: what the trader's programme status was on the morning, as it was known then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.protocol import Feature
from riskscore.reference import ctpat

if TYPE_CHECKING:
    from riskscore.history import History

# `none` is a standing without benefit too, but nothing was lost.
_LOST = tuple(standing for standing in ctpat.LOST if standing != "none")


def _feature(name: str, meaning: str, unit: str, null_meaning: str, source: str) -> Feature:
    as_of = "status covering the arrival day, among facts known before its morning"
    return Feature(name, "trade programme", meaning, unit, null_meaning, as_of, source)


class Programme:
    """CTPAT tier and standing, ISA or CTPAT Trade Compliance, recognised foreign programmes."""

    name = "trade programme"
    features = (
        _feature("importer_on_record", "the importer has a programme record", "0 or 1", "never null", "traders"),
        _feature("importer_ctpat_tier", "effective CTPAT tier of the importer; 0 while suspended or removed",
                 "tier 0 to 3", "no record of the importer, or before tiers were law (2006-10-13)",
                 "traders.ctpat_tier, ctpat_status; 6 USC 964-967"),
        _feature("importer_ctpat_lost", "the importer's membership is suspended, removed or withdrawn", "0 or 1",
                 "no record of the importer", "traders.ctpat_status"),
        _feature("importer_self_assessment", "the importer is in ISA (until 2020-02) or CTPAT Trade Compliance "
                 "(from 2020-03)", "0 or 1", "no record of the importer, or before 2011-10",
                 "traders.isa_member, ctpat_trade_compliance; trusted_trader_definitions.csv"),
        _feature("importer_trusted_trader", "trusted trader: effective tier 2 or 3 and self-assessment", "0 or 1",
                 "no record of the importer, or before 2011-10",
                 "traders, as tier and self-assessment; trusted_trader_definitions.csv"),
        _feature("importer_status_age_days", "days since the present status began", "days",
                 "no record of the importer", "traders.valid_from"),
        _feature("shipper_foreign_programme", "the shipper holds a recognised foreign programme", "0 or 1",
                 "no record of the shipper", "traders.aeo_programme; mutual_recognition.csv"),
    )  # fmt: skip

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        importer, shipper = history.statuses["importer"], history.statuses["shipper"]
        on_record = importer["trader_id"].notna()
        arrival = pd.to_datetime(shipments["arrival_date"])
        tier = ctpat.effective_tier(importer["ctpat_tier"], importer["ctpat_status"], arrival)
        memberships = importer["isa_member"], importer["ctpat_trade_compliance"]
        # The membership that the definition of the day asks for, apart from the tier: that of a trader at the top tier.
        assessed = ctpat.trusted_trader(3, *memberships, arrival)
        columns = {
            "importer_on_record": on_record,
            "importer_ctpat_tier": pd.Series(tier, shipments.index).where(on_record),
            "importer_ctpat_lost": importer["ctpat_status"].isin(_LOST).where(on_record),
            "importer_self_assessment": pd.Series(assessed, shipments.index).where(on_record),
            "importer_trusted_trader": pd.Series(
                ctpat.trusted_trader(tier, *memberships, arrival), shipments.index
            ).where(on_record),
            "importer_status_age_days": (arrival - pd.to_datetime(importer["valid_from"])).dt.days,
            "shipper_foreign_programme": shipper["aeo_programme"].notna().where(shipper["trader_id"].notna()),
        }
        return pd.DataFrame(columns, index=shipments.index).astype(np.float64)
