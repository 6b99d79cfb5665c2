"""Every port's draw, put together into one table of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.selection.capacity import is_plain, random_exam, slots_per_port
from riskscore.selection.carry_over import hold
from riskscore.selection.design import ARM_ORDER, Port, RandomPart, draw
from riskscore.selection.lottery import Lottery
from riskscore.selection.room import Room

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

    from riskscore.config import Config
    from riskscore.selection.carry_over import Carried

THRESHOLD_RULE = "high-risk-threshold"
"""rule_id of a shipment that must be examined for its score alone; no rule of riskscore.toml has this name."""

STRATA = ("trusted, known", "trusted, new", "other, known", "other, new")
"""Strata of the random floor at a port: is the importer trusted, and does it do anything for the first time."""

_DRAWN = {
    "arm": "int64",
    "exam": "int64",
    "rank": "int64",
    "rival_rank": "int64",
    "pair": "int64",
    "priority": "int64",
    "by_ranking": "float64",
    "by_challenger": "float64",
    "by_floor": "float64",
    "by_novelty": "float64",
}
"""Fields of a Draw with one value per shipment, by dtype."""


class Drawn(NamedTuple):
    """All ports' draws put together."""

    drawn: pd.DataFrame
    chances: pd.DataFrame
    slots: pd.DataFrame
    exam_slots: pd.DataFrame
    carried: tuple[Carried, ...]
    why: dict[str, str]
    """Per shipment whose must-exam could not be met, the limit that binds."""


def draw_ports(
    scored: pd.DataFrame,
    worth: tuple[pd.DataFrame, pd.DataFrame | None],
    config: Config,
    run_date: date,
    waiting: Sequence[Carried],
) -> Drawn:
    """Draw every port's exams.

    Args:
        scored: index shipment_id; columns port, exam and rule_id (of the must-exam rule that matched; null = none),
            trusted, new_pairing and novelty.
        worth: of each exam, by the champion and by the model on trial; same index, exams in the order of
            reference.exams().
        config: the sections [capacity], [exams] and [selection].
        run_date: with the seed it fixes every draw.
        waiting: must-exams of earlier days.
    """
    fields = {name: np.zeros(len(scored), dtype=kind) for name, kind in _DRAWN.items()}
    must = np.full(len(scored), -1)
    chances = np.zeros((len(scored), len(reference.exams())))
    slots, limits = slots_per_port(config.capacity, scored["port"]), dict[str, tuple[int, ...]]()
    why: dict[str, str] = {}
    carried: list[Carried] = []
    ours, theirs = worth[0].to_numpy(), None if worth[1] is None else worth[1].to_numpy()
    # Drawn in the order of names, so that even equal hashes cannot let the order of rows decide.
    by_name = np.asarray(scored.index.argsort())
    ports = scored["port"].iloc[by_name]
    for code, places in ports.groupby(ports, observed=True).indices.items():
        rows = by_name[places]
        space = Room.of(config.capacity, config.exams, str(code), int(slots["capacity"][str(code)]))
        space, held = hold(space, (each for each in waiting if each.port == code))
        carried += held
        port = _port(scored.iloc[rows], (ours[rows], None if theirs is None else theirs[rows]), space, config)
        drawn = draw(port, Lottery(config.selection.seed, run_date, str(code)))
        for name, values in fields.items():
            values[rows] = getattr(drawn, name)
        must[rows], chances[rows] = port.must, drawn.exam_chances
        why |= {port.shipment_ids[row]: limit for row, limit in drawn.unmet}
        limits[str(code)] = port.room.exams if port.possible else (0,) * len(reference.exams())
    carried += _elsewhere(config, waiting, set(limits))
    table = _named(scored.assign(must=must, **fields))
    exam_slots = _exam_slots(table, limits)
    slots["capacity"] *= np.array([any(limits[str(code)]) for code in slots.index], dtype="int64")
    slots["used"] = exam_slots.groupby("port")["used"].sum().reindex(slots.index)
    exams = pd.DataFrame(chances, index=scored.index, columns=list(reference.exams()))
    return Drawn(table, exams, slots, exam_slots, tuple(carried), why)


