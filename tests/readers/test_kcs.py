"""Korean declarations: what each column becomes, and what the labels say."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

import pytest

from riskscore import readers
from riskscore.config import Config, Kcs
from riskscore.errors import InputError
from riskscore.tables import INGESTED
from riskscore.validation import validate

REAL = Path(__file__).parents[3] / "shared" / "data" / "kcs"
HEADER = ["Declaration ID", "Date", "Office ID", "Process Type", "Import Type", "Import Use", "Payment Type",
          "Mode of Transport", "Declarant ID", "Importer ID", "Seller ID", "Courier ID", "HS6 Code",
          "Country of Departure", "Country of Origin", "Tax Rate", "Tax Type", "Country of Origin Indicator",
          "Net Mass", "Item Price", "Fraud", "Critical Fraud"]  # fmt: skip


PLAIN = "?,2020-01-01,30,B,11,21,11,10,DECL,IMP,SELL,,440890,BE,CN,8.0,FEU1,G,108.0,1180000,0,0"


def row(name, **given):
    return dict(zip(HEADER, PLAIN.split(","), strict=True)) | {"Declaration ID": name} | given


def write(path, rows, header=HEADER):
    with path.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.DictWriter(sink, header, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(path, config=None, file_format="auto"):
    raw = readers.read(path, "shipments", file_format, config or Config())
    return {name: validate(table, INGESTED[name], str(path)) for name, table in raw.tables.items()}


@pytest.fixture
def small(tmp_path):
    critical = {"Fraud": "1", "Critical Fraud": "2"}
    rows = [
        row("101"),
        row("102", **{"HS6 Code": "10121", "Fraud": "1", "Critical Fraud": "1"}),
        row("103", **critical),
    ]
    return write(tmp_path / "small.csv", rows)


def test_each_column_lands_where_it_belongs(small):
    first = read(small)["shipments"].accepted.to_pylist()[0]
    expected = {
        "shipment_id": "101", "arrival_date": date(2020, 1, 1), "port": "30", "mode": "ocean", "importer_id": "IMP",
        "shipper_id": "SELL", "carrier_id": None, "filer_id": "DECL", "origin_country": "CN", "export_country": "BE",
        "hts": "440890", "weight_kg": 108.0, "duty_rate_pct": 8.0, "duty_regime": "FEU1",
    }  # fmt: skip
    assert {name: first[name] for name in expected} == expected
    assert first["value_usd"] == pytest.approx(1180000 / Config().kcs.krw_per_usd)


def test_hs_codes_get_their_zeros_back(small):
    assert read(small)["shipments"].accepted["hts"].to_pylist() == ["440890", "010121", "440890"]


def findings(validated, shipment):
    rows = [r for r in validated["outcomes"].accepted.to_pylist() if r["shipment_id"] == shipment]
    return {(r["hazard"], r["result"]) for r in rows}


def test_outcomes_say_what_the_labels_say(small):
    found = read(small)
    assert found["outcomes"].quarantined.num_rows == 0
    assert findings(found, "101") == {(None, "released_no_discrepancy")}
    assert (None, "released_with_discrepancy") in findings(found, "102")
    assert ("pga_safety", "released_with_discrepancy") not in findings(found, "102")
    assert findings(found, "103") == {("pga_safety", "released_with_discrepancy")}
    for outcome in found["outcomes"].accepted.to_pylist():
        assert outcome["exam_date"] == date(2020, 1, 1)
        assert outcome["inclusion_probability"] == 1


def test_labels_are_known_fourteen_days_later(small):
    known = set(read(small)["outcomes"].accepted["known_at"].to_pylist())
    assert known == {datetime(2020, 1, 15)}  # noqa: DTZ001
    config = Config(kcs=Kcs(known_after_days=40, krw_per_usd=1000))
    assert set(read(small, config)["outcomes"].accepted["known_at"].to_pylist()) == {datetime(2020, 2, 10)}  # noqa: DTZ001
    assert read(small, config)["shipments"].accepted["value_usd"].to_pylist()[0] == pytest.approx(1180)


def test_without_labels_there_are_no_outcomes(tmp_path):
    path = write(tmp_path / "today.csv", [row("101")], HEADER[:-2])
    assert list(read(path)) == ["shipments"]


def test_a_bad_row_is_quarantined_and_has_no_outcome(tmp_path):
    rows = [row("101"), row("102", Date="2020-02-30"), row("103", **{"Item Price": "much"}),
            row("104", **{"Mode of Transport": "77"})]  # fmt: skip
    found = read(write(tmp_path / "bad.csv", rows))
    assert found["shipments"].accepted["shipment_id"].to_pylist() == ["101"]
    [dated], [priced], [moded] = found["shipments"].quarantined["reasons"].to_pylist()
    assert dated.startswith("arrival_date: ")
    assert dated.endswith("'2020-02-30'")
    assert priced == "value_usd: expected a finite number, got 'much'"
    assert moded.startswith("mode: ")


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(InputError, match=r"lacks \['Office ID'\].*small\.csv"):
        read(write(tmp_path / "small.csv", [row("101")], [name for name in HEADER if name != "Office ID"]))


@pytest.mark.skipif(
    not REAL.is_dir(), reason="the Korean declarations are not beside this checkout (../shared/data/kcs)"
)
def test_the_published_file_is_read_whole():
    with (REAL / "valid.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = read(REAL / "valid.csv")
    shipments = found["shipments"].accepted.to_pydict()
    assert found["shipments"].quarantined.num_rows == 0
    assert shipments["shipment_id"] == [r["Declaration ID"] for r in rows]
    assert shipments["port"] == [r["Office ID"] for r in rows]
    assert shipments["hts"] == [r["HS6 Code"].zfill(6) for r in rows]
    assert shipments["weight_kg"] == [float(r["Net Mass"]) for r in rows]
    assert shipments["value_usd"] == pytest.approx([float(r["Item Price"]) / 1180 for r in rows])
    positive = {r["shipment_id"] for r in found["outcomes"].accepted.to_pylist()
                if r["result"] == "released_with_discrepancy"}  # fmt: skip
    assert positive == {r["Declaration ID"] for r in rows if r["Fraud"] == "1"}
    critical = {r["shipment_id"] for r in found["outcomes"].accepted.to_pylist()
                if (r["hazard"], r["result"]) == ("pga_safety", "released_with_discrepancy")}  # fmt: skip
    assert critical == {r["Declaration ID"] for r in rows if r["Critical Fraud"] == "2"}
    examined = set(found["outcomes"].accepted["shipment_id"].to_pylist())
    assert examined == set(shipments["shipment_id"])
