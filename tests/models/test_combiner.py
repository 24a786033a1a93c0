"""Trees over a network's logits, neighbouring sites, letters and gene structure: fitted, kept, scanned with."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "prediction"))
sys.path.insert(0, str(Path(__file__).parents[1] / "variants"))
import variant_world as world

import rnamarks
from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import load_model, save_model
from rnamarks.models.combiner import EMPTY, Combiner, combine, names_of_features, read_combiner, write_combiner
from rnamarks.models.directory import ModelConfig, write_model
from rnamarks.models.forest import Forest
from rnamarks.models.registry import build_model
from rnamarks.models.settings.combiner import CombinerSettings
from rnamarks.models.student import Student, add_student
from rnamarks.models.trees import TreeSettings, fit_xgboost, load_xgboost
from rnamarks.prediction import scan
from rnamarks.prediction.background import add_null
from rnamarks.prediction.fast import score_fast
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.prediction.score import score_windows
from rnamarks.prediction.unmodified import draw_unmodified
from rnamarks.sequences import decode, encode
from rnamarks.sites.gene_structure import ENDS, FAR, FEATURES, WHOLE, GeneStructure, SequenceEnds, open_frame
from rnamarks.sites.motifs import find_motif
from rnamarks.sites.windows import cut_windows
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task
from rnamarks.training.combining import Networks, fit_combiner, gene_folds
from rnamarks.training.settings import SiteSettings

TASK = Task("m6A", species="human", modification="m6A", base="A", motif="DRACH", motif_offset=2)
SIZES = {"filters": [6, 4], "lstm_units": 3}
WINDOW = 21
HEADS = ["human", "other"]
SETTINGS = CombinerSettings(
    neighbours=120, letters=3, context=True, structure=True, trees=30, depth=3, eta=0.3, columns=1.0, child=1
)


def rna(n: int, seed: int) -> str:
    return decode(np.random.default_rng(seed).integers(0, 4, n, dtype=np.uint8))


def transcripts() -> pd.DataFrame:
    rows = []
    for at, (name, lengths) in enumerate(
        (("one", (300, 250, 350)), ("two", (400,)), ("bare", (200,)), ("six", (80,) * 6))
    ):
        starts = np.cumsum([1000 * at, *(length + 90 for length in lengths[:-1])])
        placed = name != "bare"
        rows.append(
            {
                "transcript": name,
                "gene": f"gene {name}",
                "gene_name": "",
                "biotype": "",
                "chrom": "chr1" if placed else "",
                "strand": "-" if at % 2 else "+",
                "exon_starts": starts if placed else starts[:0],
                "exon_ends": starts + lengths if placed else starts[:0],
                "cds_start": 50 if name == "one" else -1,
                "cds_end": 500 if name == "one" else -1,
                "sequence": rna(sum(lengths), at),
            }
        )
    return pd.DataFrame(rows)[column_names("transcripts")]


def fitted(settings: CombinerSettings, seed: int = 0) -> Combiner:
    """Trees that look at every kind of feature."""
    heads = HEADS if settings.asks_network else []
    generator = np.random.default_rng(seed)
    scale = np.where(np.isin(names_of_features(settings, heads), [*FEATURES, *ENDS]), 100, 3)
    features = (generator.normal(0, 1, (600, len(scale))) * scale).astype(np.float32)
    weights = generator.random(len(scale)) ** 8 / scale
    return Combiner.fit(settings, heads, features, features @ weights > 0, seed=seed)


def build(folder: Path, settings: CombinerSettings) -> Path:
    """A model directory with a combiner and random weights."""
    torch.manual_seed(0)
    network = build_model("deepm6aseq", HEADS, WINDOW, SIZES)
    with torch.no_grad():
        for head, _ in network.heads.values():
            head.weight.mul_(20)
    return write(folder, network, "deepm6aseq", WINDOW, SIZES, settings)


def write(folder: Path, network, name: str, window: int, sizes: dict, settings: CombinerSettings) -> Path:
    combiner = fitted(settings)
    config = ModelConfig(name, [TASK], window, sizes, combiner=combiner.record())
    arrays = {f"combiner.m6A.{name}": array for name, array in combiner.to_arrays().items()}
    write_model(folder, [{name: value.numpy() for name, value in network.state_dict().items()}], config, arrays)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("structured"), SETTINGS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """One that reads no annotation, but the ends of sequences."""
    settings = {**asdict(SETTINGS), "structure": False, "ends": True}
    return build(tmp_path_factory.mktemp("plain"), CombinerSettings(**settings))


def by_hand(model: Path, sequence: str, structure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of sites and their logits, each worked out alone."""
    combined, _ = load_model(model)
    codes = encode(sequence)
    places = find_motif(codes, "DRACH", 2)
    windows = cut_windows(codes, places, WINDOW)
    logits, others = (score_windows(combined.networks, windows, head) for head in HEADS)
    rows = []
    for at, own, other, where in zip(places, logits, others, structure, strict=True):
        near = [(place - at, logit) for place, logit in zip(places, logits, strict=True) if place != at]
        row = [own, other]
        for radius in (50, 100, 120):
            inside = [logit for place, logit in near if abs(place) <= radius]
            row += [max(inside, default=EMPTY), np.mean(inside) if inside else EMPTY]
        row += [sum(1 / (1 + np.exp(-logit)) for place, logit in near if 0 < sign * place <= 100) for sign in (-1, 1)]
        row += [sum(abs(place) <= 120 for place, _ in near)]
        row += [sum(abs(place) <= 120 and logit > own for place, logit in near)]
        row += [
            float(sequence[at + to : at + to + 1] == base and at + to >= 0)
            for to in (-3, -2, -1, 1, 2, 3)
            for base in "ACGU"
        ]
        around = sequence[max(0, at - 50) : at + 51]
        kmers = [around[place : place + 3] for place in range(len(around) - 2)]
        row += [kmers.count(a + b + c) for a in "ACGU" for b in "ACGU" for c in "ACGU"]
        row += [
            sequence[max(0, at - radius) : at + radius + 1].count(base)
            for radius in (25, 50, 100, 300)
            for base in "ACGU"
        ]
        for motif in ("DRACH", "GGAC"):
            found = find_motif(codes, motif, 2)
            row += [(np.abs(found - at) <= radius).sum() for radius in (25, 50, 100, 250)]
        rows.append([*row, *where])
    features = np.array(rows, dtype=np.float32).reshape(len(places), len(rows[0]) if rows else 1)
    return places, combined.combiners["m6A"].logit(features) if rows else np.zeros(0)


