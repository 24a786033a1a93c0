"""What every network of the registry has in common: a trunk, what is shared after it, and a head per task."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rnamarks.models.inference import inference_form
from rnamarks.models.registry import MODELS, build_model

SMALL = {
    "deepm6aseq": {"filters": [6, 4], "lstm_units": 3},
    "mass": {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5},
    "multirm": {"dims": 8, "units": 6, "attention": 5, "hidden": 4},
    "unanchored": {"filters": 16, "channels": 8, "lstm_units": 4, "features": 6, "hidden": 5},
}
TASKS = ["a", "b"]
WINDOW = 41


def codes(n: int = 5) -> torch.Tensor:
    return torch.randint(0, 5, (n, WINDOW), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


class Letters(nn.Module):
    """A trunk with nothing of the networks' own: a vector per nucleotide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.table = nn.Embedding(5, channels)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.table(windows.long())


@pytest.fixture(params=MODELS.names())
def network(request):
    torch.manual_seed(0)
    return build_model(request.param, TASKS, WINDOW, SMALL[request.param]).eval()


def test_the_trunk_gives_one_vector_per_position(network):
    positions = network.trunk(codes())
    assert positions.ndim == 3
    assert (len(positions), positions.shape[2]) == (5, network.trunk.channels)
    assert positions.is_floating_point()


def test_logits_come_from_the_parts(network):
    assert list(network.heads) == network.tasks == TASKS
    assert {name.partition(".")[0] for name in network.state_dict()} <= {"trunk", "pool", "heads"}
    together = network.forward_all(codes())
    for column, task in enumerate(TASKS):
        torch.testing.assert_close(network(codes(), task), together[:, column])


def test_any_trunk_of_the_shape_may_stand_under_the_heads(network):
    """Logits and gradients come from it, frozen or not, in either form."""
    torch.manual_seed(1)
    before = network.forward_all(codes())
    network.trunk = Letters(network.trunk.channels)
    after = network.forward_all(codes())
    assert (after - before).abs().max() > 1e-4
    torch.testing.assert_close(inference_form(network)(codes(), "b"), after[:, 1])
    network(codes(), "a").sum().backward()
    assert network.trunk.table.weight.grad.abs().sum() > 0
    network.zero_grad(set_to_none=True)
    network.trunk.requires_grad_(False)
    network(codes(), "a").sum().backward()
    assert network.trunk.table.weight.grad is None
    assert all(weight.grad is not None for weight in network.heads["a"].parameters())
