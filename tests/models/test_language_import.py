"""Checkpoints in the layouts of the released files."""

from __future__ import annotations

import os
import pickle
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from checkpoints import built, released
from rnamarks.errors import InputError
from rnamarks.models.language import Language
from rnamarks.models.language_files import load_language, save_language
from rnamarks.models.language_heads import ValueHead
from rnamarks.models.language_import import import_checkpoint, read_checkpoint
from rnamarks.models.packing import Pack
from rnamarks.models.tokens import tokenise


@pytest.fixture
def pack():
    return Pack.of([tokenise("ACGUNACGU"), tokenise("GGGAAACCC"), tokenise("AUG")])


@pytest.mark.parametrize("layout", ["flash", "split"])
@pytest.mark.parametrize("sizes", [{}, {"width": 40, "blocks": 3}, {"feedforward": 31}, {"heads": 10}])
def test_both_layouts_and_other_sizes_give_the_same_logits(layout, sizes, tmp_path, pack):
    model = built(**sizes)
    torch.save(released(model, layout), tmp_path / "x.pt")
    heads = sizes.get("heads") if layout == "flash" else None
    found = read_checkpoint(tmp_path / "x.pt", heads)
    assert (found.outputs, found.threshold) == ({"masked": {"target": "masked"}}, None)
    with torch.no_grad():
        torch.testing.assert_close(found.network(pack, "masked"), model(pack, "masked"), rtol=0, atol=0)


def test_the_number_of_heads_changes_what_comes_out(tmp_path, pack):
    """What a file does not say must be given: nothing of the shapes shows that it was wrong."""
    model = built(heads=10)
    torch.save(released(model), tmp_path / "x.pt")
    with torch.no_grad():
        assert not torch.allclose(read_checkpoint(tmp_path / "x.pt").network(pack, "masked"), model(pack, "masked"))


def test_half_precision_becomes_single(tmp_path):
    torch.save({name: one.half() for name, one in released(built()).items()}, tmp_path / "x.pt")
    assert {one.dtype for one in read_checkpoint(tmp_path / "x.pt").network.parameters()} == {torch.float32}


