"""Rules, watch-lists and days to hold them against, written shortly."""

from datetime import date

import pandas as pd

from riskscore.config import Condition, MustExam
from riskscore.selection import match
from riskscore.selection.watch_lists import COLUMNS, parse

DAY = date(2026, 3, 2)


def rule(name="r1", exam="nii", dates=(None, None), **condition):
    condition = {"column": "hts", "op": "not_null", **condition}
    return MustExam(
        id=name, exam=exam, owner="port", reason=f"reason of {name}",
        where=(Condition(**condition),), valid_from=dates[0], expires=dates[1],
    )  # fmt: skip


def where(*conditions, **said):
    return MustExam(**{"id": "r1", "exam": "nii", "owner": "port", "reason": "why", "where": conditions} | said)


def listed(*lines, name="holds"):
    return {name: parse(name, "\n".join([",".join(COLUMNS), *lines]))}


def hits(rules, frame, day=DAY, lists=None):
    return match(rules, frame, day, lists or {}).frame["rule_id"].notna().tolist()


def frame(**columns):
    table = pd.DataFrame(columns)
    return table.set_axis([f"S{number}" for number in range(len(table))])
