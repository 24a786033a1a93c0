"""A network's faster form gives the network's own logits, and leaves the network as it was."""

from __future__ import annotations

import pytest
import torch

from rnamarks.models.checkpoint import Ensemble, Stack
from rnamarks.models.inference import inference_form
from rnamarks.models.layers import ConvBlock, LookedUpBlock, OneHot, SelfAttention
from rnamarks.models.registry import build_model
from tolerance import assert_same_sums

SMALL = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}


def codes(n: int = 9, window: int = 101) -> torch.Tensor:
    """Windows with N in the middle, and one of N alone."""
    found = torch.randint(0, 5, (n, window), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    found[0] = 4
    return found


@torch.no_grad()
def lived_in(module: torch.nn.Module) -> torch.nn.Module:
    """The module with statistics, scales and slopes as training leaves them, in evaluation mode."""
    random = torch.Generator().manual_seed(5)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.running_mean.normal_(0, 0.1, generator=random)
            part.running_var.uniform_(0.05, 0.5, generator=random)
            part.weight.normal_(1, 0.3, generator=random)
            part.bias.normal_(0, 0.3, generator=random)
        elif isinstance(part, torch.nn.Linear | torch.nn.LSTM):
            for weight in part.parameters():
                weight.mul_(2)
        elif isinstance(part, torch.nn.PReLU):
            part.weight.uniform_(-0.2, 0.6, generator=random)
    return module.eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [{}, {"form": "released"}, {"filter_width": 17}, {"filter_width": 3}])
def test_mass_scores_the_same(shape, dtype):
    torch.manual_seed(0)
    model = lived_in(build_model("mass", ["a", "b"], 101, SMALL | shape)).to(dtype)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.inference_mode():
        form = inference_form(model)
        for task in ("a", "b"):
            expected = model(codes(), task)
            assert expected.std() > 0.01
            assert_same_sums(form(codes(), task), expected, model, 101)
            alone = torch.cat([form(window[None], task) for window in codes()])
            assert_same_sums(alone, expected, model, 101)
    assert form is not model
    assert not isinstance(model.trunk, type(form.trunk))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_form_keeps_the_weights_it_was_made_from():
    torch.manual_seed(0)
    model = lived_in(build_model("mass", ["a"], 101, SMALL)).double()
    with torch.no_grad():
        form, before = inference_form(model), model(codes(), "a")
        model.trunk.gapped[0][1].weight.mul_(2)
        assert_same_sums(form(codes(), "a"), before, model, 101)
        assert_same_sums(inference_form(model)(codes(), "a"), model(codes(), "a"), model, 101)
        assert (model(codes(), "a") - before).abs().max() > 1e-3


class Letters:
    """A baseline: the fraction of A."""

    def logit(self, letters):
        return (letters == 0).mean(axis=1)


def test_what_holds_networks_is_rearranged_and_other_networks_stay():
    torch.manual_seed(0)
    deep = build_model("deepm6aseq", ["a"], 101, {"filters": [6, 4], "lstm_units": 3}).eval()
    assert inference_form(deep) is deep
    networks = Ensemble([lived_in(build_model("mass", ["a"], 101, SMALL)), deep]).eval()
    stack = Stack(networks, "nets", {"letters": {"a": Letters()}}, {"a": {"nets": 0.7, "letters": 2.0}}).eval()
    with torch.inference_mode():
        form = inference_form(stack)
        assert_same_sums(form(codes(), "a"), stack(codes(), "a"), networks, 101)
    assert form.networks.members[1] is deep
    assert form.networks.members[0] is not networks.members[0]


@pytest.mark.parametrize(("width", "dilation"), [(18, 1), (18, 5), (5, 3), (7, 2), (1, 1)])
def test_blocks_have_two_faster_forms(width, dilation):
    torch.manual_seed(0)
    block = lived_in(ConvBlock(4, 6, width, dilation=dilation)).double()
    letters = codes(window=40)
    shares = OneHot()(letters).double()
    with torch.inference_mode():
        expected = block(shares)
        assert_same_sums(inference_form(block)(shares), expected, block)
        assert_same_sums(LookedUpBlock(block)(letters), expected, block)


@pytest.mark.parametrize("project", [True, False])
def test_attention_is_the_same(project):
    torch.manual_seed(0)
    attention = SelfAttention(12, 3, 4, project=project).eval().double()
    x = torch.randn(2, 30, 12, dtype=torch.float64)
    with torch.inference_mode():
        assert_same_sums(inference_form(attention)(x), attention(x), attention)
