"""Structures RNA by RNA: spread of F1, which RNAs stand for a set, and the kinds of their pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.evaluation.structures import (
    choose_structures,
    compare_one,
    pairs_of_structures,
    score_structures,
    spread_of_structures,
)
from rnamarks.structure.pairs import read_brackets


def partners(brackets: str) -> np.ndarray:
    found = np.full(len(brackets), -1, dtype=np.int32)
    for i, j in read_brackets(brackets):
        found[i], found[j] = j, i
    return found


KNOWN = "((((....))))"
PREDICTED = {"same": KNOWN, "half": "((........))", "shifted": ".((((...))))", "none": "............"}


def predictions(predictor="net_finetuned", seeds=("1",), names=tuple(PREDICTED)):
    rows = [
        {"example": name, "split": "test", "family": "a" if name < "o" else "b", "length": 12}
        | {"partners": partners(KNOWN), "predicted": partners(PREDICTED[name].ljust(12, "."))}
        for name in names
    ]
    frame = pd.DataFrame([*rows, rows[0] | {"example": "seen", "split": "valid"}])
    keys = {"downstream": "structure", "fold": "given", "predictor": predictor}
    return [(keys | {"seed": seed}, frame) for seed in seeds]


def test_f1_of_each_rna_and_its_spread():
    scores = score_structures(predictions(seeds=("1", "2")))
    found = scores.set_index("example")
    assert sorted(found.index) == sorted(PREDICTED)
    assert found.loc["same", ["f1", "f1_relaxed"]].tolist() == [1, 1]
    # two of four pairs, none of them wrong
    assert found.loc["half", "f1"] == pytest.approx(2 / 3)
    assert found.loc["none", "f1_relaxed"] == 0
    spread = spread_of_structures(scores, bootstrap=200)
    assert list(spread.columns) == column_names("structure_spread")
    rows = spread.set_index(["family", "metric"])
    every = rows.loc["", "f1"]
    assert every["value"] == pytest.approx(scores["f1"].mean())
    assert every["low"] < every["value"] < every["high"]
    assert every["q05"] <= every["q50"] <= every["q95"]
    assert rows["examples"].to_dict()["a", "f1"] == 2
    assert set(spread["family"]) == {"", "a", "b"}
    alone = spread_of_structures(scores[scores["example"] == "half"], bootstrap=20)
    assert alone[["low", "high"]].isna().all(axis=None)


def test_the_rnas_that_stand_for_a_set():
    scores = score_structures(predictions())
    # of the two without a right pair the longer one
    scores.loc[scores["example"] == "none", "length"] = 40
    assert choose_structures(scores, "net_finetuned") == {
        ("structure", "given"): {"best": "same", "median": "shifted", "worst": "none"}
    }
    two = score_structures(predictions(names=("same", "none")))
    assert choose_structures(two, "net_finetuned")["structure", "given"] == {"best": "same", "worst": "none"}


def test_kinds_of_pairs():
    rows = compare_one(read_brackets("(((...)))[[]]."), read_brackets("((.....))[[]]."))
    assert [(row["i"], row["kind"]) for row in rows][:3] == [(0, "both"), (1, "both"), (2, "false")]
    assert {row["pseudoknot"] for row in rows} == {0}
    knot = compare_one(read_brackets("(((..[[.)))..]]"), read_brackets("(((.....)))...."))
    assert [row["kind"] for row in knot if row["pseudoknot"]] == ["false", "false"]
    missed = compare_one(read_brackets("......"), read_brackets("(....)"))
    assert [row["kind"] for row in missed] == ["missed"]
    nothing = compare_one(read_brackets("......"), read_brackets("......"))
    assert nothing == [{"i": -1, "j": -1, "kind": "none", "pseudoknot": 0}]


def test_the_table_has_the_rnas_of_every_predictor_that_is_shown():
    both = predictions() + predictions("nussinov", ("0",)) + predictions("other", ("0",))
    table = pairs_of_structures(both, score_structures(both), ["nussinov", "net_finetuned"])
    assert list(table.columns) == column_names("structure_pairs")
    assert list(dict.fromkeys(table["predictor"])) == ["nussinov", "net_finetuned"]
    for _, rows in table.groupby("predictor"):
        assert set(rows["rank"]) == {"best", "median", "worst"}
    best = table[(table["rank"] == "best") & (table["predictor"] == "nussinov")]
    assert best["example"].unique().tolist() == ["same"]
    assert best["kind"].tolist() == ["both"] * 4
