"""Attributions agree with closed forms, with an independent library, and with each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.attribution import agreement, integrated_gradients, mutagenesis, nucleotide_fractions
from rnamarks.interpretation.attribution_files import attribute_windows, write_attributions
from rnamarks.interpretation.soft_input import frozen, one_hot, require_soft
from rnamarks.models.checkpoint import Ensemble, ModelConfig, save_model
from rnamarks.models.layers import OneHot
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows
from rnamarks.tables import read_parquet, read_tsv, write_parquet
from rnamarks.tasks import Task

WINDOW = 21
NETWORKS = {
    "mass": {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5},
    "deepm6aseq": {"filters": [6, 4], "lstm_units": 3},
    "unanchored": {"filters": 8, "channels": 8, "lstm_units": 4, "features": 6, "hidden": 5},
}


class Linear(nn.Module):
    """The logit is a weighted sum of letters."""

    def __init__(self, weights: torch.Tensor, interaction: float = 0.0) -> None:
        super().__init__()
        self.one_hot = OneHot()
        self.weights = nn.Parameter(weights)
        self.interaction = interaction

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        x = self.one_hot(codes)
        return (x * self.weights).sum(dim=(1, 2)) + 0.7 + self.interaction * x[:, 0, 3] * x[:, 1, 9]


def linear(interaction: float = 0.0) -> Linear:
    weights = np.random.default_rng(0).normal(size=(4, WINDOW)).astype(np.float32)
    return Linear(torch.from_numpy(weights), interaction)


def codes_of(n: int = 5, letters: int = 5, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, letters, (n, WINDOW)).astype(np.uint8)


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = build_model(name, ["a", "b"], WINDOW, NETWORKS[name])
    for module in model.modules():
        # fresh normalisations and blocks hide too much of the network
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.3, 1.0)
        if isinstance(module, nn.Conv1d | nn.Linear):
            nn.init.normal_(module.weight, std=0.15)
    return model.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_reads_one_hot_columns_as_codes(name):
    model, codes = network(name), codes_of()
    with torch.no_grad():
        soft = model(one_hot(codes), "b")
        hard = model(torch.from_numpy(codes), "b")
    torch.testing.assert_close(soft, hard)
    path = one_hot(codes).requires_grad_(True)
    model(path, "b").sum().backward()
    assert path.grad.abs().amax(dim=(0, 1)).min() > 0


def test_soft_input_of_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(batch, 4, window\)"):
        OneHot()(torch.zeros(2, WINDOW))


def test_a_network_that_needs_codes_is_named():
    class Counts(nn.Module):
        def forward(self, codes, head):
            return codes.float().flatten(1).mean(dim=1)

    with pytest.raises(ValueError, match="other logits"):
        require_soft(Counts(), "a", WINDOW)


def test_frozen_puts_everything_back():
    model = network("mass").train()
    model.trunk.reduce.eval()
    with frozen(model):
        assert not any(module.training for module in model.modules())
        assert not any(parameter.requires_grad for parameter in model.parameters())
    assert model.training
    assert not model.trunk.reduce.training
    assert all(parameter.requires_grad for parameter in model.parameters())


ZEROS = np.zeros((4, WINDOW))


@pytest.mark.parametrize(("fractions", "share"), [(ZEROS, 0.0), (None, 0.25)])
def test_integrated_gradients_of_a_linear_network_are_its_weights(fractions, share):
    model, codes = linear(), codes_of()
    found = integrated_gradients(model, codes, "a", fractions=fractions, steps=1)
    expected = model.weights.detach().numpy() * (one_hot(codes).numpy() - share * (codes < 4)[:, None])
    np.testing.assert_allclose(found.contributions, expected, atol=1e-5)
    np.testing.assert_allclose(found.nucleotides, expected.sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(found.errors, 0, atol=1e-5)
    assert found.complete.all()


def test_letters_that_all_windows_have_get_nothing_against_their_composition():
    codes = codes_of(40, 4)
    codes[:, 3], codes[:, 7] = 2, np.arange(40) % 2
    shares = nucleotide_fractions(codes)
    assert shares[:, 3].tolist() == [0, 0, 1, 0]
    assert shares[:, 7].tolist() == [0.5, 0.5, 0, 0]
    model = linear()
    found = integrated_gradients(model, codes, "any", fractions=shares, steps=2)
    assert np.abs(found.nucleotides[:, 3]).max() < 1e-6
    weights = model.weights.detach().numpy()
    assert found.nucleotides[0, 7] == pytest.approx((weights[0, 7] - weights[1, 7]) / 2, abs=1e-5)
    # against the mean of the windows themselves, parts cancel
    assert np.abs(found.nucleotides.mean(axis=0)).max() < 1e-5
    assert nucleotide_fractions(np.full((3, 2), 4, dtype=np.uint8)).tolist() == [[0.25, 0.25]] * 4
    with pytest.raises(InputError, match="four nucleotides at each position"):
        integrated_gradients(model, codes, "any", fractions=shares[:, 1:])


def test_only_the_places_asked_for_are_substituted():
    codes, model = codes_of(4, 4), linear()
    whole, some = (mutagenesis(model, codes, "any", places=places).contributions for places in (None, [3, 4]))
    assert np.array_equal(some[..., [3, 4]], whole[..., [3, 4]])
    assert not np.delete(some, [3, 4], axis=2).any()


def test_integrated_gradients_share_a_product_equally():
    """f = 3 x y has gradient 3 t on both along the path from zero, so either letter gets half of 3."""
    model = linear(3.0)
    model.weights.data.zero_()
    codes = np.full((1, WINDOW), 4, dtype=np.uint8)
    codes[0, [3, 9]] = 0, 1
    found = integrated_gradients(model, codes, "a", fractions=ZEROS, steps=4)
    assert found.nucleotides[0, [3, 9]] == pytest.approx([1.5, 1.5])
    assert np.count_nonzero(found.nucleotides) == 2


def test_mutagenesis_of_a_linear_network_is_the_difference_of_weights():
    model, codes = linear(), codes_of()
    found = mutagenesis(model, codes, "a", batch_size=7)
    weights = model.weights.detach().numpy()
    for row in range(len(codes)):
        for place in range(WINDOW):
            own = codes[row, place]
            expected = weights[:, place] - weights[own, place] if own < 4 else np.zeros(4)
            np.testing.assert_allclose(found.contributions[row, :, place], expected, atol=1e-5)
    np.testing.assert_allclose(found.nucleotides, -found.contributions.sum(axis=1) / 3, atol=1e-5)
    assert np.isnan(found.errors).all()


def test_mutagenesis_equals_one_window_at_a_time():
    model, codes = network("mass"), codes_of(2, 4)
    found = mutagenesis(model, codes, "a")
    with torch.no_grad():
        for place, letter in ((0, 2), (10, 3), (20, 0)):
            mutant = codes.copy()
            mutant[:, place] = letter
            change = model(torch.from_numpy(mutant), "a") - model(torch.from_numpy(codes), "a")
            np.testing.assert_allclose(found.contributions[:, letter, place], change, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_contributions_sum_to_the_difference(name):
    model, codes = network(name), codes_of(3)
    found = integrated_gradients(model, codes, "b")
    with torch.no_grad():
        logits = model(torch.from_numpy(codes), "b").numpy()
    np.testing.assert_allclose(found.logits, logits, atol=1e-5)
    gap = found.logits - found.baseline_logits
    np.testing.assert_allclose(found.contributions.sum(axis=(1, 2)) - gap, found.errors, atol=1e-4)
    assert (np.abs(found.errors) <= 0.01 * np.maximum(1, np.abs(gap))).all()
    assert found.complete.all()


def test_batches_and_neighbours_change_nothing():
    model, codes = network("deepm6aseq"), codes_of(4)
    together = integrated_gradients(model, codes, "a", batch_size=64)
    alone = [integrated_gradients(model, row[None], "a", batch_size=5) for row in codes]
    np.testing.assert_allclose(together.contributions, np.concatenate([one.contributions for one in alone]), atol=1e-5)


def test_ensemble_is_the_mean_of_its_members():
    members, codes = [network("mass"), network("deepm6aseq")], codes_of(2)
    options = {"steps": 16, "maximum_steps": 16, "tolerance": 9.0}
    parts = [integrated_gradients(member, codes, "a", **options).contributions for member in members]
    whole = integrated_gradients(Ensemble(members), codes, "a", **options).contributions
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-4, atol=1e-5)


class Kinked(Linear):
    def forward(self, codes, head):
        return 50 * torch.relu(self.one_hot(codes)[:, :, 5].sum(dim=1) - 0.777)


def test_missed_sums_are_mended_or_said():
    model, codes = Kinked(torch.zeros(4, WINDOW)), codes_of(3, 4)
    said: list[str] = []
    rough = integrated_gradients(model, codes, "a", fractions=ZEROS, steps=2, maximum_steps=2, warn=said.append)
    assert not rough.complete.any()
    assert "3 of 3 windows" in said[0]
    fine = integrated_gradients(model, codes, "a", fractions=ZEROS, steps=2, maximum_steps=1024)
    assert fine.complete.all()
    assert fine.steps.min() > 2


def test_agrees_with_captum():
    captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    model, codes = network("mass"), codes_of(2, 4)
    x = one_hot(codes)
    theirs, delta = captum.IntegratedGradients(lambda rows: model(rows, "a")).attribute(
        x, torch.zeros_like(x), n_steps=32, return_convergence_delta=True
    )
    ours = integrated_gradients(model, codes, "a", fractions=ZEROS, steps=32, maximum_steps=32)
    np.testing.assert_allclose(ours.contributions, theirs.detach().numpy(), atol=1e-4)
    np.testing.assert_allclose(ours.errors, delta.numpy(), atol=1e-4)


def test_agreement_is_spearmans():
    model, codes = network("mass"), codes_of(4, 4)
    first, second = integrated_gradients(model, codes, "a"), mutagenesis(model, codes, "a")
    expected = [spearmanr(a, b).statistic for a, b in zip(first.nucleotides, second.nucleotides, strict=True)]
    np.testing.assert_allclose(agreement(first.nucleotides, second.nucleotides), expected)
    exact = agreement(
        integrated_gradients(linear(), codes, "a").nucleotides, mutagenesis(linear(), codes, "a").nucleotides
    )
    # for a linear network both are weight less mean weight, up to a factor
    np.testing.assert_allclose(exact, 1.0)


@pytest.fixture
def folder(tmp_path):
    model = network("deepm6aseq")
    config = ModelConfig("deepm6aseq", [Task("a"), Task("b")], WINDOW, NETWORKS["deepm6aseq"])
    save_model(tmp_path / "model", [model.state_dict()], config)
    return tmp_path / "model"


def test_files_of_windows(folder, tmp_path):
    path = tmp_path / "w.fa"
    path.write_text(">one x\n" + "acgt" * 5 + "A\n>short\nGGACU\n>three\n" + "GATTACA" * 3 + "\n")
    said: list[str] = []
    chunks = list(attribute_windows(folder, "a", path, compare=True, warn=said.append))
    letters = pd.concat([chunk[0] for chunk in chunks])
    checks = pd.concat([chunk[1] for chunk in chunks])
    assert list(letters.columns) == column_names("attributions")
    assert list(checks.columns) == column_names("attribution_checks")
    assert checks["window"].tolist() == ["one", "short", "three"]
    short = letters[letters["window"] == "short"]
    assert "".join(short["nucleotide"]) == "GGACU"
    assert short["offset"].tolist() == [-2, -1, 0, 1, 2]
    assert short["position"].tolist() == [8, 9, 10, 11, 12]
    assert "".join(letters.loc[letters["window"] == "one", "nucleotide"]) == "ACGU" * 5 + "A"
    sums = letters.groupby("window")["attribution"].sum()
    np.testing.assert_allclose(checks.set_index("window")["total"][sums.index], sums, atol=1e-4)
    assert checks["agreement"].between(-1, 1).all()
    assert "1 windows are not 21 nt long" in said[-1]
    limited = list(attribute_windows(folder, "a", path, method="mutagenesis", limit=1))
    assert limited[0][1]["window"].tolist() == ["one"]


@pytest.mark.parametrize("ending", ["parquet", "tsv.gz"])
def test_parquet_windows_are_chosen_and_written(folder, tmp_path, ending):
    frame = pd.DataFrame(
        {
            "window": [f"w{at}" for at in range(6)],
            "sequence": decode_windows(codes_of(6, 4)),
            "label": [1, 0, 1, 1, 0, 1],
            "paper": ["test", "test", "train", "test", "test", ""],
        }
    )
    write_parquet(frame, tmp_path / "split.parquet")
    out = tmp_path / f"letters.{ending}"
    chunks = attribute_windows(folder, "b", tmp_path / "split.parquet", method="mutagenesis", limit=2)
    write_attributions(chunks, out, tmp_path / "checks.tsv")
    letters = (read_parquet if ending == "parquet" else read_tsv)(out, column_names("attributions"))[0]
    checks, _ = read_tsv(tmp_path / "checks.tsv", column_names("attribution_checks"))
    assert checks["window"].tolist() == ["w0", "w1"]
    assert len(letters) == 2 * WINDOW
    write_parquet(frame[:0], tmp_path / "empty.parquet")
    with pytest.raises(InputError, match="holds no window"):
        list(attribute_windows(folder, "b", tmp_path / "empty.parquet"))


def test_windows_of_another_base_get_no_attribution(tmp_path):
    model, said = network("deepm6aseq"), []
    tasks = [Task("a", base="A", motif="DRACH", motif_offset=2), Task("b")]
    save_model(tmp_path / "m", [model.state_dict()], ModelConfig("deepm6aseq", tasks, WINDOW, NETWORKS["deepm6aseq"]))
    path = tmp_path / "w.txt"
    path.write_text("GGACU\nGGGCU\n")
    ((_, checks),) = attribute_windows(tmp_path / "m", "a", path, warn=said.append)
    assert checks["window"].tolist() == ["line1"]
    assert any("1 windows do not have DRACH around the middle" in line for line in said)
    path.write_text("GGGCU\n")
    with pytest.raises(InputError, match="no window has DRACH"):
        list(attribute_windows(tmp_path / "m", "a", path, warn=said.append))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "c"}, "choose one of a, b"),
        ({"method": "saliency"}, "integrated_gradients, mutagenesis"),
        ({"limit": 0}, "at least 1"),
    ],
)
def test_wrong_requests_are_named(folder, tmp_path, changes, message):
    path = tmp_path / "w.txt"
    path.write_text("ACGU\n")
    with pytest.raises(InputError, match=message):
        list(attribute_windows(folder, windows=path, **({"task": "a"} | changes)))
