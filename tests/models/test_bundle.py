from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from riskscore.errors import ModelError
from riskscore.models import bundle
from riskscore.models.scoring import Model
from riskscore.models.trained import feature_hash


@pytest.fixture
def saved(trained, tmp_path):
    directory = tmp_path / "bundle"
    return directory, bundle.save(trained, directory)


@pytest.fixture
def no_parsing(monkeypatch):
    def refuse(*_args, **_kwargs):
        pytest.fail("parsed before it was verified")

    monkeypatch.setattr("lightgbm.Booster", refuse)
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
    assert sorted(path.name for path in directory.iterdir()) == ["any.txt", "ipr.txt", "model.json"]
    assert all(str(directory.parent) not in path.read_text() for path in directory.iterdir())
    manifest = json.loads((directory / "model.json").read_text())
    assert manifest["features"][3] == {"name": "d", "kind": "categorical"}
    assert manifest["feature_hash"] == feature_hash(["a", "b", "c", "d"], ["d"])


@pytest.mark.parametrize("name", ["model.json", "any.txt", "ipr.txt"])
@pytest.mark.parametrize("place", [0.0, 0.37, 0.999])
def test_one_changed_byte_is_refused(saved, name, place, no_parsing):
    directory, digest = saved
    content = bytearray((directory / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(ModelError, match="not the one registered"):
        bundle.load(directory, digest)


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
        ({"format": 2}, "bundle format 2, this program reads 1"),
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