def expected(model: Path, frame: pd.DataFrame) -> dict[tuple[str, int], float]:
    structure = GeneStructure(frame)
    found = {}
    for row, (name, sequence) in enumerate(zip(frame["transcript"], frame["sequence"], strict=True)):
        if structure.known[row]:
            places = find_motif(encode(sequence), "DRACH", 2)
            places, logits = by_hand(model, sequence, structure.features(np.full(len(places), row), places))
            found |= {(name, int(at)): logit for at, logit in zip(places, logits, strict=True)}
    return found


@pytest.mark.parametrize("nt", [60, 1 << 15])
def test_a_scan_finds_what_each_site_alone_gives(model, tmp_path, monkeypatch, nt):
    """In blocks shorter than the reach of neighbours and in one."""
    monkeypatch.setattr(scan, "_BLOCK_NT", (nt, nt))
    frame = transcripts()
    write_parquet(frame, tmp_path / "t.parquet")
    said = []
    options = ScanOptions(alpha=None, top=False)
    Scanner(model, device="cpu").run(
        tmp_path / "t.parquet", options, Outputs(table=tmp_path / "o.tsv"), warn=said.append
    )
    table = pd.read_csv(tmp_path / "o.tsv", sep="\t")
    answer = expected(model, frame)
    assert list(zip(table["sequence"], table["start"], strict=True)) == list(answer)
    assert len(answer) > 20
    np.testing.assert_allclose(table["logit"], list(answer.values()), atol=1e-5)
    assert any("1 transcripts have no exon positions" in line for line in said)


