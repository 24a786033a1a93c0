"""MultiRM has the published shapes, gives each window its own result, and gradients that are right."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rnamarks.errors import InputError
from rnamarks.interpretation.attribution import integrated_gradients
from rnamarks.interpretation.soft_input import frozen, one_hot, require_soft
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.embeddings import EMBEDDINGS, kmer_fractions
from rnamarks.models.kmer_vectors import kmer_numbers
from rnamarks.models.multirm import MultiRM
from rnamarks.models.registry import MODELS, build_model
from rnamarks.tasks import Task
from rnamarks.training.precision import can_bfloat16
from tolerance import assert_same_sums, path_length, rounding

TASKS = ["Am", "m6A", "Y"]
SMALL = {"dims": 12, "units": 6, "attention": 5, "hidden": 4}
KINDS = sorted(EMBEDDINGS)


def small_model(embedding: str = "word2vec", window: int = 21, **others) -> MultiRM:
    torch.manual_seed(0)
    model = build_model("multirm", TASKS, window, SMALL | {"embedding": embedding} | others)
    # fresh weights hardly tell windows apart
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.4)
    return model.eval()


def codes_of(batch: int = 7, window: int = 21, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, 5, (batch, window), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_default_sizes_are_the_published_ones():
    assert MODELS["multirm"] is MultiRM
    model = MultiRM([f"h{i}" for i in range(12)], 51)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert trained == 2_036_112
    # 94 k-mers there, 125 here
    assert trained + model.trunk.embedding.table().numel() == 2_064_312 + 31 * 300
    assert model.trunk.n_kmers == 49
    assert "trunk.embedding.vectors" in model.state_dict()


@pytest.mark.parametrize("embedding", KINDS)
def test_shapes(embedding):
    model, x = small_model(embedding), codes_of()
    places = 21 - model.trunk.embedding.k + 1
    assert model.trunk.n_kmers == places
    assert model.trunk.embedding(x).shape == (7, places, 12)
    assert model(x, "m6A").shape == (7,)
    assert model.forward_all(x).shape == (7, 3)
    assert model.pool(model.trunk(x)).shape == (7, 3, 12)
    attention = model.attend(x)
    assert attention.shape == (7, 3, places)
    torch.testing.assert_close(attention.sum(dim=2), torch.ones(7, 3))
    assert (attention[:, 0] - attention[:, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("embedding", KINDS)
def test_the_ways_to_a_logit_agree(embedding):
    model, x = small_model(embedding), codes_of()
    together = model.forward_all(x)
    contexts = model.pool(model.trunk(x))
    for row, task in enumerate(TASKS):
        assert_same_sums(model(x, task), together[:, row], model, model.trunk.n_kmers)
        assert_same_sums(model.heads[task](contexts[:, row]), together[:, row], model)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("embedding", KINDS)
@torch.inference_mode()
def test_batch_never_changes_a_logit(embedding, dtype):
    model, x = small_model(embedding).to(dtype), codes_of(33)
    alone = torch.cat([model.forward_all(row[None]) for row in x])
    assert_same_sums(model.forward_all(x), alone, model, model.trunk.n_kmers)
    assert_same_sums(model.forward_all(x.flip(0)).flip(0), alone, model, model.trunk.n_kmers)
    assert model.forward_all(x[:0]).shape == (0, 3)


@torch.inference_mode()
def test_batch_never_changes_a_logit_at_the_published_sizes():
    torch.manual_seed(0)
    model, x = MultiRM(TASKS, 51).eval(), codes_of(64, 51)
    alone = torch.cat([model.forward_all(row[None]) for row in x])
    assert_same_sums(model.forward_all(x), alone, model, model.trunk.n_kmers)


def as_the_original(model: MultiRM, x: torch.Tensor) -> torch.Tensor:
    """Logits with the final states put together as the released code does: reshaped, not transposed."""
    positions, (final, _) = model.trunk.lstm(model.trunk.embedding(x))
    query = final.reshape(len(x), -1)
    scores = model.pool.score(torch.tanh(model.pool.from_positions(positions) + model.pool.from_final(query)[:, None]))
    contexts = scores.softmax(dim=1).transpose(1, 2) @ positions
    return torch.stack([model.heads[task](contexts[:, row]) for row, task in enumerate(TASKS)], dim=1)


@torch.inference_mode()
def test_the_original_mixes_the_windows_of_a_batch():
    model, x = small_model().double(), codes_of(4)
    ours = model.forward_all(x)
    alone = torch.cat([as_the_original(model, row[None]) for row in x])
    assert_same_sums(ours, alone, model, model.trunk.n_kmers)
    mixed = as_the_original(model, x)
    assert (mixed - alone).abs().max() > 1e-3
    other = x.clone()
    other[1:] = codes_of(3, seed=9)
    assert (as_the_original(model, other)[0] - mixed[0]).abs().max() > 1e-3
    assert_same_sums(model.forward_all(other)[0], ours[0], model, model.trunk.n_kmers)


@torch.inference_mode()
@pytest.mark.parametrize("embedding", KINDS)
def test_order_counts_and_n_is_a_letter_of_its_own(embedding):
    model, x = small_model(embedding), codes_of(5)
    assert (model.forward_all(x) - model.forward_all(x.flip(1))).abs().max() > 1e-3
    empty = torch.full((2, 21), 4)
    assert torch.isfinite(model.forward_all(empty)).all()


@torch.inference_mode()
@pytest.mark.parametrize("embedding", KINDS)
def test_crop_reads_the_middle_alone(embedding):
    model, x = small_model(embedding, crop=15), codes_of()
    narrow = small_model(embedding, window=15)
    narrow.load_state_dict(model.state_dict())
    assert model.trunk.n_kmers == narrow.trunk.n_kmers
    torch.testing.assert_close(model.forward_all(x), narrow.forward_all(x[:, 3:18]))
    outside = x.clone()
    outside[:, :3] = outside[:, 18:] = 4
    torch.testing.assert_close(model.forward_all(x), model.forward_all(outside))


@torch.inference_mode()
@pytest.mark.parametrize("embedding", KINDS)
def test_a_local_embedding_is_the_same_in_every_window(embedding):
    """Vectors of a long sequence hold for the windows cut from it if, and only if, the embedding says so."""
    model, long = small_model(embedding).double(), codes_of(1, 40)
    letters = model.trunk.embedding.k
    whole = model.trunk.embedding(long)[0]
    cut = torch.stack([model.trunk.embedding(long[:, i : i + 21])[0] for i in range(20)])
    expected = torch.stack([whole[i : i + 21 - letters + 1] for i in range(20)])
    assert torch.allclose(cut, expected, atol=1e-10, rtol=0) == model.trunk.embedding.local


@torch.inference_mode()
def test_structure2vec_equals_its_definition():
    layer = small_model("hmm").double().trunk.embedding
    x = codes_of(2)
    own = layer.words[kmer_numbers(x.long())]
    v = torch.zeros_like(own)
    for _ in range(3):
        neighbours = torch.zeros_like(v)
        for place in range(19):
            for other in (place - 1, place + 1):
                if 0 <= other < 19:
                    neighbours[:, place] += v[:, other]
        v = torch.relu(own + neighbours @ layer.messages.weight.T)
    assert_same_sums(layer(x), v, layer)


def test_shares_of_one_hot_columns_are_words():
    x = codes_of(3)
    shares = kmer_fractions(one_hot(x.numpy()))
    torch.testing.assert_close(shares, F.one_hot(kmer_numbers(x.long()), 125).float())
    even = kmer_fractions(torch.full((1, 4, 5), 0.25))
    known = [number for number in range(125) if 4 not in (number // 25, number // 5 % 5, number % 5)]
    torch.testing.assert_close(even[0, :, known], torch.full((3, 64), 1 / 64))
    assert even.sum() == pytest.approx(3)


@pytest.mark.parametrize(("embedding", "dims"), [("word2vec", 12), ("word2vec", 130), ("one_hot", 12), ("hmm", 12)])
def test_real_valued_windows(embedding, dims):
    model = small_model(embedding, dims=dims)
    x = codes_of(9)
    with frozen(model), torch.no_grad():
        require_soft(model, "m6A", 21)
        model.double()
        columns = one_hot(x.numpy()).double()
        assert_same_sums(model.forward_all(columns), model.forward_all(x), model, model.trunk.n_kmers)
        assert_same_sums(model.attend(columns), model.attend(x), model, model.trunk.n_kmers)


@pytest.mark.parametrize("embedding", KINDS)
def test_integrated_gradients_are_complete(embedding):
    found = integrated_gradients(small_model(embedding, crop=17), codes_of(4).numpy(), "m6A", tolerance=0.01)
    assert found.complete.all()
    assert np.abs(found.contributions).max() > 1e-3
    # what lies outside the crop is not read
    assert not found.contributions[:, :, [0, 1, 19, 20]].any()


@pytest.mark.parametrize(("embedding", "dims"), [("word2vec", 4), ("word2vec", 130), ("one_hot", 4), ("hmm", 4)])
@pytest.mark.parametrize("real", [False, True], ids=["codes", "real"])
def test_gradients_are_those_of_finite_differences(embedding, dims, real):
    torch.manual_seed(3)
    model = MultiRM(["a", "b"], 13, embedding=embedding, dims=dims, units=3, attention=3, hidden=3).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    x = codes_of(3, 13)
    names, values = zip(*model.named_parameters(), strict=True)
    windows = torch.rand(3, 4, 13, dtype=torch.float64, requires_grad=True) if real else x

    def logits(given: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        replaced = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(
            _All(model), {f"inner.{key}": value for key, value in replaced.items()}, given
        )

    assert torch.autograd.gradcheck(logits, (windows, *values), fast_mode=True)


class _All(torch.nn.Module):
    def __init__(self, inner: MultiRM) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.inner.forward_all(windows)


@pytest.mark.parametrize("real", [False, True], ids=["codes", "real"])
def test_weights_taken_through_the_table_change_nothing(real):
    """Vectors wider than there are k-mers: logits, attention and gradients are those of the LSTM over vectors."""
    model = small_model(dims=130).double()
    plain = copy.deepcopy(model)
    plain.trunk._over_kmers = lambda shares, table: plain.trunk.lstm(shares @ table)[0]
    x = one_hot(codes_of(16).numpy()).double() if real else codes_of(16)
    assert_same_sums(model.attend(x), plain.attend(x), model, model.trunk.n_kmers)
    for network in (model, plain):
        network.forward_all(x).square().mean().backward()
    assert_same_sums(model.forward_all(x), plain.forward_all(x), model, model.trunk.n_kmers)
    # a gradient is a sum over windows and positions
    for (name, ours), theirs in zip(model.named_parameters(), plain.parameters(), strict=True):
        terms = path_length(model, model.trunk.n_kmers) * len(x) * model.trunk.n_kmers
        limit = rounding(terms, max(1.0, float(theirs.grad.abs().max())), "float64")
        torch.testing.assert_close(ours.grad, theirs.grad, atol=limit, rtol=0, msg=name)


def test_one_task_trains_alone_and_vectors_stay_frozen():
    model = small_model().train()
    before = model.trunk.embedding.table().clone()
    model(codes_of(), "m6A").square().sum().backward()
    assert model.heads["m6A"][0].weight.grad is not None
    assert model.heads["Y"][0].weight.grad is None
    assert model.pool.score.weight.grad[0].abs().sum() == 0
    assert model.trunk.lstm.weight_ih_l0.grad.abs().sum() > 0
    assert not model.trunk.embedding.table().requires_grad
    assert torch.equal(before, model.trunk.embedding.table())


@pytest.mark.slow
@pytest.mark.parametrize("embedding", KINDS)
def test_learns_a_planted_motif(embedding):
    random = torch.Generator().manual_seed(2)
    x = torch.randint(0, 4, (256, 17), generator=random, dtype=torch.uint8)
    y = torch.arange(256) % 2
    x[1::2, 7:12] = torch.tensor([2, 2, 0, 1, 3], dtype=torch.uint8)
    torch.manual_seed(0)
    model = MultiRM(["a"], 17, embedding=embedding, dims=16, units=8, attention=8, hidden=8, dropout=0.0)
    model.prepare(x.numpy(), 0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
    for _ in range(60):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(model(x, "a"), y.float()).backward()
        optimizer.step()
    assert ((model(x, "a") > 0) == y.bool()).float().mean() > 0.95


@pytest.mark.skipif(not can_bfloat16(torch.device("cpu")), reason="this processor has no LSTM in bfloat16")
@pytest.mark.parametrize("dims", [12, 130])
def test_trains_in_bfloat16(dims):
    """Under autocast on a CPU logits and gradients stay close to those in single precision."""
    model, x = small_model(dims=dims), codes_of(32)
    exact = model.forward_all(x)
    exact.square().mean().backward()
    gradient = model.trunk.lstm.weight_hh_l0.grad.clone()
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        rough = model.forward_all(x).float()
    rough.square().mean().backward()
    torch.testing.assert_close(rough, exact, atol=0.03, rtol=0.03)
    torch.testing.assert_close(model.trunk.lstm.weight_hh_l0.grad, gradient, atol=0.05 * gradient.abs().max(), rtol=0)


def test_prepare_is_repeatable_and_changes_word_vectors_alone():
    x = codes_of(50).numpy()
    model = small_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.prepare(x, 5)
    after = model.state_dict()
    assert [name for name in after if not torch.equal(after[name], before[name])] == ["trunk.embedding.vectors"]
    again = small_model()
    again.prepare(x, 5)
    assert torch.equal(after["trunk.embedding.vectors"], again.state_dict()["trunk.embedding.vectors"])
    other = small_model("hmm")
    before = copy.deepcopy(other.state_dict())
    other.prepare(x, 5)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


def test_a_model_directory_keeps_the_word_vectors(tmp_path):
    model, x = small_model(crop=15), codes_of()
    given = SMALL | {"crop": 15}
    save_model(tmp_path, [model.state_dict()], ModelConfig("multirm", [Task(task) for task in TASKS], 21, given))
    loaded, _ = load_model(tmp_path)
    assert torch.equal(loaded.members[0].trunk.embedding.table(), model.trunk.embedding.table())
    torch.testing.assert_close(loaded(x, "Y"), model(x, "Y"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"embedding": "glove"}, r"hmm, one_hot, word2vec"),
        ({"crop": 20}, "odd for odd windows"),
        ({"crop": 23}, "middle of a window of 21 nt"),
        ({"crop": -1}, "crop is not a whole number from 0"),
        ({"crop": 9, "embedding": "one_hot"}, "needs 11 nt or more"),
        ({"unit": 3}, "no setting unit; known are .*units"),
    ],
)
def test_settings_that_do_not_fit(wrong, message):
    with pytest.raises(InputError, match=message):
        build_model("multirm", TASKS, 21, SMALL | wrong)


def test_windows_of_another_width_and_unknown_tasks():
    model = small_model()
    with pytest.raises(ValueError, match="19 nt wide and the network reads 21 nt"):
        model(codes_of(2, 19), "m6A")
    with pytest.raises(KeyError):
        model(codes_of(), "m5C")
