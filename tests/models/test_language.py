"""The language model against a forward pass written anew in NumPy and double precision."""

from __future__ import annotations

from itertools import product
from math import erf

import numpy as np
import pytest
import torch

from rnamarks.errors import InputError
from rnamarks.models.language import Encoder, Language
from rnamarks.models.packing import Pack, attend
from rnamarks.models.settings.language import LANGUAGE_SIZES
from rnamarks.models.tokens import CLS, EOS, MASK, TOKENS, UNK, count_unknown, tokenise

SMALL = {"width": 48, "blocks": 2, "heads": 4, "longest": 64}
OPTIONS = [
    {"norm": norm, "positions": positions, "activation": activation, "token_dropout": scaled}
    for norm, positions, activation, scaled in product(
        ("released", "pre"), ("rotary", "absolute"), ("swiglu", "gelu"), (True, False)
    )
]


def built(seed: int = 0, **options) -> Language:
    torch.manual_seed(seed)
    model = Language({"masked": {"target": "masked"}}, **SMALL, **options).eval()
    # norms, beta and biases away from where they begin
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def sequences(seed: int, lengths) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    found = []
    for length in lengths:
        tokens = np.r_[CLS, random.integers(5, 9, length), EOS].astype(np.uint8)
        tokens[1:-1][random.random(length) < 0.15] = MASK
        found.append(tokens)
    return found


def norm(x, weights, name):
    mean, spread = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(spread + 1e-5) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def oracle(model: Language, tokens: np.ndarray) -> np.ndarray:
    """Logits of one sequence, shape (length, 22)."""
    w = {name.removeprefix("trunk."): value.double().numpy() for name, value in model.state_dict().items()}
    form = model.trunk.settings
    heads, width = form.heads, form.width // form.heads
    n = len(tokens)
    x = w["embedding.weight"][tokens]
    if form.positions == "absolute":
        x = x + w["places.weight"][:n]
    if form.token_dropout:
        masked = tokens == MASK
        x[masked] = 0
        x = x * 0.88 / (1 - masked.mean())
    for block in range(form.blocks):
        at = f"blocks.{block}."
        normed = norm(x, w, at + "attention_norm")
        parts = []
        for head in range(heads):
            q, k, v = (
                normed @ w[at + "qkv.weight"][form.width * i + width * head : form.width * i + width * (head + 1)].T
                for i in range(3)
            )
            if form.positions == "rotary":
                q, k = (turn(one) for one in (q, k))
            scores = q @ k.T / np.sqrt(width)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            parts.append(scores / scores.sum(-1, keepdims=True) @ v)
        x = (normed if form.norm == "released" else x) + np.concatenate(parts, 1) @ w[at + "out.weight"].T
        y, inner = norm(x, w, at + "feedforward_norm"), at + "feedforward."
        if form.activation == "swiglu":
            a = y @ w[inner + "value.weight"].T + w[inner + "value.bias"]
            g = y @ w[inner + "gate.weight"].T + w[inner + "gate.bias"]
            y = a * sigmoid(w[inner + "beta"] * a) * g
        else:
            y = gelu(y @ w[inner + "up.weight"].T + w[inner + "up.bias"])
        x = x + y @ w[inner + "down.weight"].T + w[inner + "down.bias"]
    x = norm(x, w, "norm")
    y = norm(gelu(x @ w["heads.masked.dense.weight"].T + w["heads.masked.dense.bias"]), w, "heads.masked.norm")
    return y @ w["heads.masked.vocabulary.weight"].T + w["heads.masked.vocabulary.bias"]


