"""Must-exams of earlier days that found no slot: who still waits on a morning, and whose wait has ended, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from riskscore import reference
from riskscore.ledger.schema import VERSION_ORDER
from riskscore.selection.carry_over import Carried

if TYPE_CHECKING:
    from collections.abc import Iterable

    from riskscore.ledger import Ledger, Run

LAPSES = {
    "deleted": "the bill is deleted, or the cargo never arrived or was gone",
    "examined": "examined otherwise",
    "waived": "waived by an analyst",
    "overridden": "overridden by an analyst",
    "moved": "arrives on a later day, whose rules order anew",
    "no_slot": "no slot in time",
}
"""Why a wait ends without its exam, in words. Where several hold, the first counts."""

_FOR_GOOD = ("examined", "moved", "no_slot")
"""Lapses that nothing undoes. A decision may be taken back and a bill filed again: then the must-exam waits again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What became of a must-exam that found no slot on its day.

    Attributes:
        exam: the must-exam.
        told: run date that says so.
        became: held, waiting or lapsed.
        why: it lapsed (LAPSES); empty = it did not.
    """

    exam: Carried
    told: date
    became: str = "waiting"
    why: str = ""

    def as_record(self) -> dict[str, Any]:
        """What a run record says of it."""
        return self.exam.as_record() | ({"why": self.why} if self.why else {})


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The waits that a morning takes over, by day and shipment.

    Attributes:
        waiting: must-exams that are still to be held.
        lapsed: those that are not to be held any more, each on the first morning that knows of it.
        days: for how many days a must-exam waits.
    """

    waiting: tuple[Carried, ...] = ()
    lapsed: tuple[Wait, ...] = ()
    days: int = 0

    def as_record(self, held: Iterable[Carried]) -> dict[str, Any]:
        """What a run record says of every wait taken over, `held` being those that got a slot today.

        Of those that wait on it says until when: the last day that may hold them.
        """
        given, longest = tuple(held), timedelta(days=self.days)
        return {
            "carried_over": [one.as_record() for one in given],
            "must_exam_waiting": [
                one.as_record() | {"until": (one.since + longest).isoformat()}
                for one in self.waiting
                if one not in given
            ],
            "must_exam_lapsed": [one.as_record() for one in self.lapsed],
        }


def taken_over(ledger: Ledger, day: date, position: int, days: int) -> TakenOver:
    """What a morning takes over: must-exams that earlier runs could not give and that no earlier morning has ended.

    A wait ends when the must-exam is held on a later day; when the shipment is examined by any exam, its exam waived or
    overridden by an analyst, its bill deleted, or its arrival moved to `day` or later, as far as is known on that
    morning; and when `days` have passed. Of several orders for a shipment the last counts.

    Args:
        ledger: with the runs.
        day: the morning.
        position: ledger position of the run; what came later is not seen.
        days: for how many days a must-exam waits; 0 = nothing is carried over.
    """
    orders = {one.exam.shipment_id: one for one in sorted(_before(ledger, day, position, days), key=_by_day)}
    left = {
        name: one
        for name, one in orders.items()
        if one.became == "waiting" or (one.became == "lapsed" and one.why not in _FOR_GOOD)
    }
    ended = _ended(ledger, day, position, sorted(left)) if left else {}
    ended |= {name: "no_slot" for name in left.keys() - ended if left[name].exam.since < day - timedelta(days)}
    lapsed = [
        Wait(left[name].exam, day, "lapsed", why) for name, why in ended.items() if left[name].became == "waiting"
    ]
    waiting = [left[name].exam for name in left.keys() - ended]
    return TakenOver(tuple(sorted(waiting)), tuple(sorted(lapsed, key=_by_day)), days)


def waits(runs: Iterable[Run]) -> dict[tuple[str, date], Wait]:
    """Every must-exam that found no slot on its day, and the last that `runs` say of it, by shipment and that day.

    Args:
        runs: the latest run of each day, by day (`Ledger.runs`).
    """
    found: dict[tuple[str, date], Wait] = {}
    for run in runs:
        day, record = run.run_date, run.record
        told = [Wait(_carried(one), day, "held") for one in record.get("carried_over", ())]
        told += [Wait(_carried(one), day) for one in record.get("must_exam_waiting", ())]
        told += [Wait(_carried(one), day, "lapsed", one["why"]) for one in record.get("must_exam_lapsed", ())]
        told += [
            Wait(_carried(one | {"since": day.isoformat()}), day)
            for one in record.get("must_exam_unmet", ())
            if one["given"] is None
        ]
        found |= {(one.exam.shipment_id, one.exam.since): one for one in told}
    return found


def _before(ledger: Ledger, day: date, position: int, days: int) -> Iterable[Wait]:
    """What the runs before `day` say of waits: of all that the last of them took over, whenever it was."""
    query = "SELECT max(run_date) FROM runs WHERE seq <= ? AND run_date < ?"
    [(last,)] = ledger.connection.execute(query, [position, day]).fetchall()
    recent = ledger.runs(position, last - timedelta(days=days)) if last else []
    return waits(run for run in recent if run.run_date < day).values()


def _by_day(wait: Wait) -> Carried:
    return wait.exam


def _carried(one: dict[str, str]) -> Carried:
    return Carried(date.fromisoformat(one["since"]), one["shipment_id"], one["port"], one["rule_id"], one["exam"])


def _ended(ledger: Ledger, day: date, position: int, names: list[str]) -> dict[str, str]:
    """Why the waits of `names` have ended, of those that have."""
    given = {"position": position, "day": day, "names": names}
    told = set(ledger.connection.execute(_ENDED, given).fetchall())
    ranked = sorted(told, key=lambda row: list(LAPSES).index(row[1]), reverse=True)
    return dict(ranked)


def _listed(results: Iterable[str]) -> str:
    return ", ".join(f"'{result}'" for result in results)


# Whose arrival moved to today or later is ordered anew by the rules of that day. An analyst who agrees with a release
# for want of a slot has not dealt with it, nor has an outcome that says that nothing was examined.
_ENDED = f"""
    SELECT shipment_id, CASE
        WHEN result IN ({_listed((*reference.CLEAR, *reference.POSITIVE, *reference.PENDING))}) THEN 'examined'
        WHEN result IN ({_listed(reference.EXCLUDED)}) THEN 'deleted'
        ELSE 'waived' END
    FROM outcomes_log
    WHERE seq <= $position AND known_day < $day AND list_contains($names, shipment_id) AND result <> 'not_examined'
    UNION SELECT shipment_id, if(decision = 'waive', 'waived', 'overridden') FROM (
        SELECT shipment_id, decision FROM reviews_log
        WHERE seq <= $position AND known_day < $day AND list_contains($names, shipment_id)
        QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY known_at DESC, seq DESC, row_digest) = 1)
    WHERE decision <> 'accept'
    UNION SELECT shipment_id, if(action = 'deleted', 'deleted', 'moved') FROM (
        SELECT shipment_id, action, arrival_date FROM shipments_log
        WHERE seq <= $position AND (filed_day IS NULL OR filed_day < $day) AND list_contains($names, shipment_id)
        QUALIFY row_number() OVER (PARTITION BY shipment_id ORDER BY {VERSION_ORDER} DESC) = 1)
    WHERE action = 'deleted' OR arrival_date >= $day"""
