"""A network that looks for one word is explained by that word, and one that looks for nothing by none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from rnamarks.dictionary import column_names
from rnamarks.figures.catalogue import FIGURES
from rnamarks.figures.collect import read_table
from rnamarks.figures.style import save_figure
from rnamarks.interpretation.attended import GRADIENTS
from rnamarks.interpretation.consensus import ConsensusSettings, find_consensus
from rnamarks.interpretation.explanation import TaskWindows, explain_task
from rnamarks.interpretation.motif_files import read_own, write_meme
from rnamarks.interpretation.motif_matches import Database, QuerySet, compare_sets
from rnamarks.interpretation.pwm import PWM
from rnamarks.models.checkpoint import ModelConfig, save_model
from rnamarks.models.layers import OneHot
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows, encode, encode_windows
from rnamarks.tables import read_tsv, write_parquet
from rnamarks.tasks import Task

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 41
MIDDLE = WINDOW // 2
TASKS = ["human", "mouse"]
TASK_RECORDS = [
    Task(name, species=name, modification="m6A", colour=colour)
    for name, colour in zip(TASKS, ("#0072B2", "#D55E00"), strict=True)
]


class Reader(nn.Module):
    """The logit counts letters of GGACU around the middle, or of UGUAA anywhere."""

    def __init__(self, anchored: bool) -> None:
        super().__init__()
        self.one_hot, self.anchored = OneHot(), anchored
        self.word = nn.Parameter(torch.eye(4)[encode("GGACU" if anchored else "UGUAA").astype(int)].T[None])

    attends = False

    @property
    def networks(self) -> Reader:
        return self

    @property
    def members(self) -> list[Reader]:
        return [self]

    def forward(self, codes: torch.Tensor, task: str) -> torch.Tensor:
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
    options = {"fraction": 0, "minimum": 60, "mutated": 8, "reach": 6} | further
    return explain_task(TaskWindows(model, TASKS, "human", frame, "multi"), **options)


@pytest.mark.parametrize(("anchored", "wanted"), [(True, "WRITR"), (False, "DOWNS")])
def test_the_word_of_the_network_comes_out(anchored, wanted):
    frame = windows()
    one = explained(Reader(anchored), frame)
    assert one.summary["windows"] == len(one.attended) > 20
    assert one.summary["complete"] == 1
    assert one.summary["error_largest"] < 0.1
    settings = ConsensusSettings.from_mapping({"clustering": "kmers", "count": 1, "members": 8})
    found = find_consensus(
        one.attended,
        codes_of(frame, 1),
        codes_of(frame, 0),
        settings=settings,
        drawn_from=codes_of(frame, 0),
        draws=19,
        seed=1,
    )
    given = QuerySet("multi", TASK_RECORDS[0], GRADIENTS, found.motifs, null=found.null)
    compared = compare_sets([given], [Database("known", database(), "human")], maximum=4, report=lambda line: None)
    matches, logos = compared.matches, compared.logos
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
        assert found.table["offset_fraction"].iloc[0] > 0.9


def test_profiles_hold_the_weights_of_a_network_that_adds_letters_up():
    frame = windows()
    model = Reader(True)
    # without a threshold all modified windows are explained
    model.forward = lambda codes, task: Reader.forward(model, codes, task) + 20
    one = explained(model, frame, minimum=500, mutated=30)
    profile = one.profile.set_index(["method", "offset", "nucleotide"])["mean"].sort_index()
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


def test_a_task_that_calls_nothing_says_so():
    frame = windows(60)
    model = Reader(True)
    model.forward = lambda codes, task: Reader.forward(model, codes, task) - 50
    one = explained(model, frame)
    assert one.summary["windows"] == 0
    assert one.profile.empty
    assert one.attended.empty


@pytest.fixture(scope="module")
def tables(tmp_path_factory, run_script):
    """What the scripts write for two tasks of a small network."""
    folder = tmp_path_factory.mktemp("explained")
    torch.manual_seed(1)
    sizes = {"filters": 6, "channels": 8, "lstm_units": 4, "attention_width": 2, "dense": 5}
    network = build_model("mass", TASKS, WINDOW, sizes)
    with torch.no_grad():
        for task in TASKS:
            network.heads[task].output.bias.copy_(torch.tensor([-2.0, 2.0]))
    save_model(folder / "multi", [network.state_dict()], ModelConfig("mass", TASK_RECORDS, WINDOW, sizes))
    write_meme(database(), folder / "known.meme")
    write_meme([], folder / "none.meme")
    for at, task in enumerate(TASKS):
        write_parquet(windows(seed=at), folder / f"{task}.parquet")
    splits = [folder / f"{task}.parquet" for task in TASKS]
    shared = {
        "tasks": [task.record() for task in TASK_RECORDS],
        "pairs": [["multi", task, "paper"] for task in TASKS],
        "seed": 1,
    }
    names = ("attended", "attention", "attribution", "attribution_profile")
    first = {name: folder / f"{name}.tsv" for name in names} | {"attended": folder / "attended.parquet"}
    run_script(
        "attend_windows",
        folder,
        inputs={"weights": [folder / "multi" / "weights.safetensors"] * 2, "splits": splits},
        outputs=first | {"explained": first["attribution"], "profile": first["attribution_profile"]},
        params=shared
        | {
            "fraction": 0,
            "minimum": 40,
            "maximum": 0,
            "mean": True,
            "gradients": {"steps": 4, "maximum_steps": 8},
            "maximum_gradients": 0,
            "mutated": 5,
            "reach": 5,
        },
    )
    second = {name: folder / f"{name}.tsv" for name in ("consensus", "consensus_matches", "consensus_logos")}
    run_script(
        "find_consensus",
        folder,
        inputs={
            "attended": first["attended"],
            "splits": splits,
            "discovered": [folder / "none.meme"] * 2,
            "databases": [folder / "known.meme"] * 2,
        },
        outputs={
            "motifs": folder / "consensus.meme",
            "consensus": second["consensus"],
            "matches": second["consensus_matches"],
            "logos": second["consensus_logos"],
        },
        params=shared
        | {
            "settings": {"clustering": "kmers", "members": 5},
            "draws": 3,
            "maximum": 3,
            "databases": ["known"] * 2,
            "database_species": TASKS,
        },
    )
    return first | second | {"motifs": folder / "consensus.meme"}


def test_scripts_write_the_tables_of_the_dictionary(tables):
    for name in ("attribution", "attribution_profile", "consensus", "consensus_matches", "consensus_logos"):
        frame, _ = read_tsv(tables[name])
        assert list(frame.columns) == column_names(name)
        assert set(frame["task"]) == set(TASKS)
        assert (frame["species"] == frame["task"]).all()
    found = [motif.name for motif in read_own(tables["motifs"])]
    assert len(set(found)) == len(found) > 0
    assert found[0].startswith("multi.human.integrated_gradients.")


def test_figures_are_drawn_from_the_tables(tables, tmp_path, make_design):
    design = make_design(*TASK_RECORDS)
    for entry in (entry for entry in FIGURES.values() if entry.section in ("attention", "motifs")):
        if set(entry.tables) <= set(tables) and entry.name != "consensus":
            frames = [read_table(name, tables[name]) for name in entry.tables]
            save_figure(entry.draw(frames, design), tmp_path / "figure.svg")
            assert (tmp_path / "figure.svg").stat().st_size > 10_000
            for _, text in entry.explain(frames, design):
                assert "nan" not in text
                assert "40" in text or "5" in text
            empty = [frame.iloc[:0] for frame in frames]
            assert "0 " in entry.explain(empty, design)[0][1]
            entry.draw(empty, design)
