"""How likely each lane carries each hazard, apart from what is planted (planted.py).

A lane's chance is a mixture of three parts, each scaled to its share of what the planted patterns leave of the hazard's
prevalence: habitual offenders (importer, shipper, manufacturer, filer), the diffuse risk of goods, origin and mode, and
sudden events. When a scenario breaks, most of every hazard moves to other lanes; its prevalence stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from riskscore.simulator import events, lists
from riskscore.simulator import lanes as ln
from riskscore.simulator.settings import MOVED_SHARE
from riskscore.simulator.streams import stream
from riskscore.tables import MODES

if TYPE_CHECKING:
    from riskscore.simulator.arrays import Bools, Floats, Ints
    from riskscore.simulator.lanes import Lanes
    from riskscore.simulator.settings import Settings
    from riskscore.simulator.traders import Population

SHARES = {"habit": 0.64, "event": 0.18, "diffuse": 0.18}
"""How much of what is not planted comes from each part. The first two are concepts of lists.CONCEPTS, in order."""

CAP = 0.6
"""Nobody cheats every time."""

BAD_VOLUME = 0.045
"""Share of shipments of habitually bad importers."""

TRUST = np.array([1.0, 0.7, 0.3, 0.2])
"""Risk by CTPAT tier: who is audited errs less."""

_ROLE_WEIGHT = {"importer": 1.0, "shipper": 0.5, "manufacturer": 0.5, "filer": 0.12}

_MODE_RISK = {
    ("ipr", "express"): 3.0,
    ("ipr", "mail"): 4.0,
    ("narcotics", "truck"): 1.5,
    ("undervaluation", "mail"): 2.0,
    ("undervaluation", "express"): 1.5,
    ("manifest_quality", "ocean"): 1.3,
    ("pga_safety", "mail"): 2.0,
}

_EVENT_RISK = {
    ln.SHELL: "identity_ior:4;undervaluation:3;ipr:3;adcvd_evasion:4;origin_transship:2;manifest_quality:2;"
    "misclassification:1;forced_labour:1;pga_safety:1;narcotics:3;agriculture:1",
    ln.HIJACK: "identity_ior:6;narcotics:6;ipr:5;pga_safety:4;undervaluation:4;manifest_quality:4;misclassification:3;"
    "agriculture:3;origin_transship:3;adcvd_evasion:3;forced_labour:2",
    ln.WAKE: "identity_ior:5;narcotics:5;ipr:4;undervaluation:2;misclassification:2;origin_transship:3;adcvd_evasion:3;"
    "pga_safety:3;agriculture:3;manifest_quality:3;forced_labour:1",
    ln.JUMP: "adcvd_evasion:2;origin_transship:3;misclassification:2;undervaluation:1;forced_labour:2;agriculture:1;"
    "pga_safety:1;ipr:1;manifest_quality:1",
}


@dataclass(frozen=True)
class Risk:
    """(part, lane, hazard) chances before and from the break day; parts as in SHARES."""

    before: Floats
    after: Floats


def exposure(lanes: Lanes, arrivals: Ints, first: int, last: int) -> Floats:
    """Expected shipments of each lane over days [first, last), given the country's `arrivals` per day."""
    days = len(arrivals)
    opens, closes = lanes.start.clip(0, days), lanes.end.clip(0, days)
    change = np.bincount(opens, lanes.volume, days + 1) - np.bincount(closes, lanes.volume, days + 1)
    open_volume = np.cumsum(change)[:days]
    rate = np.concatenate([[0.0], np.cumsum(arrivals / np.maximum(open_volume, 1e-12))])
    begin, stop = opens.clip(first, last), closes.clip(first, last)
    result: Floats = lanes.volume * np.maximum(rate[stop] - rate[begin], 0.0)
    return result


def weigh(settings: Settings, people: Population, lanes: Lanes, arrivals: Ints) -> Lanes:
    """The lanes with the volumes of bad importers and of events brought to their shares of all shipments."""
    late = 1.0 - settings.break_day / settings.days
    bad = np.asarray(people.importers.bad.any(axis=1))
    wave = _is_wave(settings, lanes)
    groups = [
        ((lanes.kind == ln.SHELL) & ~wave, events.SHARES[ln.SHELL]),
        *((lanes.kind == kind, events.SHARES[kind]) for kind in (ln.HIJACK, ln.JUMP, ln.WAKE, ln.NEWCOMER, ln.PHOENIX)),
        (wave, events.WAVE_SHARE * late),
        (lanes.kind == ln.NEW_GOODS, events.NEW_GOODS_SHARE * late),
        ((lanes.kind == ln.ORDINARY) & bad[lanes.importer], BAD_VOLUME),
    ]
    return _scaled(lanes, groups, arrivals)


def _scaled(lanes: Lanes, groups: list[tuple[Bools, float]], arrivals: Ints) -> Lanes:
    volume = lanes.volume.copy()
    for _ in range(4):
        shipped = exposure(_with_volume(lanes, volume), arrivals, 0, len(arrivals))
        for member, share in groups:
            if (part := shipped[member].sum()) > 0:
                volume[member] *= share * shipped.sum() / part
    return _with_volume(lanes, volume)


