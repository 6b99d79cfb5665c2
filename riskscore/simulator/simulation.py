"""Making a simulated country: draw it, write it day by day, hold the exams of its past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore import reference
from riskscore.errors import InputError
from riskscore.simulator import cargo as cg
from riskscore.simulator import (
    events,
    exams,
    filings,
    legacy,
    lists,
    manifests,
    papers,
    post_entry,
    programme,
    risk,
    traders,
    traffic,
)
from riskscore.simulator import lanes as ln
from riskscore.simulator import turns as turning
from riskscore.simulator.arrays import either, texts
from riskscore.simulator.settings import Scenario, Settings
from riskscore.simulator.streams import stream
from riskscore.simulator.world import SimulatedWorld, write_description, write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from riskscore.simulator.arrays import Bools, Floats, Texts

CENSUS_EXAMS = ("intensive", "document")
"""Together they see every simulated hazard; a census finds whatever they can see."""

RANDOM_SHARE = 0.0075
"""Chance of the past's random arm, for every shipment that the legacy rules did not pick."""


@dataclass(frozen=True)
class _Country:
    settings: Settings
    people: traders.Population
    turns: turning.Turns
    traffic: traffic.Traffic
    cargo: cg.Cargo
    rows: filings.Filings
    sheet: papers.Papers


