from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.errors import ModelError
from riskscore.models import boosting, canary
from riskscore.models.booster_text import Split, read
from riskscore.models.canary import Golden
from riskscore.models.trained import Feature, as_features
from tests.models.mutants import mutants


@pytest.fixture(scope="module")
def texts(trained):
    return {target: booster.text for target, booster in trained.boosters.items()}


@pytest.fixture(scope="module")
def golden(trained, texts):
    splits = [split for text in texts.values() for split in read(text, trained.features)]
    rows = canary.golden_rows(splits, trained.features)
    scores = {t: boosting.log_odds(lgb.Booster(model_str=text), rows, 1) for t, text in texts.items()}
    return Golden(rows, scores)


def test_the_child_gives_the_bits_of_this_process(texts, golden):
    canary.verify(texts, golden)
    found = canary.predict(texts, golden.rows)
    assert all(found[target].tobytes() == golden.log_odds[target].tobytes() for target in texts)


def test_one_bit_of_one_row_is_a_difference(texts, golden):
    scores = golden.log_odds["ipr"].copy()
    scores[5] = np.nextafter(scores[5], np.inf)
    with pytest.raises(ModelError, match="the ipr booster gives other log-odds than recorded on 1 of 64 golden rows"):
        canary.verify(texts, Golden(golden.rows, golden.log_odds | {"ipr": scores}))
    with pytest.raises(ModelError, match="on 63 of 63"):
        canary.verify(texts, Golden(golden.rows, golden.log_odds | {"ipr": scores[:-1]}), "here")
    with pytest.raises(ModelError, match="golden rows of other targets"):
        canary.verify(texts | {"narcotics": texts["ipr"]}, golden)


CRASHES = {
    "no model": ("hello", "LightGBM says"),
    "cut off": (lambda text: text[:2000], "crashes LightGBM"),
    "a tree too large": (lambda text: text.replace("num_leaves=7", "num_leaves=900000", 1), "crashes LightGBM"),
    "settings that are no JSON": (lambda text: text.replace("[objective: binary]", '[objective: "\x1b]', 1), "JSON"),
    "a circle": (lambda text: text.replace("left_child=1 ", "left_child=0 ", 1), "did not end within 2 s"),
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_or_a_hang_is_an_error_that_names_the_booster(texts, golden, name):
    change, message = CRASHES[name]
    broken = change(texts["ipr"]) if callable(change) else change
    begin = time.monotonic()
    with pytest.raises(ModelError, match=rf"the ipr booster is refused: .*{message}.*: there") as caught:
        canary.verify(texts | {"ipr": broken}, golden, "there", seconds=2)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("count", [20, pytest.param(300, marks=pytest.mark.slow)])
def test_damaged_texts_end_the_child_or_are_noticed(texts, golden, count):
    """Without the strict reader before it: the child alone must hold."""
    whole = {target: text.encode() for target, text in texts.items()}
    ends = {"passed": 0, "refused": 0}
    for _, damaged in mutants(whole, count, seed=11):
        try:
            canary.verify({name: text.decode("latin-1") for name, text in damaged.items()}, golden, seconds=2)
            ends["passed"] += 1
        except ModelError:
            ends["refused"] += 1
    assert ends["refused"] > count / 3


def test_the_child_is_bounded_and_alone():
    """Memory, processor time and files are limited; nothing of ours, and no heavy library, is imported."""
    probe = (
        "import importlib.util, json, resource, sys\n"
        f"spec = importlib.util.spec_from_file_location('child', {str(canary._CHILD)!r})\n"
        "child = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(child)\n"
        "child._limit(7, 2**30)\n"
        "kinds = ('CPU', 'AS', 'FSIZE', 'CORE')\n"
        "limits = [resource.getrlimit(getattr(resource, 'RLIMIT_' + kind))[0] for kind in kinds]\n"
        "heavy = [name for name in ('numpy', 'lightgbm', 'riskscore', 'pickle') if name in sys.modules]\n"
        "sys.stdout.write(json.dumps([limits, heavy]))\n"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [[7, 2**30, 0, 0], []]


def test_a_child_that_runs_on_is_ended_by_the_system(texts, golden):
    job = {"library": lgb.basic._LIB._name, "seconds": 1, "bytes": 2**32, "rows": golden.rows[:1].tolist()}
    job["rows"] = [[0.0 if np.isnan(cell) else cell for cell in row] for row in job["rows"]]
    job["boosters"] = {"any": CRASHES["a circle"][0](texts["ipr"])}
    ran = subprocess.run(
        [sys.executable, "-I", "-S", canary._CHILD], input=json.dumps(job), text=True, check=False, timeout=60
    )
    assert ran.returncode in (-signal.SIGKILL, -signal.SIGXCPU)


def test_the_child_sees_little_of_the_environment(texts, golden, monkeypatch):
    seen = {}

    def record(command, **options):
        seen.update(options, command=command)
        return subprocess.CompletedProcess(command, 1, "", "stop")

    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    monkeypatch.setattr("subprocess.run", record)
    with pytest.raises(ModelError, match="LightGBM says 'stop'"):
        canary.verify(texts, golden)
    assert set(seen["env"]) <= {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS"}
    assert seen["command"][1:3] == ["-I", "-S"]
    assert "PATH" in os.environ


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), finite), max_size=30))
def test_golden_rows_stand_next_to_every_threshold(thresholds):
    features = as_features(["x", "y", "z"])
    rows = canary.golden_rows([Split(column, value, ()) for column, value in thresholds], features, rows=200)
    assert rows.shape == (200, 3)
    assert not np.isinf(rows).any()
    assert np.isnan(rows).any(axis=0).all()
    for column, value in thresholds:
        near = {value, math.nextafter(value, math.inf), math.nextafter(value, -math.inf)}
        assert {cell for cell in near if math.isfinite(cell)} <= set(rows[:, column])
    read_back = Golden.of_json(json.loads(json.dumps(Golden(rows, {"any": np.zeros(200)}).as_json())))
    np.testing.assert_array_equal(read_back.rows, rows)


def test_codes_that_go_left_and_one_that_does_not():
    rows = canary.golden_rows([Split(0, 0.0, (1, 4))], [Feature("port", "categorical")])
    assert set(rows[:, 0][~np.isnan(rows[:, 0])]) == {1.0, 4.0, 5.0}


@pytest.mark.parametrize(
    "content",
    [{}, {"rows": [], "log_odds": {}}, {"rows": [[1.0], [1.0, 2.0]], "log_odds": {}},
     {"rows": [[1e999]], "log_odds": {}}, {"rows": [["1"]], "log_odds": {}}, {"rows": [[True]], "log_odds": {}},
     {"rows": [[1.0]], "log_odds": {"any": [1]}}, {"rows": [[1.0]], "log_odds": []}],
)  # fmt: skip
def test_golden_rows_of_another_form_are_refused(content):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Golden.of_json(content)
