"""The columns that rules read, each made ready once however many conditions ask: numbers, days, coded texts, sets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import identity, reference, tables
from riskscore.history.keys import Coded

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]

T = TypeVar("T")

Kind = Literal["text", "number", "bool", "date", "empty"]
"""How a column compares; "empty" = a column that tables.py does not declare, and nothing but nulls in it."""

Writing = Callable[[str], str | None]
"""What a text is compared as; None = it names nothing, and compares like a null."""

KEY = "shipment_id"
"""The index of the frame, under which rules know it."""

NUMBERED = ("container_ids", "seal_ids")
SETS = (*NUMBERED, "pga_flags")
"""Columns that hold several entries, separated by ';'."""

_DECLARED: dict[tables.ColumnType, Kind] = {
    "text": "text",
    "int": "number",
    "float": "number",
    "bool": "bool",
    "date": "date",
    "timestamp": "date",
}
_INFERRED: dict[str, Kind] = {
    "boolean": "bool",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
    "decimal": "number",
    "empty": "empty",
    "floating": "number",
    "integer": "number",
    "mixed-integer-float": "number",
}
_PUNCTUATION = re.compile(r"[\W_]+")


class ConditionFaultError(ValueError):
    """What is wrong with a condition, in words; gathered into one ConfigError by `rules.match`."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A text column as codes of its distinct values: what is found out about a value holds for all its rows."""

    coded: Coded

    @property
    def values(self) -> pa.Array:
        """The distinct values."""
        return self.coded.values

    @property
    def known(self) -> Bools:
        """Rows that have a value."""
        return self.coded.codes >= 0

    def rows(self, holds: Bools) -> Bools:
        """The rows whose value is one of those for which `holds` is true."""
        return np.append(holds, False)[self.coded.codes]

    def first(self, of: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What `of` (-1 = nothing) says of each row's value; -1 for a null."""
        return np.append(of, -1)[self.coded.codes]


@dataclass(frozen=True, slots=True)
class Sets:
    """A text column whose cells are sets, as its distinct cells and the distinct members of these."""

    cells: Texts
    members: Texts
    """All members of all distinct cells, cell by cell."""
    cell: npt.NDArray[np.int64]
    """The cell that each of them stands in."""

    @property
    def values(self) -> pa.Array:
        """The distinct members."""
        return self.members.values

    @property
    def known(self) -> Bools:
        """Rows that have a cell, if an empty one."""
        return self.cells.known

    def rows(self, holds: Bools) -> Bools:
        """The rows with a member for which `holds` is true."""
        found = np.zeros(len(self.cells.values), dtype=bool)
        found[self.cell[self.members.rows(holds)]] = True
        return self.cells.rows(found)

    def first(self, of: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What `of` (-1 = nothing) says of the first member of each row's cell of which it says something."""
        said = self.members.first(of)
        found = np.full(len(self.cells.values), -1, dtype=np.int64)
        places = np.flatnonzero(said >= 0)[::-1]
        found[self.cell[places]] = said[places]
        return self.cells.first(found)


class Columns:
    """The columns of a frame as rules read them, and its index as shipment_id.

    Each form of a column is made when it is first asked for, and kept.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._kept: dict[tuple[str, object], Any] = {}

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order, then of the index."""
        return [*map(str, self._frame.columns), KEY]

    def kind(self, name: str) -> Kind:
        """How the column `name` compares, see `kind_of`."""
        return self.once(name, "kind", lambda: kind_of(self._column(name)))

    def null(self, name: str) -> Bools:
        """Rows in which the column is null."""
        return self.once(name, "null", lambda: self._column(name).isna().to_numpy(dtype=bool))

    def numbers(self, name: str) -> Floats:
        """The column as float64, false as 0 and true as 1; NaN = null."""
        return self.once(name, "number", lambda: self._column(name).to_numpy(dtype="float64", na_value=np.nan))

    def moments(self, name: str) -> pd.Series:
        """The column as moments in UTC; NaT = null."""
        return self.once(name, "date", lambda: pd.to_datetime(self._column(name), utc=True))

    def texts(self, name: str, writing: Writing | None = None) -> Texts:
        """The column's distinct texts, in `writing`; None = as they stand."""
        if writing is None:
            return self.once(name, "text", lambda: Texts(Coded.of(_as_text(self._column(name)))))
        return self.once(name, writing, lambda: _written(self.texts(name), writing))

    def sets(self, name: str) -> Sets:
        """The cells of a column of SETS, members in `writing_of(name)`."""
        return self.once(name, "set", lambda: _split(self.texts(name), writing_of(name) or entry))

    def _column(self, name: str) -> pd.Series:
        return self._frame[name] if name in self._frame.columns else self._frame.index.to_series(name=name)

    def once(self, name: str, form: object, make: Callable[[], T]) -> T:
        """What `make` gives, made when it is first asked for under `name` and `form`.

        Raises:
            ConditionFaultError: it cannot be made of what the column holds.
        """
        if (name, form) not in self._kept:
            try:
                self._kept[name, form] = make()
            except (ValueError, TypeError, OverflowError) as error:
                message = f"column {name!r} holds what its type does not allow: {error}"
                raise ConditionFaultError(message) from None
        kept: T = self._kept[name, form]
        return kept


def kind_of(column: pd.Series) -> Kind:
    """How a column compares: as tables.py declares it, else by its dtype.

    >>> kind_of(pd.Series([None], name="in_bond")), kind_of(pd.Series([1, 2], name="any_feature"))
    ('bool', 'number')
    """
    if column.name in tables.SHIPMENTS.names:
        return _DECLARED[tables.SHIPMENTS[str(column.name)].type]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "text"
    return _INFERRED.get(pd.api.types.infer_dtype(column, skipna=True), "text")


def writing_of(column: str) -> Writing | None:
    """What entries of `column` are compared as in `has` and `in_list`; None = as they stand.

    Container and seal numbers as history knows them (riskscore.history.keys), names and addresses of parties as
    riskscore.identity writes them.

    >>> [writing_of(name)(text) for name, text in (("seal_ids", "ml-1 2"), ("importer_name", "ACME, Inc."))]
    ['ML12', 'acme']
    """
    if column in SETS:
        return number if column in NUMBERED else entry
    role, _, part = column.rpartition("_")
    if part == "name" and role in tables.ROLES:
        return identity.name
    return identity.place if part == "address" and role in tables.ROLES_WITH_ADDRESS else None


def number(text: str) -> str | None:
    """A container or seal number in upper case without blanks and punctuation; None when nothing is left.

    >>> number("csqu 305438-3"), number("--") is None
    ('CSQU3054383', True)
    """
    # Nearly all numbers are plain, and the pattern takes five times as long.
    return text.upper() if text.isascii() and text.isalnum() else _PUNCTUATION.sub("", text.upper()) or None


def entry(text: str) -> str | None:
    """An entry of a column of several, without the blanks around it; None when nothing is left."""
    return text.strip() or None


def score_columns(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores under the names that rules know them by: `risk_score`, and `score_<hazard>` for every learned hazard.

    Args:
        scores: `any` and a column per modelled hazard, probabilities; index shipment_id.

    Returns:
        float64 columns, same index; null = no model of this hazard.

    >>> score_columns(pd.DataFrame({"any": [0.3], "ipr": [0.2]})).iloc[0].dropna().to_dict()
    {'risk_score': 0.3, 'score_ipr': 0.2}
    """
    hazards = scores.reindex(columns=list(reference.learned_hazards())).astype("float64").add_prefix("score_")
    hazards.insert(0, "risk_score", scores["any"])
    return hazards


def _as_text(column: pd.Series) -> pa.Array:
    return pa.array(column.astype("str"), pa.large_string(), from_pandas=True)


def _written(texts: Texts, writing: Writing) -> Texts:
    written = pa.array([writing(text) for text in texts.values.to_pylist()], pa.large_string())
    return Texts(texts.coded.mapped(written))


def _split(cells: Texts, writing: Writing) -> Sets:
    lists = pc.split_pattern(cells.values, ";")
    members = _written(Texts(Coded.of(lists.flatten())), writing)
    return Sets(cells, members, pc.list_parent_indices(lists).to_numpy())
