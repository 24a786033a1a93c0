"""Filters of every network are found, and their motifs are what the filters answer to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.filter_files import read_filters
from rnamarks.interpretation.filters import (
    activation_statistics,
    count_nucleotides,
    filter_motifs,
    first_convolutions,
    positive_windows,
)
from rnamarks.interpretation.motif_files import write_meme
from rnamarks.interpretation.soft_input import one_hot
from rnamarks.models.registry import build_model
from rnamarks.sequences import UNKNOWN, encode
from rnamarks.tables import write_tsv

SMALL = {
    "mass": {
        "filters": 6,
        "channels": 4,
        "lstm_units": 4,
        "attention_heads": 1,
        "attention_width": 4,
        "dense": 4,
        "filter_width": 7,
    },
    "deepm6aseq": {"filters": [6, 4], "lstm_units": 4},
    "unanchored": {"filters": 8, "channels": 8, "lstm_units": 4, "features": 8, "hidden": 4},
}
WIDTHS = {"mass": 7, "deepm6aseq": 10, "unanchored": 9}


def network(name="mass", seed=0):
    torch.manual_seed(seed)
    return build_model(name, ["human", "mouse"], 61, SMALL[name])


@pytest.fixture(scope="module")
def windows():
    generator = np.random.default_rng(3)
    codes = generator.integers(0, 4, (300, 61)).astype(np.uint8)
    codes[::17, 5] = UNKNOWN
    return codes


@pytest.mark.parametrize("name", SMALL)
def test_first_convolutions_of_every_network(name):
    model = network(name)
    layers = first_convolutions(model, 61)
    assert {layer.width for layer in layers} == {WIDTHS[name]}
    assert [layer.dilation for layer in layers] == ([1, 3, 5] if name == "mass" else [1])
    assert dict(model.named_modules())[layers[0].name] is layers[0].convolution
    # batch normalisation counts only where it comes before the non-linearity
    after = [type(module).__name__ for module in layers[0].after]
    assert after == {"mass": ["BatchNorm1d", "PReLU"], "deepm6aseq": ["ReLU"], "unanchored": []}[name]


def test_activations_are_those_inside_the_network(windows):
    model = network().eval()
    layer = first_convolutions(model, 61)[1]
    seen = {}
    block = model.trunk.gapped[1]
    handle = block[3].register_forward_hook(lambda module, inputs, output: seen.update(block=output))
    codes = torch.from_numpy(windows[:4])
    with torch.inference_mode():
        model(codes, "human")
    handle.remove()
    ours = layer.activations(one_hot(codes.numpy()))
    left = 3 * 6 // 2
    assert ours.shape == (4, 6, 61 - layer.span + 1)
    assert torch.allclose(ours, seen["block"][..., left : left + ours.shape[-1]], atol=1e-6)


class Plain(nn.Module):
    """A network without a convolution."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(61, 2)

    def trunk(self, codes):
        return self.layer(codes.float())[:, None]


def test_network_without_filters():
    assert first_convolutions(Plain(), 61) == []
    codes = np.zeros((3, 61), dtype=np.uint8)
    found = filter_motifs(Plain(), codes)
    assert found.motifs == []
    assert found.table.empty


def slow_counts(layer, codes, threshold, filter_index):
    """Letters above the threshold, one subsequence after the other."""
    values = layer.activations(one_hot(codes)).numpy()[:, filter_index]
    counts = np.zeros((layer.width, 4))
    kept = []
    for row, window in enumerate(codes):
        for start in range(values.shape[1]):
            seen = window[start : start + layer.span : layer.dilation]
            if (seen < UNKNOWN).all():
                kept.append(values[row, start])
                if values[row, start] > threshold:
                    counts[np.arange(layer.width), seen] += 1
    return counts, np.array(kept)


@pytest.mark.parametrize("branch", [0, 2])
def test_counts_agree_with_a_loop(windows, branch):
    layer = first_convolutions(network(), 61)[branch]
    codes = windows[:40]
    statistics = activation_statistics(layer, codes)
    counts = count_nucleotides(layer, codes, statistics.mean)
    for at in (0, 5):
        wanted, values = slow_counts(layer, codes, np.float32(statistics.mean[at]), at)
        assert counts[at] == pytest.approx(wanted)
        assert statistics.mean[at] == pytest.approx(values.mean(), abs=1e-6)
        assert statistics.rectified_mean[at] == pytest.approx(np.maximum(values, 0).mean(), abs=1e-6)
        assert statistics.maximum[at] == pytest.approx(values.max(), abs=1e-6)
        assert statistics.subsequences == len(values)


