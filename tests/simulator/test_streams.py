"""Randomness that is the same tomorrow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.simulator.streams import keyed_uniforms, pick, pick_rows, stream


def test_streams_of_different_purposes_and_seeds_differ():
    draws = {stream(seed, purpose).integers(2**60) for seed in (0, 1) for purpose in ("a", "b")}

    assert len(draws) == 4


def test_keyed_draws_are_uniform():
    draws = keyed_uniforms([str(key) for key in range(20_000)], 3)

    assert draws.shape == (20_000, 3)
    assert 0 <= draws.min() < draws.max() < 1
    assert np.allclose(np.histogram(draws, 10, (0, 1))[0] / draws.size, 0.1, atol=0.006)
    assert np.abs(np.corrcoef(draws.T) - np.eye(3)).max() < 0.03


@given(keys=st.lists(st.text(max_size=5), min_size=1, max_size=8), width=st.integers(1, 5))
def test_a_keyed_draw_depends_on_its_key_only(keys, width):
    together = keyed_uniforms(keys, width)

    assert all(np.array_equal(row, keyed_uniforms([key], width)[0]) for key, row in zip(keys, together, strict=True))


@pytest.mark.parametrize("weights", [[1, 0, 3], [0, 0, 5], [2, 2, 2]])
def test_picks_follow_their_weights(weights):
    expected = np.array(weights) / sum(weights)
    by_vector = pick(stream(1, "pick"), np.array(weights, dtype=float), 20_000)
    by_row = pick_rows(stream(1, "rows"), np.tile(np.array(weights, dtype=float), (20_000, 1)))

    for picked in (by_vector, by_row):
        assert np.allclose(np.bincount(picked, minlength=3) / 20_000, expected, atol=0.02)
        assert (expected[np.unique(picked)] > 0).all()
