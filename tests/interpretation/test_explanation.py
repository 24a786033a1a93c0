"""A network that looks for one word is explained by that word, and one that looks for nothing by none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from rnamarks.figures.attribution import (
    draw_attribution,
    draw_head_motifs,
    explain_attribution,
    explain_head_motifs,
)
from rnamarks.figures.catalogue.attribution import FIGURES, TABLES
from rnamarks.figures.register import read_table
from rnamarks.figures.style import save_figure
from rnamarks.interpretation.explanation import (
    EXPLAINED_COLUMNS,
    MOTIF_COLUMNS,
    PAIR_COLUMNS,
    PROFILE_COLUMNS,
    compare_head_motifs,
    explain_head,
    find_head_motifs,
)
from rnamarks.interpretation.motif_files import read_own, write_meme
from rnamarks.interpretation.motif_matches import Database
from rnamarks.interpretation.positives import Head
from rnamarks.interpretation.pwm import PWM
from rnamarks.models.checkpoint import ModelConfig, save_model
from rnamarks.models.layers import OneHot
from rnamarks.models.register import build_model
from rnamarks.sequences import decode_windows, encode, encode_windows
from rnamarks.tables import read_tsv, write_parquet

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 41
MIDDLE = WINDOW // 2
HEADS = ["human", "mouse"]
DESIGN = SimpleNamespace(species=("human", "mouse"), colours={"human": "#0072B2", "mouse": "#D55E00"})


class Reader(nn.Module):
    """The logit counts letters of GGACU around the middle, or of UGUAA anywhere."""

    def __init__(self, anchored: bool) -> None:
        super().__init__()
        self.one_hot, self.anchored = OneHot(), anchored
        self.word = nn.Parameter(torch.eye(4)[encode("GGACU" if anchored else "UGUAA").astype(int)].T[None])

    @property
    def networks(self) -> Reader:
        return self

    def forward(self, codes: torch.Tensor, head: str) -> torch.Tensor:
        found = nn.functional.conv1d(self.one_hot(codes).float(), self.word)[:, 0]
        return 2 * (found[:, MIDDLE - 2] if self.anchored else torch.logsumexp(4 * found, 1) / 4) - 7


def windows(n=240, seed=0):
    """DRACH in the middle; GGACU and UGUAA at a random place in half of the modified ones."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (n, WINDOW)).astype(np.uint8)
    for place, choices in enumerate(("AGU", "AG", "A", "C", "ACU"), MIDDLE - 2):
        codes[:, place] = generator.choice(encode(choices), n)
    label = (np.arange(n) % 3 == 0).astype(int)
    for row in np.flatnonzero(label)[::2]:
        codes[row, MIDDLE - 2 : MIDDLE + 3] = encode("GGACU")
        start = generator.choice([3, 9, 24, 30])
        codes[row, start : start + 5] = encode("UGUAA")
    return pd.DataFrame(
        {
            "window": [f"w{at}" for at in range(n)],
            "sequence": decode_windows(codes),
            "label": label,
            "gene": [f"g{at // 6}" for at in range(n)],
            "paper": np.where(np.arange(n) % 4, "train", "test"),
        }
    )


def database(n=50):
    generator = np.random.default_rng(4)
    motifs = [PWM(f"M{at:03d}", generator.dirichlet(np.full(4, 0.3), 7), alternative=f"RBX{at}") for at in range(n)]
    for name, word in (("WRITR", "GGACU"), ("DOWNS", "UGUAA")):
        core = np.full((5, 4), 0.02)
        core[np.arange(5), encode(word)] = 0.94
        motifs.append(PWM(name, np.concatenate([[[0.25] * 4], core, [[0.25] * 4]])))
    return motifs


def codes_of(frame, label):
    return encode_windows(frame.loc[frame["label"] == label, "sequence"])


def explained(model, frame, **further):
    return explain_head(Head(model, HEADS, "human", frame), **({"windows": 60, "mutated": 8, "reach": 6} | further))


