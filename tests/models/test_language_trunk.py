"""A language model under the heads of every network: what it reads, gives, keeps and costs."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from language_models import SIZES, save_tiny
from rnamarks.errors import InputError
from rnamarks.interpretation.attention import attend_nucleotides
from rnamarks.interpretation.attribution import integrated_gradients
from rnamarks.interpretation.soft_input import one_hot
from rnamarks.models import language_trunk
from rnamarks.models.checkpoint import Ensemble, load_model, save_model
from rnamarks.models.directory import ModelConfig, read_config
from rnamarks.models.inference import inference_form
from rnamarks.models.language_files import load_language
from rnamarks.models.packing import Pack
from rnamarks.models.registry import MODELS, build_model
from rnamarks.models.tokens import tokenise
from rnamarks.prediction.exact import ExactEngine
from rnamarks.sequences import decode
from rnamarks.sites.windows import lay
from rnamarks.tasks import Task

WINDOW, CROP = 31, 15
TASKS = ["a", "b"]
SMALL = {"multirm": {"crop": CROP, "attention": 5, "hidden": 4}, "mass": {"dense": 5}}


def codes_of(n: int = 7, letters: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, letters, (n, WINDOW)).astype(np.uint8)


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("language"))


@pytest.fixture(params=MODELS.names())
def network(request, language):
    torch.manual_seed(3)
    made = build_model(request.param, TASKS, WINDOW, SMALL.get(request.param, {}) | {"trunk": SIZES})
    made.trunk.begin_from(language)
    return made.eval()


def test_positions_are_the_vectors_of_the_nucleotides_that_the_network_reads(network, language):
    codes = codes_of()
    first = (WINDOW - network.reads) // 2
    encoder = load_language(language)[0].trunk
    with torch.no_grad():
        found = network.trunk(torch.from_numpy(codes))
        assert found.shape == (len(codes), network.reads, SIZES["width"])
        for row, window in zip(found, codes, strict=True):
            tokens = tokenise(decode(window[first : first + network.reads]))
            torch.testing.assert_close(row, encoder(Pack.of([tokens]))[1:-1], atol=1e-5, rtol=0)
    assert network.reads == (CROP if network.attends else WINDOW)
    assert not network.looks_up


def test_packs_change_nothing_and_are_not_kept_for_the_gradient(network, monkeypatch):
    codes = torch.from_numpy(codes_of())

    def found() -> list[torch.Tensor]:
        network.zero_grad(set_to_none=True)
        logits = network(codes, "b")
        logits.sum().backward()
        return [logits.detach(), *(weight.grad for weight in network.trunk.parameters())]

    whole = found()
    monkeypatch.setitem(language_trunk.TOKENS_AT_ONCE, "cpu", 2 * (WINDOW + 2) * language_trunk.GRADIENT_SHARE)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda one: saved.append(one.numel()) or one, lambda one: one):
        network.trunk(codes)
    assert max(saved) <= codes.numel() * SIZES["width"]
    assert len(saved) < 100
    for one, other in zip(whole, found(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_one_hot_columns_are_codes_and_gradients_reach_them(network):
    codes = codes_of()
    network.trunk.freeze()
    path = one_hot(codes).requires_grad_(True)
    logits = network(path, "b")
    torch.testing.assert_close(logits, network(torch.from_numpy(codes), "b"), atol=1e-5, rtol=0)
    logits.sum().backward()
    first = (WINDOW - network.reads) // 2
    touched = path.grad.abs().sum(dim=(0, 1)) > 0
    assert touched[first : first + network.reads].all()
    assert touched.sum() == network.reads
    whole = integrated_gradients(network, codes[:2], "a", steps=64)
    np.testing.assert_allclose(
        whole.nucleotides.sum(axis=1), whole.logits - whole.baseline_logits, atol=0.02 + 2 * np.abs(whole.errors).max()
    )


def test_a_frozen_trunk_stays_as_it_is(network):
    network.trunk.freeze()
    network.train()
    assert network.training
    assert not any(module.training for module in network.trunk.modules())
    network(torch.from_numpy(codes_of()), "a").sum().backward()
    assert all(weight.grad is None for weight in network.trunk.parameters())
    assert all(weight.grad is not None for weight in network.heads["a"].parameters())


def test_kept_vectors_are_those_that_would_be_computed(network, tmp_path):
    codes = torch.from_numpy(codes_of())
    network.trunk.freeze()
    with torch.no_grad():
        expected = network.trunk(codes)
        said: list[str] = []
        network.trunk.keep(codes[:5].numpy(), tmp_path, report=said.append)
        encoder = network.trunk.encoder
        network.trunk.encoder = None
        torch.testing.assert_close(network.trunk(codes[:5].flip(0)), expected[:5].flip(0), atol=2e-3, rtol=2e-3)
        network.trunk.encoder = encoder
        # windows that were not kept are computed
        torch.testing.assert_close(network.trunk(codes), expected, atol=2e-3, rtol=2e-3)
    assert len(said) == 1
    (file,) = tmp_path.glob("*.npy")
    twin = copy.deepcopy(network)
    assert twin.trunk.kept is network.trunk.kept
    twin.trunk.keep(codes[:5].flip(0).numpy(), tmp_path, report=said.append)
    assert [*tmp_path.glob("*.npy")] == [file]
    with torch.no_grad():
        twin.trunk.encoder.norm.bias.add_(1)
    twin.trunk.keep(codes[:5].numpy(), tmp_path, report=said.append)
    assert len([*tmp_path.glob("*.npy")]) == 2


def test_it_is_saved_with_its_sizes_and_scans(network, language, tmp_path):
    name = next(one for one in MODELS.names() if MODELS[one] is type(network))
    sizes = SMALL.get(name, {}) | {"trunk": SIZES}
    save_model(tmp_path, [network.state_dict()], ModelConfig(name, [Task(one) for one in TASKS], WINDOW, sizes))
    loaded, config = load_model(tmp_path)
    assert config.hyperparameters == sizes
    codes = codes_of()
    with torch.no_grad():
        assert torch.equal(loaded.members[0](torch.from_numpy(codes), "a"), network(torch.from_numpy(codes), "a"))
    laid = lay([np.random.default_rng(2).integers(0, 4, 60).astype(np.uint8)], WINDOW // 2)
    at = np.flatnonzero(laid.codes == 0)
    engine = ExactEngine(Ensemble([network, network]), WINDOW, batch_size=4)
    assert (engine.width, engine.attends) == (network.reads, network.attends)
    scores = engine.score(laid.codes, {"a": at, "b": at[:5]}, attend=engine.attends)
    with torch.no_grad():
        windows = torch.from_numpy(laid.windows(at, WINDOW))
        form = inference_form(network)
        np.testing.assert_allclose(scores.logits["a"], network(windows, "a"), atol=1e-5)
        np.testing.assert_allclose(scores.logits["b"], form(windows[:5], "b"), atol=1e-5)
        if engine.attends:
            np.testing.assert_allclose(scores.weights["b"], network.attend(windows[:5])[:, 1], atol=1e-5)
            assert engine.k == 1
            spread = attend_nucleotides(Ensemble([network]), windows.numpy(), 0)
            assert np.count_nonzero(spread[0]) == network.reads


def test_sizes_that_do_not_fit_are_refused(language, tmp_path):
    with pytest.raises(InputError, match=r"reads up to 20 nt .found 31.*narrower"):
        build_model("mass", TASKS, WINDOW, {"trunk": SIZES | {"positions": "absolute", "longest": 22}})
    with pytest.raises(InputError, match=r"no setting trunk\.blokcs"):
        build_model("mass", TASKS, WINDOW, {"trunk": SIZES | {"blokcs": 3}})
    made = build_model("mass", TASKS, WINDOW, {"dense": 5, "trunk": SIZES})
    with pytest.raises(RuntimeError, match="size mismatch"):
        made.trunk.begin_from(save_tiny(tmp_path / "wide", width=16))
    config = ModelConfig("mass", [Task(one) for one in TASKS], WINDOW, {"dense": 5, "trunk": {"width": -1}})
    save_model(tmp_path / "model", [made.state_dict()], config)
    with pytest.raises(InputError, match=r"config\.json: .*trunk\.width is not a whole number"):
        read_config(tmp_path / "model")
