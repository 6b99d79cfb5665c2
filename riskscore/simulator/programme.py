"""The traders table: who is in which programme since when, and since when we know.

Importers join CTPAT at tier 1, are validated to tier 2 and sometimes raised to tier 3; a few are suspended, removed
or leave. Each change closes the row before it, some are known late, and some rows were wrong and are corrected under
the same key. ISA ended in 2020-02 (reference: CTPAT Trade Compliance follows it), so `isa_member` is false or null.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from riskscore import tables
from riskscore.simulator import lists
from riskscore.simulator.manifests import arrow_schema
from riskscore.simulator.streams import stream
from riskscore.simulator.turns import NEVER

if TYPE_CHECKING:
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population, Traders
    from riskscore.simulator.turns import Turns

_STATUS = ("none", "certified", "validated", "validated")
"""CTPAT status of tiers 0 to 3 (reference/ctpat_tiers.csv)."""

UPGRADE_SHARE = 0.12
"""Members raised a tier while we watch."""

LOSS_SHARE = 0.02
"""Members suspended, removed or leaving while we watch, for no worse reason; others lose their tier as they turn."""

SUSPENDED_DAYS = 50
"""How long a suspension lasts that comes with a turn; another one lasts 90 days."""

LATE_SHARE = 0.12
"""Changes that become known 5 to 60 days after they took effect."""

CORRECTED_SHARE = 0.02
"""Importers' rows that were wrong at first and corrected later."""


@dataclass(frozen=True)
class _Standing:
    """One row of the traders table."""

    trader_id: str
    name: str
    country: str
    role: str
    ctpat_tier: int
    ctpat_status: str
    isa_member: bool | None
    ctpat_trade_compliance: bool | None
    aeo_programme: str | None
    center: str | None
    valid_from: date
    valid_to: date | None
    known_at: datetime


def traders_table(settings: Settings, people: Population, turns: Turns) -> pa.Table:
    """All standings, sorted by trader, valid_from and known_at."""
    rows = _importers(settings, people, turns)
    rows += _others(settings, people.consignees, "consignee")
    rows += _others(settings, people.shippers, "shipper")
    rows += _others(settings, people.manufacturers, "manufacturer")
    rows += _others(settings, people.filers, "filer")
    rows += _carriers(settings)
    rows.sort(key=lambda row: (row.trader_id, row.valid_from, row.known_at))
    names = tables.TRADERS.names
    return pa.Table.from_pylist([{n: getattr(row, n) for n in names} for row in rows], arrow_schema(tables.TRADERS))


def _at(day: date, dice: float) -> datetime:
    """A moment of working time on a day."""
    return datetime.combine(day, time(8), UTC) + timedelta(minutes=int(dice * 600))


def _importers(settings: Settings, people: Population, turns: Turns) -> list[_Standing]:
    rng = stream(settings.seed, "programme")
    rows: list[_Standing] = []
    centers = _centers()
    for i, tier in enumerate(people.tier):
        # Registered before the first arrival, as an importer must be.
        opened = settings.start + timedelta(days=int(people.importers.start[i]) - int(rng.integers(3, 25)))
        first = _Standing(
            trader_id=people.importers.ids[i],
            name=people.importers.names[i],
            country="US",
            role="importer",
            ctpat_tier=0,
            ctpat_status="none",
            isa_member=False if tier else None,
            ctpat_trade_compliance=False if tier else None,
            aeo_programme=None,
            center=centers[int(people.importers.sector[i])],
            valid_from=opened,
            valid_to=None,
            known_at=_at(opened, rng.random()),
        )
        turn = int(turns.first["programme and trust"][i])
        rows += _career(rng, settings, first, int(tier), turn) if tier else [first]
    return rows + _corrections(rng, settings, rows)


def _centers() -> list[str]:
    goods = lists.goods()
    return [str(goods.center[np.flatnonzero(goods.sector == s)[0]]) for s in range(len(lists.SECTORS))]


def _career(rng: np.random.Generator, settings: Settings, first: _Standing, tier: int, turn: int) -> list[_Standing]:
    """The rows of a member that stands at `tier` on the first simulated day and may lose it on the day `turn`."""
    known = (settings.start - first.valid_from).days
    steps = sorted(int(day) for day in rng.integers(60, known - 30, tier))
    changes = [(first.valid_from + timedelta(days=day), t + 1) for t, day in enumerate(steps)]
    rows, current = [first], first
    for day, reached in changes:
        compliance = reached >= 2 and (tier == 3 or rng.random() < 0.45)
        current = _next(rng, rows, current, day, reached, _STATUS[reached], compliance)
    _later(rng, settings, rows, current, tier, turn)
    return rows


