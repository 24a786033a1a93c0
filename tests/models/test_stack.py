"""Weights of stacks: found where they were planted, never negative, shared by the seeds; other windows are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from rnamarks.errors import InputError
from rnamarks.models.stack import apply_weights, fit_weights, weight_table


def frame(logit, labels, task="human", split="valid"):
    windows = [f"{task}:{split}:{at}" for at in range(len(labels))]
    return pd.DataFrame({"window": windows, "task": task, "split": split, "label": labels, "logit": logit})


def world(n=4000, weights=(0.8, 0.4), seed=0, **where):
    """Two members' logits and labels drawn with log odds that are their weighted sum; a quarter of the labels are 1."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(3 * n, 2)) * 1.5
    modified = random.random(3 * n) < expit(logits @ weights)
    # drawn at even odds, then thinned: what a model trained at 1:1 says does not depend on how many of each there are
    kept = np.sort(np.concatenate([np.flatnonzero(modified)[: n // 4], np.flatnonzero(~modified)[: n - n // 4]]))
    return [frame(column, modified[kept].astype(int), **where) for column in logits[kept].T]


@pytest.fixture
def members():
    """Predictions of a network with two seeds and of a baseline that knows a task more, both splits."""
    random = np.random.default_rng(1)
    places = [
        world(600, task=task, split=split, seed=at)
        for at, (task, split) in enumerate((s, p) for s in ("human", "mouse") for p in ("valid", "test"))
    ]
    network, baseline = (pd.concat(column, ignore_index=True) for column in zip(*places, strict=True))
    seeds = [network.assign(logit=network["logit"] + random.normal(size=len(network))) for _ in range(2)]
    extra = frame(random.normal(size=8), [0, 1] * 4, task="zebrafish")
    return {"network": seeds, "kmers": [pd.concat([extra, baseline]).sample(frac=1, random_state=0)]}


def test_planted_weights_are_found_whatever_the_prevalence():
    first, second = world(20_000, (0.8, 0.4))
    weights = fit_weights({"network": [first], "kmers": [second]})
    assert weights[["task", "member"]].to_numpy().tolist() == [["human", "network"], ["human", "kmers"]]
    assert weights["weight"].to_numpy() == pytest.approx([0.8, 0.4], abs=0.05)


def test_weights_are_those_of_a_balanced_logistic_regression():
    first, second = world()
    found = fit_weights({"network": [first], "kmers": [second]})["weight"].to_numpy()
    model = LogisticRegression(C=np.inf, class_weight="balanced", fit_intercept=False, tol=1e-9)
    model.fit(np.column_stack([first["logit"], second["logit"]]), first["label"])
    # softened targets shrink a little
    assert found == pytest.approx(model.coef_[0], rel=0.01)


def test_a_member_that_would_be_subtracted_gets_nothing():
    first, second = world(weights=(1.0, -0.5))
    weights = fit_weights({"network": [first], "kmers": [second]})["weight"].to_numpy()
    assert weights[1] == 0
    assert weights[0] > 0.5


def test_a_silent_member_gets_nothing_and_equal_members_share():
    first, _ = world()
    silent = fit_weights({"network": [first], "none": [first.assign(logit=0.0)]})["weight"].to_numpy()
    assert silent[1] == 0
    shared = fit_weights({"network": [first], "again": [first]})["weight"].to_numpy()
    assert shared == pytest.approx([silent[0] / 2] * 2, abs=1e-4)


def test_members_that_separate_the_labels_get_finite_weights():
    labels = np.repeat([0, 1], 30)
    member = frame(2.0 * labels - 1, labels)
    weights = fit_weights({"network": [member], "kmers": [member]})["weight"]
    assert 0 < weights.sum() < 10


def test_a_stack_beats_members_that_err_apart(members):
    weights = fit_weights(members)
    stack = apply_weights(weights, {name: seeds[0] for name, seeds in members.items()})
    assert list(stack.columns) == ["window", "task", "split", "label", "logit"]
    pd.testing.assert_frame_equal(stack.drop(columns="logit"), members["network"][0].drop(columns="logit"))
    test = stack["split"] == "test"
    joined = stack.merge(members["kmers"][0], on=["task", "split", "window"], suffixes=("", "_kmers"))
    singles = [members["network"][0]["logit"], joined["logit_kmers"]]
    labels = stack.loc[test, "label"]
    assert roc_auc_score(labels, stack.loc[test, "logit"]) > max(roc_auc_score(labels, z[test]) for z in singles) + 0.01


def test_the_mean_of_the_seeds_is_the_stack_of_the_mean(members):
    weights = fit_weights(members)
    stacks = [apply_weights(weights, {"network": seed, "kmers": members["kmers"][0]}) for seed in members["network"]]
    mean = members["network"][0].assign(logit=np.mean([seed["logit"] for seed in members["network"]], axis=0))
    together = apply_weights(weights, {"network": mean, "kmers": members["kmers"][0]})
    assert np.mean([stack["logit"] for stack in stacks], axis=0) == pytest.approx(together["logit"].to_numpy())
    # and the weights are fitted to that mean
    again = fit_weights({"network": [mean], "kmers": members["kmers"]})
    pd.testing.assert_frame_equal(again, weights)


def test_tasks_are_the_first_member_s_and_each_has_its_own_weights(members):
    table = weight_table(fit_weights(members))
    assert list(table) == ["human", "mouse"]
    assert table["human"] != table["mouse"]


def test_the_test_split_decides_nothing(members):
    def spoilt(table):
        test = (table["split"] == "test").to_numpy()
        return table.assign(logit=np.where(test, -table["logit"], table["logit"]))

    spoilt_members = {name: [spoilt(seed) for seed in seeds] for name, seeds in members.items()}
    pd.testing.assert_frame_equal(fit_weights(spoilt_members), fit_weights(members))


def change(table, row, **values):
    table = table.reset_index(drop=True).copy()
    for column, value in values.items():
        table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.iloc[1:], r"network and kmers were not scored on the same valid windows of human \(found 'human:"),
        (lambda t: change(t, 0, window="other"), "not scored on the same valid windows of human"),
        (lambda t: pd.concat([t, frame([0.0], [1], split="train")]), "not scored on the same train windows of human"),
        (
            lambda t: change(t, 0, label=1 - t["label"].iloc[0]),
            r"different labels for a window of human \(found 'human:",
        ),
        (lambda t: pd.concat([t, t.iloc[:1]]), "kmers scored a window twice"),
        (lambda t: change(t, 0, logit=np.nan), "kmers gave a logit that is not finite"),
        (lambda t: t.drop(columns="label"), "the predictions of kmers: the table lacks the column label"),
    ],
)
def test_members_that_do_not_agree_are_refused(spoil, said):
    first, second = world(400)
    spoilt = spoil(second)
    with pytest.raises(InputError, match=said):
        fit_weights({"network": [first], "kmers": [spoilt]})
    weights = fit_weights({"network": [first], "kmers": [second]})
    with pytest.raises(InputError, match=said):
        apply_weights(weights, {"network": first, "kmers": spoilt})


def test_what_cannot_be_weighted_is_refused():
    first, second = world(400)
    with pytest.raises(InputError, match="two members or more"):
        fit_weights({"network": [first]})
    with pytest.raises(InputError, match="two members or more"):
        fit_weights({"network": [first], "kmers": []})
    ones = [table[table["label"] == 1] for table in (first, second)]
    with pytest.raises(InputError, match="validation split of human has 100 modified and 0 other windows; a stack"):
        fit_weights({"network": [ones[0]], "kmers": [ones[1]]})
    with pytest.raises(InputError, match="validation split of human has 0 modified and 0 other windows"):
        fit_weights({"network": [first.assign(split="test")], "kmers": [second.assign(split="test")]})
    weights = fit_weights({"network": [first], "kmers": [second]})
    with pytest.raises(
        InputError, match=r"weights of human are for other members than network, trees \(found 'network"
    ):
        apply_weights(weights, {"network": first, "trees": second})
    with pytest.raises(InputError, match=r"weights of mouse are for other members .*\(found 'none'\)"):
        apply_weights(weights, {"network": first.assign(task="mouse"), "kmers": second.assign(task="mouse")})
