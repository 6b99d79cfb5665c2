"""The worklist as rows for other programs: CSV that no spreadsheet takes for a formula, XLSX with typed cells."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from riskscore.pipelines.report.payload import price
from riskscore.pipelines.report.texts import no_formula, visible
from riskscore.selection.reasons import likeliest_hazard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from riskscore.pipelines.report.morning import Morning

Kind = Literal["text", "count", "usd", "share", "number", "date"]

_FORMATS: dict[Kind, str] = {
    "text": "@",
    "count": "0",
    "usd": "#,##0",
    "share": "0.0%",
    "number": "#,##0.00",
    "date": "yyyy-mm-dd",
}

_CELL = 32_767
"""Characters a cell of a spreadsheet can hold (Microsoft, Excel specifications and limits)."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the list: name, what its cells are, and its width in characters."""

    name: str
    kind: Kind = "text"
    width: int = 12


FIELDS = (
    Field("run_date", "date", 11), Field("port", width=7), Field("priority", "count", 8),
    Field("shipment_id", width=18), Field("version", "count", 8), Field("exam_type", width=12),
    Field("arm", width=13), Field("rule_id", width=16),
    Field("stratum", width=14), Field("center", width=9), Field("risk_score", "share", 10),
    Field("expected_harm_usd", "usd", 17), Field("inclusion_probability", "share", 12),
    Field("programme_credit", "number", 12), Field("likeliest_hazard", width=18), Field("reasons", width=70),
    Field("mode", width=8), Field("arrival_date", "date", 11), Field("importer_id", width=16),
    Field("importer_name", width=28), Field("consignee_name", width=28), Field("shipper_name", width=28),
    Field("manufacturer_name", width=28), Field("carrier_name", width=20), Field("filer_name", width=20),
    Field("origin_country", width=8), Field("export_country", width=8), Field("foreign_port", width=9),
    Field("hts", width=12), Field("description", width=40), Field("value_usd", "usd", 13),
    Field("weight_kg", "number", 12), Field("quantity", "number", 12), Field("quantity_unit", width=9),
    Field("usd_per_kg", "number", 11), Field("container_ids", width=24),
)  # fmt: skip
"""The columns of worklist.csv and worklist.xlsx, in order."""

Listed = list[list[Any]]


def listed(morning: Morning) -> Listed:
    """One row per shipment to examine, by port and priority; cells in the order of FIELDS, None where null.

    Texts are made visible (see `texts.visible`); the Parquet file holds them as they are.
    """
    published = morning.examine.to_pandas().set_index("shipment_id", drop=False)
    hazards = pd.DataFrame(morning.examine["hazard_scores"].to_pylist(), index=published.index)
    made = published.drop(columns="reasons").join(morning.shipments.drop(columns=["version", "port"]))
    made["run_date"] = morning.run.run_date
    made["likeliest_hazard"] = likeliest_hazard(hazards)
    made["reasons"] = ["; ".join(reason["text"] for reason in each) for each in morning.examine["reasons"].to_pylist()]
    made["usd_per_kg"] = [price(row) for row in made[["value_usd", "weight_kg"]].to_dict("records")]
    columns = [_cells(made[field.name], field.kind) if field.name in made else [None] * len(made) for field in FIELDS]
    return [list(row) for row in zip(*columns, strict=True)]


def as_csv(rows: Listed) -> str:
    """The rows as CSV (RFC 4180, UTF-8 when written), with a header; null is an empty field."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow([field.name for field in FIELDS])
    for row in rows:
        writer.writerow([no_formula(cell) if isinstance(cell, str) else cell for cell in row])
    return sink.getvalue()


def as_xlsx(rows: Listed, morning: Morning) -> bytes:
    """The rows as a spreadsheet: numbers are numbers, days are days, and every text is a text, whatever it says."""
    import xlsxwriter  # type: ignore[import-untyped]

    sink = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(sink, plain)
    day = morning.run.run_date
    # The wall clock would make other bytes of the same run.
    cutoff = datetime.fromisoformat(morning.run.record["cutoff"]).astimezone(UTC).replace(tzinfo=None)
    book.set_properties({"title": f"Worklist {day.isoformat()}", "created": cutoff})
    _fill(book, book.add_worksheet(f"Worklist {day.isoformat()}"), rows)
    book.close()
    return sink.getvalue()


def _fill(book: Any, sheet: Any, rows: Listed) -> None:  # noqa: ANN401 - shipped without types
    formats = {kind: book.add_format({"num_format": code, "valign": "top"}) for kind, code in _FORMATS.items()}
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    for column, field in enumerate(FIELDS):
        sheet.set_column(column, column, field.width)
        sheet.write_string(0, column, field.name, head)
        for number, row in enumerate(rows, start=1):
            _write(sheet, number, column, row[column], formats[field.kind])
    sheet.freeze_panes(1, 4)
    sheet.autofilter(0, 0, len(rows), len(FIELDS) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)


def _write(sheet: Any, row: int, column: int, cell: Any, style: Any) -> None:  # noqa: ANN401
    if isinstance(cell, str):
        sheet.write_string(row, column, cell[:_CELL], style)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, style)
    elif cell is not None:
        sheet.write_number(row, column, cell, style)


def _cells(values: pd.Series[Any], kind: Kind) -> Sequence[Any]:
    """Plain Python values, None where null."""
    read = _READ.get(kind, float)
    return [None if pd.isna(value) else read(value) for value in values.tolist()]


def _text(value: object) -> str:
    return visible(str(value))


def _day(value: Any) -> date:  # noqa: ANN401
    return pd.Timestamp(value).date()


_READ: dict[Kind, Callable[[Any], Any]] = {"text": _text, "count": int, "date": _day}
