"""Language models with weights of no use, and their checkpoints in the layouts of the released files."""

from __future__ import annotations

import torch

from rnamarks.models.language import Language


def built(**sizes) -> Language:
    torch.manual_seed(3)
    model = Language({"masked": {"target": "masked"}}, **{"width": 80, "blocks": 2, "heads": 20, **sizes}).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def released(model: Language, layout: str = "flash", prefix: str = "") -> dict[str, torch.Tensor]:
    """The model's weights by the names of the published files."""
    ours = model.state_dict()
    found = {"embedding.weight": ours["trunk.embedding.weight"]}
    for block in range(model.trunk.settings.blocks):
        at, mine = f"transformer.blocks.{block}.", f"trunk.blocks.{block}."
        qkv, out = ours[mine + "qkv.weight"], ours[mine + "out.weight"]
        if layout == "flash":
            found |= {at + "mh_attn.Wqkv.weight": qkv, at + "mh_attn.out_proj.weight": out}
        else:
            for letter, part in zip("qkv", qkv.chunk(3), strict=True):
                found[f"{at}mh_attn.mh_attn.to_{letter}.weight"] = part.clone()
            found[at + "mh_attn.mh_attn.out_proj.weight"] = out
            width = model.trunk.width // model.trunk.settings.heads
            rates = 1.0 / 10000 ** (torch.arange(0, width, 2).float() / width)
            found[at + "mh_attn.mh_attn.rotary_emb.inv_freq"] = rates
        for theirs, name in (
            ("attn_layer_norm", "attention_norm"),
            ("out_layer_norm", "feedforward_norm"),
            ("transition.0.linear", "feedforward.value"),
            ("transition.0.linear_gate", "feedforward.gate"),
            ("transition.2", "feedforward.down"),
        ):
            for kind in ("weight", "bias"):
                found[f"{at}{theirs}.{kind}"] = ours[f"{mine}{name}.{kind}"]
        found[at + "transition.0.beta"] = ours[mine + "feedforward.beta"]
    for theirs, name in (
        ("transformer.final_layer_norm", "trunk.norm"),
        ("lm_mask_head.linear1", "heads.masked.dense"),
        ("lm_mask_head.layer_norm", "heads.masked.norm"),
        ("lm_mask_head.linear2", "heads.masked.vocabulary"),
    ):
        for kind in ("weight", "bias"):
            found[f"{theirs}.{kind}"] = ours[f"{name}.{kind}"]
    return {prefix + name: tensor for name, tensor in found.items()}