class Structure(nn.Module):
    """The published head for base pairs, layer by layer as it is described."""

    def __init__(self, width: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.linear_in = nn.Linear(2 * width, channels)
        self.resnet = nn.Module()
        self.resnet.blocks = nn.ModuleList()
        for _ in range(blocks):
            block = nn.Module()
            block.conv_net = nn.Sequential()
            for size in (1, 3, 1):
                block.conv_net.append(nn.Conv2d(channels, channels, size, bias=False, padding="same"))
                block.conv_net.extend([nn.InstanceNorm2d(channels), nn.ReLU()])
            self.resnet.blocks.append(block)
        self.conv_out = nn.Conv2d(channels, 1, 3, padding="same")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n = len(x)
        pairs = torch.cat([x[:, None].expand(n, n, -1), x[None].expand(n, n, -1)], dim=-1)
        image = self.linear_in(pairs).permute(2, 0, 1)[None]
        for block in self.resnet.blocks:
            image = image + block.conv_net(image)
        upper = self.conv_out(image)[0, 0].triu(1)
        return upper + upper.T


class Loading(nn.Module):
    """The published head for ribosome loading, of one sequence."""

    def __init__(self, width: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.linear_in = nn.Linear(width, channels)
        self.resnet = nn.Module()
        self.resnet.blocks = nn.ModuleList()
        for _ in range(blocks):
            block = nn.Module()
            block.conv_net = nn.Sequential()
            for _ in range(2):
                block.conv_net.append(nn.Conv1d(channels, channels, 3, bias=False, padding="same"))
                block.conv_net.extend([nn.InstanceNorm1d(channels), nn.ELU()])
            self.resnet.blocks.append(block)
        self.linear_out = nn.Linear(channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        signal = self.linear_in(x).T[None]
        for block in self.resnet.blocks:
            signal = signal + block.conv_net(signal)
        return self.linear_out(signal.mean(dim=2)).squeeze()


def tuned(model: Language, head: nn.Module, prefix: str = "lm.", **more) -> dict:
    return released(model, prefix=prefix) | {f"pred_head.{name}": one for name, one in head.state_dict().items()} | more


def test_a_file_tuned_to_structure_brings_head_and_threshold(tmp_path, pack):
    model, head = built(), Structure(80, 16, 3)
    torch.save({"state_dict": tuned(model, head, threshold=0.11), "epoch": 4}, tmp_path / "x.ckpt")
    found = read_checkpoint(tmp_path / "x.ckpt")
    assert found.outputs["structure"] == {"target": "pairs", "channels": 16, "blocks": 3}
    assert found.threshold == 0.11
    with torch.no_grad():
        vectors = pack.split(model.trunk(pack))
        for mine, one in zip(found.network(pack, "structure"), vectors, strict=True):
            torch.testing.assert_close(mine, head(one[1:-1]), rtol=1e-5, atol=1e-5)
            assert torch.equal(mine, mine.T)


def test_a_file_tuned_to_ribosome_loading_brings_head_and_scale(tmp_path, pack):
    model, head = built(), Loading(80, 8, 2)
    scale = {"scaler._mean": torch.tensor([6.5]), "scaler._std": torch.tensor([1.5])}
    torch.save(tuned(model, head, **scale), tmp_path / "x.pt")
    found = read_checkpoint(tmp_path / "x.pt")
    tuned_head = found.network.heads["ribosome_loading"]
    assert (tuned_head.mean.item(), tuned_head.spread.item()) == (6.5, 1.5)
    with torch.no_grad():
        expected = torch.stack([head(one) for one in pack.split(model.trunk(pack))])
        torch.testing.assert_close(found.network(pack, "ribosome_loading"), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("task", "labels"), [("splice", 1), ("class", 88)])
def test_a_file_tuned_to_splice_sites_or_classes_brings_its_head(tmp_path, pack, task, labels):
    model, head = built(), nn.Module()
    head.classifier = nn.Sequential(nn.Linear(80, 12), nn.GELU(), nn.Linear(12, labels))
    torch.save(tuned(model, head, prefix="rinalmo."), tmp_path / "x.pt")
    found = read_checkpoint(tmp_path / "x.pt")
    assert found.outputs[task] == {"target": "label", "hidden": 12, "labels": labels}
    with torch.no_grad():
        first = torch.stack([one[0] for one in pack.split(model.trunk(pack))])
        layers = head.classifier
        expected = layers[2](F.gelu(layers[0](first)))
        torch.testing.assert_close(found.network(pack, task), expected, rtol=1e-5, atol=1e-5)


def test_values_do_not_depend_on_what_they_are_packed_with():
    torch.manual_seed(0)
    head, lengths = ValueHead(8, channels=4, blocks=2).eval(), (5, 5, 9)
    parts = [torch.randn(length, 8) for length in lengths]
    tokens = [np.zeros(length, np.uint8) for length in lengths]
    with torch.no_grad():
        together = head(torch.cat(parts), Pack.of(tokens))
        apart = [head(part, Pack.of([one])) for part, one in zip(parts, tokens, strict=True)]
    torch.testing.assert_close(together, torch.cat(apart), rtol=1e-5, atol=1e-6)


def change(state, kind):
    name = "transformer.blocks.1.transition.2.bias"
    if kind == "missing":
        del state[name]
    elif kind == "more":
        state["transformer.blocks.0.other"] = torch.ones(2)
    elif kind == "shape":
        state[name] = state[name][:-1]
    elif kind == "nan":
        state[name] = state[name] * float("nan")
    elif kind == "twice":
        state["lm." + name] = state[name].clone()
    elif kind == "vocabulary":
        state["embedding.weight"] = state["embedding.weight"][:20]
    elif kind == "gap":
        for one in [one for one in state if ".blocks.0." in one]:
            del state[one]
    elif kind == "half qkv":
        state.pop("transformer.blocks.1.mh_attn.Wqkv.weight")
        state["transformer.blocks.1.mh_attn.mh_attn.to_q.weight"] = torch.ones(80, 80)
    elif kind == "frequencies":
        state["transformer.blocks.1.mh_attn.rotary_emb.inv_freq"] = torch.tensor([1.0, 0.5])
    elif kind == "frequencies of no block":
        state["transformer.blocks.7.mh_attn.rotary_emb.inv_freq"] = torch.tensor([1.0, 0.01])
    elif kind == "threshold":
        state["threshold"] = 0.2
    elif kind == "sparse":
        state[name] = state[name].to_sparse()
    elif kind == "head":
        state["pred_head.attention.weight"] = torch.ones(2, 2)
    else:
        state[name] = "text"
    return state


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "do not fit the model, 1 missing: transformer.blocks.1.transition.2.bias; give"),
        ("more", "1 of no part of the model: transformer.blocks.0.other; give"),
        ("shape", r"1 of another shape: transformer.blocks.1.transition.2.bias \(79,\) for \(80,\)"),
        ("nan", "weights are not finite"),
        ("twice", "two tensors of the file are the same weight"),
        ("vocabulary", "the vocabulary has not 22 tokens"),
        ("gap", "the file has no transformer.blocks.0.transition.0.linear.weight"),
        ("half qkv", r"1 missing: transformer.blocks.1.*Wqkv.weight; 1 of no part of the model: .*to_q.weight"),
        ("frequencies", "not those of base 10000"),
        ("frequencies of no block", "1 of no part of the model: transformer.blocks.7.mh_attn.rotary_emb.inv_freq"),
        ("head", "no last layer that is known"),
        ("threshold", "threshold of pairs stands beside no head"),
        ("sparse", "no tensor of weights"),
        ("text", "no tensor of weights"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(kind, message, tmp_path):
    torch.save(change(released(built()), kind), tmp_path / "x.pt")
    with pytest.raises(InputError, match=message) as caught:
        read_checkpoint(tmp_path / "x.pt")
    assert "x.pt" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"pred_head.resnet.blocks.0.conv_net.1.weight": torch.ones(8, 8, 3)}, r"1 of no part.*conv_net.1.weight"),
        ({"pred_head.classifier.0.bias": torch.ones(8)}, "1 of no part.*classifier.0.bias"),
        ({"scaler._mean": torch.ones(1)}, "1 missing: scaler._std"),
        ({"pred_head.linear_in.weight": torch.tensor(1.0)}, r"linear_in.weight is no matrix \(found \(\)\)"),
    ],
)
def test_every_tensor_of_a_head_is_used_once(more, message, tmp_path):
    torch.save(tuned(built(), Loading(80, 8, 2)) | more, tmp_path / "x.pt")
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize("value", [7, -0.1, float("nan"), "x", torch.tensor([0.1, 0.2])])
def test_a_threshold_is_a_probability(value, tmp_path):
    torch.save(tuned(built(), Structure(80, 4, 1), threshold=value), tmp_path / "x.pt")
    with pytest.raises(InputError, match="threshold is not a probability"):
        read_checkpoint(tmp_path / "x.pt")


