"""Figures of a backtest, by hand; an undefined one is null."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from riskscore.models import segments
from riskscore.models.labels import ANY
from riskscore.pipelines.backtest import figures, gathered


def values(table, figure, **place):
    found = [
        row
        for row in table.to_pylist()
        if row["figure"] == figure and all(row[name] == value for name, value in place.items())
    ]
    assert found, figure
    return found


def test_every_figure_has_rows_and_an_undefined_one_is_null(table):
    assert table.schema == figures.SCHEMA
    frame = table.to_pandas()
    undefined = frame["value"].isna()
    assert undefined.any()
    assert frame.loc[undefined, ["low", "high"]].isna().all(axis=None)
    assert (frame.loc[~undefined & ~frame["figure"].str.contains("live|predicted|noise"), "rows"] > 0).all()
    held = frame.dropna(subset=["value", "low", "high"])
    assert (held["low"] <= held["value"] + 1e-9).all()
    assert (held["value"] <= held["high"] + 1e-9).all()
    assert not frame.duplicated(["origin", "segment_kind", "segment", "target", "figure"]).any()


def test_certain_exams_that_are_too_early_to_tell_are_spoken_for_by_their_like(made):
    window = made.windows[0]
    rows_ = window.examined.sort_index()
    certain = rows_[f"certain_{ANY}"] & rows_[f"weight_{ANY}"].notna() & ~rows_["uncorrected"]
    early = certain & (np.arange(len(rows_)) % 2 == 0)
    late = dataclasses.replace(window, examined=rows_.assign(**{f"weight_{ANY}": rows_[f"weight_{ANY}"].mask(early)}))
    whole, part = (figures.View((one,), ANY, "population").sample for one in (window, late))

    assert 0 < early.sum() < certain.sum()
    assert len(part) == len(whole) - early.sum()
    assert part.weights[part.certain].sum() == pytest.approx(certain.sum())
    # Random exams stand for as many as before.
    assert part.weights[~part.certain].sum() == pytest.approx(whole.weights[~whole.certain].sum())


def test_recall_without_findings_is_null(table):
    without = [row for row in table.to_pylist() if row["figure"].startswith("examined.") and "recall" in row["figure"]]
    silent = [row for row in without if row["segment_kind"] != "hazard" and row["rows"] == 0]
    assert silent
    assert all(row["value"] is None for row in silent)


def test_counts_by_hand(made, table):
    window = made.windows[0]
    [live] = values(table, "live", origin=window.origin.day, target=ANY)
    assert live["value"] == len(window.live)
    labelled = window.examined[window.examined[f"label_{ANY}"].notna()]
    [rate] = values(table, "examined.base_rate", origin=window.origin.day, target=ANY)
    assert rate["value"] == pytest.approx(labelled[f"label_{ANY}"].mean())
    assert (rate["rows"], rate["positives"]) == (len(labelled), labelled[f"label_{ANY}"].sum())


def test_segments_add_up(made, table):
    everybody = sum(len(window.live) for window in made.windows)
    for kind in gathered.GROUPS:
        parts = values(table, "examined.share", segment_kind=kind)
        assert sum(row["rows"] for row in parts) == everybody
        chosen = values(table, f"population.{figures.TOP}.share_of_traffic_chosen", segment_kind=kind)
        slots = sum(row["value"] * row["rows"] for row in chosen)
        assert slots == pytest.approx(0.05 * everybody, abs=2)


def test_burden_by_hand(made, table):
    live = pd.concat([window.live for window in made.windows])
    small = live["importer_size"].isin(segments.SMALL)
    [row] = values(table, f"population.{figures.TOP}.share_of_traffic", segment="small")
    assert row["value"] == pytest.approx(small.mean())


def test_stability_compares_two_models_on_the_same_shipments(made, table):
    last = made.windows[1]
    assert "before" not in made.windows[0].live
    [row] = values(table, f"stability.{figures.TOP}.overlap", origin=last.origin.day)
    slots = round(0.05 * len(last.live))
    tops = [set(last.live[name].nlargest(slots).index) for name in (f"score_{ANY}", "before")]
    if last.live[f"score_{ANY}"].is_unique and last.live["before"].is_unique:
        assert row["value"] == pytest.approx(len(tops[0] & tops[1]) / slots)
    assert row["rows"] == slots


def test_without_random_exams_nothing_is_said_of_everybody(made):
    blind = [dataclasses.replace(w, examined=w.examined[~w.examined["drawn"]].copy()) for w in made.windows]
    made_of = figures.figures(blind).to_pandas()
    about = made_of["figure"].str.startswith(("population.prevalence", "population.calib", "random_floor"))
    assert not about.any()