@pytest.mark.parametrize(("anchored", "wanted"), [(True, "WRITR"), (False, "DOWNS")])
def test_the_word_of_the_network_comes_out(anchored, wanted):
    frame = windows()
    one = explained(Reader(anchored), frame)
    assert one.summary["windows"] == len(one.attended) > 20
    assert one.summary["complete"] == 1
    assert one.summary["error_largest"] < 0.1
    found = find_head_motifs(
        "multi",
        "human",
        one.attended,
        codes_of(frame, 1),
        codes_of(frame, 0),
        codes_of(frame, 0),
        settings={"count": 1, "members": 8},
        draws=19,
        seed=1,
    )
    assert tuple(found.table.columns) == MOTIF_COLUMNS
    matches, logos = compare_head_motifs(
        [found], [Database("human", "known", database())], method="numpy", report=lambda line: None
    )
    assert tuple(matches.columns) == PAIR_COLUMNS
    best = matches[matches["rank"] == 1].iloc[0]
    assert best["target"] == wanted
    assert best["q"] < 0.01
    assert best["null_p"] == pytest.approx(0.05)
    assert (matches["q_all"] >= matches["p"]).all()
    assert set(logos["rank"]) <= {1, 2, 3, 4}
    # the heaviest motif is shown whatever it resembles, and no motif or protein twice
    assert best["query"] == found.motifs[0].name
    ranked = matches[matches["rank"] > 0]
    assert sorted(ranked["rank"]) == list(range(1, len(ranked) + 1))
    assert ranked["query"].is_unique
    assert ranked["target_name"].is_unique
    if anchored:
        assert found.table["offset"].iloc[0] == -3
        assert found.table["offset_share"].iloc[0] > 0.9


def test_profiles_hold_the_weights_of_a_network_that_adds_letters_up():
    frame = windows()
    model = Reader(True)
    # without a threshold all modified windows are explained
    model.forward = lambda codes, head: Reader.forward(model, codes, head) + 20
    one = explained(model, frame, windows=500, mutated=30)
    profile = one.profile.set_index(["method", "offset", "letter"])["mean"].sort_index()
    assert one.summary["windows"] == (frame["label"] == 1).sum()
    # A and C of the motif are in all windows: nothing against the composition, all when taken away
    assert profile["integrated_gradients", 0, "A"] == pytest.approx(0, abs=1e-6)
    assert profile["mutagenesis", 0, "G"] == pytest.approx(-2, abs=1e-5)
    share = (codes_of(frame, 0)[:, MIDDLE - 1] == 2).mean()
    assert profile["integrated_gradients", -1, "G"] == pytest.approx(2 * (1 - share), abs=1e-4)
    assert profile["integrated_gradients", -1, "A"] == pytest.approx(-2 * share, abs=1e-4)
    assert profile["mutagenesis", -1, "A"] == pytest.approx(-2, abs=1e-5)
    assert profile["integrated_gradients", 5].abs().max() < 1e-6
    counts = one.profile[one.profile["method"] == "integrated_gradients"].groupby("offset")["windows"].sum()
    assert (counts == one.summary["windows"]).all()
    mutated = one.profile[one.profile["method"] == "mutagenesis"]
    assert mutated["offset"].abs().max() == 6
    assert (mutated.groupby("offset")["windows"].sum() == 3 * 30).all()
    bounded = one.profile[one.profile["windows"] > 1]
    assert ((bounded["low"] <= bounded["mean"]) & (bounded["mean"] <= bounded["high"])).all()
    assert one.profile.loc[one.profile["windows"] == 1, "low"].isna().all()