def turn(x: np.ndarray) -> np.ndarray:
    """Rotary positions by complex numbers: channel i and i + half are one number."""
    n, width = x.shape
    half = width // 2
    z = x[:, :half] + 1j * x[:, half:]
    z = z * np.exp(1j * np.arange(n)[:, None] * 10000.0 ** (-2 * np.arange(half) / width))
    return np.concatenate([z.real, z.imag], 1)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_logits_are_those_of_double_precision_for_every_option(options):
    model, batch = built(**options), sequences(1, (7, 7, 30, 1))
    with torch.no_grad():
        found = Pack.of(batch).split(model(Pack.of(batch), "masked"))
    for tokens, logits in zip(batch, found, strict=True):
        np.testing.assert_allclose(logits.numpy(), oracle(model, tokens), atol=1e-5)


def test_a_pack_gives_each_sequence_what_it_gets_alone():
    model, batch = built(), sequences(2, (5, 12, 12, 40))
    with torch.no_grad():
        together = Pack.of(batch).split(model.trunk(Pack.of(batch)))
        for tokens, found in zip(batch, together, strict=True):
            np.testing.assert_allclose(found, model.trunk(Pack.of([tokens])), atol=1e-5)


def test_a_sequence_changes_no_other_of_its_pack():
    model, batch = built(), sequences(3, (9, 9, 20))
    other = [batch[0], sequences(4, (9,))[0], batch[2]]
    with torch.no_grad():
        before, after = (Pack.of(one).split(model.trunk(Pack.of(one))) for one in (batch, other))
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[2], after[2])
    assert not torch.allclose(before[1], after[1])


def test_attention_is_computed_in_single_precision_where_a_cpu_trains_in_bfloat16():
    torch.manual_seed(6)
    parts = [torch.randn(21, 4, 12).bfloat16() for _ in range(3)]
    pack = Pack.of(sequences(6, (9, 8)))
    with torch.autocast("cpu", torch.bfloat16):
        found = attend(*parts, pack)
    wide = attend(*(part.float() for part in parts), pack)
    assert found.dtype == torch.bfloat16
    # rounded once, at the end
    assert torch.equal(found, wide.bfloat16())


def test_gradients_of_a_pack_are_those_of_its_sequences():
    model, batch = built().train(), sequences(5, (6, 6, 17))
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for block in model.trunk.blocks:
        block.attention_dropout = 0.0

    def gradients(packs):
        model.zero_grad()
        sum(model(Pack.of(pack), "masked").square().sum() for pack in packs).backward()
        return torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None])

    together, apart = gradients([batch]), gradients([[one] for one in batch])
    assert torch.allclose(together, apart, rtol=1e-4, atol=1e-4 * float(apart.abs().max()))
    model.trunk.recompute = True
    assert torch.allclose(gradients([batch]), together, rtol=1e-5, atol=1e-5 * float(apart.abs().max()))


@pytest.mark.parametrize(
    ("name", "count"), [("nano", 7_508_824), ("micro", 33_491_074), ("mega", 148_056_972), ("giga", 650_901_793)]
)
def test_published_sizes_have_the_published_number_of_parameters(name, count):
    with torch.device("meta"):
        model = Language({"masked": {"target": "masked"}}, **LANGUAGE_SIZES[name])
    assert sum(one.numel() for one in model.parameters()) == count


def test_tokens_of_dna_and_rna_in_either_case_are_the_same():
    expected = [0, 5, 6, 7, 8, 20, 9, 2]
    for text in ("ACGUNI", "acgtni", "AcGtNi"):
        assert tokenise(text).tolist() == expected
    assert [TOKENS[one] for one in tokenise("RYKMSWBDHV-")[1:-1]] == list("RYKMSWBDHV-")


def test_letters_outside_the_vocabulary_are_counted_and_refused_when_many():
    tokens = tokenise("ACGUACGUACGX")
    assert tokens[-2] == UNK
    assert count_unknown(tokens) == 1
    with pytest.raises(InputError, match="3 of 4 letters"):
        tokenise("AEFJ")
    with pytest.raises(InputError, match="empty"):
        tokenise("")


def test_a_width_that_heads_cannot_share_is_refused():
    with pytest.raises(InputError, match="5 heads"):
        Encoder(width=48, heads=5)
