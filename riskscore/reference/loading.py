"""The packaged tables, and how a user replaces any of them by a file of the same columns."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from riskscore.errors import ConfigError
from riskscore.reference.facts import read_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from riskscore.reference.facts import Row

_PACKAGE = "riskscore.reference"
_DATES = ("effective_from", "effective_to", "valid_from", "valid_to", "member_from", "member_to", "signed", "opened",
          "priority_from", "date")  # fmt: skip
# The names in these are part of the tables' contract: other columns, schemas and models are made of them.
_FIXED = ("hazards", "outcomes")


@dataclass(frozen=True, eq=False, slots=True)
class Tables:
    """The reference tables in use: the packaged ones, some of them replaced.

    Attributes:
        own: rows of the tables that a user replaced, by table name.
    """

    own: Mapping[str, tuple[Row, ...]]

    def rows(self, name: str) -> tuple[Row, ...]:
        """All rows of the table `name` (without .csv), as read-only mappings of text.

        Raises:
            ConfigError: there is no such table.

        >>> PACKAGED.rows("mutual_recognition")[0]["partner"]
        'New Zealand'
        """
        return self.own[name] if name in self.own else _packaged(name)

    def digest(self) -> str:
        """SHA-256 of what all tables say: equal digests, equal answers. Computed once: rows do not change.

        >>> tables(None).digest() == PACKAGED.digest()
        True
        """
        return _digest(self)


@lru_cache(maxsize=16)
def _digest(tables: Tables) -> str:
    content = {name: [dict(row) for row in tables.rows(name)] for name in names()}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def names() -> tuple[str, ...]:
    """Names of all packaged tables, in alphabetical order.

    >>> "de_minimis" in names()
    True
    """
    return tuple(sorted(f.name.removesuffix(".csv") for f in files(_PACKAGE).iterdir() if f.name.endswith(".csv")))


def tables(folder: Path | None = None) -> Tables:
    """The packaged tables, with those replaced for which `folder` holds a file of the same name.

    A file must have all columns of the table it replaces, in any order; more are ignored. Its rows stand instead
    of the packaged ones, not beside them. Hidden files and README.md are passed over.

    Args:
        folder: the folder of the user's own tables; None = the packaged tables alone.

    Raises:
        ConfigError: the folder is absent; a file is not named like a table, is no UTF-8 CSV, lacks a column, has
            a row of another length or a date that is none; a cell cannot be read for what it means.

    >>> tables() is PACKAGED
    True
    """
    if folder is None:
        return PACKAGED
    if not folder.is_dir():
        raise ConfigError("no such folder of reference tables", where=str(folder))
    paths = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.name != "README.md")
    replaced = Tables(MappingProxyType({_table_name(path): _own(path) for path in paths}))
    from riskscore.reference.check import check  # imports every look-up, and they import this module

    check(replaced)
    return replaced


def _table_name(path: Path) -> str:
    replaceable = [name for name in names() if name not in _FIXED]
    if path.suffix != ".csv" or path.stem not in replaceable:
        known = ", ".join(f"{name}.csv" for name in replaceable)
        raise ConfigError("not a reference table that can be replaced", where=str(path), fix=f"known are {known}")
    return path.stem


def _own(path: Path) -> tuple[Row, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _parsed(text)
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise ConfigError(f"not readable as a reference table: {error}", where=str(path)) from None
    missing = [name for name in _columns(path.stem) if name not in _header(text)]
    if missing:
        expected = ", ".join(_columns(path.stem))
        raise ConfigError(f"missing columns {', '.join(missing)}", where=str(path), fix=f"expected are {expected}")
    return rows


def _parsed(text: str) -> tuple[Row, ...]:
    """The rows of a CSV text; ValueError for a ragged row or a date that is none."""
    rows = []
    for line, row in enumerate(csv.DictReader(io.StringIO(text), strict=True), start=2):
        if None in row or None in row.values():
            message = f"row {line} does not have as many cells as there are columns"
            raise ValueError(message)
        for column in _DATES:
            _check_date(row.get(column, ""), line, column)
        rows.append(MappingProxyType(row))
    return tuple(rows)


def _check_date(cell: str, line: int, column: str) -> None:
    try:
        read_day(cell)
    except ValueError as error:
        message = f"row {line}, {column}: {error}"
        raise ValueError(message) from None


def _header(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text)), [])


def _text(name: str) -> str:
    if name not in names():
        raise ConfigError(f"no reference table {name!r}", fix=f"known are {', '.join(names())}")
    return files(_PACKAGE).joinpath(f"{name}.csv").read_text(encoding="utf-8")


@cache
def _packaged(name: str) -> tuple[Row, ...]:
    return _parsed(_text(name))


@cache
def _columns(name: str) -> tuple[str, ...]:
    return tuple(_header(_text(name)))


PACKAGED = Tables(MappingProxyType({}))
"""The tables as packaged, none replaced."""