def _elsewhere(config: Config, waiting: Sequence[Carried], drawn: set[str]) -> list[Carried]:
    """What waits at ports where nothing arrives today; only a number of slots of its own says what they can hold."""
    held: list[Carried] = []
    for code in sorted({each.port for each in waiting} - drawn):
        space = Room.of(config.capacity, config.exams, code, config.capacity.ports.get(code, 0))
        held += hold(space, (each for each in waiting if each.port == code), spare=False)[1]
    return held


def _port(
    scored: pd.DataFrame,
    worth: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None],
    space: Room,
    config: Config,
) -> Port:
    settings = config.selection
    exam = reference.exams().index(random_exam(space, settings.floor_exam))
    return Port(
        shipment_ids=scored.index.to_numpy(dtype=object),
        values=worth[0],
        must=_must(scored, worth[0], space),
        room=space,
        random=RandomPart(settings.floor_share, settings.floor_proportional, settings.novelty_share, exam),
        stratum=_stratum(scored),
        novelty=scored["novelty"].to_numpy(dtype="float64"),
        rival_values=worth[1] if is_plain(space) else None,
    )


def _must(scored: pd.DataFrame, worth: npt.NDArray[np.float64], space: Room) -> npt.NDArray[np.int64]:
    """Position of the exam that each shipment must get, -1 = none: the rule's, or the best that there is room for."""
    held = space.open()
    best = np.where(held, worth, -np.inf).argmax(axis=1) if held.any() else worth.argmax(axis=1)
    high = scored["rule_id"].eq(THRESHOLD_RULE).to_numpy(dtype=bool, na_value=False)
    return np.where(high, best, _position(scored["exam"])).astype(np.int64)


def _position(exam: pd.Series[str]) -> npt.NDArray[np.int64]:
    """Position in reference.exams(); -1 = null."""
    return pd.Index(reference.exams()).get_indexer(pd.Index(exam, dtype=object)).astype("int64")


def _stratum(scored: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Position in STRATA."""
    trusted, new = (scored[name].to_numpy(dtype=bool) for name in ("trusted", "new_pairing"))
    return np.asarray(2 * ~trusted + new, dtype="int64")


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Positions as names, and what follows from them."""
    exams = pd.array(reference.exams(), dtype="str")
    arm = table["arm"].to_numpy()
    chances = [table[name] for name in ("by_ranking", "by_challenger", "by_floor", "by_novelty")]
    named = table.assign(
        arm=pd.array(ARM_ORDER, dtype="str").take(arm),
        exam_type=pd.array([*exams, None], dtype="str").take(table["exam"].to_numpy()),
        must=pd.array([*exams, None], dtype="str").take(table["must"].to_numpy()),
        stratum=pd.array(STRATA, dtype="str").take(_stratum(table)),
        inclusion_probability=sum(chances),
        recommendation=np.where(arm < ARM_ORDER.index("none"), "examine", "release"),
    )
    return named.assign(side=_side(named)).astype({"recommendation": "str"})


def _exam_slots(table: pd.DataFrame, limits: dict[str, tuple[int, ...]]) -> pd.DataFrame:
    capacity = pd.DataFrame.from_dict(limits, orient="index", columns=list(reference.exams()), dtype="int64")
    held = capacity.rename_axis("port").rename_axis("exam", axis="columns").stack()
    used = table.groupby(["port", "exam_type"]).size().reindex(held.index, fill_value=0)
    return pd.DataFrame({"capacity": held, "used": used})


def _side(drawn: pd.DataFrame) -> pd.Series[str]:
    """Whose disputed pick a shipment is: champion, challenger, or null = not disputed."""
    theirs = pd.Series("champion", index=drawn.index, dtype="str").mask(
        drawn["rival_rank"] < drawn["rank"], "challenger"
    )
    return theirs.where(drawn["pair"] > 0)
