"""Validation: rows per second, beside merely reading the same file, at growing sizes.

    python benches/validation.py --rows 500,5000,50000,200000

The rows are a simulated country's manifests (about 1 % malformed) repeated under new identifiers, written as Parquet
and as CSV. `pyarrow` reads the file and believes everything; `riskscore reads` makes raw tables (a CSV field by field,
so that a damaged line costs one row); `validates` casts, judges and words the reasons. Where polars and dataframely
are installed (they are no dependency) the same types, lengths, choices and ranges are judged by dataframely too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from harness import counts, head, parser, save, scratch, seconds, show

from riskscore import simulator
from riskscore.config import Config
from riskscore.pipelines.intake import read_sources
from riskscore.readers import read
from riskscore.tables import SHIPMENTS
from riskscore.validation import validate

if TYPE_CHECKING:
    from pathlib import Path

    from riskscore.tables import Column

WEEKS, PER_DAY = 1, 1_000
"""The country whose manifests are repeated."""


@dataclass(frozen=True)
class Files:
    """The same rows as Parquet and as CSV."""

    rows: int
    parquet: Path
    csv: Path


def manifests(folder: Path, seed: int) -> pa.Table:
    """All manifest rows of a small simulated country, malformed ones included."""
    world = simulator.simulate(folder / "world", weeks=WEEKS, per_day=PER_DAY, seed=seed)
    days = [world.first_day + timedelta(days=at) for at in range(7 * WEEKS)]
    return pa.concat_tables([pq.ParquetFile(world.manifest(day)).read() for day in days])


def repeated(rows: pa.Table, size: int) -> pa.Table:
    """`size` rows: `rows` over and over, each time under new shipment identifiers; null ones stay null."""
    parts = []
    for round_ in range(-(-size // rows.num_rows)):
        ids = pc.binary_join_element_wise(rows["shipment_id"], f"{round_}", "-")
        parts.append(rows.set_column(rows.schema.get_field_index("shipment_id"), "shipment_id", ids))
    return pa.concat_tables(parts).slice(0, size).combine_chunks()


def written(folder: Path, rows: pa.Table) -> Files:
    """`rows` as two files; lists become ';'-separated text in the CSV."""
    files = Files(rows.num_rows, folder / f"{rows.num_rows}.parquet", folder / f"{rows.num_rows}.csv")
    pq.write_table(rows, files.parquet)
    plain = pa.table({name: _plain(rows[name]) for name in rows.column_names})
    pa_csv.write_csv(plain, files.csv)
    return files


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join(column, ";") if pa.types.is_list(column.type) else column


def run(sizes: list[int], seed: int, repeats: int = 3) -> list[dict[str, Any]]:
    """Per size the seconds of each step, and what was quarantined."""
    found = []
    with scratch() as folder:
        source = manifests(folder, seed)
        for size in sizes:
            files = written(folder, repeated(source, size))
            found.append(_measured(files, repeats))
    return found


def _measured(files: Files, repeats: int) -> dict[str, Any]:
    config, text = Config(), pa_csv.ConvertOptions(column_types=dict.fromkeys(SHIPMENTS.names, pa.string()))
    raw = read(files.parquet, "shipments", "parquet", config).tables["shipments"]
    raw_csv = read(files.csv, "shipments", "csv", config).tables["shipments"]
    both = validate(raw, SHIPMENTS), validate(raw_csv, SHIPMENTS)
    assert both[0].quarantined.num_rows == both[1].quarantined.num_rows
    return {
        "rows": files.rows,
        "quarantined": both[0].quarantined.num_rows,
        "pyarrow parquet": seconds(lambda: pq.ParquetFile(files.parquet).read(), repeats),
        "pyarrow csv": seconds(lambda: pa_csv.read_csv(files.csv, convert_options=text), repeats),
        "riskscore parquet": seconds(lambda: read(files.parquet, "shipments", "parquet", config), repeats),
        "riskscore csv": seconds(lambda: read(files.csv, "shipments", "csv", config), repeats),
        "validate": seconds(lambda: validate(raw, SHIPMENTS), repeats),
        "dataframely": _dataframely(raw_csv, repeats),
    }


def _dataframely(raw: pa.Table, repeats: int) -> float | None:
    """Seconds of dataframely's filter on the same texts; None where it is not installed."""
    if not (find_spec("dataframely") and find_spec("polars")):
        return None
    import dataframely as dy
    import polars as pl

    columns = {column.name: _dataframely_column(dy, column) for column in SHIPMENTS.columns}
    schema: Any = type("Shipments", (dy.Schema,), columns)
    frame = pl.DataFrame(pl.from_arrow(raw.select(list(SHIPMENTS.names))))
    # Polars casts no text to days and times; parsing them is part of the work.
    parsed = [
        pl.col(c.name).str.to_date(strict=False) if c.type == "date" else pl.col(c.name).str.to_datetime(strict=False)
        for c in SHIPMENTS.columns
        if c.type in ("date", "timestamp")
    ]
    return seconds(lambda: schema.filter(frame.with_columns(parsed), cast=True), repeats)


