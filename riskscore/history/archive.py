"""A state as files: Parquet, the same bytes for the same state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.history.entities import Pairs
from riskscore.history.measures import eras
from riskscore.history.state import State
from riskscore.history.tallies import Decayed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from riskscore.history.kinds import EntityKind
    from riskscore.history.state import KindState
    from riskscore.history.tallies import Tally

    Columns = dict[str, Any]


def packed(state: State) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a settled state."""
    links = {"left": state.links[:, 0], "right": state.links[:, 1]}
    yield "links.parquet", _written(links, linked=state.linked)
    for column, texts in state.texts.items():
        yield f"texts.{column}.parquet", _written({"text": texts})
    for name, kind in state.kinds.items():
        for number, level in enumerate(kind.entities.levels):
            yield f"{name}.keys{number}.parquet", _written({"key": level.keys, "order": level.order})
        yield f"{name}.parquet", _written(_columns(_dense(kind)))
        for book_name, book in kind.books.items():
            tallies = {"counts": book.counts, "fading": book.fading, "last_hit": book.last_hit}
            yield f"{name}.{book_name}.parquet", _written({"row": book.rows} | _columns(tallies))


def unpacked(contents: Mapping[str, bytes], kinds: Iterable[EntityKind], through: int) -> State:
    """The state that `packed` wrote, of the days up to `through` (days since 1970-01-01).

    Raises:
        KeyError: a file or a column is missing.
        ValueError: lengths that do not fit.
    """
    state = State.empty(kinds)
    links = _read(contents["links.parquet"])
    state.links = np.stack([_array(links["left"]), _array(links["right"])], axis=1)
    state.linked = int(links.schema.metadata[b"linked"])
    for column in state.texts:
        texts = _read(contents[f"texts.{column}.parquet"])["text"].combine_chunks()
        state.texts[column] = texts.cast(pa.large_string())
    for name, kind in state.kinds.items():
        for number in range(len(kind.entities.levels)):
            table = _read(contents[f"{name}.keys{number}.parquet"])
            kind.entities.levels[number] = Pairs(_array(table["key"]), _array(table["order"]))
        _fill(kind, contents, through)
    return state


def _fill(state: KindState, contents: Mapping[str, bytes], through: int) -> None:
    name = state.kind.name
    table = _read(contents[f"{name}.parquet"])
    state.grow(table.num_rows)
    for part, tally in _dense(state).items():
        _load(tally, table, part, through)
    for book_name, book in state.books.items():
        table = _read(contents[f"{name}.{book_name}.parquet"])
        book.open(_array(table["row"]))
        for part, tally in (("counts", book.counts), ("fading", book.fading), ("last_hit", book.last_hit)):
            _load(tally, table, part, through)


def _dense(state: KindState) -> dict[str, Tally]:
    own = {"filed": state.filed, "fading": state.fading, "first": state.first, "last": state.last, "fans": state.fans}
    return own | {f"peers_{quantity}": histogram for quantity, histogram in state.peers.items()}


def _columns(tallies: Mapping[str, Tally]) -> Columns:
    return {
        f"{name}{number}": np.ascontiguousarray(tally.array[:, number])
        for name, tally in tallies.items()
        for number in range(tally.array.shape[1])
    }


def _load(tally: Tally, table: pa.Table, name: str, through: int) -> None:
    for number in range(tally.array.shape[1]):
        tally.array[:, number] = _array(table[f"{name}{number}"])
    if isinstance(tally, Decayed):
        tally.era = eras(through, tally.lives)


def _written(columns: Columns, **facts: int) -> bytes:
    table = pa.table(columns).replace_schema_metadata({name: str(value) for name, value in facts.items()})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=False)
    return bytes(sink.getvalue())


def _read(content: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(content), use_threads=False)


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.array(column.to_numpy())
