"""The figures of motifs show what their tables say, and the scripts write those tables."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.patches import PathPatch

from rnamarks.dictionary import column_names
from rnamarks.dictionary.tables import TABLES
from rnamarks.figures import motifs as motif_figures
from rnamarks.figures.catalogue import FIGURES
from rnamarks.figures.design import Design
from rnamarks.figures.motifs import (
    draw_annotated_filters,
    draw_discovered_motifs,
    draw_local_motifs,
    explain_annotated_filters,
    explain_discovered_motifs,
    explain_local_motifs,
)
from rnamarks.figures.palette import NUCLEOTIDES
from rnamarks.figures.style import save_figure
from rnamarks.interpretation.motif_files import write_meme
from rnamarks.interpretation.pwm import PWM
from rnamarks.models.checkpoint import ModelConfig, save_model
from rnamarks.models.registry import build_model
from rnamarks.sequences import decode_windows, encode
from rnamarks.tables import read_tsv, write_parquet
from rnamarks.tasks import Task

SPECIES = ("human", "mouse")
COLOURS = {"human": "#0072B2", "chimp": "#56B4E9", "mouse": "#D55E00"}
TASKS = [Task(name, species=name, modification="m6A", colour=colour) for name, colour in COLOURS.items()]
DESIGN = Design("run", tuple(TASKS), (), None, "paper")
SIZES = {
    "filters": 8,
    "filter_width": 9,
    "channels": 4,
    "lstm_units": 4,
    "attention_heads": 1,
    "attention_width": 4,
    "dense": 4,
}

ENTRIES = [entry for entry in FIGURES.values() if entry.functions.startswith("motifs:")]


@pytest.fixture(scope="module")
def tables(tmp_path_factory, run_script):
    """The whole way: database, filters of a network with one known filter, de novo motifs, comparison."""
    folder = tmp_path_factory.mktemp("motifs")
    generator = np.random.default_rng(4)
    targets = [
        PWM(f"M{at:03d}_0.6", generator.dirichlet(np.full(4, 0.3), 7), alternative=f"RBX{at:02d}") for at in range(54)
    ]
    core = np.full((5, 4), 0.02)
    core[np.arange(5), encode("GGACU")] = 0.94
    targets.append(PWM("M099_0.6", np.concatenate([[[0.25] * 4], core, [[0.25] * 4]]), alternative="WRITR1"))
    write_meme(targets, folder / "published.meme")
    torch.manual_seed(0)
    network = build_model("mass", SPECIES, 61, SIZES)
    with torch.no_grad():
        convolution = network.trunk.gapped[0][1]
        convolution.weight[2], convolution.bias[2] = 0, -4.5
        convolution.weight[2, encode("GGACU").astype(int), np.arange(2, 7)] = 1
    save_model(folder / "model", [network.state_dict()], ModelConfig("mass", [TASKS[0], TASKS[2]], 61, SIZES))
    files = {name: {} for name in ("motifs", "filters", "found", "found_tables", "targets")}
    for task in (TASKS[0], TASKS[2]):
        name = task.name
        codes = generator.integers(0, 4, (700, 61)).astype(np.uint8)
        codes[:150, 28:33] = encode("GGACU")
        frame = pd.DataFrame(
            {
                "window": [f"w{at}" for at in range(700)],
                "sequence": decode_windows(codes),
                "label": (np.arange(700) < 200).astype(int),
                "gene": [f"g{at // 3}" for at in range(700)],
                "paper": np.where(np.arange(700) % 2, "test", "train"),
            }
        )
        write_parquet(frame, folder / f"{name}.split.parquet")
        made = {key: str(folder / f"{name}.{key}") for key in files}
        run_script(
            "read_motifs",
            folder,
            inputs={"files": [folder / "published.meme"]},
            outputs={"motifs": made["targets"], "drops": folder / f"{name}.drops.tsv"},
            params={"format": "meme", "database": "CISBP-RNA", "species": name, "organism": ""},
        )
        run_script(
            "extract_filters",
            folder,
            inputs={
                "weights": [folder / "model" / "weights.safetensors"],
                "splits": [folder / f"{name}.split.parquet"],
            },
            outputs={"motifs": [made["motifs"]], "filters": [made["filters"]]},
            params={"tasks": [task.record()], "pairs": [["multi", name, "paper"]], "threshold": "half_max", "seed": 1},
        )
        run_script(
            "find_motifs",
            folder,
            inputs={"splits": folder / f"{name}.split.parquet"},
            outputs={"motifs": made["found"], "table": made["found_tables"]},
            params={
                "task": task.record(),
                "engine": "builtin",
                "scheme": "paper",
                "splits": ["train", "test"],
                "seed": 1,
            },
        )
        for key in files:
            files[key][name] = made[key]
    outputs = {name: folder / f"{name}.tsv" for name in ("matches", "annotated", "logos", "discovered")}
    run_script(
        "compare_motifs",
        folder,
        inputs={
            "queries": list(files["motifs"].values()),
            "filters": list(files["filters"].values()),
            "discovered": list(files["found"].values()),
            "discovered_tables": list(files["found_tables"].values()),
            "databases": list(files["targets"].values()),
        },
        outputs=outputs,
        params={
            "tasks": [TASKS[0].record(), TASKS[2].record()],
            "pairs": [["multi", name] for name in SPECIES],
            "databases": ["CISBP-RNA"] * 2,
            "database_species": SPECIES,
            "engine": "builtin",
            "seed": 1,
        },
    )
    found = {name: read_tsv(path)[0] for name, path in outputs.items()}
    found["filters"] = read_tsv(files["filters"]["human"])[0]
    return found, folder, files


def test_tables_are_the_explained_ones(tables):
    for name, frame in tables[0].items():
        assert column_names(f"motif_{name}") == list(frame.columns), name


def test_known_filter_and_de_novo_motif_find_the_writer(tables):
    frames, folder, _ = tables
    matches = frames["matches"]
    for name in SPECIES:
        best = matches[(matches["predictor"] == "multi") & (matches["task"] == name) & (matches["rank"] == 1)].iloc[0]
        assert (best["target_name"], best["query"]) == ("WRITR1", "m0_d1_f002")
        assert best["q"] < 0.01
        discovered = frames["discovered"].query("task == @name and reported").iloc[0]
        assert discovered["target_name"] == "WRITR1"
        assert discovered["match_q"] < 0.05
        assert discovered["low"] > 1
    assert "55 motifs, 0 left out" not in (folder / "read_motifs.log").read_text()
    drops = read_tsv(folder / "human.drops.tsv")[0]
    assert drops[["stage", "reason", "rows"]].to_numpy().tolist() == [["motifs", "kept", 55]]


TOMTOM = (
    "Query_ID\tTarget_ID\tOptimal_offset\tp-value\tE-value\tq-value\tOverlap\tQuery_consensus\tTarget_consensus\t"
    "Orientation\n"
)


def test_results_of_the_meme_suite_go_the_same_way(tables, tmp_path, run_script):
    """Stand-ins for what ``streme`` and ``tomtom`` write lead to the same tables and figures."""
    _, folder, files = tables
    splits = folder / "human.split.parquet"
    fasta = {"foreground": tmp_path / "sites.fa", "control": tmp_path / "others.fa"}
    options = {"scheme": "paper", "splits": ["train", "test"]}
    run_script("write_contrast", tmp_path, inputs={"splits": splits}, outputs=fasta, params=options)
    assert fasta["foreground"].read_text().count(">") == 200
    rows = "".join(" ".join("0.97" if base == wanted else "0.01" for base in "ACGU") + "\n" for wanted in "GGACU")
    (tmp_path / "streme.meme").write_text(
        "STREME\nMEME version 5.5.7\n\nALPHABET= ACGU\n\nMOTIF 1-GGACU STREME-1\n"
        f"letter-probability matrix: alength= 4 w= 5 nsites= 150 S= 1.0e-008\n{rows}"
    )
    made = {"motifs": tmp_path / "discovered.meme", "table": tmp_path / "discovered.tsv"}
    run_script(
        "find_motifs",
        tmp_path,
        inputs={"splits": splits, "streme": [tmp_path / "streme.meme"]},
        outputs=made,
        params=options | {"task": TASKS[0].record(), "engine": "meme_suite", "level": 0.05},
    )
    (tmp_path / "filters.tsv").write_text(TOMTOM + "m0_d1_f002\tM099_0.6\t-1\t1e-8\t5e-7\t4e-7\t7\tNGGACT\tNGGACT\t+\n")
    (tmp_path / "found.tsv").write_text(TOMTOM + "motif1\tM099_0.6\t1\t1e-7\t5e-6\t4e-6\t5\tGGACT\tNGGACTN\t+\n")
    outputs = {name: tmp_path / f"{name}.out.tsv" for name in ("matches", "annotated", "logos", "discovered")}
    run_script(
        "compare_motifs",
        tmp_path,
        inputs={
            "queries": [files["motifs"]["human"]],
            "filters": [files["filters"]["human"]],
            "discovered": [made["motifs"]],
            "discovered_tables": [made["table"]],
            "databases": [files["targets"]["human"]],
            "tomtom": [tmp_path / "filters.tsv", tmp_path / "found.tsv"],
        },
        outputs=outputs,
        params={
            "tasks": [TASKS[0].record()],
            "pairs": [["multi", "human"]],
            "databases": ["CISBP-RNA"],
            "database_species": ["human"],
            "engine": "meme_suite",
            "compared": [["multi", "human", "CISBP-RNA"], ["de novo", "human", "CISBP-RNA"]],
            "seed": 1,
        },
    )
    frames = {name: read_tsv(path)[0] for name, path in outputs.items()}
    for name, frame in frames.items():
        assert column_names(f"motif_{name}") == list(frame.columns), name
    assert frames["matches"][["method", "target_name", "engine", "rank"]].to_numpy().tolist() == [
        ["filter", "WRITR1", "meme_suite", 1],
        ["de novo", "WRITR1", "meme_suite", 1],
    ]
    query = frames["logos"].query("method == 'filter' and role == 'query'")
    assert query["position"].tolist() == list(range(-1, 8))
    assert frames["discovered"][["motif", "p", "reported", "target_name", "match_q"]].to_numpy().tolist() == [
        ["motif1", 1e-8, True, "WRITR1", 4e-6]
    ]
    assert frames["annotated"]["annotated"].tolist() == [1, 1]
    check_captions(explain_annotated_filters(frames["annotated"], DESIGN))
    assert not draw_annotated_filters(frames["annotated"], DESIGN).axes[0].patches
    assert "filter 2" in draw_local_motifs(frames["matches"], frames["logos"], DESIGN).axes[0].get_title(loc="left")
    first = draw_discovered_motifs(frames["discovered"], frames["logos"], DESIGN).axes[0].get_title(loc="left")
    assert first.startswith("WRITR1 (M099_0.6), q = 4e-6")


def letters(axes):
    return [artist for artist in axes.get_children() if isinstance(artist, PathPatch)]


def check_captions(captions):
    for _, text in captions:
        assert text.endswith(".")
        assert re.search(r"\d", text)
        assert "nan" not in re.findall(r"[a-z]+", text)


def test_local_motifs(tables, tmp_path):
    frames = tables[0]
    figure = draw_local_motifs(frames["matches"], frames["logos"], DESIGN)
    ranked = frames["matches"].query("predictor == 'multi' and rank > 0")
    assert len(figure.axes) == 2 * len(ranked) == 12
    assert all(letters(axes) for axes in figure.axes)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert sum(title.startswith("WRITR1 (M099_0.6)\nfilter 2, q = ") for title in titles) == 2
    for query, target in zip(figure.axes[1::2], figure.axes[::2], strict=True):
        assert query.get_xlim() == target.get_xlim()
    assert {text.get_text() for text in figure.texts} == set(SPECIES)
    captions = explain_local_motifs(frames["matches"], frames["logos"], DESIGN)
    check_captions(captions)
    assert "of the 6 pairs have q < 0.05" in captions[0][1]
    for name in ("a.svg", "b.svg"):
        save_figure(draw_local_motifs(frames["matches"], frames["logos"], DESIGN), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<image" not in (tmp_path / "a.svg").read_bytes()


def test_logo_heights_are_those_of_the_table(tables):
    frames = tables[0]
    figure = draw_local_motifs(frames["matches"], frames["logos"], DESIGN)
    rows = frames["logos"].query("predictor == 'multi' and task == 'human' and rank == 1 and role == 'target'")
    tops = {tuple(patch.get_facecolor()[:3]): patch.get_path().get_extents() for patch in letters(figure.axes[0])}
    assert len(tops) == 4
    highest = rows[list(NUCLEOTIDES)].sum(axis=1).max()
    assert max(box.y1 for box in tops.values()) == pytest.approx(highest, abs=0.02)
    # the first and the last of the seven columns hold no information
    assert min(box.x0 for box in tops.values()) == pytest.approx(1 - 0.46, abs=0.02)
    assert max(box.x1 for box in tops.values()) == pytest.approx(5 + 0.46, abs=0.02)


def test_annotated_filters(tables):
    annotated = tables[0]["annotated"]
    figure = draw_annotated_filters(annotated, DESIGN)
    assert len(figure.axes) == 2
    assert figure.axes[0].get_title(loc="left") == "CISBP-RNA, q < 0.05"
    numbers = {text.get_text() for text in figure.axes[0].texts}
    row = annotated.query("task == 'human' and rule == 'q < 0.05'").iloc[0]
    assert f"{row['annotated']}/8" in numbers
    assert {"A", "B"} <= {text.get_text() for axes in figure.axes for text in axes.texts}
    captions = explain_annotated_filters(annotated, DESIGN)
    check_captions(captions)
    assert [panel for panel, _ in captions] == ["A", "B"]
    # without shuffles there is no band
    bare = annotated.assign(shuffles=0, null_fraction=np.nan, null_low=np.nan, null_high=np.nan, p=1.0)
    assert not draw_annotated_filters(bare, DESIGN).axes[0].patches
    check_captions(explain_annotated_filters(bare, DESIGN))


def test_discovered_motifs(tables):
    frames = tables[0]
    figure = draw_discovered_motifs(frames["discovered"], frames["logos"], DESIGN)
    reported = frames["discovered"]["reported"].sum()
    assert len(figure.axes) == 2 * reported
    first = figure.axes[0].get_title(loc="left")
    assert re.fullmatch(r"WRITR1 \(M099_0\.6\), q = \S+\n\d+\.\d-fold, p = \S+", first)
    captions = explain_discovered_motifs(frames["discovered"], frames["logos"], DESIGN)
    check_captions(captions)
    sizes = frames["discovered"]["n_foreground"]
    assert f"{sizes.min()} to {sizes.max()} positive" in captions[0][1] or f"{sizes.min()} positive" in captions[0][1]


def test_discovered_motifs_without_a_database(tables, tmp_path, run_script):
    _, _, files = tables
    outputs = {name: tmp_path / f"{name}.tsv" for name in ("matches", "annotated", "logos", "discovered")}
    names = {"queries": "motifs", "filters": "filters", "discovered": "found", "discovered_tables": "found_tables"}
    run_script(
        "compare_motifs",
        tmp_path,
        inputs={name: [files[key]["human"]] for name, key in names.items()} | {"databases": []},
        outputs=outputs,
        params={
            "tasks": [TASKS[0].record()],
            "pairs": [["multi", "human"]],
            "databases": [],
            "database_species": [],
            "engine": "builtin",
            "seed": 1,
        },
    )
    frames = {name: read_tsv(path)[0] for name, path in outputs.items()}
    assert frames["matches"].empty
    figure = draw_discovered_motifs(frames["discovered"], frames["logos"], DESIGN)
    assert len(figure.axes) == frames["discovered"]["reported"].sum()
    assert re.fullmatch(r"\d+\.\d-fold, p = \S+", figure.axes[0].get_title(loc="left"))
    assert letters(figure.axes[0])
    captions = explain_discovered_motifs(frames["discovered"], frames["logos"], DESIGN)
    check_captions(captions)
    assert "protein" not in captions[0][1]
    assert "Tomtom" not in captions[0][1]


def test_nothing_to_show(tables):
    empty = {name: frame.iloc[:0] for name, frame in tables[0].items()}
    nothing = tables[0]["discovered"].assign(reported=False)
    drawn = [
        (draw_local_motifs(empty["matches"], empty["logos"], DESIGN), explain_local_motifs, ("matches", "logos")),
        (draw_annotated_filters(empty["annotated"], DESIGN), explain_annotated_filters, ("annotated",)),
        (draw_discovered_motifs(nothing, empty["logos"], DESIGN), explain_discovered_motifs, ("discovered", "logos")),
    ]
    for figure, explain, names in drawn:
        assert [text.get_text() for text in figure.axes[0].texts] == ["no motif to show"]
        given = [nothing if name == "discovered" else empty[name] for name in names]
        check_captions(explain(*given, DESIGN))


def test_figures_are_entered():
    assert [entry.name for entry in ENTRIES] == [
        "figure_4",
        "figure_s6",
        "de_novo_motifs",
        "consensus",
        "consensus_motifs",
    ]
    for entry in ENTRIES:
        assert set(entry.tables) <= set(TABLES)
        assert entry.shown(replace(DESIGN, offers=frozenset(("motifs", "filters", "databases", "consensus"))))
        assert not entry.shown(DESIGN)


def test_a_p_value_of_nought_is_said():
    assert motif_figures.say_equal(0.0) == "< 1e-300"
    assert motif_figures.say_equal(3e-161) == "= 3e-161"
    assert motif_figures.say_equal(0.2) == "= 0.2"
