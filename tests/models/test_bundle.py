from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from riskscore.errors import ModelError
from riskscore.models import bundle, canary, severity
from riskscore.models.calibration import Calibrator
from riskscore.models.scoring import Model
from riskscore.models.trained import feature_hash
from tests.models.mutants import mutants
from tests.models.tampering import WAYS


@pytest.fixture
def saved(trained, tmp_path):
    directory = tmp_path / "bundle"
    return directory, bundle.save(trained, directory)


@pytest.fixture
def no_parsing(monkeypatch):
    def refuse(*_args, **_kwargs):
        pytest.fail("parsed before it was verified")

    monkeypatch.setattr("lightgbm.Booster", refuse)
    monkeypatch.setattr("subprocess.run", refuse)
    monkeypatch.setattr(json, "loads", refuse)


def test_round_trip(trained, saved, people):
    directory, digest = saved
    assert bundle.digest(directory) == digest
    loaded = bundle.load(directory, digest)
    assert loaded.trained == trained
    assert (loaded.feature_hash, loaded.targets) == (trained.feature_hash, ("any", "ipr"))
    rows = people.features.head(300)
    pd.testing.assert_frame_equal(loaded.predict(rows), Model(trained).predict(rows), check_exact=True)


def test_files_are_text_without_place_or_time(saved):
    directory, _ = saved
    assert sorted(path.name for path in directory.iterdir()) == ["any.txt", "golden.json", "ipr.txt", "model.json"]
    assert all(str(directory.parent) not in path.read_text() for path in directory.iterdir())
    manifest = json.loads((directory / "model.json").read_text())
    assert manifest["features"][3] == {"name": "d", "kind": "categorical"}
    assert manifest["feature_hash"] == feature_hash(["a", "b", "c", "d"], ["d"])


@pytest.mark.parametrize("name", ["model.json", "golden.json", "any.txt", "ipr.txt"])
@pytest.mark.parametrize("place", [0.0, 0.37, 0.999])
def test_one_changed_byte_is_refused(saved, name, place, no_parsing):
    directory, digest = saved
    content = bytearray((directory / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(ModelError, match="not the one registered"):
        bundle.load(directory, digest)


def write(directory, files):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)


def read(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_damaged_files_are_refused_before_they_are_parsed(saved, count, no_parsing):
    directory, digest = saved
    for how, damaged in mutants(read(directory), count, seed=count):
        write(directory, damaged)
        with pytest.raises(ModelError, match="not the one registered") as caught:
            bundle.load(directory, digest)
        assert caught.value.where == str(directory), how


def load_damaged(directory, damaged):
    """As if its writer had been broken: the damaged files under their own digest. None when they are refused."""
    write(directory, damaged)
    try:
        return bundle.load(directory, bundle.digest(directory))
    except ModelError:
        return None


@pytest.mark.parametrize("count", [36, pytest.param(600, marks=pytest.mark.slow)])
def test_damaged_files_with_a_digest_to_match_hurt_nobody(trained, saved, people, count):
    directory, _ = saved
    rows, expected = people.features, Model(trained).predict(people.features)
    loaded = refused = other = 0
    for _, damaged in mutants(read(directory), count, seed=7):
        model = load_damaged(directory, damaged)
        loaded, refused = loaded + (model is not None), refused + (model is None)
        other += model is not None and not model.predict(rows).equals(expected)
    # What still loads: a figure, a note or a count that no prediction reads, or the 17th digit of a threshold.
    assert loaded + refused == count
    assert refused >= 0.6 * count
    assert other <= 0.005 * count


@pytest.mark.parametrize("way", WAYS)
def test_a_tampered_directory_is_refused_and_nothing_of_it_runs(saved, tmp_path, way, request):
    directory, digest = saved
    mark = tmp_path / "ran"
    WAYS[way](directory, mark)
    request.getfixturevalue("no_parsing")
    unread = way in {"a huge file", "a pipe", "a device"}
    message = "not a file of a bundle" if unread else r"not the one registered|not a file of a bundle|the bundle lacks"
    with pytest.raises(ModelError, match=message):
        bundle.load(directory, digest)
    assert not mark.exists()


@pytest.mark.parametrize("way", [way for way in WAYS if "manifest" in way or "pickle for" in way or "target" in way])
def test_a_tampered_directory_is_refused_under_its_own_digest_too(saved, tmp_path, way):
    directory, _ = saved
    WAYS[way](directory, tmp_path / "ran")
    with pytest.raises(ModelError):
        bundle.load(directory, bundle.digest(directory))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda d: (d / "extra.txt").write_text("x"), "not a file of a bundle: extra.txt"),
        (lambda d: (d / "model.pkl").write_text("x"), "not a file of a bundle: model.pkl"),
        (lambda d: (d / "sub").mkdir(), "not a file of a bundle: sub"),
        (lambda d: (d / "ipr.txt").rename(d / "narcotics.txt"), "not the one registered"),
        (lambda d: (d / "ipr.txt").unlink(), "not the one registered"),
        (lambda d: (d / "any.txt").unlink(), "the bundle lacks any"),
        (lambda d: shutil.copy(d / "ipr.txt", d / "narcotics.txt"), "not the one registered"),
        (lambda d: (d / "narcotics.txt").symlink_to("ipr.txt"), "not a file of a bundle: narcotics.txt"),
        (shutil.rmtree, "no bundle: No such file"),
    ],
)
def test_a_changed_directory_is_refused(saved, tamper, message, no_parsing):
    directory, digest = saved
    tamper(directory)
    with pytest.raises(ModelError, match=message):
        bundle.load(directory, digest)