def test_batches_change_nothing(windows, monkeypatch):
    whole = filter_motifs(network(), windows)
    monkeypatch.setattr("rnamarks.interpretation.filters._CELLS_AT_ONCE", 5000)
    parts = filter_motifs(network(), windows)
    pd.testing.assert_frame_equal(whole.table, parts.table, rtol=1e-5)
    assert (
        max(np.abs(a.frequencies - b.frequencies).max() for a, b in zip(whole.motifs, parts.motifs, strict=True)) < 1e-3
    )


def planted(model, word="GGACU", branch=0, at=1):
    """Make one filter answer to a word."""
    layer = first_convolutions(model, 61)[branch]
    with torch.no_grad():
        layer.convolution.weight[at] = 0
        layer.convolution.bias[at] = -4.5
        for column, letter in enumerate(encode(word), 1):
            layer.convolution.weight[at, int(letter), column] = 1
    return model


def test_planted_filter_gives_its_word(windows):
    codes = windows.copy()
    codes[:200, 20:25] = encode("GGACU")
    found = filter_motifs(planted(network()), codes, threshold="half_max")
    assert list(found.table.columns) == column_names("motif_filters", last="consensus")
    motif = found.motifs[1]
    row = found.table.iloc[1]
    assert motif.name == row["motif"] == "m0_d1_f001"
    assert motif.consensus() == "NGGACUN"
    assert row["sites"] == motif.sites >= 200
    assert row["best_five"] > 9
    assert row["informative"]
    assert motif.name in [one.name for one in found.informative()]


def test_mean_threshold_keeps_about_half_and_knows_little(windows):
    paper = filter_motifs(network(), windows, threshold="mean").table
    released = filter_motifs(network(), windows, threshold="half_max").table
    assert paper["site_fraction"].between(0.2, 0.7).all()
    assert released["information"].median() > 2 * paper["information"].median()


def test_filter_that_never_answers_is_not_informative(windows):
    model = network()
    layer = first_convolutions(model, 61)[0]
    with torch.no_grad():
        layer.convolution.weight[0] = 0
    found = filter_motifs(model, windows)
    assert found.table.loc[0, "sites"] == 0
    assert not found.table.loc[0, "informative"]
    assert found.motifs[0].frequencies == pytest.approx(0.25)


def test_faults(windows):
    with pytest.raises(InputError, match="half_max, mean"):
        filter_motifs(network(), windows, threshold="median")
    with pytest.raises(InputError, match="no positive windows"):
        filter_motifs(network(), windows[:0])
    with pytest.raises(InputError, match="without N"):
        filter_motifs(network(), np.full((3, 61), UNKNOWN, dtype=np.uint8))


def test_positive_windows_of_the_test_split(monkeypatch):
    frame = pd.DataFrame(
        {
            "paper": ["test", "test", "train", "test", "test"],
            "label": [1, 0, 1, 1, 1],
            "sequence": ["AA", "CC", "GG", "UU", "AC"],
        }
    )
    assert positive_windows(frame, "paper") == ["AA", "UU", "AC"]
    with pytest.raises(InputError, match="test split of the paper scheme"):
        positive_windows(frame[frame["label"] == 0], "paper")
    monkeypatch.setattr("rnamarks.interpretation.filters._MOST_WINDOWS", 2)
    few = positive_windows(frame, "paper", seed=1)
    assert len(few) == 2
    assert few == positive_windows(frame, "paper", seed=1)


def test_filters_survive_their_files(windows, tmp_path):
    found = filter_motifs(network(), windows, threshold="half_max")
    write_meme(found.motifs, tmp_path / "f.meme")
    write_tsv(found.table.assign(species="human"), tmp_path / "f.tsv", {"threshold": "half_max"})
    back = read_filters(tmp_path / "f.meme", tmp_path / "f.tsv")
    assert [motif.name for motif in back.informative()] == [motif.name for motif in found.informative()]
    write_meme(found.motifs[1:], tmp_path / "g.meme")
    with pytest.raises(InputError, match="not those of the table"):
        read_filters(tmp_path / "g.meme", tmp_path / "f.tsv")
