"""Builders that look into the future, as somebody might write them in good faith."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from riskscore.features import Feature, standard


class Lookup:
    """A number per importer and day, read beforehand."""

    def __init__(self, name, values, ahead=0):
        self.name, self.values, self.ahead = name, values, timedelta(ahead)

    @property
    def features(self):
        return (Feature(self.name, "planted", "a leak", "count", "nothing known", "too far ahead", "the ledger"),)

    def build(self, shipments, history):
        del history
        days = shipments["arrival_date"] + self.ahead
        keys = pd.MultiIndex.from_arrays([shipments["importer_id"], days])
        values = self.values.reindex(keys.get_level_values(0) if self.values.index.nlevels == 1 else keys)
        return pd.DataFrame({self.name: values.to_numpy(dtype=float)}, index=shipments.index)


def _read(ledger, query, index):
    frame = ledger.connection.sql(query).to_arrow_table().to_pandas(date_as_object=False)
    return frame.set_index(index)["value"]


def target_mean(workspace, ledger):
    """Each importer's hit rate over all time."""
    query = """
        SELECT importer_id, avg(CAST(hit AS DOUBLE)) AS value FROM (
            SELECT shipment_id, bool_or(hazard IS NOT NULL) AS hit FROM outcomes_log GROUP BY ALL)
        JOIN (SELECT DISTINCT shipment_id, importer_id FROM shipments_log WHERE importer_id IS NOT NULL)
            USING (shipment_id) GROUP BY ALL"""
    return (*standard(workspace.tables), Lookup("importer_mean", _read(ledger, query, "importer_id")))


def tomorrows_filings(workspace, ledger):
    """How many shipments of the importer arrive a day later."""
    query = """
        SELECT importer_id, arrival_date, CAST(count(DISTINCT shipment_id) AS DOUBLE) AS value FROM shipments_log
        WHERE importer_id IS NOT NULL GROUP BY ALL"""
    values = _read(ledger, query, ["importer_id", "arrival_date"])
    return (*standard(workspace.tables), Lookup("importer_arrivals_tomorrow", values, ahead=1))


def todays_results(workspace, ledger):
    """How many results of the importer become known in the course of the day, after the morning."""
    query = """
        SELECT importer_id, known_day, CAST(count(*) AS DOUBLE) AS value FROM outcomes_log
        JOIN (SELECT DISTINCT shipment_id, importer_id FROM shipments_log WHERE importer_id IS NOT NULL)
            USING (shipment_id) GROUP BY ALL"""
    values = _read(ledger, query, ["importer_id", "known_day"])
    return (*standard(workspace.tables), Lookup("importer_results_today", values))