def _later(
    rng: np.random.Generator, settings: Settings, rows: list[_Standing], current: _Standing, tier: int, turn: int
) -> None:
    """What happens to a member while we watch: mostly nothing."""
    die, day = rng.random(), settings.start + timedelta(days=int(rng.integers(1, settings.days + 1)))
    if turn < NEVER:
        # Most are suspended for about as long as they ship badly.
        status = "suspended" if rng.random() < 0.8 else "removed"
        _lose(rng, rows, current, settings.start + timedelta(days=turn), tier, status, SUSPENDED_DAYS)
    elif die < UPGRADE_SHARE and tier < 3:
        _next(rng, rows, current, day, tier + 1, _STATUS[tier + 1], bool(current.ctpat_trade_compliance))
    elif die > 1 - LOSS_SHARE:
        status = ("suspended", "removed", "withdrawn")[int(rng.integers(0, 3))]
        _lose(rng, rows, current, day, tier, status, 90)


def _lose(
    rng: np.random.Generator, rows: list[_Standing], current: _Standing, day: date, tier: int, status: str, days: int
) -> None:
    """Loss of a tier, for some days when suspended, else for good."""
    lost = _next(rng, rows, current, day, 0, status, compliance=False)
    if status == "suspended":
        _next(rng, rows, lost, day + timedelta(days=days), tier, _STATUS[tier], compliance=False)


def _next(
    rng: np.random.Generator,
    rows: list[_Standing],
    current: _Standing,
    day: date,
    tier: int,
    status: str,
    compliance: bool,
) -> _Standing:
    """Append the closing of `current` and the standing that follows it, both known when the change is."""
    if day <= current.valid_from:
        return current
    delay = int(rng.integers(5, 61)) if rng.random() < LATE_SHARE else 0
    known = max(_at(day + timedelta(days=delay), rng.random()), current.known_at + timedelta(hours=1))
    following = replace(
        current,
        ctpat_tier=tier,
        ctpat_status=status,
        ctpat_trade_compliance=compliance,
        valid_from=day,
        valid_to=None,
        known_at=known,
    )
    rows += [replace(current, valid_to=day - timedelta(days=1), known_at=known), following]
    return following


def _corrections(rng: np.random.Generator, settings: Settings, rows: list[_Standing]) -> list[_Standing]:
    """Some standing rows turn out wrong: the same key again, known later, with another center or tier."""
    wrong = []
    # A row that a later change closed must not be opened again by its correction.
    closed = {(row.trader_id, row.valid_from) for row in rows if row.valid_to is not None}
    for row in rows:
        if (row.trader_id, row.valid_from) not in closed and rng.random() < CORRECTED_SHARE:
            day = settings.start + timedelta(days=int(rng.integers(1, settings.days + 1)))
            known = max(_at(day, rng.random()), row.known_at + timedelta(hours=2))
            tier = row.ctpat_tier - 1 if row.ctpat_tier > 1 and rng.random() < 0.5 else row.ctpat_tier
            wrong.append(
                replace(
                    row,
                    ctpat_tier=tier,
                    ctpat_status=_corrected_status(row, tier),
                    known_at=known,
                    center=_other_center(rng, row.center),
                )
            )
    return wrong


def _corrected_status(row: _Standing, tier: int) -> str:
    return row.ctpat_status if tier == row.ctpat_tier else _STATUS[tier]


def _other_center(rng: np.random.Generator, center: str | None) -> str | None:
    centers = sorted(set(_centers()))
    return centers[int(rng.integers(0, len(centers)))] if rng.random() < 0.6 else center


def _others(settings: Settings, traders: Traders, role: str) -> list[_Standing]:
    """Traders that cannot be tiered: one row each; foreign ones may hold their own country's programme."""
    rng = stream(settings.seed, f"programme {role}")
    programmes = lists.country_texts("aeo_programme")
    rows = []
    for i, dice in enumerate(rng.random((len(traders.ids), 2))):
        country = int(traders.country[i])
        honest = not traders.bad[i].any()
        aeo = programmes[country] if country >= 0 and honest and dice[0] < 0.2 else ""
        rows.append(
            _plain(
                traders.ids[i],
                traders.names[i],
                "US" if country < 0 else lists.COUNTRIES[country],
                role,
                settings.start + timedelta(days=int(traders.start[i])),
                dice[1],
                aeo or None,
            )
        )
    return rows


def _plain(trader: str, name: str, country: str, role: str, day: date, dice: float, aeo: str | None) -> _Standing:
    return _Standing(trader, name, country, role, 0, "none", None, None, aeo, None, day, None, _at(day, dice))


def _carriers(settings: Settings) -> list[_Standing]:
    """Carriers may be CTPAT members but are never tiered (6 USC 964 to 966 tier importers)."""
    rng = stream(settings.seed, "programme carrier")
    rows = []
    for row, dice in zip(lists.table("carriers"), rng.random((len(lists.table("carriers")), 2)), strict=True):
        joined = settings.start - timedelta(days=int(700 + 3000 * dice[0]))
        plain = _plain(row["scac"], row["name"], "US", "carrier", joined, dice[1], None)
        rows.append(replace(plain, ctpat_status="member" if dice[1] < 0.7 else "none"))
    return rows