def test_a_linked_booster_is_refused_even_with_the_same_content(saved):
    directory, digest = saved
    (directory / "ipr.txt").rename(directory.parent / "elsewhere.txt")
    (directory / "ipr.txt").symlink_to(directory.parent / "elsewhere.txt")
    with pytest.raises(ModelError, match=r"not a file of a bundle: ipr\.txt"):
        bundle.load(directory, digest)


def rewrite(directory, **changes):
    path = directory / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return bundle.digest(directory)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, "bundle format 1, this program reads 2"),
        ({"unknown": 1}, "does not fit its files: unknown"),
        ({"training": [1]}, "does not fit its files: training"),
        ({"severity": {"hazards": {}}}, "severity cannot be read"),
        ({"boosters": []}, "does not fit its files"),
        ({"features": [{"name": "a", "kind": "numeric"}]}, "does not fit its files or its features"),
        ({"features": None}, "does not fit its files"),
        ({"feature_hash": "0"}, "does not fit its files or its features"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(saved, changes, message):
    directory, _ = saved
    with pytest.raises(ModelError, match=message):
        bundle.load(directory, rewrite(directory, **changes))


def test_golden_rows_are_the_same_every_time_and_show_nulls_and_codes(trained, saved, tmp_path):
    directory, _ = saved
    bundle.save(trained, tmp_path / "again")
    assert read(tmp_path / "again") == read(directory)
    golden = canary.Golden.of_json(json.loads((directory / "golden.json").read_bytes()))
    assert golden.rows.shape == (canary.ROWS, 4)
    assert np.isnan(golden.rows).any(axis=0).all()
    assert set(golden.rows[:, 3][~np.isnan(golden.rows[:, 3])]) >= {0.0, 1.0, 2.0}
    assert len(np.unique(golden.log_odds["any"])) > canary.ROWS / 2


@pytest.mark.parametrize("calibrator", [Calibrator(1.1, 0.0), Calibrator(0.9, 0.3)])
def test_another_calibrator_is_noticed(trained, saved, calibrator):
    directory, _ = saved
    manifest = json.loads((directory / "model.json").read_bytes())
    manifest["boosters"][0]["calibrator"] = {"slope": calibrator.slope, "intercept": calibrator.intercept}
    digest = rewrite(directory, boosters=manifest["boosters"])
    with pytest.raises(ModelError, match="other probabilities than recorded"):
        bundle.load(directory, digest)


def test_a_changed_leaf_is_noticed(saved):
    directory, _ = saved
    lines = (directory / "ipr.txt").read_text().split("\n")
    place = next(n for n, line in enumerate(lines) if line.startswith("leaf_value="))
    values = [float(value) for value in lines[place].removeprefix("leaf_value=").split(" ")]
    changed = "leaf_value=" + " ".join(f"{value + 0.25:.1f}" for value in values)
    # Sizes of trees are part of the text: the changed line is filled up to the length of the old.
    lines[place] = changed + "0" * (len(lines[place]) - len(changed))
    (directory / "ipr.txt").write_text("\n".join(lines))
    with pytest.raises(ModelError, match="the ipr booster gives other log-odds than recorded on 64 of 64 golden rows"):
        bundle.load(directory, bundle.digest(directory))


def test_a_text_is_read_strictly_though_the_golden_rows_agree(saved):
    """Counts decide no prediction, but LightGBM would read past the end of a line of them."""
    directory, _ = saved
    text = (directory / "ipr.txt").read_bytes()
    place = text.index(b"internal_count=") + len(b"internal_count=")
    (directory / "ipr.txt").write_bytes(text[:place] + b"x" + text[place + 1 :])
    with pytest.raises(ModelError, match=r"not a text as LightGBM writes it: tree 0: .*bundle, ipr"):
        bundle.load(directory, bundle.digest(directory))


def test_severities_are_part_of_it(trained, tmp_path):
    outcomes = pd.DataFrame({"shipment_id": ["S1", "S2"], "result": "seized", "hazard": ["ipr", "narcotics"],
                             "amount_usd": [900.0, np.nan]})  # fmt: skip
    known = severity.fit(outcomes, pd.Series({"S1": 100.0, "S2": 50.0}))
    digest = bundle.save(replace(trained, severity=known), tmp_path / "bundle")
    assert bundle.load(tmp_path / "bundle", digest).trained.severity == known


def test_a_copy_is_whole_or_absent(saved, tmp_path):
    directory, digest = saved
    bundle.copy(directory, tmp_path / "copy")
    assert bundle.digest(tmp_path / "copy") == digest
    (directory / "MLmodel").write_text("x")
    with pytest.raises(ModelError, match="not a file of a bundle: MLmodel"):
        bundle.copy(directory, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_booster_of_other_features_is_refused(trained):
    with pytest.raises(ModelError, match=r"made for 4 features, but the manifest lists 3: any"):
        Model(replace(trained, features=trained.features[:3]))


def test_a_bundle_is_never_overwritten(trained, saved):
    directory, _ = saved
    with pytest.raises(ModelError, match="never overwritten"):
        bundle.save(trained, directory)
    assert [path.name for path in directory.parent.iterdir()] == ["bundle"]


def test_feature_hash_knows_order_and_kind():
    hashes = {
        feature_hash(["a", "b"]),
        feature_hash(["b", "a"]),
        feature_hash(["a", "b"], ["b"]),
        feature_hash(["a,b"]),
    }
    assert len(hashes) == 4
