"""Random and hand-made facts, folded and read; a state and what was read of it, to the last bit."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st

from riskscore.history import DECAYED, Arrivals, EntityKind, Entries, Replay, State, archive
from riskscore.history.bins import BINS, QUANTITIES
from riskscore.history.keys import Coded
from riskscore.history.measures import ACCOUNTS, BOOKS

if TYPE_CHECKING:
    from riskscore.history import Facts


FIRST_DAY = 20_000
DAYS = 6
LAST = FIRST_DAY + DAYS - 1
PAIR = "importer_x_shipper"
KINDS = (
    EntityKind("country", (), "all"),
    EntityKind("importer", ("importer_id",), "importer", fans=(PAIR,)),
    EntityKind("shipper", ("shipper_id",), "shipper", fans=(PAIR,)),
    EntityKind(PAIR, ("importer_id", "shipper_id"), "pair"),
    EntityKind("goods", ("hs6", "origin_country", "quantity_unit"), "three columns", peers=("value_per_unit",)),
)
COLUMNS = ("hs6", "importer_id", "origin_country", "quantity_unit", "shipper_id")

folds = settings(max_examples=8, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def random_facts(seed: int, size: int = 60) -> Facts:
    """Facts of a few entities on a few days; amounts up to the largest that validation lets in."""
    rng = np.random.default_rng(seed)
    facts = {account: _entries(rng, account, size if account == "traffic" else size // 3) for account in ACCOUNTS}
    traffic = facts["traffic"]
    traffic.amounts["shipments"][:] = 1
    traffic.amounts["amendments"][:] = rng.random(size) < 0.2
    traffic.amounts["deletions"][:] = (traffic.side > 0) & (rng.random(size) < 0.5)
    for measure in ("value_cents", "weight_g"):
        traffic.amounts[measure][:] = rng.integers(0, 10**14, size)
    return facts


def _entries(rng: np.random.Generator, account: str, size: int) -> Entries:
    day = np.sort(rng.integers(FIRST_DAY, LAST + 1, size)).astype(np.int32)
    side = rng.integers(0, 2, size).astype(np.int8)
    bins = {quantity: rng.integers(-1, BINS, size).astype(np.int16) for quantity in QUANTITIES}
    amounts = {measure: rng.integers(0, 2, size) for measure in ACCOUNTS[account]}
    earlier = day - np.where(side > 0, rng.integers(0, 9, size), 0)
    return Entries(day, side, earlier.astype(np.int32), keys(rng, size), amounts, bins)


def keys(rng: np.random.Generator, size: int) -> dict[str, Coded]:
    return {c: Coded.of(pa.array(rng.choice(["b", "a", "\u00e4", None], size), pa.string())) for c in COLUMNS}


def random_arrivals(seed: int, size: int = 25) -> Arrivals:
    rng = np.random.default_rng(seed)
    bins = {quantity: rng.integers(-1, BINS, size).astype(np.int16) for quantity in QUANTITIES}
    day = rng.integers(FIRST_DAY - 1, LAST + 3, size).astype(np.int32)
    return Arrivals(day, keys(rng, size), bins, rng.integers(0, 1000, size) / 8)


NOBODY = random_arrivals(0, 0)


def pick(facts: Facts, chosen) -> Facts:
    """Of each account the facts that `chosen` names rows of, in that order."""
    return {account: entries.take(chosen(entries)) for account, entries in facts.items()}


def of_days(facts: Facts, first: int, last: int) -> Facts:
    return pick(facts, lambda entries: np.flatnonzero((entries.day >= first) & (entries.day <= last)))


def fold(facts: Facts, state: State | None = None, kinds=KINDS, through: int = LAST) -> State:
    replay = Replay(state or State.empty(kinds), NOBODY)
    replay.fold(facts, through)
    return replay.state


def read(facts: Facts, arrivals: Arrivals, *, cuts=(LAST,), whole: bool = True):
    replay = Replay(State.empty(KINDS), arrivals, whole=whole)
    for first, last in zip([FIRST_DAY - 1, *cuts], cuts, strict=False):
        replay.fold(of_days(facts, first + 1, last), last)
    return replay.result()


def bits(state: State) -> dict[str, bytes]:
    """A state as it would lie on disk."""
    return dict(archive.packed(state))


def bits_read(result) -> dict[str, bytes]:
    """All that was read, to the last bit."""
    tracks, peers, exposures = result
    found = {}
    for name, track in tracks.items():
        columns = {f"{b} {m}": track.count(m) for b in BOOKS for m in BOOKS[b]}
        columns |= {str(counter): track.recent(*counter) for counter in DECAYED}
        columns |= {pair: track.fan(pair) for pair in track.fans}
        days = (track.days_since_first(), track.days_since_last(), track.days_since_last_hit(), track.stated)
        found |= {f"{name} {c}": each.tobytes() for c, each in columns.items()}
        found[f"{name} days"] = b"".join(each.tobytes() for each in days)
    parts = {f"{k} {q}": p for k, of_kind in peers.items() for q, p in of_kind.items()} | exposures
    found |= {f"{k} {f.name}": getattr(part, f.name).tobytes() for k, part in parts.items() for f in fields(part)}
    return found


def of_entity(state: State, kind: str, row: int) -> dict[str, bytes]:
    """Everything the state says of one entity."""
    of_kind = state.kinds[kind]
    found = {name: tally.array[row].tobytes() for name, tally in archive._dense(of_kind).items()}
    for name, book in of_kind.books.items():
        slot = book.slot[row]
        if slot >= 0:
            arrays = (book.counts.array[slot], book.fading.array[slot], book.last_hit.array[slot])
            found[name] = b"".join(array.tobytes() for array in arrays)
    return found


def entities(state: State, kind: str) -> list[tuple[str, ...]]:
    """The entities of a kind, by row."""
    of_kind = state.kinds[kind]
    columns = of_kind.kind.columns
    codes = [np.arange(len(of_kind))] if len(columns) == 1 else of_kind.entities.codes()
    texts = [state.texts[c].take(pa.array(code)).to_pylist() for c, code in zip(columns, codes, strict=True)]
    return list(zip(*texts, strict=True))


def named(entries: Entries, columns: tuple[str, ...]) -> list[tuple[str | None, ...]]:
    """The entity that each fact names, column by column."""
    texts = ([None if c < 0 else column.values[int(c)].as_py() for c in column.codes]
             for column in (entries.keys[name] for name in columns))  # fmt: skip
    return list(zip(*texts, strict=True))


def asking(days, **texts: str | None) -> Arrivals:
    """Arrivals on `days`, all naming the same."""
    n = len(days)
    columns = {c: Coded.of(pa.array([texts.get(c)] * n, pa.string())) for c in COLUMNS}
    bins = {quantity: np.full(n, -1, np.int16) for quantity in QUANTITIES}
    return Arrivals(np.array(days, np.int32), columns, bins, np.zeros(n))


def one_fact(*days: int) -> Facts:
    """One shipment with one exam on each of `days`, all of the same entities."""
    n = len(days)
    day, side = np.array(days, np.int32), np.zeros(n, np.int8)
    columns = {c: Coded.of(pa.array(["a"] * n, pa.string())) for c in COLUMNS}
    bins = {quantity: np.full(n, -1, np.int16) for quantity in QUANTITIES}
    amounts = {account: {m: np.ones(n, np.int64) for m in ACCOUNTS[account]} for account in ACCOUNTS}
    return {account: Entries(day, side, day, columns, amounts[account], bins) for account in ACCOUNTS}