def _with_volume(lanes: Lanes, volume: Floats) -> Lanes:
    return replace(lanes, volume=volume)


def assess(settings: Settings, people: Population, lanes: Lanes, arrivals: Ints) -> Risk:
    """Every lane's chances, scaled so that each hazard has its prevalence, less what is planted, before and after."""
    prevalence = lists.numbers("hazards", "prevalence")
    left = prevalence * (1 - lists.planted().sum(axis=0))
    shipped = exposure(lanes, arrivals, 0, min(settings.break_day, settings.days))
    parts = _parts(settings, people, lanes)
    before = _capped(np.array([scaled(parts[name], shipped, share * left) for name, share in SHARES.items()]))
    if settings.break_day >= settings.days:
        return Risk(before, before)
    late = exposure(lanes, arrivals, settings.break_day, settings.days)
    stays = np.where(_is_moved_kind(settings, lanes)[:, None], 0.0, before)
    total = stays.sum(axis=0)
    after = stays * (scaled(total, late, (1 - MOVED_SHARE) * left) / np.maximum(total, 1e-300))
    after[-1] += scaled(_moved(settings, people, lanes, late), late, MOVED_SHARE * prevalence)
    return Risk(before, _capped(after))


def _capped(parts: Floats) -> Floats:
    """(part, lane, hazard) chances, scaled down where together they exceed CAP."""
    together = parts.sum(axis=0)
    return np.asarray(parts * np.minimum(1.0, CAP / np.maximum(together, 1e-300)))


def scaled(part: Floats, shipped: Floats, target: Floats) -> Floats:
    """`part` (lane, hazard) times a factor per hazard, capped, so that its mean over shipments is `target`.

    What the cap makes unreachable stays unreached: the caller's bounds on prevalence are tests, not promises.
    """
    result = part / np.maximum(np.average(part, axis=0, weights=shipped), 1e-300) * target
    for _ in range(40):
        capped = np.minimum(result, CAP)
        mean = np.average(capped, axis=0, weights=shipped)
        result = result * np.where(mean > 0, target / np.maximum(mean, 1e-300), 1.0).clip(0.5, 2.0)
    return np.minimum(result, CAP)


def _parts(settings: Settings, people: Population, lanes: Lanes) -> dict[str, Floats]:
    relevant = lists.goods().hazards[lanes.good]
    diffuse = relevant * lists.country_hazards()[lanes.origin] * mode_risk()[lanes.mode]
    trust = TRUST[people.tier[lanes.importer]][:, None]
    spread = stream(settings.seed, "diffuse").lognormal(0, 0.7, diffuse.shape)
    possible = (relevant > 0) & (lanes.kind == ln.ORDINARY)[:, None]
    return {
        "habit": _habit(people, lanes) * possible * np.sqrt(trust),
        "event": _event_risk(lanes) * (relevant > 0),
        "diffuse": diffuse * trust * spread * (lanes.kind != ln.NEW_GOODS)[:, None],
    }


def _habit(people: Population, lanes: Lanes) -> Floats:
    return np.asarray(
        sum(weight * getattr(people, f"{role}s").bad[getattr(lanes, role)] for role, weight in _ROLE_WEIGHT.items())
    )


def mode_risk() -> Floats:
    """Risk multipliers by (mode, hazard)."""
    risk = np.ones((len(MODES), len(lists.HAZARDS)))
    for (hazard, mode), factor in _MODE_RISK.items():
        risk[MODES.index(mode), lists.HAZARDS.index(hazard)] = factor
    return risk


def _event_risk(lanes: Lanes) -> Floats:
    risk = np.zeros((len(lanes), len(lists.HAZARDS)))
    for kind, text in _EVENT_RISK.items():
        risk[lanes.kind == kind] = lists.weights(text, lists.HAZARDS)
    return risk


def _is_wave(settings: Settings, lanes: Lanes) -> Bools:
    """Lanes of the shell importers that a break brings."""
    if settings.scenario != "break":
        return np.zeros(len(lanes), dtype=bool)
    return np.asarray((lanes.kind == ln.SHELL) & (lanes.start >= settings.break_day))


def _is_moved_kind(settings: Settings, lanes: Lanes) -> Bools:
    """Lanes that exist only because of the break."""
    return np.asarray(_is_wave(settings, lanes) | (lanes.kind == ln.NEW_GOODS))


def _moved(settings: Settings, people: Population, lanes: Lanes, late: Floats) -> Floats:
    """Relative chances (lane, hazard) of what moves at the break."""
    relevant = lists.goods().hazards[lanes.good] * lists.country_hazards()[lanes.origin]
    hosts = events.turned(settings, people, lanes, late) | _is_moved_kind(settings, lanes)
    return np.sqrt(relevant) * hosts[:, None]