def test_a_head_that_calls_nothing_says_so():
    frame = windows(60)
    model = Reader(True)
    model.forward = lambda codes, head: Reader.forward(model, codes, head) - 50
    one = explained(model, frame)
    assert one.summary["windows"] == 0
    assert one.profile.empty
    found = find_head_motifs(
        "multi", "human", one.attended, codes_of(frame, 1), codes_of(frame, 0), codes_of(frame, 0), draws=3
    )
    assert found.table["reason"].tolist() == ["no window called"]
    matches, logos = compare_head_motifs([found], [Database("human", "known", database())], method="numpy")
    assert matches.empty
    assert logos.empty


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """What the script writes for two species of a small network, and for one of the other."""
    folder = tmp_path_factory.mktemp("explained")
    torch.manual_seed(1)
    sizes = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}
    network = build_model("mass", HEADS, WINDOW, sizes)
    with torch.no_grad():
        for head in HEADS:
            network.classifiers[head].output.bias.copy_(torch.tensor([-2.0, 2.0]))
    save_model(folder / "multi", [network.state_dict()], ModelConfig("mass", HEADS, WINDOW, sizes))
    write_meme(database(), folder / "known.meme")
    for at, head in enumerate(HEADS):
        write_parquet(windows(seed=at), folder / f"{head}.parquet")
    outputs = {
        "explained": folder / "attribution.tsv",
        "profile": folder / "attribution_profile.tsv",
        "motifs": folder / "consensus.meme",
        "consensus": folder / "consensus.tsv",
        "matches": folder / "consensus_matches.tsv",
        "logos": folder / "consensus_logos.tsv",
    }
    snakemake = SimpleNamespace(
        input=SimpleNamespace(
            weights=[folder / "multi" / "weights.safetensors"] * 2,
            splits=[folder / f"{head}.parquet" for head in HEADS],
            targets=[folder / "known.meme"] * 2,
        ),
        output=SimpleNamespace(**outputs),
        params=SimpleNamespace(
            predictors=["multi", "multi"],
            species=HEADS,
            splits=["paper", "paper"],
            windows_of=HEADS,
            target_species=HEADS,
            databases=["known", "known"],
            parts=["train"],
            judging_parts=["test"],
            windows=40,
            mutated=5,
            reach=5,
            most=0,
            gradients={"steps": 4, "most_steps": 8},
            consensus={"members": 5},
            draws=3,
            method="numpy",
            shown=3,
            device="cpu",
            seed=1,
        ),
        log=[folder / "log"],
        threads=1,
    )
    script = ROOT / "scripts" / "interpretation" / "explain_heads.py"
    exec(compile(script.read_text(), script, "exec"), {"snakemake": snakemake})
    return outputs


def test_script_writes_the_tables_of_the_dictionary(tables):
    for name, output in (
        ("attribution", "explained"),
        ("attribution_profile", "profile"),
        ("consensus", "consensus"),
        ("consensus_matches", "matches"),
        ("consensus_logos", "logos"),
    ):
        frame, _ = read_tsv(tables[output])
        assert sorted(frame.columns) == sorted(column.name for column in TABLES[name].columns)
        assert set(frame["species"]) == set(HEADS)
    assert list(read_tsv(tables["explained"])[0].columns) == list(EXPLAINED_COLUMNS)
    assert set(read_tsv(tables["profile"])[0].columns) == set(PROFILE_COLUMNS)
    motifs = [motif.name for motif in read_own(tables["motifs"])]
    assert len(set(motifs)) == len(motifs) > 0
    assert motifs[0].startswith("multi.human.integrated_gradients.")


def test_figures_are_drawn_from_the_tables(tables, tmp_path):
    names = dict(zip(TABLES, ("explained", "profile", "consensus", "matches", "logos"), strict=True))
    drawn = {
        "attribution": (draw_attribution, explain_attribution),
        "consensus_motifs": (draw_head_motifs, explain_head_motifs),
    }
    for entry in FIGURES:
        draw, explain = drawn[entry.name]
        frames = [read_table(name, tables[names[name]]) for name in entry.tables]
        save_figure(draw(*frames, DESIGN), tmp_path / "figure.svg")
        assert (tmp_path / "figure.svg").stat().st_size > 10_000
        for _, text in explain(*frames, DESIGN):
            assert "nan" not in text
            assert "40" in text or "5" in text
        empty = [frame.iloc[:0] for frame in frames]
        assert "0 " in explain(*empty, DESIGN)[0][1]
        draw(*empty, DESIGN)
