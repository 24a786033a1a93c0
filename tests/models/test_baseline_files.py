"""Baselines as model directories, there and back."""

from __future__ import annotations

import numpy as np
import pytest

from rnamarks.errors import InputError
from rnamarks.models.baseline_files import load_baselines, save_baselines
from rnamarks.models.baselines import BASELINES

HYPERPARAMETERS = {"kmer_blend": {"longest": 3, "reach": 4, "trees": 5}}


@pytest.mark.parametrize("name", ["kmer_frequency", "kmer_blend", "prevalence"])
def test_model_directory_round_trip(tmp_path, name):
    generator = np.random.default_rng(0)
    codes, labels = generator.integers(0, 5, size=(200, 31)).astype(np.uint8), np.tile([0, 1], 100)
    kind = BASELINES[name]
    heads = {
        species: kind(**HYPERPARAMETERS.get(name, {})).fit(codes[rows], labels[rows], seed=1)
        for species, rows in (("human", slice(0, 100)), ("mouse", slice(100, 200)))
    }
    save_baselines(tmp_path / "model", name, heads, motif="DRACH", training={"split": "paper"})
    again, config = load_baselines(tmp_path / "model")
    assert (config.model, config.heads, config.window) == (name, ["human", "mouse"], 31)
    assert (config.motif, config.training) == ("DRACH", {"split": "paper"})
    for species, fitted in heads.items():
        assert np.array_equal(again[species].logit(codes), fitted.logit(codes))
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="not the ones"):
        load_baselines(tmp_path / "model")
