"""Trade programme and trust: what the traders' programme status was on the morning, as it was known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.features.protocol import Feature
from riskscore.reference import codes, ctpat, mutual_recognition, port_programmes, timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from riskscore.history import History
    from riskscore.reference.asof import Floats

# `none` is a standing without benefit too, but nothing was lost.
_LOST = tuple(standing for standing in ctpat.LOST if standing != "none")
_MEMBER = tuple(standing for standing in ctpat.STANDINGS if standing not in ctpat.LOST)
_STATUS = ("ctpat_tier", "ctpat_status", "role", "isa_member", "ctpat_trade_compliance")

_STANDING_CODES = "code: " + ", ".join(f"{i} {standing}" for i, standing in enumerate(ctpat.STANDINGS))
_BOND_CODES = "code: row of bonds.csv, as packaged 0 none required, 1 continuous, 2 single transaction"
_NO_IMPORTER = "no record of the importer"
_NO_SHIPPER = "no record of the shipper"
_TIERS = "ctpat_tiers.csv (S; that a lost standing ends every benefit: M)"
_ROLES = "ctpat_entity_tiers.csv (S)"
_TRUST = "trusted_trader_definitions.csv, trusted_trader_rules.csv (S; the test from 2014-06: S/M)"
_RECOGNITION = "mutual_recognition.csv (S), eu_membership.csv (M)"


def _feature(name: str, meaning: str, unit: str, null_meaning: str, source: str) -> Feature:
    as_of = "status covering the day of arrival, among facts known before its morning"
    return Feature(name, "programme and trust", meaning, unit, null_meaning, as_of, source)


def _own(name: str, meaning: str, unit: str, null_meaning: str, source: str, *, categorical: bool = False) -> Feature:
    as_of = "the shipment itself; the reference table as of its day of arrival"
    return Feature(name, "programme and trust", meaning, unit, null_meaning, as_of, source, categorical)


_IMPORTER = (
    _feature("importer_on_record", "the importer has a programme record", "0 or 1", "never null", "traders"),
    _feature("importer_ctpat_tier", "effective CTPAT tier of the importer; 0 while suspended, removed or withdrawn, "
             "and where the record's role may hold none", "tier 0 to 3",
             f"{_NO_IMPORTER}, or before tiers were law (2006-10-13)",
             f"traders.ctpat_tier, ctpat_status, role; 6 USC 964-967; {_TIERS}; {_ROLES}"),
    Feature("importer_ctpat_standing", "programme and trust", "standing of the importer in CTPAT", _STANDING_CODES,
            f"{_NO_IMPORTER}, or no standing in it", "status covering the day of arrival, among facts known before "
            "its morning", "traders.ctpat_status", categorical=True),
    _feature("importer_ctpat_lost", "the importer's membership is suspended, removed or withdrawn", "0 or 1",
             _NO_IMPORTER, "traders.ctpat_status; 6 USC 967"),
    _feature("importer_score_cut_cap", "largest cut of the risk score that the statute allows the importer's effective "
             "tier, as a share of the high-risk threshold; 0 without a tier", "share",
             f"{_NO_IMPORTER}, before 2006-10-13, or tier 2 or 3: the statute sets no number",
             f"traders.ctpat_tier, ctpat_status, role; 6 USC 964; {_TIERS}"),
    _feature("importer_tier_not_of_role", "the record states a tier, but members of its role hold none "
             "(trader status data has been corrupt before: GAO-17-84)", "0 or 1",
             f"{_NO_IMPORTER}, or a role that the table does not know", f"traders.ctpat_tier, role; {_ROLES}"),
    _feature("importer_standing_predates_ctpat", "the record gives a CTPAT standing from before CTPAT was launched "
             "(2001-11): a damaged date (GAO-17-84)", "0 or 1", _NO_IMPORTER,
             "traders.ctpat_status, valid_from; programmes_timeline.csv (S)"),
    _feature("importer_self_assessment", "the importer is in ISA (until 2020-02) or CTPAT Trade Compliance "
             "(from 2020-03), as the definition of the day asks", "0 or 1", f"{_NO_IMPORTER}, or before 2011-10",
             f"traders.isa_member, ctpat_trade_compliance; {_TRUST}"),
    _feature("importer_membership_out_of_date", "the importer is in ISA or CTPAT Trade Compliance, but not in the one "
             "that counts on the day: it was not carried over", "0 or 1", f"{_NO_IMPORTER}, or before 2011-10",
             f"traders.isa_member, ctpat_trade_compliance; {_TRUST}"),
    _feature("importer_trusted_trader", "trusted trader by the definition of the day: effective tier 2 or 3 and "
             "self-assessment", "0 or 1", f"{_NO_IMPORTER}, or before 2011-10",
             f"traders, as tier and self-assessment; {_TRUST}"),
    _feature("importer_status_age_days", "days since the present status began", "days", _NO_IMPORTER,
             "traders.valid_from"),
    _feature("importer_status_learned_late_days", "days from the beginning of the present status to the day (UTC) of "
             "the last word on it; 0 when it was known by then", "days", _NO_IMPORTER,
             "traders.known_at, valid_from"),
)  # fmt: skip

_SHIPPER = (
    _feature("shipper_on_record", "the shipper has a programme record", "0 or 1", "never null", "traders"),
    _feature("shipper_country_recognised", "an arrangement of mutual recognition with the shipper's country was in "
             "force", "0 or 1", f"{_NO_SHIPPER}, its country not known, or an arrangement that was not verified",
             f"traders.country; {_RECOGNITION}"),
    _feature("shipper_foreign_programme", "the shipper holds a foreign programme, and an arrangement with its country "
             "was in force", "0 or 1", f"{_NO_SHIPPER}, or a programme held whose recognition is not known",
             f"traders.aeo_programme, country; {_RECOGNITION}"),
    _feature("shipper_programme_not_recognised", "the shipper claims a foreign programme, but no arrangement with its "
             "country was in force", "0 or 1", f"{_NO_SHIPPER}, or a programme held whose recognition is not known",
             f"traders.aeo_programme, country; {_RECOGNITION}"),
    _feature("shipper_ctpat_member", "the shipper is itself in CTPAT, as Mexican and Canadian manufacturers may be, "
             "and in good standing", "0 or 1", _NO_SHIPPER,
             "traders.ctpat_status; ctpat_entity_types.csv (S)"),
    _feature("shipper_ctpat_lost", "the shipper's membership is suspended, removed or withdrawn", "0 or 1",
             _NO_SHIPPER, "traders.ctpat_status; 6 USC 967"),
    _feature("shipper_status_age_days", "days since the shipper's present status began", "days", _NO_SHIPPER,
             "traders.valid_from"),
)  # fmt: skip

_PORT_AND_BOND = (
    _own("port_offers_aqua_lane", "the port offered vessels AQUA Lane: unlading on arrival", "0 or 1",
         "not ocean, no port of a known customs district, or one that the sources leave open (from 2017-02)",
         "shipments.port, mode, arrival_date; port_programmes.csv (S; others unverified), customs_districts.csv (M)"),
    _own("port_runs_unified_processing", "the port had Unified Cargo Processing: one inspection with Mexican customs",
         "0 or 1", "no port of a known customs district, or one of the southern border that the sources leave open",
         "shipments.port, arrival_date; port_programmes.csv (S; some days M), customs_districts.csv (M)"),
    _own("bond_type_code", "bond that secures the entry: a single-transaction bond is that of an occasional importer",
         _BOND_CODES, "not stated, or a code that the table does not know",
         "shipments.bond_type; bonds.csv (S; none required: M)", categorical=True),
)  # fmt: skip


@dataclass(frozen=True)
class Programme:
    """CTPAT tier and standing, trusted traders, recognised foreign programmes, port programmes and bonds.

    Attributes:
        tables: reference tables in use.
    """

    tables: reference.Tables = reference.PACKAGED

    name = "programme and trust"
    features = (*_IMPORTER, *_SHIPPER, *_PORT_AND_BOND)

    def build(self, shipments: pd.DataFrame, history: History) -> pd.DataFrame:
        """One row per shipment; see `features`."""
        arrival = as_days(shipments["arrival_date"])
        columns = {
            **self._of_importer(history.statuses["importer"], arrival),
            **self._of_shipper(history.statuses["shipper"], arrival),
            **self._of_port_and_bond(shipments, arrival),
        }
        return pd.DataFrame({f.name: columns[f.name] for f in self.features}, shipments.index, copy=False)

    def _of_importer(self, status: pd.DataFrame, arrival: NDArray[np.datetime64]) -> dict[str, Floats]:
        on_record, begun = status["trader_id"].notna().to_numpy(), as_days(status["valid_from"])
        standing = pd.Categorical(status["ctpat_status"], categories=list(ctpat.STANDINGS)).codes
        lost, claimed = _any_of(standing, _LOST), _any_of(standing, (*_MEMBER, *_LOST))
        launched = np.datetime64(timeline.event("CTPAT launched", tables=self.tables).since or date.min)
        trust = _each_status_once(status, arrival, self.tables)
        columns = {
            "importer_ctpat_standing": np.where(standing >= 0, standing, np.nan),
            "importer_ctpat_lost": lost,
            "importer_standing_predates_ctpat": claimed & (begun < launched),
            "importer_status_age_days": _days(arrival - begun),
            "importer_status_learned_late_days": np.maximum(_days(as_days(status["known_at"]) - begun), 0),
            **trust,
        }
        known = {name: np.where(on_record, values, np.nan) for name, values in columns.items()}
        return {"importer_on_record": on_record.astype(np.float64), **known}

    def _of_shipper(self, status: pd.DataFrame, arrival: NDArray[np.datetime64]) -> dict[str, Floats]:
        on_record = status["trader_id"].notna().to_numpy()
        standing = pd.Categorical(status["ctpat_status"], categories=list(ctpat.STANDINGS)).codes
        recognised = mutual_recognition.in_force(status["country"], arrival, tables=self.tables)
        holds = status["aeo_programme"].notna().to_numpy()
        columns = {
            "shipper_country_recognised": recognised,
            "shipper_foreign_programme": np.where(holds, recognised, 0.0),
            "shipper_programme_not_recognised": np.where(holds, 1 - recognised, 0.0),
            "shipper_ctpat_member": _any_of(standing, _MEMBER),
            "shipper_ctpat_lost": _any_of(standing, _LOST),
            "shipper_status_age_days": _days(arrival - as_days(status["valid_from"])),
        }
        known = {name: np.where(on_record, values, np.nan) for name, values in columns.items()}
        return {"shipper_on_record": on_record.astype(np.float64), **known}

    def _of_port_and_bond(self, shipments: pd.DataFrame, arrival: NDArray[np.datetime64]) -> dict[str, Floats]:
        port, at = shipments["port"], {"tables": self.tables}
        bonds = [row["code"] for row in self.tables.rows("bonds") if row["field"] == "bond_type"]
        known = shipments["bond_type"].where(pd.notna(codes.bond_type(shipments["bond_type"], **at)))
        bond = pd.Categorical(known, categories=list(dict.fromkeys(bonds))).codes
        at_sea = (shipments["mode"] == "ocean").to_numpy()
        return {
            "port_offers_aqua_lane": np.where(at_sea, port_programmes.aqua_lane(port, arrival, **at), np.nan),
            "port_runs_unified_processing": port_programmes.unified_cargo_processing(port, arrival, **at),
            "bond_type_code": np.where(bond >= 0, bond, np.nan),
        }


def effective_tier(status: pd.DataFrame, arrival: NDArray[np.datetime64], tables: reference.Tables) -> Floats:
    """Effective tier of each trader on its day: 0 while its standing is lost, or where its role may hold no tier.

    Args:
        status: traders columns as known that morning; null without a record; n rows.
        arrival: datetime64[D], n days.
        tables: reference tables in use.

    Returns:
        0 to 3; NaN without a record, and where riskscore.reference.ctpat.effective_tier says so.
    """
    on_record = status["trader_id"].notna().to_numpy()
    return np.where(on_record, _each_status_once(status, arrival, tables)["importer_ctpat_tier"], np.nan)


def as_days(days: pd.Series) -> NDArray[np.datetime64]:
    """Dates or times (UTC) as datetime64[D]; null is NaT.

    >>> as_days(pd.Series([pd.Timestamp("2026-03-02 12:00"), None]))
    array(['2026-03-02', 'NaT'], dtype='datetime64[D]')
    """
    return pd.to_datetime(days).to_numpy().astype("datetime64[D]")


def _each_status_once(
    status: pd.DataFrame, arrival: NDArray[np.datetime64], tables: reference.Tables
) -> dict[str, Floats]:
    """What tier and memberships come to, asked of the reference once for each distinct status and day."""
    asked = status[list(_STATUS)].reset_index(drop=True).assign(day=arrival)
    group = asked.groupby([*_STATUS, "day"], dropna=False, sort=False).ngroup().to_numpy()
    first = np.empty(group.max(initial=-1) + 1, np.intp)
    first[group] = np.arange(len(group))  # any row of a group will do: they ask the same
    return {name: answers[group] for name, answers in _trust(asked.iloc[first], tables).items()}


def _trust(asked: pd.DataFrame, tables: reference.Tables) -> dict[str, Floats]:
    stated, days = asked["ctpat_tier"].fillna(0).to_numpy(np.float64), asked["day"]
    memberships = asked["isa_member"], asked["ctpat_trade_compliance"]
    not_of_role = _not_of_role(stated, asked["role"], tables)
    tier = ctpat.effective_tier(np.where(not_of_role == 1, 0, stated), asked["ctpat_status"], days, tables=tables)
    # The membership that the definition of the day asks for, whatever the tier it asks for beside it.
    assessed = np.maximum.reduce([ctpat.trusted_trader(t, *memberships, days, tables=tables) for t in (1, 2, 3)])
    in_any = asked[["isa_member", "ctpat_trade_compliance"]].eq(True).any(axis=1).to_numpy()
    return {
        "importer_ctpat_tier": tier,
        "importer_score_cut_cap": _score_cut_cap(tier, tables),
        "importer_tier_not_of_role": not_of_role,
        "importer_self_assessment": assessed,
        "importer_membership_out_of_date": np.where(np.isnan(assessed), np.nan, in_any & (assessed == 0)),
        "importer_trusted_trader": ctpat.trusted_trader(tier, *memberships, days, tables=tables),
    }


def _not_of_role(stated: Floats, role: pd.Series, tables: reference.Tables) -> Floats:
    roles = {row["role"] for row in tables.rows("ctpat_entity_tiers") if row["role"]}
    untiered = role.isin(roles - ctpat.tiered_roles(tables)).to_numpy()
    return np.where(role.isin(roles).to_numpy(), untiered & (stated > 0), np.nan)


def _score_cut_cap(tier: Floats, tables: reference.Tables) -> Floats:
    caps = np.where(tier == 0, 0.0, np.nan)
    for held in (1, 2, 3):
        granted = ctpat.benefit(held, date.max, tables=tables)
        if granted is not None and granted.value.threshold_share is not None:
            caps[tier == held] = granted.value.threshold_share
    return caps


def _any_of(standing: NDArray[np.integer], standings: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.isin(standing, [ctpat.STANDINGS.index(name) for name in standings])


def _days(spans: NDArray[np.timedelta64]) -> Floats:
    return np.where(np.isnat(spans), np.nan, spans.astype(np.int64)).astype(np.float64)
