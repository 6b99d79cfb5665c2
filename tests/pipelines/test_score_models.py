"""A day is scored by a verified model that was trained on its past, or not at all."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from riskscore.errors import ModelError
from tests.pipelines.country import position, published, run


def test_a_day_before_the_models_as_of_is_refused(country, workspace):
    earlier = country.day - timedelta(5)
    before = position(workspace)
    with pytest.raises(ModelError, match=r"--allow-future-model"):
        run(workspace, country.world.manifest(earlier), earlier)
    assert position(workspace) == before
    result = run(workspace, country.world.manifest(earlier), earlier, allow_future_model=True)
    assert result.recommendations.num_rows


@pytest.mark.parametrize("name", ["any.txt", "model.json"])
def test_a_tampered_model_is_refused(country, workspace, name):
    path = workspace.models / "1" / name
    text = path.read_text()
    path.write_text(text.replace("1", "2", 1))
    before = position(workspace)
    with pytest.raises(ModelError, match="digest"):
        run(workspace, country.manifest, country.day)
    assert position(workspace) == before
    assert not published(workspace, country.day).exists()


def test_a_tampered_artifact_is_refused(country, workspace):
    shutil.rmtree(workspace.models)
    [path] = (workspace.root / "mlartifacts").rglob("any.txt")
    path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(ModelError, match="digest"):
        run(workspace, country.manifest, country.day)
    with pytest.raises(ModelError, match="digest"):
        run(workspace, country.manifest, country.day)


@pytest.mark.parametrize("model", ["9", "challenger", "best"])
def test_an_unknown_model_is_named(country, workspace, model):
    with pytest.raises(ModelError, match=model):
        run(workspace, country.manifest, country.day, model=model)
