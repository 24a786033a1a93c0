"""The network for windows that hold a site anywhere."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from rnamarks.errors import InputError
from rnamarks.models.registry import MODELS
from rnamarks.models.unanchored import Unanchored, halve
from tolerance import assert_same_sums

SMALL = {"filters": 16, "channels": 8, "lstm_units": 4, "features": 6, "hidden": 5}


def small_model(window: int = 41) -> Unanchored:
    torch.manual_seed(0)
    model = Unanchored(["human", "mouse"], window, **SMALL)
    # fresh blocks pass their input on; here they must take part
    for block in model.trunk.blocks:
        torch.nn.init.normal_(block.mix.weight, std=0.3)
    return model


def codes_of(batch: int, window: int = 41) -> torch.Tensor:
    return torch.randint(0, 5, (batch, window), generator=torch.Generator().manual_seed(1))


def test_is_in_the_registry():
    assert MODELS["unanchored"] is Unanchored


def test_default_sizes():
    model = Unanchored(["human"], 101)
    assert tuple(model.trunk.motifs.weight.shape) == (256, 4, 9)
    assert [block.gapped.dilation for block in model.trunk.blocks] == [(1,), (2,), (4,)]
    assert model.pool.dense[1].in_features == 6 * 128
    positions = model.trunk(codes_of(2, 101))
    assert positions.shape == (2, 25, 128)
    assert model.pool(positions).shape == (2, 128)


@pytest.mark.parametrize("positions", [4, 7])
def test_halve_is_max_pooling(positions):
    x = torch.randn(3, 2, positions)
    torch.testing.assert_close(halve(x), F.max_pool1d(x, 2))


@pytest.mark.parametrize("window", [8, 41, 101])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_shapes(window, dtype):
    model = small_model(window)
    assert model(codes_of(3, window).to(dtype), "human").shape == (3,)
    assert model(codes_of(1, window).to(dtype), "mouse").shape == (1,)


def test_all_n_is_finite_and_n_adds_nothing():
    model = small_model().eval()
    empty = torch.full((2, 41), 4)
    assert torch.isfinite(model(empty, "human")).all()
    assert not model.trunk.one_hot(empty).any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.inference_mode()
def test_batch_never_changes_a_score(dtype):
    model, x = small_model().eval().to(dtype), codes_of(7)
    alone = torch.cat([model(row[None], "human") for row in x])
    assert_same_sums(model(x, "human"), alone, model, 41)
    assert_same_sums(model(x.flip(0), "human").flip(0), alone, model, 41)


def test_batch_never_changes_a_score_in_training_mode():
    model, x = small_model(), codes_of(7)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.p = 0.0
    model.train().double()
    alone = torch.cat([model(row[None], "human") for row in x])
    assert_same_sums(model(x, "human"), alone, model, 41)


@torch.inference_mode()
def test_site_counts_wherever_it_lies():
    """A motif in an otherwise empty window, moved by 16 nt away from the ends, keeps its largest responses."""
    model = small_model(101).eval().double()
    motif = torch.tensor([2, 2, 0, 1, 3])
    x = torch.full((2, 101), 4)
    x[0, 40:45] = motif
    x[1, 56:61] = motif
    stem = halve(model.trunk.motifs(model.trunk.one_hot(x)))
    torch.testing.assert_close(stem[0].amax(-1), stem[1].amax(-1))
    features = model.trunk.reduce(stem)
    blocks = model.trunk.blocks(features)
    torch.testing.assert_close(blocks[0, :, 10:34], blocks[1, :, 18:42])


def test_every_parameter_gets_a_gradient_and_tasks_are_apart():
    model = small_model()
    model(codes_of(8), "human").square().sum().backward()
    for name, parameter in model.named_parameters():
        if name.startswith("heads.mouse"):
            assert parameter.grad is None
        else:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.slow
def test_learns_a_motif_at_random_places():
    random = torch.Generator().manual_seed(2)
    x = torch.randint(0, 4, (256, 31), generator=random)
    y = torch.arange(256) % 2
    for row in range(1, 256, 2):
        at = int(torch.randint(0, 26, (1,), generator=random))
        x[row, at : at + 5] = torch.tensor([2, 2, 0, 1, 3])
    torch.manual_seed(0)
    model = Unanchored(["human"], 31, **SMALL, channel_dropout=0.0, dropout=0.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(x, "human"), y.float()).backward()
        optimizer.step()
    accuracy = ((model(x, "human") > 0) == y.bool()).float().mean()
    assert accuracy > 0.95


@pytest.mark.parametrize("wrong", [{"filter_width": 8}, {"width": 4}, {"channels": 12}, {"lstm_units": 3}])
def test_sizes_that_do_not_fit(wrong):
    with pytest.raises(InputError, match=r"even|multiple"):
        Unanchored(["human"], 41, **wrong)


def test_window_too_narrow():
    with pytest.raises(InputError, match="needs 8 nt or more"):
        Unanchored(["human"], 7)
