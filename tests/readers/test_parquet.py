"""Foreign and damaged Parquet: refused in a sentence, or read with every row accounted for."""

from __future__ import annotations

import decimal
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskscore
from riskscore import readers
from riskscore.config import Config
from riskscore.errors import InputError

DAY = date(2026, 3, 2)


def shipments(**columns):
    n = len(next(iter(columns.values()))) if columns else 1
    base = {"shipment_id": [f"S{i}" for i in range(n)], "arrival_date": [DAY] * n, "mode": ["air"] * n,
            "port": ["2704"] * n}  # fmt: skip
    return pa.table(base | columns)


def read(tmp_path, table):
    path = tmp_path / "day.parquet"
    pq.write_table(table, path)
    return riskscore.read_table(path)


def column(tmp_path, name, values):
    found = read(tmp_path, shipments(**{name: values}))
    assert found.quarantined.to_pylist() == []
    return found.accepted[name].to_pylist()


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.uint16(), pa.float64(), pa.decimal128(9, 0)])
def test_ports_as_numbers_become_their_digits(tmp_path, kind):
    values = [decimal.Decimal(2704), decimal.Decimal(1303)] if pa.types.is_decimal(kind) else [2704, 1303]
    assert column(tmp_path, "port", pa.array(values, kind)) == ["2704", "1303"]


def test_codes_of_a_frame_with_holes_keep_their_digits():
    # pandas turns whole numbers with a missing one into floats.
    frame = pd.DataFrame({"shipment_id": ["A", "B"], "arrival_date": DAY, "mode": "air", "port": 2704,
                          "hts": [850110, None]})  # fmt: skip
    assert frame["hts"].dtype == "float64"
    assert riskscore.validate(frame).accepted["hts"].to_pylist() == ["850110", None]


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_(pa.string(), 2)])
def test_lists_are_joined(tmp_path, kind):
    values = pa.array([["MSCU6639870", "TCLU1234568"]], kind)
    assert column(tmp_path, "container_ids", values) == ["MSCU6639870;TCLU1234568"]


def test_lists_of_any_length_and_of_numbers(tmp_path):
    values = pa.array([[], ["A"], ["A", None, "B"]])
    assert column(tmp_path, "container_ids", values) == [None, "A", "A;B"]
    assert column(tmp_path, "seal_ids", pa.array([[1, 2], [3]])) == ["1;2", "3"]


def test_dictionary_and_large_strings(tmp_path):
    assert column(tmp_path, "mode", pa.array(["air", "rail"]).dictionary_encode()) == ["air", "rail"]
    assert column(tmp_path, "port", pa.array(["1", "2"], pa.large_string())) == ["1", "2"]


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns"), pa.date64()])
def test_arrival_date_as_midnight(tmp_path, kind):
    assert column(tmp_path, "arrival_date", pa.array([datetime(2026, 3, 2)], kind)) == [DAY]  # noqa: DTZ001


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Seoul", "+05:30"])
def test_times_of_any_unit_and_zone_are_the_same_instant(tmp_path, unit, zone):
    instant = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    values = pa.array([instant.replace(tzinfo=None)], pa.timestamp(unit))
    values = values if zone is None else values.cast(pa.timestamp(unit, zone))
    assert column(tmp_path, "filed_at", values) == [instant.replace(tzinfo=None)]


def test_numbers_of_any_kind(tmp_path):
    for kind in (pa.int8(), pa.float32(), pa.float64()):
        assert column(tmp_path, "value_usd", pa.array([1.0, 2.0]).cast(kind, safe=False)) == [1.0, 2.0]
    assert column(tmp_path, "value_usd", pa.array([decimal.Decimal("1.25")])) == [1.25]
    assert column(tmp_path, "value_usd", pa.nulls(1)) == [None]


def test_large_amounts_of_a_float_column_are_amounts(tmp_path):
    assert column(tmp_path, "value_usd", [1e11 + 0.5, 0.1, 1e-7]) == [1e11 + 0.5, 0.1, 1e-7]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([{"a": 1}]),
        pa.array([b"\xff\xfe"]),
        pa.array([timedelta(seconds=1)]),
        pa.array([[{"a": 1}]]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([True]),
        pa.array([1.0]).cast(pa.float16()),
    ],
    ids=["struct", "binary", "duration", "list of structs", "map", "bool", "half float"],
)
def test_odd_types_in_a_number_column_never_crash(tmp_path, values):
    try:
        found = read(tmp_path, shipments(value_usd=values))
    except InputError as error:
        assert "value_usd" in str(error) or "day.parquet" in str(error)  # noqa: PT017
    else:
        assert found.accepted.num_rows + found.quarantined.num_rows == 1
        assert all("value_usd" in reason for row in found.quarantined["reasons"].to_pylist() for reason in row)


def test_text_that_is_no_utf8_is_refused_or_quarantined(tmp_path):
    damaged = pa.array([b"ok", b"caf\xe9"], pa.binary()).view(pa.string())
    try:
        found = read(tmp_path, shipments(description=damaged))
    except InputError as error:
        assert "day.parquet" in str(error)  # noqa: PT017
    else:
        assert (found.accepted.num_rows, found.quarantined.num_rows) == (1, 1)


@pytest.mark.parametrize("name", ["_row", "_fault"])
def test_columns_that_look_like_the_readers_own_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=name):
        read(tmp_path, shipments(**{name: ["x"]}))


def test_unknown_column_is_refused_with_a_suggestion(tmp_path):
    with pytest.raises(InputError, match=r"unknown column 'importr_id'.*did you mean 'importer_id'"):
        read(tmp_path, shipments(importr_id=["x"]))


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = shipments().append_column("port", pa.array(["x"]))
    with pytest.raises(InputError, match="same name"):
        read(tmp_path, table)


def test_the_folder_name_is_no_column(tmp_path):
    folder = tmp_path / "date=2026-03-02"
    folder.mkdir()
    assert read(folder, shipments()).accepted.num_rows == 1


def test_no_rows(tmp_path):
    found = read(tmp_path, shipments().slice(0, 0))
    assert found.accepted.num_rows == found.quarantined.num_rows == 0


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"shipment_id,port\n1,2\n", b"\x00" * 100])
def test_no_parquet_at_all(tmp_path, content):
    path = tmp_path / "day.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not readable as Parquet.*day\.parquet"):
        riskscore.read_table(path)


def test_damage_anywhere_is_refused_or_harmless(tmp_path):
    path = tmp_path / "day.parquet"
    pq.write_table(shipments(description=["x" * 50] * 5), path, write_page_checksum=True, compression="zstd")
    whole = path.read_bytes()
    for at in range(4, len(whole), 29):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            readers.read(path, "shipments", "parquet", Config())
        except InputError as error:
            assert "\n" not in str(error), f"byte {at}"  # noqa: PT017
    for cut in range(0, len(whole), len(whole) // 10):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"day\.parquet"):
            readers.read(path, "shipments", "parquet", Config())