def _dataframely_column(dy: Any, column: Column) -> Any:  # noqa: ANN401 - an optional library
    nullable = not column.required
    made = {
        "text": partial(dy.String, max_length=column.max_length, regex=r"^[^\x00-\x08\x0e-\x1f\x7f]*$"),
        "int": partial(dy.Int64, min=0, max=int(column.maximum or 2**62)),
        "float": partial(dy.Float64, min=column.minimum, max=column.maximum),
        "date": dy.Date,
        "timestamp": dy.Datetime,
        "bool": dy.String,
    }
    return dy.Enum(list(column.choices), nullable=nullable) if column.choices else made[column.type](nullable=nullable)


def run_many(files: int, rows: int, seed: int) -> dict[str, Any]:
    """Seconds to read and validate many small files, as an ingest of a past does, and one file with all their rows."""
    with scratch() as folder:
        source = repeated(manifests(folder, seed), files * rows)
        (folder / "many").mkdir()
        for at in range(files):
            pq.write_table(source.slice(at * rows, rows), folder / "many" / f"{at:04}.parquet")
        pq.write_table(source, folder / "one.parquet")
        many, one = (
            seconds(partial(read_sources, [folder / name], "shipments", "auto", Config()), repeats=1)
            for name in ("many", "one.parquet")
        )
    return {"files": files, "rows": files * rows, "many": many, "one": one}


def _print(found: list[dict[str, Any]], many: dict[str, Any]) -> None:
    steps = ("pyarrow parquet", "pyarrow csv", "riskscore parquet", "riskscore csv", "validate", "dataframely")
    columns = ["rows", "quarantined", *steps, "validate: rows/s", "validate / pyarrow csv"]
    rows = [
        [f["rows"], f["quarantined"]]
        + ["skipped" if f[step] is None else f"{f[step]:.3f}" for step in steps]
        + [round(f["rows"] / f["validate"]), f"{f['validate'] / f['pyarrow csv']:.1f}"]
        for f in found
    ]
    show("Seconds of each step", columns, rows)
    columns = ["files", "rows", "read and validate the files", "one file of the same rows", "ratio"]
    body = [
        many["files"],
        many["rows"],
        f"{many['many']:.2f}",
        f"{many['one']:.2f}",
        f"{many['many'] / many['one']:.1f}",
    ]
    show("Seconds of many small files", columns, [body])


def main() -> int:
    """Run with the sizes named on the command line."""
    options = parser(__doc__)
    options.add_argument("--rows", type=counts, default="500,5000,50000,200000", help="sizes of the file")
    options.add_argument("--files", type=int, default=40, help="small files read together, 500 rows each")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--repeats", type=int, default=3, help="the fastest counts")
    given = options.parse_args()
    head("validation: rows per second")
    found = run(given.rows, given.seed, given.repeats)
    many = run_many(given.files, rows=500, seed=given.seed)
    _print(found, many)
    save("validation", {"sizes": found, "many": many})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
