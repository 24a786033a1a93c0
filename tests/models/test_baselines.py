"""Baselines: closed forms by hand, planted signals found, arrays there and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from rnamarks.errors import InputError
from rnamarks.models.baseline_files import load_baselines
from rnamarks.models.baselines import BASELINES, fit_baselines
from rnamarks.models.directory import WEIGHTS
from rnamarks.models.kmers import kmer_counts, kmer_features
from rnamarks.sequences import decode_windows, encode_windows, read_records
from rnamarks.tables import read_parquet, write_parquet
from rnamarks.tasks import Task
from stand_in import run_script

TASKS = [Task(species, species=species, modification="m6A", base="A") for species in ("human", "mouse")]
QUICK = {"kmer_logistic": {"longest": 3, "reach": 4}, "kmer_xgboost": {"longest": 3, "reach": 4, "trees": 20}}
QUICK["kmer_blend"] = QUICK["kmer_xgboost"]
ONE_HOT = {f"{library}_{form}" for library in ("catboost", "xgboost") for form in ("one_hot", "multiclass")}
QUICK |= {name: {"trees": 20} for name in ONE_HOT}
PLACE_ONLY = {"naive_bayes_trinucleotide", *ONE_HOT}
INFORMATIVE = sorted(set(BASELINES) - {"prevalence"})


def world(n=1200, width=31, *, centred=True, seed=0):
    """Windows and labels; positives carry GGACU at the middle or somewhere, negatives AAACA."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, size=(n, width)).astype(np.uint8)
    labels = generator.random(n) < 0.5
    motifs = encode_windows(["AAACA", "GGACU"])
    starts = np.full(n, width // 2 - 2) if centred else generator.integers(0, width - 4, size=n)
    noise = generator.random(n) < 0.1
    for row in range(n):
        codes[row, starts[row] : starts[row] + 5] = motifs[int(labels[row] ^ noise[row])]
    return codes, labels


def make(name):
    return BASELINES[name](**QUICK.get(name, {}))


def test_frequency_by_hand():
    codes = encode_windows(["GGACU"] * 3 + ["AAACA"] + ["AAACA"] * 2)
    fitted = BASELINES["kmer_frequency"]().fit(codes, [1, 1, 1, 1, 0, 0])
    assert fitted.centred
    expected = np.log([(3 + 1) / (4 + 1024), (1 + 1) / (4 + 1024)]) - np.log([1 / (2 + 1024), 3 / (2 + 1024)])
    assert fitted.logit(encode_windows(["GGACU", "AAACA", "GGNCU"])) == pytest.approx([*expected, 0])


def test_frequency_of_windows_that_are_not_centred_sums():
    codes, labels = world(centred=False)
    fitted = BASELINES["kmer_frequency"]().fit(codes, labels)
    table = fitted.table[:-1]
    assert fitted.logit(codes[:50]) == pytest.approx(kmer_counts(codes[:50], 5) @ table)


def test_naive_bayes_by_hand():
    codes = encode_windows(["ACGU", "ACGA", "UUUU", "UUUA"])
    fitted = BASELINES["naive_bayes_trinucleotide"]().fit(codes, [1, 1, 0, 0])
    # place 1: ACG twice of 2; place 2: CGU once of 2; 64 outcomes with 2 added to each
    first = np.log((2 + 2) / (2 + 128)) - np.log(2 / (2 + 128))
    second = np.log((1 + 2) / (2 + 128)) - np.log(2 / (2 + 128))
    assert fitted.logit(encode_windows(["ACGU", "ACGN", "NNNN"])) == pytest.approx([first + second, first, 0])


def test_composition_by_hand():
    fitted = BASELINES["composition"]().fit(encode_windows(["GGC", "AUN"]), [1, 0])
    frequencies = np.array([[1, 2, 3, 1], [2, 1, 1, 2]]) / np.array([[7], [6]])
    expected = np.log(frequencies[0] / frequencies[1])
    assert fitted.logit(encode_windows(["GCA", "UUN"])) == pytest.approx([expected[[2, 1, 0]].sum(), 2 * expected[3]])


def test_motif_rule_counts_where_windows_are_not_centred():
    codes, labels = world(centred=False)
    fitted = BASELINES["motif_rule"]().fit(codes, labels)
    some = encode_windows(["C" * 31, "GGACU" + "C" * 26, "GGACU" * 2 + "C" * 21])
    assert fitted.logit(some) == pytest.approx([fitted.table[0, 0], fitted.table[1, 1], fitted.table[2, 2]])
    assert fitted.table[1, 1] > 0 > fitted.table[1, 0]


def test_motif_rule_looks_at_the_middle_of_centred_windows():
    codes, labels = world()
    fitted = BASELINES["motif_rule"]().fit(codes, labels)
    away = np.full((1, 31), 1, dtype=np.uint8)
    away[0, :5] = encode_windows(["GGACU"])
    away[0, 13:18] = encode_windows(["AAACA"])
    middle = np.full((1, 31), 1, dtype=np.uint8)
    middle[0, 13:18] = encode_windows(["GGACU"])
    assert fitted.logit(away)[0] < 0 < fitted.logit(middle)[0]


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("name", INFORMATIVE)
def test_planted_signal_is_found_and_chance_is_not(name, centred):
    if name in PLACE_ONLY and not centred:
        pytest.skip("it knows places only")
    codes, labels = world(centred=centred)
    new_codes, new_labels = world(centred=centred, seed=1)
    fitted = make(name).fit(codes, labels, seed=1)
    assert roc_auc_score(new_labels, fitted.logit(new_codes)) > (0.6 if name == "composition" else 0.8)
    generator = np.random.default_rng(2)
    empty = make(name).fit(codes, generator.permutation(labels), seed=1).logit(new_codes)
    areas = [roc_auc_score(generator.permutation(new_labels), empty) for _ in range(20)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_arrays_round_trip_gives_the_same_logits(name):
    codes, labels = world(400)
    codes[::7, :4] = 4
    fitted = make(name).fit(codes, labels, seed=3)
    arrays = fitted.to_arrays()
    assert all(array.dtype.kind in "biuf" for array in arrays.values())
    again = BASELINES[name].from_arrays(arrays, fitted.hyperparameters())
    expected = fitted.logit(codes)
    assert np.isfinite(expected).all()
    assert np.array_equal(again.logit(codes), expected)
    assert np.array_equal(make(name).fit(codes, labels, seed=3).logit(codes), expected)
    alone = np.concatenate([fitted.logit(codes[row : row + 1]) for row in range(10)])
    assert np.allclose(alone, expected[:10], atol=1e-5)
    with pytest.raises(InputError, match="unknown or missing arrays"):
        BASELINES[name].from_arrays({**arrays, "more": np.zeros(1)})


@pytest.mark.parametrize("name", ["motif_rule", "kmer_logistic", "kmer_xgboost", "kmer_blend"])
def test_logits_are_for_one_to_one(name):
    codes, labels = world(4000)
    kept = ~labels | (np.arange(4000) % 10 == 0)
    balanced = make(name).fit(codes, labels).logit(codes)
    rare = make(name).fit(codes[kept], labels[kept]).logit(codes)
    assert abs(np.mean(rare) - np.mean(balanced)) < 0.45 * np.log(10)


@pytest.mark.parametrize("centred", [True, False])
def test_the_linear_model_is_linear_in_the_kmer_features(centred):
    codes, labels = world(300, centred=centred)
    settings = {"longest": 2, "motif": "GGACU", "motif_offset": 2, "reach": 3}
    fitted = BASELINES["kmer_logistic"](**settings).fit(codes, labels)
    assert fitted.centred is centred
    features = kmer_features(codes, centred=centred, **settings)
    assert fitted.logit(codes) == pytest.approx(features @ fitted.coefficients + fitted.intercept, abs=1e-5)


def test_unusable_training_windows():
    codes, labels = world(50)
    with pytest.raises(InputError, match="cannot train"):
        make("kmer_frequency").fit(codes, np.ones(50))
    with pytest.raises(InputError, match="one label per window"):
        make("kmer_frequency").fit(codes, labels[:-1])
    with pytest.raises(InputError, match="31 nt"):
        make("kmer_frequency").fit(codes, labels).logit(codes[:, 1:])
    with pytest.raises(InputError, match="choose one of"):
        BASELINES["random_forest"]
    assert make("kmer_frequency").fit(codes, labels).logit(codes[:0]).shape == (0,)


@pytest.fixture
def frames():
    found = {}
    for seed, species in enumerate(("human", "mouse")):
        codes, labels = world(300, seed=seed)
        split = np.resize(["train", "train", "train", "valid", "test", ""], 300)
        found[species] = pd.DataFrame(
            {
                "window": [f"{species}:{i}" for i in range(300)],
                "task": species,
                "sequence": decode_windows(codes),
                "label": labels.astype(np.int64),
                "paper": split,
                "guarded": split[::-1],
            }
        )
    return found


def test_predictions_of_every_species(frames):
    tasks, predictions = fit_baselines(frames, "kmer_frequency", tasks=TASKS, scheme="guarded")
    assert list(predictions.columns) == ["window", "task", "split", "label", "logit"]
    assert predictions.groupby(["task", "split"]).size().to_dict() == {
        (species, split): 50 for species in frames for split in ("valid", "test")
    }
    joined = predictions.merge(pd.concat(frames.values()), on="window")
    assert (joined["split"] == joined["guarded"]).all()
    assert (joined["label_x"] == joined["label_y"]).all()
    assert not np.allclose(tasks["human"].table, tasks["mouse"].table)


def test_motif_reaches_those_that_know_one(frames):
    def motif(name="motif_rule", **changes):
        tasks = [replace(task, **changes) for task in TASKS]
        return fit_baselines(frames, name, tasks=tasks, scheme="paper")[0]["human"].hyperparameters()

    assert motif(motif="GGACU", motif_offset=2) == {"motif": "GGACU", "strong": "GGAC", "motif_offset": 2}
    assert motif()["motif"] == "DRACH", "of m6A without a motif"
    assert motif(motif="N")["motif"] == "DRACH"
    with pytest.raises(InputError, match="needs a motif that all tasks share"):
        motif(modification="Y", base="U", motif="U")
    assert motif("prevalence", motif="GGACU", motif_offset=2) == {}
    apart = [replace(TASKS[0], motif="GGACU", motif_offset=2), TASKS[1]]
    fitted, _ = fit_baselines(frames, "kmer_logistic", tasks=apart, scheme="paper", hyperparameters={"longest": 2})
    assert fitted["human"].motif == "DRACH"
    apart[1] = replace(TASKS[1], modification="Y")
    fitted, _ = fit_baselines(frames, "kmer_logistic", tasks=apart, scheme="paper", hyperparameters={"longest": 2})
    assert fitted["human"].motif == ""


def test_requests_that_cannot_be_met(frames):
    with pytest.raises(InputError, match="no such scheme"):
        fit_baselines(frames, "prevalence", tasks=TASKS, scheme="random")
    with pytest.raises(InputError, match="there is no setting k; known are none"):
        fit_baselines(frames, "prevalence", tasks=TASKS, scheme="paper", hyperparameters={"k": 3})
    frames["mouse"].loc[frames["mouse"]["paper"] == "train", "label"] = 0
    with pytest.raises(InputError, match="mouse: 0 positives"):
        fit_baselines(frames, "kmer_frequency", tasks=TASKS, scheme="paper")


def test_script(frames, tmp_path, repository):
    paths = []
    for species, frame in frames.items():
        paths.append(tmp_path / f"{species}.parquet")
        write_parquet(frame, paths[-1])
    params = {"baseline": "naive_bayes_trinucleotide", "scheme": "paper", "seed": 1}
    run_script(
        "models/fit_baseline",
        tmp_path / "log.txt",
        inputs={"splits": paths},
        outputs={"predictions": tmp_path / "predictions.parquet", "weights": tmp_path / "model" / WEIGHTS},
        params={"tasks": [task.record() for task in TASKS], **params},
    )
    found, _ = read_parquet(tmp_path / "predictions.parquet", ["window", "task", "split", "label", "logit"])
    _, expected = fit_baselines(frames, "naive_bayes_trinucleotide", tasks=TASKS, scheme="paper")
    pd.testing.assert_frame_equal(found, expected)
    tasks, config = load_baselines(tmp_path / "model")
    assert (list(tasks), config.tasks) == (list(frames), TASKS)
    assert config.training == {"scheme": "paper", "seed": 1}
    for species, frame in frames.items():
        table = found[found["task"] == species].set_index("window")["logit"]
        codes = encode_windows(frame.set_index("window").loc[table.index, "sequence"])
        assert np.array_equal(tasks[species].logit(codes), table)


@pytest.mark.parametrize(("tissue", "area"), [("human_brain", 0.788), ("rat_kidney", 0.905)])
def test_naive_bayes_on_published_tissues(shared_data, tissue, area):
    sets = []
    for split in ("train", "independent"):
        records = list(read_records(shared_data / "m6a" / "irna_m6a_41nt" / f"{tissue}_{split}.fa.gz"))
        sets.append((encode_windows(r.sequence for r in records), np.array([r.header[0] == "+" for r in records])))
    (codes, labels), (new_codes, new_labels) = sets
    fitted = make("naive_bayes_trinucleotide").fit(codes, labels)
    assert roc_auc_score(new_labels, fitted.logit(new_codes)) == pytest.approx(area, abs=0.004)
