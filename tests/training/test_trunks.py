"""Networks are trained over a language model: frozen, tuned or from scratch, killed or not, vectors kept or not."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import torch

from language_models import SIZES, save_tiny
from rnamarks.errors import InputError
from rnamarks.models.checkpoint import load_model
from rnamarks.models.directory import read_config
from rnamarks.models.language_files import load_language
from rnamarks.models.language_trunk import LanguageTrunk
from rnamarks.models.settings.language import LanguageSettings
from rnamarks.prediction.score import score_windows
from rnamarks.sequences import decode_windows
from rnamarks.tables import write_parquet
from rnamarks.tasks import Task
from rnamarks.training import trainer
from rnamarks.training.distillation import distil_student
from rnamarks.training.fit import fit_from_splits
from rnamarks.training.line_search import line_search
from rnamarks.training.settings import DistillationSettings, SiteSettings
from rnamarks.training.targets.site import SiteTarget
from rnamarks.training.trunks import Pretrained
from rnamarks.training.warm_start import Start

SMALL = {"mass": {"dense": 8, "dropout": 0.1}, "multirm": {"crop": 11, "attention": 6, "hidden": 8, "dropout": 0.1}}
SETTINGS = {"batch_size": 32, "steps_per_epoch": 6, "epochs": 2, "stage_epochs": 1, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("language"))


@pytest.fixture(scope="module")
def splits(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("splits")
    paths = {}
    for task, training in world[0].items():
        validation = world[1][task]
        frame = pd.DataFrame(
            {
                "sequence": decode_windows(np.concatenate([training.codes, validation.codes])),
                "label": np.concatenate([training.labels, validation.labels]).astype(np.int64),
                "paper": np.repeat(["train", "valid"], [len(training.codes), len(validation.codes)]),
            }
        )
        paths[task] = folder / f"{task}.parquet"
        write_parquet(frame, paths[task])
    return paths


@pytest.fixture
def fit(splits, language, tmp_path):
    def fit(name, *, network="mass", way="frozen", root="checkpoints", report=len, start=None, trunk=True, **changes):
        fit_from_splits(
            splits,
            [Task(one, base="A") for one in splits],
            scheme="paper",
            network=network,
            hyperparameters=SMALL[network],
            settings=SiteSettings.from_mapping(SETTINGS | changes),
            seed=3,
            checkpoints=tmp_path / root,
            folder=tmp_path / name,
            start=start,
            trunk=Pretrained(language, way) if trunk else None,
            device="cpu",
            report=report,
        )
        return tmp_path / name

    return fit


def states(folder, language):
    """Weights of the trunk of a model, and those of the language model."""
    return load_model(folder)[0].members[0].trunk.encoder.state_dict(), load_language(language)[0].trunk.state_dict()


@pytest.mark.parametrize("network", SMALL)
@pytest.mark.parametrize("way", ["frozen", "finetuned", "scratch"])
def test_the_way_decides_what_becomes_of_the_weights(fit, language, network, way):
    folder = fit("model", network=network, way=way, average_decay=0.5, weight_decay=0.1)
    trained, given = states(folder, language)
    moved = {name: float((trained[name] - given[name]).abs().max()) for name in given}
    config, _ = read_config(folder)
    trunk = config.hyperparameters.pop("trunk")
    assert config.hyperparameters == SMALL[network]
    assert trunk == asdict(LanguageSettings(**SIZES))
    assert config.training["trunk"] == {"sha256": read_config(language)[1], "way": way}
    if way == "frozen":
        assert set(moved.values()) == {0.0}
    else:
        assert moved["blocks.0.qkv.weight"] > 0
        # twelve steps of at most about a thousandth each
        assert (max(moved.values()) < 0.03) == (way == "finetuned")


def test_the_pool_learns_at_the_rate_of_the_heads(fit, language):
    rates = {"learning_rate": 1e-12, "head_learning_rate": 0.01}
    network = load_model(fit("model", network="multirm", way="finetuned", **rates))[0].members[0]
    still = load_model(fit("still", network="multirm", way="finetuned", **rates | {"head_learning_rate": 1e-12}))
    before = still[0].members[0].state_dict()
    moved = {name: float((after - before[name]).abs().max()) for name, after in network.state_dict().items()}
    assert max(value for name, value in moved.items() if name.startswith("trunk.")) < 1e-6
    assert moved["pool.from_positions.weight"] > 1e-3


def test_epochs_over_kept_vectors_cost_no_trunk(fit, tmp_path, monkeypatch):
    read, seen = LanguageTrunk._read, []
    monkeypatch.setattr(LanguageTrunk, "_read", lambda self, codes: (seen.append(len(codes)), read(self, codes))[1])
    said: list[str] = []
    kept = fit("kept", report=said.append)
    assert not seen
    assert "vectors of 740 sequences" in said[0]
    # shifted windows are others, and this is said
    fit("shifted", shift=1, report=said.append)
    assert seen
    assert any("computed at every step" in line for line in said)
    monkeypatch.setattr(LanguageTrunk, "keep", lambda *arguments, **options: None)
    computed = fit("computed", root="other")
    assert sum(seen) > 700
    codes = np.random.default_rng(0).integers(0, 4, (50, 21)).astype(np.uint8)
    logits = [score_windows(load_model(folder)[0], codes, "human") for folder in (kept, computed)]
    np.testing.assert_allclose(*logits, atol=0.02)
    assert np.std(logits[0]) > 0.05


class Killed(Exception):
    pass


@pytest.mark.parametrize("way", ["frozen", "finetuned"])
def test_killed_and_resumed_it_ends_with_the_same_bytes(fit, tmp_path, monkeypatch, way):
    whole = fit("whole", way=way, root="first")
    draw = SiteTarget.batch
    left = iter(range(8))

    def batch(self, key, visit):
        if next(left, None) is None:
            raise Killed
        return draw(self, key, visit)

    with monkeypatch.context() as patch:
        patch.setattr(SiteTarget, "batch", batch)
        patch.setattr(trainer, "SAVE_SECONDS", 0.0)
        with pytest.raises(Killed):
            fit("resumed", way=way)
    resumed = fit("resumed", way=way)
    assert read_config(resumed)[1] == read_config(whole)[1]


def test_one_model_goes_on_from_another(fit, language, tmp_path):
    """Weights of a start take the place of the language model's; a start without the trunk does not fit."""
    tuned = fit("tuned", way="finetuned")
    onward = fit("onward", way="frozen", start=Start(tuned))
    assert all(
        torch.equal(*pair) for pair in zip(*(states(one, language)[0].values() for one in (tuned, onward)), strict=True)
    )
    assert read_config(onward)[0].training["start"]["sha256"] == read_config(tuned)[1]
    plain = fit("plain", trunk=False)
    with pytest.raises(InputError, match=r"do not fit the network: trunk\.encoder"):
        fit("none", start=Start(plain))


