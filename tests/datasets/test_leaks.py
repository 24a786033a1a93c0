from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.datasets.leaks import BINS, KINDS, identity_to_training, measure_leaks, similarity_bins
from rnamarks.datasets.schemes import split_windows


@pytest.fixture
def planted(generator, windows_at_random, with_substitutions, make_windows) -> pd.DataFrame:
    """Training windows of two species and human test windows with a known relation to them."""
    human, mouse = windows_at_random(generator, 40), windows_at_random(generator, 40)
    train = pd.DataFrame(
        {
            "species": ["human"] * 40 + ["mouse"] * 40,
            "sequence": human + mouse,
            "label": [0, 1] * 40,
            "gene": [f"h{i}" for i in range(40)] + [f"m{i}" for i in range(40)],
            "orthogroup": [f"og{i}" for i in range(40)] * 2,
            "scheme": "train",
        }
    )
    fresh = windows_at_random(generator, 4)
    rows = [
        (human[0], "h0", "og0"),
        (mouse[1], "x1", ""),
        (with_substitutions(human[2], 5, generator), "", ""),
        (human[3][15:] + fresh[0][:15], "", ""),
        (with_substitutions(mouse[4], 18, generator), "", ""),
        (with_substitutions(human[5], 26, generator), "x5", "og5"),
        (fresh[1], "x6", "new"),
        (fresh[2][::-1], "h7", ""),
    ]
    test = pd.DataFrame(rows, columns=["sequence", "gene", "orthogroup"]).assign(
        species="human", label=[1, 0] * 4, scheme="test"
    )
    return make_windows(pd.concat([train, test], ignore_index=True))


def test_bins():
    identity = [0.0, 0.4999, 0.5, 0.7, 0.79, 0.8, 0.9, 0.99, 1.0, 1.0]
    exact = [False] * 9 + [True]
    expected = ["<50", "<50", "50-70", "70-80", "70-80", "80-90", "90-100", "90-100", "90-100", "exact"]
    assert similarity_bins(np.array(identity), np.array(exact)).tolist() == expected
    assert set(expected) == set(BINS)


def test_identity_of_planted_windows(tools, planted):
    found = identity_to_training(planted, "scheme")
    assert found["window"].tolist() == planted.loc[planted["scheme"] == "test", "window"].tolist()
    assert found["max_identity"].iloc[:6].tolist() == pytest.approx(
        [1, 1, 96 / 101, 86 / 101, 83 / 101, 75 / 101], abs=0.03
    )
    assert found["max_identity"].iloc[:4].tolist() == pytest.approx([1, 1, 96 / 101, 86 / 101])
    assert (found["max_identity"].iloc[6:] < 0.6).all()
    assert found["bin"].iloc[:5].tolist() == ["exact", "exact", "90-100", "80-90", "80-90"]
    assert found["exact_own"].tolist() == [True] + [False] * 7
    own = found["max_identity_own"]
    assert (own <= found["max_identity"]).all()
    assert own.iloc[1] < 0.6
    assert own.iloc[4] < 0.6


def test_shares_of_planted_leaks(tools, planted):
    leaks, identities = measure_leaks(planted, schemes=["scheme"])
    assert len(identities) == 8
    table = leaks[(leaks["species"] == "human") & (leaks["label"] == "all")].set_index("kind")
    assert table.index.tolist() == list(KINDS)
    assert table["n"].tolist() == [8, 8, 8, 8, 5, 3, 3]
    assert table["n_leaky"].to_dict() == {
        "exact_own": 1,
        "exact_any": 2,
        "similar_own": 3,
        "similar_any": 5,
        "gene_own": 2,
        "orthogroup_own": 1,
        "orthogroup_other": 2,
    }
    assert table.loc["similar_any", "fraction"] == 5 / 8
    by_label = leaks[(leaks["species"] == "human") & (leaks["kind"] == "similar_any")].set_index("label")
    assert by_label["n_leaky"].to_dict() == {"all": 5, "1": 3, "0": 2}
    mouse = leaks[leaks["species"] == "mouse"]
    assert (mouse["n"] == 0).all()
    assert mouse["fraction"].isna().all()


def test_the_guarded_split_of_real_windows_leaks_nothing_and_the_published_one_does(tools, deepm6aseq):
    zebrafish = deepm6aseq[deepm6aseq["species"] == "zebrafish"].groupby("given").head(1500).reset_index(drop=True)
    splits = split_windows(zebrafish, seed=1)[0]
    leaks = measure_leaks(splits)[0]
    similar = leaks[(leaks["kind"] == "similar_any") & (leaks["label"] == "all")].set_index("scheme")["fraction"]
    assert similar["paper"] > 0
    assert similar["guarded"] == 0
