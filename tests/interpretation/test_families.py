"""Planted families are told apart, shuffled ones are not, and near copies count for nothing."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.dictionary import column_names
from rnamarks.errors import InputError
from rnamarks.interpretation.families import (
    choose_examples,
    describe_families,
    kmer_vectors,
    map_vectors,
    score_vectors,
    standardise,
    unlike,
)
from rnamarks.models.language import Language
from rnamarks.models.language_files import save_language
from rnamarks.training.pretrain import OUTPUTS

needs_mmseqs = pytest.mark.skipif(shutil.which("mmseqs") is None, reason="mmseqs is not on PATH")


def vectors_of(apart: float, sizes=(40, 30, 20, 10), width: int = 12, seed: int = 1):
    random = np.random.default_rng(seed)
    families = np.repeat([f"family_{at}" for at in range(len(sizes))], sizes)
    centres = random.normal(0, apart, (len(sizes), width))
    return standardise(np.repeat(centres, sizes, axis=0) + random.normal(0, 1, (sum(sizes), width))), families


def measured(vectors, families, **options) -> pd.DataFrame:
    return score_vectors(vectors, families, bootstrap=200, seed=1, **options).set_index("measure")


def test_planted_families_stand_apart():
    found = measured(*vectors_of(4))
    assert found.loc["knn_accuracy", "value"] > 0.97
    assert found.loc["silhouette", "low"] > 0.4
    assert found.loc["silhouette", "low"] < found.loc["silhouette", "value"] < found.loc["silhouette", "high"]
    assert found["examples"].tolist() == [100] * 3
    assert found["families"].tolist() == [4] * 3


def test_without_families_accuracy_is_that_of_chance():
    vectors, families = vectors_of(0, sizes=(150, 100, 100, 50))
    found = measured(vectors, families)
    # means over families: the size of one counts for nothing
    assert found.loc["knn_chance", "value"] == pytest.approx(0.25, abs=0.01)
    assert found.loc["knn_chance", "low"] < found.loc["knn_accuracy", "value"] < found.loc["knn_chance", "high"]
    assert abs(found.loc["silhouette", "value"]) < 0.05


def test_a_family_of_one_is_a_neighbour_and_not_scored():
    vectors, families = vectors_of(4, sizes=(20, 20, 1))
    found = measured(vectors, families)
    assert found.loc["knn_accuracy", "examples"] == 40
    assert found.loc["knn_accuracy", "families"] == 2
    # half of the shuffled neighbours, less the one RNA of the third family
    assert found.loc["knn_chance", "value"] == pytest.approx(0.48, abs=0.04)


def random_rna(random: np.random.Generator, length: int, letters: str = "ACGU") -> str:
    return "".join(random.choice(list(letters), length))


def mutate(random: np.random.Generator, sequence: str, changes: int) -> str:
    letters = list(sequence)
    for at in random.choice(len(letters), changes, replace=False):
        letters[at] = "ACGU"[("ACGU".index(letters[at]) + int(random.integers(1, 4))) % 4]
    return "".join(letters)


@needs_mmseqs
def test_of_near_copies_one_stays():
    random = np.random.default_rng(2)
    first, second = random_rna(random, 120), random_rna(random, 120)
    sequences = [first, mutate(random, first, 6), second, mutate(random, second, 60), mutate(random, first, 12)]
    assert unlike(sequences, 0.8).tolist() == [True, False, True, True, False]
    assert unlike(sequences, 0.999).all()


@needs_mmseqs
def test_accuracy_from_near_copies_alone_is_gone():
    """RNAs at random, ten near copies of each: a nearest neighbour knows the family only by the copy."""
    random = np.random.default_rng(3)
    rows = [
        (f"{at}_{copy}", mutate(random, parent, 4), f"family_{at % 2}")
        for at, parent in enumerate(random_rna(random, 100) for _ in range(60))
        for copy in range(5)
    ]
    examples = pd.DataFrame(rows, columns=["example", "sequence", "family"])
    everything = standardise(kmer_vectors(examples["sequence"]))
    assert measured(everything, examples["family"].to_numpy()).loc["knn_accuracy", "value"] > 0.95
    scores, places = describe_families(examples, {}, bootstrap=50)
    scores = scores.set_index("measure")
    assert scores.loc["knn_accuracy", "examples"] == 60
    assert scores.loc["knn_accuracy", "value"] < 0.7
    assert len(places) == 300


@needs_mmseqs
def test_a_model_and_three_mers_are_scored_on_the_same_rnas(tmp_path):
    random = np.random.default_rng(4)
    # families differ in composition, which a network tells without training
    examples = pd.DataFrame(
        [
            (f"{name}{at}", random_rna(random, int(random.integers(60, 90)), letters), name)
            for name, letters in (("rich", "GGGCCCAU"), ("poor", "AAAUUUGC"), ("even", "ACGU"))
            for at in range(12)
        ],
        columns=["example", "sequence", "family"],
    )
    torch.manual_seed(1)
    sizes = {"width": 32, "blocks": 1, "heads": 2, "longest": 128}
    save_language(tmp_path / "tiny", Language(OUTPUTS, **sizes), sizes, OUTPUTS)
    first = describe_families(examples, {("tiny", 1): tmp_path / "tiny"}, bootstrap=50)
    scores, places = first
    assert list(scores.columns) == column_names("families")
    assert list(places.columns) == column_names("family_map")
    assert scores.groupby(["language", "seed"]).size().to_dict() == {
        ("kmer", 0): 3,
        ("tiny", 1): 3,
        ("untrained", 0): 3,
    }
    assert scores["examples"].unique().tolist() == [36]
    assert places.groupby("language")["example"].nunique().to_dict() == {"kmer": 36, "tiny": 36, "untrained": 36}
    assert scores[(scores["language"] == "kmer") & (scores["measure"] == "knn_accuracy")]["value"].iloc[0] > 0.7
    again = describe_families(examples, {("tiny", 1): tmp_path / "tiny"}, bootstrap=50)
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_rare_families_stay_whole_where_there_are_too_many_rnas():
    random = np.random.default_rng(5)
    sizes = {"common": 50, "rare": 6, "lone": 1, "": 8}
    rows = [(f"{name}{at}", random_rna(random, 40), name) for name, count in sizes.items() for at in range(count)]
    examples = pd.DataFrame([*rows, ("copy", rows[0][1], "common")], columns=["example", "sequence", "family"])
    assert choose_examples(examples, 1000, 1)["family"].value_counts().to_dict() == {"common": 50, "rare": 6}
    chosen = choose_examples(examples, 20, 1)
    assert chosen["family"].value_counts().to_dict() == {"common": 14, "rare": 6}
    assert not chosen["example"].eq("copy").any()
    labelled = examples.assign(label=["yes", "no"] * 33)
    assert set(choose_examples(labelled, 1000, 1)["family"]) == {"yes", "no"}


def test_one_family_is_no_question():
    examples = pd.DataFrame({"example": ["a", "b"], "sequence": ["ACGU", "AAAA"], "family": ["one", "one"]})
    with pytest.raises(InputError, match="no two families"):
        choose_examples(examples, 10, 1)


def test_three_mers_and_length():
    found = kmer_vectors(["ACGUACG", "AANAA"])
    assert found.shape == (2, 65)
    np.testing.assert_allclose(found[:, :-1].sum(axis=1), [1, 0])
    # ACG twice of five
    assert found[0, 4 * 1 + 2] == pytest.approx(0.4)
    assert found[0, -1] == pytest.approx(np.log(7))


def test_few_rnas_can_be_mapped():
    vectors, _ = vectors_of(3, sizes=(3, 2))
    assert map_vectors(vectors, seed=1).shape == (5, 2)