def test_a_student_learns_from_it(fit, splits, tmp_path):
    teacher = fit("teacher", network="multirm")
    sizes = {"width": 5, "filters": 4, "channels": 4, "hidden": 4}
    settings = DistillationSettings(copies=0.5, minimum=1, batch_size=32, epochs=1)
    options = {"scheme": "paper", "settings": settings, "seed": 1, "hyperparameters": sizes, "device": "cpu"}
    student = distil_student(teacher, splits, checkpoints=tmp_path, report=len, **options).student
    assert student.receptive == SMALL["multirm"]["crop"]


def test_hyperparameters_over_it_are_searched(world, language, tmp_path):
    table, best = line_search(
        "mass",
        SMALL["mass"],
        SETTINGS | {"epochs": 1, "steps_per_epoch": 2},
        {"hyperparameters.dense": [4, 8]},
        {"human": world[0]["human"]},
        digests={"human": "0"},
        folds=2,
        checkpoints=tmp_path,
        trunk=Pretrained(language),
        device="cpu",
        report=len,
    )
    assert len(table) == 4
    assert set(best["hyperparameters"]) == {"dense", "dropout"}


def test_a_folder_without_a_language_model_is_named(fit, tmp_path):
    plain = fit("plain", trunk=False)
    with pytest.raises(InputError, match=r"plain: not a language model .found 'mass'"):
        Pretrained(plain).under({})
    with pytest.raises(InputError, match="not a model directory"):
        Pretrained(tmp_path).under({})


def test_its_sizes_are_read_without_its_weights(language, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "config.json").write_bytes((language / "config.json").read_bytes())
    assert Pretrained(folder).under({"dense": 4}) == {"dense": 4, "trunk": asdict(LanguageSettings(**SIZES))}