class Harm:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def test_code_in_a_file_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.pt").write_bytes(pickle.dumps({"embedding.weight": Harm()}))
    torch.save({"embedding.weight": Harm()}, tmp_path / "y.pt")
    for name in ("x.pt", "y.pt"):
        with pytest.raises(InputError, match="more than tensors, or is damaged"):
            read_checkpoint(tmp_path / name)
    assert not (tmp_path / "harm").exists()


def test_a_file_cut_off_or_altered_anywhere_is_refused(tmp_path):
    torch.save(released(built(width=40)), tmp_path / "x.pt")
    content = (tmp_path / "x.pt").read_bytes()
    for size in (0, 1, 100, len(content) // 2, len(content) - 10):
        (tmp_path / "cut.pt").write_bytes(content[:size])
        with pytest.raises(InputError):
            read_checkpoint(tmp_path / "cut.pt")
    for place in (len(content) // 3, len(content) // 2):
        altered = bytearray(content)
        altered[place] ^= 1
        (tmp_path / "altered.pt").write_bytes(altered)
        with pytest.raises(
            InputError, match=r"altered\.pt: not a file of torch, or one that is cut off or altered; fetch"
        ):
            read_checkpoint(tmp_path / "altered.pt")
    # of the format before zip, whose numbers have no checksums
    torch.save(released(built(width=40)), tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    content = (tmp_path / "x.pt").read_bytes()
    for place in range(100, 3000, 25):
        (tmp_path / "altered.pt").write_bytes(content[:place] + b"\x00" + content[place + 1 :])
        with suppress(InputError):
            read_checkpoint(tmp_path / "altered.pt")
    with pytest.raises(InputError, match="this is a folder; name a file"):
        read_checkpoint(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_checkpoint(tmp_path / "none.pt")


def test_heads_that_the_width_cannot_be_divided_by_are_refused(tmp_path):
    torch.save(released(built(width=48, heads=4)), tmp_path / "x.pt")
    with pytest.raises(InputError, match="20 attention heads cannot share a width of 48"):
        read_checkpoint(tmp_path / "x.pt")
    assert read_checkpoint(tmp_path / "x.pt", 4).sizes["heads"] == 4


def test_a_model_directory_is_read_as_a_checkpoint_is(tmp_path, pack):
    outputs = {"masked": {"target": "masked"}, "structure": {"target": "pairs", "channels": 4, "blocks": 1}}
    sizes = {"width": 40, "blocks": 2, "heads": 5}
    model = Language(outputs, **sizes).eval()
    save_language(tmp_path / "first", model, sizes, outputs, threshold={"structure": 0.25})
    weights = tmp_path / "first" / "weights.safetensors"
    import_checkpoint(weights, tmp_path / "second")
    assert (tmp_path / "second" / weights.name).read_bytes() == weights.read_bytes()
    network, config = load_language(tmp_path / "second")
    with torch.no_grad():
        torch.testing.assert_close(network(pack, "masked"), model(pack, "masked"), rtol=0, atol=0)
    assert config.thresholds == {"structure": [{"probability": 0.25}]}
    assert config.training["checkpoint"] == weights.name
    with pytest.raises(InputError, match="says how many heads"):
        import_checkpoint(weights, tmp_path / "third", heads=5)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="not the one"):
        import_checkpoint(weights, tmp_path / "third")
    assert not (tmp_path / "third").exists()