def simulate(  # noqa: PLR0913 - by keyword, and all but the first four have defaults
    out: Path,
    *,
    weeks: int,
    per_day: int,
    seed: int,
    scenario: Scenario = "steady",
    start: date = date(2025, 1, 6),
    census: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> SimulatedWorld:
    """Write a synthetic country to the folder `out`; equal arguments give equal bytes.

    Writes manifests/date=D/part-0.parquet for every day, traders.parquet, outcomes.parquet (legacy and random exams
    of the past), post_entry.parquet (what happened to entries after release), truth.parquet (never for training) and
    world.json.

    Args:
        out: folder that does not exist yet or is empty.
        weeks: number of weeks from `start`.
        per_day: mean number of shipments per day.
        seed: 0 or more.
        scenario: "steady"; "break" (after 56 % of the weeks 65 % of all hazards move to trusted traders, goods new to
            them and new shell importers); "stealth" (they move to ordinary traders on their usual lanes).
        start: first day of arrivals.
        census: share of the past's shipments, drawn by lot, that are examined fully (selected_by "census"): whatever
            they carry is found. For measurements that need many labels; no customs administration has one.
        progress: called with (days written, days in all).

    Raises:
        InputError: `out` is not empty, or a parameter is out of range.
    """
    settings = Settings(weeks=weeks, per_day=per_day, seed=seed, scenario=scenario, start=start, census=census)
    _empty_folder(out)
    country = _imagine(settings)
    write_parquet(programme.traders_table(settings, country.people, country.turns), out / "traders.parquet")
    picks = _write_days(country, out, progress)
    truth_table = _truth(country)
    write_parquet(truth_table, out / "truth.parquet")
    write_parquet(_post_entry(country), out / "post_entry.parquet")
    write_parquet(_past(country, picks, truth_table), out / "outcomes.parquet")
    world = _describe(out, settings)
    write_description(world)
    return world


def _empty_folder(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("expected a new or empty folder", where=str(out), fix="choose another --out")
    out.mkdir(parents=True, exist_ok=True)


def _imagine(settings: Settings) -> _Country:
    people = traders.populate(settings)
    per_day = traffic.arrivals(settings)
    lanes = ln.concat(
        [
            events.sleepers(settings, people, ln.ordinary(settings, people)),
            events.sudden(settings, people),
            events.new_goods(settings, people),
        ]
    )
    lanes = risk.weigh(settings, people, lanes, per_day)
    turns = turning.draw(settings, people, lanes, per_day)
    moves = traffic.travel(settings, people, lanes, risk.assess(settings, people, lanes, per_day), turns, per_day)
    load = cg.load(settings, turns, moves)
    rows = filings.file(settings, turns, moves, load)
    damaged = rows.take(rows.damage > 0)
    extra = damaged.like[np.argsort(damaged.shipment)]
    return _Country(settings, people, turns, moves, load, rows, papers.papers(settings, people, moves, extra))


def _write_days(country: _Country, out: Path, progress: Callable[[int, int], None] | None) -> pd.DataFrame:
    """Write every day's manifest; returns the exams that the unit held, one row each."""
    days = country.settings.days
    edges = np.searchsorted(country.rows.file_day, np.arange(days + 1))
    people = legacy.dated(pq.read_table(out / "traders.parquet", filters=[("role", "=", "importer")]).to_pandas())
    past = []
    for day in range(days):
        rows = country.rows.take(slice(edges[day], edges[day + 1]))
        folder = out / "manifests" / f"date={(country.settings.start + timedelta(days=day)).isoformat()}"
        folder.mkdir(parents=True)
        write_parquet(_render(country, rows), folder / "part-0.parquet")
        past += _day_picks(country, rows, people, day)
        if progress:
            progress(day + 1, days)
    return pd.concat(past, ignore_index=True)


def _render(country: _Country, rows: filings.Filings) -> pa.Table:
    return manifests.day_table(country.settings, country.people, country.traffic, country.cargo, country.sheet, rows)


def _day_picks(country: _Country, rows: filings.Filings, people: pd.DataFrame, day: int) -> list[pd.DataFrame]:
    """Exams of one day: the census, the legacy rules' top per port, then the random arm among all others."""
    live = filings.live_at_morning(rows, country.settings, country.traffic)
    scores = legacy.legacy_scores(_render(country, live).to_pandas(), people).assign(position=live.shipment)
    # A stream per day: a day's draw does not depend on how many days are simulated.
    census = country.settings.census
    drawn = stream(country.settings.seed, f"census {day}").random(len(scores)) < census
    counted = [_picked(scores[drawn], "census", census, exam) for exam in CENSUS_EXAMS]
    dice = stream(country.settings.seed, f"random arm {day}").random(len(scores))[~drawn]
    scores = scores[~drawn]
    chosen = legacy.top(scores, _legacy_slots)
    random = ~chosen & (dice < RANDOM_SHARE)
    by_rule = _picked(scores[chosen], "legacy", 1.0)
    return [by_rule, _picked(scores[random], "random", RANDOM_SHARE, "intensive"), *counted]


def _picked(scores: pd.DataFrame, arm: str, chance: float, exam: str | None = None) -> pd.DataFrame:
    """Picks of one arm, with one exam for all or each with its own."""
    own = scores["exam_type"] if exam is None else exam
    return scores.assign(selected_by=arm, inclusion_probability=chance, exam_type=own)


def _legacy_slots(live: int) -> int:
    """Slots left to the rules when the random arm's usual share is set aside."""
    return max(1, legacy.slots(live) - round(RANDOM_SHARE * live))


def _harm(settings: Settings, hazards: Bools) -> Floats:
    rng = stream(settings.seed, "harm")
    typical, spread = lists.numbers("hazards", "harm_usd"), lists.numbers("hazards", "harm_sigma")
    each = typical * rng.lognormal(0.0, 1.0, hazards.shape) ** spread
    harm: Floats = (each * hazards).sum(axis=1).round(2)
    return harm


def _truth(country: _Country) -> pa.Table:
    hazards = country.traffic.hazards
    flags = {
        hazard: hazards[:, lists.HAZARDS.index(hazard)] if hazard in lists.HAZARDS else np.zeros(len(hazards), bool)
        for hazard in reference.hazards()
    }
    first = np.datetime64(country.settings.start, "D")
    return pa.table(
        {
            "shipment_id": pa.array(country.sheet.shipment_ids[: len(hazards)], pa.string()),
            "arrival_date": pa.array(first + country.traffic.day, pa.date32()),
            **flags,
            "any": hazards.any(axis=1),
            "harm_usd": _harm(country.settings, hazards),
            "planted": pa.array(_planted(country.traffic), pa.string()),
        }
    )


def _planted(moves: traffic.Traffic) -> Texts:
    """The concept of the features that can tell each hazardous shipment; None for others, and where there is none."""
    concepts = texts([*lists.CONCEPTS, None])
    return either(np.asarray(moves.hazards.any(axis=1)), concepts[moves.cause], None)


def _post_entry(country: _Country) -> pa.Table:
    moves = country.traffic
    ids = country.sheet.shipment_ids[: len(moves)]
    return post_entry.table(country.settings, country.turns, moves, ids, country.cargo.value_usd)


def _past(country: _Country, picks: pd.DataFrame, truth_table: pa.Table) -> pa.Table:
    position = picks["position"].to_numpy()
    harm = truth_table["harm_usd"].to_numpy()[position]
    return exams.outcomes(country.settings.seed, picks, country.traffic.hazards[position], harm)


def _describe(out: Path, settings: Settings) -> SimulatedWorld:
    changes = settings.break_day < settings.days
    return SimulatedWorld(
        path=out,
        weeks=settings.weeks,
        per_day=settings.per_day,
        seed=settings.seed,
        scenario=settings.scenario,
        first_day=settings.start,
        last_day=settings.last_day,
        break_day=settings.start + timedelta(days=settings.break_day) if changes else None,
        shipments=settings.shipments,
    )
