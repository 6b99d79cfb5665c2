"""CTPAT: tiers, who may hold them, what the statute grants, and the trusted trader of the day.

Tables: ctpat_tiers.csv, ctpat_entity_types.csv and ctpat_entity_tiers.csv (its `can_be_tiered`, machine-readable),
trusted_trader_definitions.csv and trusted_trader_rules.csv (its `rule`, machine-readable).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.errors import ConfigError
from riskscore.reference.asof import as_days, as_text
from riskscore.reference.facts import Fact, cell_list, changes, fact, joined
from riskscore.reference.loading import PACKAGED, Tables

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from riskscore.reference.asof import Days, Floats, Keys
    from riskscore.reference.facts import Row

LOST = ("suspended", "removed", "withdrawn", "none")
"""Standings without any benefit, from the day they begin (6 USC 967; ctpat_tiers.csv)."""

STANDINGS = ("member", "certified", "validated", *LOST)
"""Every standing that the column traders.ctpat_status may hold."""

MEMBERSHIPS = ("isa_member", "ctpat_trade_compliance")
"""Columns of the traders table that a definition of the trusted trader may ask for."""


@dataclass(frozen=True, slots=True)
class TrustRule:
    """A definition of the trusted trader: a tier in `tiers` and the membership named."""

    definition: str
    tiers: tuple[int, ...]
    membership: str


@dataclass(frozen=True, slots=True)
class Benefit:
    """What 6 USC 964 to 967 grant a tier.

    Attributes:
        status: what makes the tier.
        grants: benefits in the words of ctpat_tiers.csv.
        score_rule: what may be done to the risk score, in the words of the same table.
        threshold_share: largest reduction of the score, as a share of the high-risk threshold (not of the score);
            None where the statute sets no number.
    """

    status: str
    grants: str
    score_rule: str
    threshold_share: float | None


def effective_tier(tier: ArrayLike, status: Keys, days: Days, *, tables: Tables = PACKAGED) -> Floats:
    """The tier whose benefits count on the day: a suspended, removed or withdrawn member holds none.

    Args:
        tier: 0 to 3 (traders.ctpat_tier); null = 0, not tiered.
        status: standing on the day (traders.ctpat_status); null = not stated: the tier speaks.
        days: the days to answer for.
        tables: reference tables in use (ctpat_tiers.csv).

    Returns:
        0 to 3; NaN where the tier or standing is none the table knows, before the statute (2006-10-13), or where the
        day is null.

    >>> effective_tier([3, 3, 2, 7], ["validated", "suspended", None, None], date(2024, 5, 1))
    array([ 3.,  0.,  2., nan])
    """
    held, standing, stamps = np.broadcast_arrays(np.nan_to_num(_numbers(tier)), as_text(status), as_days(days))
    known = pd.isna(standing) | pd.Series(standing.ravel()).isin(STANDINGS).to_numpy().reshape(standing.shape)
    lost = pd.Series(standing.ravel()).isin(LOST).to_numpy().reshape(standing.shape)
    answered = known & (stamps >= _begins(held, tables))
    return np.where(answered, np.where(lost, 0.0, held), np.nan)


def trusted_trader(
    tier: ArrayLike, isa: ArrayLike, trade_compliance: ArrayLike, days: Days, *, tables: Tables = PACKAGED
) -> Floats:
    """Whether a trader was a trusted trader on the day, by the definition in force then.

    CTPAT tier 2 or 3, and a member of Importer Self-Assessment (ISA) until 2020-02, of CTPAT Trade Compliance from
    2020-03 (former ISA members only, until it opened to all in 2022-08).

    Args:
        tier: effective CTPAT tier, see `effective_tier`; null is unknown.
        isa: member of ISA; null = not known to be.
        trade_compliance: member of CTPAT Trade Compliance; null = not known to be.
        days: the days to answer for.
        tables: reference tables in use (trusted_trader_definitions.csv, trusted_trader_rules.csv).

    Returns:
        1 yes, 0 no; NaN where the tier or the day is null, or no definition was in force (before 2011-10).

    >>> trusted_trader(3, [True, False], [False, True], [date(2020, 2, 29), date(2020, 3, 1)])
    array([1., 1.])
    >>> trusted_trader(2, True, False, [date(2019, 6, 1), date(2021, 6, 1)])
    array([1., 0.])
    """
    stamps = as_days(days)
    held = _numbers(tier)
    members = {"isa_member": _flags(isa), "ctpat_trade_compliance": _flags(trade_compliance)}
    shape = np.broadcast_shapes(stamps.shape, held.shape, *(m.shape for m in members.values()))
    trusted, defined = np.zeros(shape, bool), np.zeros(shape, bool)
    for definition in definitions(tables):
        rule = definition.value
        in_force = _covers(definition, stamps)
        defined |= in_force
        trusted |= in_force & np.isin(held, rule.tiers) & members[rule.membership]
    return np.where(defined & ~np.isnan(held), trusted, np.nan)


@lru_cache(maxsize=16)
def definitions(tables: Tables = PACKAGED) -> tuple[Fact[TrustRule], ...]:
    """Every definition of the trusted trader, with the days it was in force.

    Raises:
        ConfigError: a definition without a rule in trusted_trader_rules.csv, or a rule that cannot be read.

    >>> [d.value.membership for d in definitions() if d.covers(date(2012, 1, 1))]
    ['isa_member']
    """
    rules = {row["definition_id"]: row for row in tables.rows("trusted_trader_rules")}
    found = []
    for row in tables.rows("trusted_trader_definitions"):
        name = row["definition_id"]
        if name not in rules:
            fix = "add its tiers and membership to trusted_trader_rules.csv"
            raise ConfigError(f"no rule for definition {name!r}", where="trusted_trader_definitions.csv", fix=fix)
        found.append(joined(_rule(rules[name]), fact(None, row), fact(None, rules[name], "", "")))
    return tuple(found)


def trust_changes(tables: Tables = PACKAGED) -> tuple[date, ...]:
    """The days on which the definition of the trusted trader changes.

    >>> [str(day) for day in trust_changes()]
    ['2011-10-01', '2014-06-16', '2020-03-01', '2022-08-01']
    """
    return changes(definitions(tables))


def benefit(tier: int, day: date, *, tables: Tables = PACKAGED) -> Fact[Benefit] | None:
    """What the statute grants an effective tier on `day`; tier 0 is a suspended member, or none.

    Returns:
        None for a tier that the table does not know, or before the statute.

    >>> granted = benefit(1, date(2024, 1, 1))
    >>> granted.value.threshold_share, granted.source
    (0.2, 'lexbuild.dev 6 USC 964')
    """
    found = _benefits(tables).get(tier)
    return found if found is not None and found.covers(day) else None


def tiers_of(entity_type: str, *, tables: Tables = PACKAGED) -> Fact[tuple[int, ...]] | None:
    """The tiers that a kind of member may hold; () = a member without tiers.

    Args:
        entity_type: in the words of ctpat_entity_types.csv.
        tables: reference tables in use.

    Returns:
        None for a kind of member that the table does not know. Exporters are of low confidence.

    >>> tiers_of("US importer").value, tiers_of("US customs broker").value, tiers_of("US exporter").low_confidence
    ((1, 2, 3), (), True)
    """
    known = {row["entity_type"] for row in tables.rows("ctpat_entity_types")}
    for row in tables.rows("ctpat_entity_tiers"):
        if row["entity_type"] == entity_type and entity_type in known:
            return fact(_tiers(row, "ctpat_entity_tiers"), row)
    return None


def tiered_roles(tables: Tables = PACKAGED) -> frozenset[str]:
    """Roles of the traders table that may hold a tier.

    >>> sorted(tiered_roles())
    ['importer']
    """
    rows = tables.rows("ctpat_entity_tiers")
    return frozenset(row["role"] for row in rows if row["role"] and row["tiers"])


@lru_cache(maxsize=16)
def _benefits(tables: Tables) -> dict[int, Fact[Benefit]]:
    found = {}
    for row in tables.rows("ctpat_tiers"):
        share = re.search(r"at most (\d+)% of the high-risk threshold", row["score_rule"], re.IGNORECASE)
        value = Benefit(
            row["status"], row["statutory_benefit"], row["score_rule"], float(share[1]) / 100 if share else None
        )
        found[0 if row["tier"] == "none" else _tier(row["tier"], "ctpat_tiers")] = fact(value, row)
    return found


def _rule(row: Row) -> TrustRule:
    if row["membership"] not in MEMBERSHIPS:
        raise ConfigError(
            f"unknown membership {row['membership']!r}",
            where="trusted_trader_rules.csv",
            fix=f"expected is one of {', '.join(MEMBERSHIPS)}",
        )
    return TrustRule(row["definition_id"], _tiers(row, "trusted_trader_rules"), row["membership"])


def _tiers(row: Row, table: str) -> tuple[int, ...]:
    return tuple(_tier(cell, table) for cell in cell_list(row["tiers"]))


def _tier(cell: str, table: str) -> int:
    if cell not in ("1", "2", "3"):
        raise ConfigError(f"expected a tier of 1, 2 or 3, got {cell!r}", where=f"{table}.csv")
    return int(cell)


def _begins(tier: Floats, tables: Tables) -> NDArray[np.datetime64]:
    """The day from which the statute knows a tier; NaT for one that it does not know."""
    days = np.full(tier.shape, np.datetime64("NaT"), dtype="datetime64[D]")
    for known, granted in _benefits(tables).items():
        days[tier == known] = granted.since or date.min
    return days


def _numbers(values: ArrayLike) -> Floats:
    cells = np.asarray(values, dtype=object)
    return np.asarray(np.where(pd.isna(cells), np.nan, cells), dtype=np.float64)


def _flags(values: ArrayLike) -> NDArray[np.bool_]:
    """Membership flags; null is not known to be, and so False."""
    flags = np.asarray(values, dtype=object)
    return np.asarray(np.where(pd.isna(flags), False, flags), dtype=np.bool_)


def _covers(period: Fact[TrustRule], days: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    first, last = np.datetime64(period.since or date.min), np.datetime64(period.until or date.max)
    return (first <= days) & (days <= last)
