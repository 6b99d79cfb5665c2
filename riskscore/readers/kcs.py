"""Korean customs declarations (Jeong et al., arXiv 2208.02484, synthetic) as shipments and outcomes.

What the format leaves out is assumed, in one place (`[kcs]` in riskscore.toml): a fixed rate of the won, and the
days until a label becomes known. Every declaration was inspected, so each outcome has inclusion probability 1.
`Fraud` says that the inspection contradicted the declaration, not in what: its hazard is null. `Critical Fraud` 2
threatens public safety: pga_safety.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from riskscore.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from riskscore.config import Kcs

COLUMNS = (
    "Declaration ID", "Date", "Office ID", "Process Type", "Import Type", "Import Use", "Payment Type",
    "Mode of Transport", "Declarant ID", "Importer ID", "Seller ID", "Courier ID", "HS6 Code",
    "Country of Departure", "Country of Origin", "Tax Rate", "Tax Type", "Country of Origin Indicator", "Net Mass",
    "Item Price",
)  # fmt: skip
LABELS = ("Fraud", "Critical Fraud")

# The data's README does not name its six values. 10, 20, 30, 40, 50 follow the UN/ECE Recommendation 19 families
# (sea, rail, road, air, mail); 90 is "mode unknown" there, and half of its rows name a courier: taken as express.
_MODES = {"10": "ocean", "20": "rail", "30": "truck", "40": "air", "50": "mail", "90": "express"}

_SHIPMENTS = """
SELECT _row, _fault, "Declaration ID" AS shipment_id, "Date" AS arrival_date, "Office ID" AS port,
    CASE "Mode of Transport" {modes} ELSE "Mode of Transport" END AS mode,
    "Importer ID" AS importer_id, "Seller ID" AS shipper_id, "Courier ID" AS carrier_id, "Declarant ID" AS filer_id,
    "Country of Origin" AS origin_country, "Country of Departure" AS export_country,
    CASE WHEN length("HS6 Code") < 6 THEN lpad("HS6 Code", 6, '0') ELSE "HS6 Code" END AS hts,
    coalesce(CAST(TRY_CAST("Item Price" AS DOUBLE) / {krw_per_usd} AS VARCHAR), "Item Price") AS value_usd,
    "Net Mass" AS weight_kg, "Tax Rate" AS duty_rate_pct, "Tax Type" AS duty_regime
FROM raw ORDER BY _row
"""

# A label outside the format becomes a result that validation refuses: nothing is lost unseen.
# A case that is not critical was still looked at for safety: its second row clears pga_safety by name.
_OUTCOMES = """
SELECT _row, NULL::VARCHAR AS _fault, "Declaration ID" AS shipment_id, 'intensive' AS exam_type,
    "Date" AS exam_date, coalesce(result, "Critical Fraud") AS result, hazard,
    'census' AS selected_by, 1.0 AS inclusion_probability,
    CAST(TRY_CAST("Date" AS DATE) + {days} AS VARCHAR) || 'T00:00:00Z' AS known_at
FROM raw LEFT JOIN (VALUES
    ('0', 'released_no_discrepancy', NULL), ('1', 'released_with_discrepancy', NULL),
    ('1', 'released_no_discrepancy', 'pga_safety'), ('2', 'released_with_discrepancy', 'pga_safety')
) AS meaning (critical, result, hazard) ON "Critical Fraud" = critical
WHERE _fault IS NULL ORDER BY _row, hazard NULLS FIRST
"""


def is_header(line: str) -> bool:
    """Whether a header line is that of this format.

    >>> is_header("Declaration ID,Date,Office ID")
    True
    """
    return line.removeprefix("\ufeff").startswith("Declaration ID,")


def as_tables(raw: pa.Table, kcs: Kcs, where: str) -> dict[str, pa.Table]:
    """Raw `shipments`, and raw `outcomes` where the file has labels.

    Raises:
        InputError: a column of the format is missing.
    """
    missing = [name for name in COLUMNS if name not in raw.column_names]
    if missing:
        raise InputError(f"not a kcs file, it lacks {missing}", where=where)
    modes = " ".join(f"WHEN '{code}' THEN '{mode}'" for code, mode in _MODES.items())
    with duckdb.connect() as connection:
        connection.register("raw", raw)
        tables = {
            "shipments": connection.sql(_SHIPMENTS.format(modes=modes, krw_per_usd=kcs.krw_per_usd)).to_arrow_table()
        }
        if all(name in raw.column_names for name in LABELS):
            tables["outcomes"] = connection.sql(_OUTCOMES.format(days=kcs.known_after_days)).to_arrow_table()
    return tables
