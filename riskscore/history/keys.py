"""What names an entity: text columns of shipments, and columns derived from them, the same for facts and arrivals.

hs4, hs6: first digits of hts; null when it is shorter. center: the Center the goods belong to on the day of arrival;
null where riskscore.reference.centers says none. container, seal: first number of container_ids and seal_ids, upper
case, blanks and punctuation dropped. wording: the distinct words of description with three letters or more, lower
case, without accents, sorted. importer_place, consignee_place, importer_identity: riskscore.identity; an identity is
null unless both name and address are stated. A derivation is made once for each distinct value, not for each row.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import identity
from riskscore.errors import ConfigError
from riskscore.reference import PACKAGED
from riskscore.reference.centers import center
from riskscore.tables import SHIPMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from riskscore.history.kinds import EntityKind
    from riskscore.reference import Tables

SOURCES: dict[str, tuple[str, ...]] = {
    "hs4": ("hts",),
    "hs6": ("hts",),
    "center": ("hts", "arrival_date"),
    "container": ("container_ids",),
    "seal": ("seal_ids",),
    "wording": ("description",),
    "importer_place": ("importer_address",),
    "consignee_place": ("consignee_address",),
    "importer_identity": ("importer_name", "importer_address"),
}
"""Columns of shipments that each derived key column is made of."""

VERSION = 1
"""Changes whenever a derivation may give another text; snapshots hold them."""

_WORD = re.compile(r"[a-z]{3,}")
_PUNCTUATION = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column as codes.

    Attributes:
        codes: int32, one per row: position in `values`; -1 = null.
        values: the distinct texts, large_string without nulls.
    """

    codes: NDArray[np.int32]
    values: pa.Array

    @staticmethod
    def of(column: pa.Array | pa.ChunkedArray) -> Coded:
        """Encode a column of text."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        encoded = column.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return Coded(codes.astype(np.int32, copy=False), encoded.dictionary.cast(pa.large_string()))

    def take(self, rows: NDArray[np.integer]) -> Coded:
        """The rows at `rows`; `values` may hold texts that none of them has."""
        return Coded(self.codes.take(rows), self.values)

    def mapped(self, values: pa.Array) -> Coded:
        """The column in which the i-th of `values`, which may repeat and be null, stands for the i-th value."""
        new = Coded.of(values)
        return Coded(np.append(new.codes, np.int32(-1))[self.codes], new.values)


def key_columns(kinds: Iterable[EntityKind]) -> tuple[str, ...]:
    """The key columns that `kinds` are named by, sorted.

    Raises:
        ConfigError: a column that is neither a text column of shipments nor a derived one.
    """
    for kind in kinds:
        for column in kind.columns:
            if column not in SOURCES and (column not in SHIPMENTS.names or SHIPMENTS[column].type != "text"):
                raise ConfigError(
                    f"{column!r} can name no entity",
                    where=f"entity kind {kind.name!r}",
                    fix=f"use a text column of shipments or one of {', '.join(SOURCES)}",
                )
    return tuple(sorted({column for kind in kinds for column in kind.columns}))


def source_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """The text columns of shipments that key `columns` are made of, sorted; arrival_date is not among them.

    >>> source_columns(["center", "hs6", "port"])
    ('hts', 'port')
    """
    named = {source for column in columns for source in SOURCES.get(column, (column,))}
    return tuple(sorted(named - {"arrival_date"}))


def derived(
    columns: Iterable[str], source: Mapping[str, Coded], arrival: NDArray[np.int32], tables: Tables = PACKAGED
) -> dict[str, Coded]:
    """The key `columns` of n shipments.

    Args:
        columns: names of key columns.
        source: `source_columns` of them, n rows each.
        arrival: days of arrival since 1970-01-01, length n.
        tables: reference tables in use.
    """
    return {column: _derived(column, source, arrival, tables) for column in columns}


def _derived(column: str, source: Mapping[str, Coded], arrival: NDArray[np.int32], tables: Tables) -> Coded:
    if column not in SOURCES:
        return source[column]
    first = source[SOURCES[column][0]]
    if column == "center":
        return _centers(first, arrival, tables)
    if column == "importer_identity":
        return _identities(first, source["importer_address"])
    return first.mapped(_BY_VALUE[column](first.values))


def _prefixes(digits: int) -> Callable[[pa.Array], pa.Array]:
    def first(hts: pa.Array) -> pa.Array:
        long_enough = pc.greater_equal(pc.utf8_length(hts), digits)
        return pc.if_else(long_enough, pc.utf8_slice_codeunits(hts, 0, digits), None)

    return first


def _numbers(texts: pa.Array) -> pa.Array:
    return pa.array([_first_number(text) for text in texts.to_pylist()], pa.string())


def _first_number(text: str) -> str | None:
    return next((number for part in text.split(";") if (number := _PUNCTUATION.sub("", part.upper()))), None)


def _wordings(texts: pa.Array) -> pa.Array:
    return pa.array([_wording(text) for text in texts.to_pylist()], pa.string())


def _wording(text: str) -> str | None:
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(sorted(set(_WORD.findall(text.lower())))) or None


_BY_VALUE: dict[str, Callable[[pa.Array], pa.Array]] = {
    "hs4": _prefixes(4),
    "hs6": _prefixes(6),
    "container": _numbers,
    "seal": _numbers,
    "wording": _wordings,
    "importer_place": identity.places,
    "consignee_place": identity.places,
}


def _centers(hts: Coded, arrival: NDArray[np.int32], tables: Tables) -> Coded:
    days, day = np.unique(arrival, return_inverse=True)
    pairs, of = _distinct(hts.codes, day.astype(np.int32))
    texts = hts.values.take(pa.array(pairs[0])).to_numpy(zero_copy_only=False)
    found = center(texts, days[pairs[1]].astype("datetime64[D]"), tables=tables)
    return Coded(of, pa.nulls(0)).mapped(pa.array(found, pa.string()))


def _identities(names: Coded, addresses: Coded) -> Coded:
    pairs, of = _distinct(names.codes, addresses.codes)
    texts = (each.values.take(pa.array(codes)) for each, codes in zip((names, addresses), pairs, strict=True))
    return Coded(of, pa.nulls(0)).mapped(identity.identities(*texts))


def _distinct(
    first: NDArray[np.int32], second: NDArray[np.int32]
) -> tuple[tuple[NDArray[np.int32], NDArray[np.int32]], NDArray[np.int32]]:
    """The distinct pairs of codes without a -1, and which of them each row is (-1 = none)."""
    stated = np.flatnonzero((first >= 0) & (second >= 0))
    pairs, inverse = np.unique(first[stated].astype(np.int64) << 32 | second[stated], return_inverse=True)
    of = np.full(len(first), -1, np.int32)
    of[stated] = inverse
    return ((pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32)), of