def test_a_model_of_sequences_reads_where_they_end(plain, tmp_path):
    """Sequences as FASTA and as a table; and windows, whose sequences it does not know."""
    texts = {"a": rna(700, 5), "b": "CC" + "AUG" + "GCC" * 40 + "UAA" + rna(300, 6)}
    (tmp_path / "my.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    loaded = rnamarks.load(plain)
    table = loaded.scan(tmp_path / "my.fa", alpha=None)
    by_name = []
    for name, text in texts.items():
        places = find_motif(encode(text), "DRACH", 2)
        start, end = open_frame(encode(text))
        assert text[start : start + 3] == "AUG"
        ends = [(at, len(text) - 1 - at, len(text), at / len(text), at - start, at - end, end - start) for at in places]
        places, logits = by_hand(plain, text, np.array(ends, dtype=np.float32))
        by_name += [(name, at, logit) for at, logit in zip(places, logits, strict=True)]
    assert open_frame(encode(texts["b"])) == (2, 128)
    assert list(zip(table["sequence"], table["start"], strict=True)) == [row[:2] for row in by_name]
    np.testing.assert_allclose(table["logit"], [row[2] for row in by_name], atol=1e-5)
    at = int(table.loc[(table["sequence"] == "a") & (table["start"] > 100), "start"].iloc[0])
    middle = texts["a"][at - 30 : at + 31]
    places, logits = by_hand(plain, middle, np.full((len(find_motif(encode(middle), "DRACH", 2)), 7), FAR, np.float32))
    found = loaded.predict([middle])["logit"]
    np.testing.assert_allclose(found, logits[places == len(middle) // 2], atol=1e-5)


def test_a_short_sequence_is_a_piece(plain):
    """Where it ends is not known, so it is judged as a window is."""
    text = "C" * 48 + "GGACU" + "A" * 48
    loaded = rnamarks.load(plain)
    table = loaded.scan([text], alpha=None)
    np.testing.assert_allclose(table["logit"], loaded.predict([text])["logit"], atol=1e-5)
    known = SequenceEnds.of_texts([text, rna(WHOLE, 1)]).features([0, 1], [50, 50])
    assert (known == FAR).all(axis=1).tolist() == [True, False]


def test_fast_mode_puts_the_trees_over_the_student(plain, tmp_path):
    folder = tmp_path / "fast"
    folder.mkdir()
    for name in ("config.json", "weights.safetensors"):
        (folder / name).write_bytes((plain / name).read_bytes())
    torch.manual_seed(3)
    student = Student(HEADS, receptive=WINDOW, width=5, filters=8, channels=8, hidden=8).eval()
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.normal_(0, 0.4)
    calibration = {"m6A": Calibration(0.1, 1.5, 0.2, "platt").to_dict()}
    add_student(folder, student, calibration=calibration, agreement={"human": 0.9, "other": 0.9})
    text = rna(600, 9)
    table = rnamarks.load(folder).scan([text], alpha=None, mode="fast")
    codes = encode(text)
    at = find_motif(codes, "DRACH", 2)
    logits = score_fast(student, cut_windows(codes, at, WINDOW))
    combined, _ = load_model(plain)
    combiner = combined.combiners["m6A"]
    flank = 700
    padded = np.full(len(codes) + 2 * flank, 4, dtype=np.uint8)
    padded[flank:-flank] = codes
    ends = SequenceEnds.of_texts([text]).features(np.zeros(len(at), dtype=int), at)
    features = combine(combiner.settings, padded, at + flank, at + flank, list(logits.T), ends)
    np.testing.assert_allclose(table["logit"], combiner.logit(features), atol=1e-5)
    np.testing.assert_allclose(
        table["probability"], Calibration(0.1, 1.5, 0.2, "platt").probability(table["logit"]), atol=1e-5
    )


def test_sequences_without_exons_and_windows_are_refused(model, tmp_path):
    (tmp_path / "my.fa").write_text(f">a\n{rna(200, 3)}\n")
    world.run("scan", tmp_path / "my.fa", "--model", model, code=2)
    loaded = rnamarks.load(model)
    with pytest.raises(InputError, match="--annotation"):
        loaded.scan([rna(200, 3)])
    window = "C" * 8 + "GGACU" + "C" * 8
    with pytest.raises(InputError, match="not by windows"):
        loaded.predict([window])
    assert loaded.explain([window]).contributions.shape == (1, 4, WINDOW)
    (tmp_path / "windows.txt").write_text(window + "\n")
    done = world.run("explain", tmp_path / "windows.txt", "--model", model, "--out", tmp_path / "e.tsv")
    assert "the logit of the model's networks, before its trees" in done.lines[0]


def test_variants_are_as_in_a_scan_of_the_whole_changed_transcript(model, tmp_path):
    """Single nucleotides, which leave exons as they are; neighbours within reach of a changed site move, too."""
    rows = [world.snv(at) for at in (101, 140, 219, 300, 359, 420, 500, 600, 689, 765, 850, 999, 1115)]
    genome, annotation = world.write_genome(tmp_path, world.TEXT), world.write_annotation(tmp_path)
    given = ("--genome", genome, "--annotation", annotation, "--model", model, "--out", tmp_path / "v.tsv")
    world.run("variants", world.write_vcf(tmp_path, rows), *given)
    table = pd.read_csv(tmp_path / "v.tsv", sep="\t")
    table = table[table["task"] == "m6A"]
    from rnamarks.sites.annotation import read_annotation
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcripts import build_transcripts

    frame = build_transcripts(read_annotation(annotation, Drops()), genome, Drops(), workdir=tmp_path)
    before = expected(model, frame)
    far = 0
    for number, (_, at, _, _) in enumerate(rows):
        changed = frame.assign(
            sequence=[world.spliced(world.TEXT, name, [rows[number][1:]])[0] for name in frame["transcript"]]
        )
        after = expected(model, changed)
        mine = table[table["start"] == at]
        scored = {(row.transcript, row.transcript_start): (row.logit_ref, row.logit_alt) for row in mine.itertuples()}
        for key in before.keys() | after.keys():
            pair = before.get(key, np.nan), after.get(key, np.nan)
            if key in scored:
                np.testing.assert_allclose(scored[key], pair, atol=2e-5)
            else:
                assert pair[0] == pytest.approx(pair[1], abs=1e-5)
        far += int((mine["distance"].abs() > WINDOW // 2).sum())
    assert far > 10


def test_a_scan_tells_where_the_networks_below_trees_looked(tmp_path):
    """As a scan by the networks alone does, asked about the head that the trees read first."""
    sizes = {"crop": 21, "dims": 12, "units": 8, "attention": 6, "hidden": 10}
    torch.manual_seed(0)
    network = build_model("multirm", HEADS, 27, sizes).eval()
    settings = CombinerSettings(**{**asdict(SETTINGS), "structure": False, "ends": True})
    combined = write(tmp_path / "combined", network, "multirm", 27, sizes, settings)
    tasks = [replace(TASK, name=head) for head in HEADS]
    save_model(tmp_path / "alone", [network.state_dict()], ModelConfig("multirm", tasks, 27, sizes))
    (tmp_path / "my.fa").write_text(f">a\n{rna(900, 5)}\n")
    looked = []
    for folder, task in ((combined, TASK.name), (tmp_path / "alone", HEADS[0])):
        scanner, out = Scanner(folder, device="cpu"), Outputs(table=tmp_path / f"{task}.tsv")
        scanner.run(tmp_path / "my.fa", ScanOptions(alpha=None), out, tasks=[task], warn=lambda line: None)
        looked.append(pd.read_csv(out.table, sep="\t").set_index("start")["top"])
    assert len(looked[0]) > 10
    assert looked[0].nunique() > 5
    pd.testing.assert_series_equal(*looked)


def test_a_null_distribution_knows_where_its_nucleotides_lie(model, tmp_path):
    frame = transcripts()
    frame = frame[frame["chrom"] != ""].reset_index(drop=True)
    structure = GeneStructure(frame)
    sequences = [
        (name, encode(text), None, lambda at, row=row: structure.features(np.full(len(at), row), at))
        for row, (name, text) in enumerate(zip(frame["transcript"], frame["sequence"], strict=True))
    ]
    width = Scanner(model, device="cpu")._loaded.engine.width
    drawn = draw_unmodified(sequences, [TASK], width, 1000, 0, reads="exons")
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("config.json", "weights.safetensors"):
        (folder / name).write_bytes((model / name).read_bytes())
    add_null(folder, drawn, source="made up")
    from rnamarks.models.directory import NULL, read_sidecar

    arrays, _ = read_sidecar(folder, NULL)
    np.testing.assert_allclose(np.sort(arrays["exact.m6A"]), np.sort(list(expected(model, frame).values())), atol=1e-5)
    assert arrays["changes.exact.m6A"].max() > 0


def test_trees_are_those_of_xgboost(tmp_path):
    generator = np.random.default_rng(1)
    features = generator.normal(size=(1500, 9)).astype(np.float32)
    labels = features[:, 0] * features[:, 3] + generator.normal(size=1500) > 0
    saved = fit_xgboost(features, labels, seed=3, settings=TreeSettings(trees=40, depth=5), columns=0.5, bins=64)
    forest = Forest.from_xgboost(saved)
    np.testing.assert_allclose(forest.margin(features), load_xgboost(saved, 1)(features), atol=1e-5)
    settings = CombinerSettings(logits=False, structure=True, trees=5)
    combiner = fitted(settings)
    write_combiner(tmp_path / "c.safetensors", combiner)
    again = read_combiner(tmp_path / "c.safetensors")
    assert (again.settings, again.heads) == (settings, ())
    for name, array in combiner.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], array)


@pytest.mark.parametrize("damage", ["loop", "feature", "child", "shape", "infinite", "missing"])
def test_damaged_trees_are_refused(damage):
    arrays = {name: array.copy() for name, array in fitted(SETTINGS).to_arrays().items()}
    row, node = np.argwhere(arrays["feature"] >= 0)[0]
    if damage == "missing":
        del arrays["left"]
    elif damage == "shape":
        arrays["left"] = arrays["left"][:, 1:]
    else:
        name, value = {
            "loop": ("left", node),
            "feature": ("feature", len(names_of_features(SETTINGS, HEADS))),
            "child": ("right", 1 << 20),
            "infinite": ("threshold", np.inf),
        }[damage]
        arrays[name][row, node] = value
    with pytest.raises(InputError, match="trees"):
        Combiner.from_arrays(arrays, fitted(SETTINGS).record())


@pytest.fixture
def sites(tmp_path) -> tuple[Path, Path]:
    """Splits and transcripts of twelve genes; sites within 20 nt of a junction are modified, few besides."""
    generator = np.random.default_rng(5)
    frames, windows = [], []
    for at in range(12):
        starts = np.array([0, 400, 900]) + 5000 * at
        text = rna(600, 100 + at)
        frames.append((f"t{at}", f"g{at}", "", "", "chr1", "+", starts, starts + 200, -1, -1, text))
        codes = encode(text)
        places = find_motif(codes, "DRACH", 2)
        near = np.min(np.abs(places[:, None] - [200, 400]), axis=1) < 20
        split = "train" if at < 7 else "valid" if at < 9 else "test"
        for place, is_near in zip(places, near, strict=True):
            label = int(is_near or generator.random() < 0.05)
            window = "".join(decode(cut_windows(codes, np.array([place]), WINDOW)[0]))
            windows.append((f"w{at}.{place}", f"t{at}", place, f"g{at}", window, label, split))
    table = pd.DataFrame(frames, columns=column_names("transcripts"))
    write_parquet(table, tmp_path / "t.parquet")
    names = ["window", "transcript", "start", "gene", "sequence", "label", "guarded"]
    write_parquet(pd.DataFrame(windows, columns=names), tmp_path / "s.parquet")
    return tmp_path / "s.parquet", tmp_path / "t.parquet"


def test_labels_of_test_sites_change_nothing(sites, tmp_path):
    splits, table = sites
    settings = CombinerSettings(logits=False, letters=2, structure=True, trees=30, child=1)
    options = {"scheme": "guarded", "networks": None, "folds": 2, "seed": 1, "checkpoints": tmp_path}
    first, predictions = fit_combiner(splits, table, TASK, settings, **options)
    frame = pd.read_parquet(splits)
    test = frame["guarded"] == "test"
    frame.loc[test, "label"] = np.random.default_rng(0).permutation(frame.loc[test, "label"])
    write_parquet(frame, tmp_path / "permuted.parquet")
    again, others = fit_combiner(tmp_path / "permuted.parquet", table, TASK, settings, **options)
    for name, array in first.to_arrays().items():
        np.testing.assert_array_equal(array, again.to_arrays()[name])
    np.testing.assert_array_equal(predictions["logit"], others["logit"])
    assert (predictions["label"] != others["label"]).any()
    held = predictions[predictions["split"] == "test"]
    modified = held["label"] == 1
    assert held.loc[modified, "logit"].mean() > held.loc[~modified, "logit"].mean() + 0.5


@pytest.mark.slow
def test_trees_learn_from_networks_that_have_not_seen_the_genes(sites, tmp_path):
    """Of a network trained on the task, its own logits of training sites play no part; they score what is held out."""
    splits, table = sites
    sizes = {"filters": [4, 4], "lstm_units": 2}
    training = SiteSettings(epochs=1, steps_per_epoch=2, batch_size=16, precision="32-true")
    made, predicted = [], []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = build_model("deepm6aseq", ["m6A"], WINDOW, sizes)
        folder = tmp_path / f"final{seed}"
        save_model(folder, [network.state_dict()], ModelConfig("deepm6aseq", [TASK], WINDOW, sizes))
        combiner, predictions = fit_combiner(
            splits,
            table,
            TASK,
            CombinerSettings(neighbours=50, trees=5, child=1),
            scheme="guarded",
            networks=Networks([folder], ["m6A"], "deepm6aseq", sizes, training, [7]),
            folds=2,
            seed=1,
            checkpoints=tmp_path / "checkpoints",
            report=lambda line: None,
        )
        made.append(combiner.to_arrays())
        predicted.append(predictions["logit"])
    assert combiner.heads == ("m6A",)
    for name, array in made[0].items():
        np.testing.assert_array_equal(array, made[1][name])
    assert not np.allclose(predicted[0], predicted[1])


def test_folds_keep_genes_together():
    frame = pd.DataFrame({"gene": ["a", "a", "b", "b", "", ""], "transcript": list("tttuvw"), "label": [1, 0] * 3})
    folds = gene_folds(frame, 2, 0)
    assert sorted(np.concatenate(folds)) == list(range(6))
    assert all(len({0, 1} & set(rows)) != 1 and len({2, 3} & set(rows)) != 1 for rows in folds)


def test_a_combiner_has_something_to_read():
    with pytest.raises(InputError, match="reads nothing"):
        CombinerSettings(logits=False)
    with pytest.raises(InputError, match="heads exactly if"):
        Combiner.from_arrays({}, {"heads": ["x"], "settings": {"logits": False, "letters": 2}})
