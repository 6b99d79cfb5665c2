"""Shipments with a past for the tests of the builders: drawn by chance, awkward, hostile, and empty."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING

from riskscore.frames import as_frame
from riskscore.history import History
from riskscore.ledger import live_on
from riskscore.pipelines.past import Past
from riskscore.tables import MAX_CODE_LENGTH, SHIPMENTS
from tests import factories
from tests.factories import DAY, append_rows, noon, opened

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd

    from tests.factories import Row

Sample = tuple["pd.DataFrame", History]

PAST_DAYS = 6
GOODS = ("851712", "8517130000", "640411", None)

HOSTILE = (
    "x" * 10_000,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\u202egnp.exe\u202c \u200b\ufeff",
    "'; DROP TABLE shipments_log; --",
    "NaN",
    "nan",
    "None",
    "inf",
    "-1",
    "1e9",
    "%s%n{0}\\",
    "\U0001f4e6" * 50,
    "\u0301\u0301combining",
    "\u0663\u0664\u0665\u0666\u0667\u0668",
    "²³",
    ";;;",
    "part\u00a0goods",
    "___U1234567",
    "ÄBCU1234567",
    "ABCU\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
)
"""Texts that break programs: long, formulas, markup, direction marks, SQL, null by name, numbers that are none."""

_TEXTS = [
    column.name for column in SHIPMENTS.columns if column.type == "text" and not column.required and not column.choices
]
_CODES = [name for name in _TEXTS if SHIPMENTS[name].max_length == MAX_CODE_LENGTH]


def with_history(day=DAY, **tables: Iterable[Row]) -> Sample:
    """The live shipments of a day and their history, of a log that holds these rows."""
    with opened() as (workspace, ledger):
        append_rows(workspace, ledger, **tables)
        shipments = as_frame(live_on(ledger.connection, day, ledger.position), index="shipment_id")
        shipments = shipments[shipments["action"] != "deleted"]
        return shipments, Past(workspace, ledger).of_morning(shipments, day, ledger.position)


def past_rows(seed: int = 0, size: int = 40) -> dict[str, list[Row]]:
    """Shipments of the few days before DAY, one in two examined, and the status of some of their parties."""
    earlier = [
        {"shipment_id": f"P{n}", "arrival_date": DAY - timedelta(1 + n % PAST_DAYS), "hts": GOODS[n % 3]}
        for n in range(size)
    ]
    results = ("seized", "released_no_discrepancy", "duty_billed")
    exams = [
        {
            "shipment_id": f"P{n}",
            "result": results[n % 3],
            "exam_date": DAY - timedelta(1 + n % PAST_DAYS),
            "known_at": noon(DAY, -1),
        }
        for n in range(0, size, 2)
    ]
    parties = [f"{role}_id {n}" for role in ("importer", "shipper") for n in range(3)]
    return {
        "shipments": factories.shipments(*earlier, seed=seed),
        "outcomes": factories.outcomes(*exams, seed=seed),
        "traders": factories.traders(*({"trader_id": party} for party in parties), seed=seed),
    }


def drawn(size: int = 40) -> list[Row]:
    """Arrivals of DAY as their declarations allow them, a fifth of every optional column null."""
    named = [{"hts": GOODS[n % 4], "version": n % 3} for n in range(size)]
    return factories.shipments(*named, seed=1)


def hostile() -> list[Row]:
    """Arrivals of DAY with one hostile text in every text column that may hold it."""
    return factories.shipments(
        *(
            {
                "shipment_id": f"hostile {n}",
                **{name: text for name in _TEXTS if name not in _CODES or len(text) <= MAX_CODE_LENGTH},
            }
            for n, text in enumerate(HOSTILE)
        )
    )


def bare() -> list[Row]:
    """Arrivals of DAY that state what they must and nothing else."""
    nothing = {column.name: None for column in SHIPMENTS.columns if not column.required}
    return factories.shipments(*({"shipment_id": f"bare {n}", **nothing} for n in range(3)))


def extreme() -> list[Row]:
    """Arrivals of DAY with the least and the largest amounts that validation lets in."""
    amounts = (5e-324, 1e-300, 1e-9, 0.0, 0.004, 0.01, 1.0, 1e12)
    return factories.shipments(
        *(
            {"shipment_id": f"extreme {i} {j}", "value_usd": a, "weight_kg": b, "quantity": b, "duty_rate_pct": a}
            for i, a in enumerate(amounts)
            for j, b in enumerate(amounts)
        )
    )


def rows_of(sample: Sample, rows: np.ndarray) -> Sample:
    """The shipments at `rows` and their part of the history, in that order."""
    shipments, history = sample
    tracks = {name: track.take(rows) for name, track in history.tracks.items()}
    peers = {name: position.take(rows) for name, position in history.peers.items()}
    statuses = {role: status.iloc[rows] for role, status in history.statuses.items()}
    assert {each.name for each in fields(history)} == {"tracks", "peers", "statuses"}
    return shipments.iloc[rows], History(tracks, peers, statuses)
