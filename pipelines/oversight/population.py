"""Who could have been examined: every live shipment of the window, counted by group, and the exams among them.

Days are read one at a time, so that memory holds one day of shipments and the exams of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.frames import as_frame
from riskscore.ledger import statuses_on
from riskscore.ledger.views import live_on_days
from riskscore.models.labels import ANY, targets
from riskscore.pipelines.recommendations import VALIDATED_TIER
from riskscore.reference.ctpat import effective_tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from riskscore.ledger import Ledger
    from riskscore.ledger.in_force import InForce
    from riskscore.pipelines.oversight.results import Results

    Floats = NDArray[np.float64]

KINDS = ("port", "stratum", "trader", "tier", "programme")
"""Columns by which figures are split: port of unlading; stratum of the random floor; `trusted` (CTPAT tier 2 or 3, in
good standing) or `other`; CTPAT tier; trade programmes of the importer. All as known on the morning of the arrival."""

_ALMOST_ONE = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Window:
    """The shipments of a window.

    Attributes:
        groups: one row per combination of KINDS (columns) with counts: `live`, `ordered`, and per target
            `certain_<target>`, `by_chance_<target>` shipments reached, `predicted_<target>` sum of their scores,
            `unscored_<target>` those without one.
        exams: exams ordered, by run date and shipment_id: KINDS, run_date, arm, exam_type, `carried` (held on a later
            day, for want of a slot on its own), `amount_usd` found, and per target `chance_<target>`, `score_<target>`,
            `found_<target>`, `held_up_<target>`. The chances are those of the run date, also of what was carried.
    """

    groups: pd.DataFrame
    exams: pd.DataFrame


def read_window(ledger: Ledger, runs: Sequence[InForce], results: Results) -> Window:
    """The live shipments of the days of `runs` without those left out; at least one run."""
    groups, exams = [], []
    for run in runs:
        day = _with_groups(ledger, run, read_day(ledger, run))
        day = _with_carried(day[~day.index.isin(results.left_out)], run, results.ordered)
        groups.append(_count(day))
        exams.append(_exams(day, run, results))
    counted = pd.concat(groups).groupby(list(KINDS), as_index=False).sum()
    return Window(counted, pd.concat(exams))


def read_day(ledger: Ledger, run: InForce) -> pd.DataFrame:
    """The recommendations of a run, indexed by shipment_id: port, stratum, arm, recommendation, exam_type, and per
    target `chance_<target>` of an exam that can see it (1.0 where certain) and `score_<target>` (NaN = no model).
    """  # noqa: D205 - one sentence
    names = ("shipment_id", "port", "stratum", "arm", "recommendation", "exam_type")
    chances = ", ".join(f"exam_probabilities.{exam} AS chance_of_{exam}" for exam in reference.exams())
    scores = ", ".join(f"hazard_scores.{hazard} AS score_{hazard}" for hazard in reference.learned_hazards())
    query = f"""SELECT {", ".join(names)}, inclusion_probability AS chance_{ANY}, {chances}, risk_score AS score_{ANY},
        {scores} FROM recommendations WHERE run_id = ? ORDER BY shipment_id"""
    frame = as_frame(ledger.connection.sql(query, params=[run.run_id]).to_arrow_table(), index="shipment_id")
    for hazard in reference.learned_hazards():
        # Added exam by exam, so that the sum is the same on every machine.
        frame[f"chance_{hazard}"] = sum(frame[f"chance_of_{exam}"].to_numpy(np.float64) for exam in seeing(hazard))
    for target in targets():
        chance = frame[f"chance_{target}"].fillna(0.0).to_numpy(np.float64)
        frame[f"chance_{target}"] = np.where(chance > _ALMOST_ONE, 1.0, chance)
    return frame.drop(columns=[f"chance_of_{exam}" for exam in reference.exams()])


def seeing(hazard: str) -> tuple[str, ...]:
    """Exams that can see a hazard; for `any`, all.

    >>> seeing("undervaluation")
    ('document', 'intensive')
    """
    sensitivity = reference.sensitivity()
    return tuple(exam for exam in reference.exams() if hazard == ANY or sensitivity[exam, hazard] > 0)


def _with_groups(ledger: Ledger, run: InForce, day: pd.DataFrame) -> pd.DataFrame:
    """The day with the columns of KINDS, none of them null."""
    live = live_on_days(ledger.connection, [run.run_date], run.position, ("shipment_id", "importer_id"))
    importer = as_frame(live, index="shipment_id")["importer_id"].reindex(day.index)
    known = pd.Series(importer.dropna().unique(), dtype="str").sort_values(ignore_index=True)
    when = pd.Series(pd.Timestamp(run.run_date), index=known.index)
    status = statuses_on(ledger.connection, known, when, run.position).set_axis(pd.Index(known))
    status = status[["ctpat_tier", "ctpat_status", "isa_member", "ctpat_trade_compliance", "aeo_programme"]]
    mine = status.reindex(importer.to_numpy()).set_axis(day.index)
    tier = effective_tier(mine["ctpat_tier"], mine["ctpat_status"], run.run_date)
    words = np.select([importer.isna(), tier >= 1], ["not stated", _tier_words(tier)], "no tier")
    return day.assign(
        stratum=day["stratum"].fillna("not recorded"),
        trader=_traders(day["stratum"], tier),
        tier=words,
        programme=_programmes(mine),
    )


def _with_carried(day: pd.DataFrame, run: InForce, ordered: pd.DataFrame) -> pd.DataFrame:
    """The day with the exams that it ordered and a later day held, in the column `carried`."""
    mine = ordered["carried"] & (ordered["run_date"] == pd.Timestamp(run.run_date)) & ordered.index.isin(day.index)
    held = ordered.loc[mine, ["arm", "exam_type"]].assign(recommendation="examine")
    day = day.assign(carried=day.index.isin(held.index))
    day.loc[held.index, list(held)] = held
    return day


def _traders(stratum: pd.Series, tier: Floats) -> NDArray[np.str_]:
    """Trusted or other: as the design counted them, where it recorded it."""
    named = stratum.fillna("").str.startswith("trusted").to_numpy(bool)
    return np.where(np.where(stratum.notna(), named, tier >= VALIDATED_TIER), "trusted", "other")


def _tier_words(tier: Floats) -> NDArray[np.str_]:
    names = np.array(["no tier", "tier 1", "tier 2", "tier 3"])
    return names[np.nan_to_num(tier).astype(np.int64)]


def _programmes(status: pd.DataFrame) -> list[str]:
    """Trade programmes beside the tiers, joined by +; `none`."""
    flags = {
        "ISA": status["isa_member"].eq(True),
        "CTPAT Trade Compliance": status["ctpat_trade_compliance"].eq(True),
        "foreign programme": status["aeo_programme"].notna(),
    }
    held = zip(*(flag.fillna(False).to_numpy(bool) for flag in flags.values()), strict=True)
    return [" + ".join(name for name, has in zip(flags, row, strict=True) if has) or "none" for row in held]


def _count(day: pd.DataFrame) -> pd.DataFrame:
    counts = {"live": np.ones(len(day), np.int64), "ordered": _ones(day["recommendation"].to_numpy() == "examine")}
    for target in targets():
        chance, score = (day[f"{name}_{target}"].to_numpy(np.float64) for name in ("chance", "score"))
        counts[f"certain_{target}"] = _ones(chance >= 1)
        counts[f"by_chance_{target}"] = _ones((chance > 0) & (chance < 1))
        counts[f"predicted_{target}"] = np.where(chance > 0, np.nan_to_num(score), 0.0)
        counts[f"unscored_{target}"] = _ones(np.isnan(score) & (chance > 0))
    counted = pd.concat([day[list(KINDS)], pd.DataFrame(counts, index=day.index)], axis=1)
    return counted.groupby(list(KINDS), as_index=False).sum()


def _ones(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    return flags.astype(np.int64)


def _exams(day: pd.DataFrame, run: InForce, results: Results) -> pd.DataFrame:
    """The exams ordered, with what is known of them: a hazard that the exam cannot see has no result.

    A shipment whose arrival was moved may have been ordered twice; its result is that of the last order.
    """
    rows = day[day["recommendation"] == "examine"].drop(columns="recommendation")
    last = results.ordered["run_date"].reindex(rows.index) == pd.Timestamp(run.run_date)
    told = results.told.reindex(rows.index).where(last)
    found = {"amount_usd": told["amount_usd"].to_numpy(np.float64)}
    for target in targets():
        sees = rows["exam_type"].isin(seeing(target)).to_numpy()
        found[f"found_{target}"] = np.where(sees, told[f"found_{target}"].to_numpy(np.float64), np.nan)
        found[f"held_up_{target}"] = np.nan_to_num(told[f"held_up_{target}"].to_numpy(np.float64), nan=1.0)
    made = pd.concat([rows, pd.DataFrame(found, index=rows.index)], axis=1)
    return made.assign(run_date=pd.Timestamp(run.run_date))
