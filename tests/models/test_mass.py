"""The MASS network has the published shapes and treats batches, padding and tasks as it should."""

from __future__ import annotations

import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.models.registry import build_model
from tolerance import assert_same_sums

SMALL = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def codes(n: int = 7, window: int = 101) -> torch.Tensor:
    return torch.randint(0, 5, (n, window), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)


def test_released_form_has_the_published_number_of_parameters():
    model = build_model("mass", ["human"], 101, {"form": "released"})
    # torch's LSTM has a second bias vector of 4 x 64 in each direction
    assert count(model.trunk) == 3_815_859 + 2 * 4 * 64
    assert count(model.heads["human"]) == 1_002_405


def test_paper_form_has_one_attention_layer_with_an_output_matrix():
    model = build_model("mass", ["human"], 101, {"form": "paper"})
    (attention,) = model.trunk.attention
    assert attention.output.weight.shape == (128, 128)
    assert [block[1].dilation[0] for block in model.trunk.gapped] == [1, 3, 5]


def test_unknown_form_is_named():
    with pytest.raises(InputError, match="paper, released"):
        build_model("mass", ["human"], 101, {"form": "draft"})


def test_a_mistyped_hyperparameter_lists_the_known_ones():
    with pytest.raises(InputError, match=r"no setting filter; known are .*filter_width, filters"):
        build_model("mass", ["human"], 101, {"filter": 8})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("form", ["paper", "released"])
def test_logits_do_not_depend_on_the_batch(form, dtype):
    torch.manual_seed(0)
    model = build_model("mass", ["a", "b"], 101, SMALL | {"form": form}).eval().to(dtype)
    x = codes()
    with torch.inference_mode():
        together = model(x, "a")
        alone = torch.cat([model(row[None], "a") for row in x])
        shuffled = model(x.flip(0), "a").flip(0)
    assert together.shape == (7,)
    assert_same_sums(together, alone, model, 101)
    assert_same_sums(together, shuffled, model, 101)


def test_tasks_share_the_trunk_and_nothing_else():
    torch.manual_seed(0)
    model = build_model("mass", ["a", "b"], 101, SMALL)
    model(codes(), "a").sum().backward()
    assert all(parameter.grad is not None for parameter in model.trunk.parameters())
    assert all(parameter.grad is not None for parameter in model.heads["a"].parameters())
    assert all(parameter.grad is None for parameter in model.heads["b"].parameters())


def test_unknown_nucleotides_are_zero_rows():
    model = build_model("mass", ["a"], 9, SMALL)
    one_hot = model.trunk.one_hot(torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.uint8))
    assert one_hot[0].T.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_attention_equals_its_definition():
    torch.manual_seed(1)
    attention = build_model("mass", ["a"], 20, SMALL).trunk.attention[0].double()
    x = torch.randn(2, 20, 8, dtype=torch.float64)
    heads = []
    for head in range(8):
        rows = slice(2 * head, 2 * head + 2)
        query, key, value = (x @ part.weight[rows].T for part in (attention.query, attention.key, attention.value))
        heads.append(torch.softmax(query @ key.transpose(1, 2) / 2**0.5, dim=-1) @ value)
    torch.testing.assert_close(attention(x), torch.cat(heads, dim=-1) @ attention.output.weight.T)
