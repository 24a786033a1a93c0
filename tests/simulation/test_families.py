"""Families of RNA keep their structure while their letters change, and their files are read by the real readers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.corpus.formats import read_rna
from rnamarks.downstream.examples import read_examples
from rnamarks.errors import InputError
from rnamarks.structure.pairs import pseudoknotted, read_brackets
from rnamarks_simulation.files import files_of
from rnamarks_simulation.parameters import FamilyParameters, check_world
from rnamarks_simulation.rna_families import PAIRS, split_of_subfamily
from rnamarks_simulation.rna_files import simulate_families, write_families

SMALL = FamilyParameters(members=40, seeds=20, structures=20, utrs=300, donors=200, unrelated=20, transcripts=10)


@pytest.fixture(scope="module")
def families():
    return simulate_families(SMALL, seed=3)


@pytest.fixture(scope="module")
def folder(families, tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")
    files = write_families(families, folder)
    assert files == [folder / name for name in files_of("families", [])]
    assert all(file.is_file() for file in files)
    return folder


def test_the_same_seed_gives_the_same_bytes(families, folder, tmp_path):
    write_families(simulate_families(SMALL, seed=3), tmp_path)
    other = simulate_families(SMALL, seed=4)
    for name in files_of("families", []):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    assert [one.sequence for one in other.corpus["SIM001"]] != [one.sequence for one in families.corpus["SIM001"]]


def test_stems_change_together_and_conserved_loops_stay(families):
    for family in families.families:
        members = families.corpus[family.name] or families.structures[family.name]
        aligned = np.array([one.aligned for one in members])
        first = np.flatnonzero(family.partners > np.arange(len(family.partners)))
        second = family.partners[first]
        canonical = np.array(
            [[row[i] + row[j] in PAIRS for i, j in zip(first, second, strict=True)] for row in aligned]
        )
        assert canonical.mean() > 0.93
        kept = (aligned == family.consensus).mean(axis=0)
        conserved = family.rates < 0.5
        assert kept[conserved].mean() > 0.9
        assert kept[~conserved & (family.lost == 0)].mean() < 0.7
        # changed pairs that still pair: both sides changed
        changing = canonical & (aligned[:, first] != family.consensus[first])
        assert changing[:, ~conserved[first]].mean() > 0.2


def test_two_families_have_a_pseudoknot_and_it_is_written(families, folder):
    truth = pd.read_parquet(folder / "truth" / "families.parquet")
    assert truth.groupby("part")["pseudoknot"].sum().to_dict() == {"train": 1, "unseen": 1, "val": 0}
    for row in truth.itertuples():
        assert pseudoknotted(read_brackets(row.structure)).any() == row.pseudoknot


def test_readers_find_what_was_planted(families, folder):
    seeds = {"files": [folder / "seeds.sto.gz"], "format": "stockholm"}
    table = folder / "family_assignments.tsv.gz"
    parts = {
        part: {name.split()[0] for name, _ in read_rna(seeds | {"families": table, "part": part})}
        for part in ("train", "val")
    }
    by_part = families.summary.groupby("part")["family"].apply(set)
    assert parts == {"train": by_part["train"], "val": by_part["val"]}
    files = {"structures": [folder / "structures.csv.gz"], "folds": [folder / "folds.csv.gz"]}
    entry = {"target": "pairs", "format": "archiveii", "folds": ["seen", "unseen"]}
    examples, _ = read_examples(entry, files, seed=1)
    known = {one.name: one for members in families.structures.values() for one in members}
    for row in examples.itertuples():
        np.testing.assert_array_equal(row.partners, known[row.example].partners)
    tested = examples[examples["fold_unseen"] == "test"]
    assert set(tested["family"]) == by_part["unseen"]
    assert set(examples.loc[examples["fold_seen"] != "", "family"]) == by_part["train"]
    # whole branches of a family are tested on
    splits = examples[examples["fold_seen"] != ""]
    planted = [split_of_subfamily(known[name].subfamily, SMALL) for name in splits["example"]]
    assert planted == splits["fold_seen"].tolist()
    for kind, entry, files in (
        ("label", {"format": "splice_json", "folds": ["given"]}, {"train": "donors_train", "test": "donors_test"}),
        ("label", {"format": "nrc", "folds": ["given"]}, {"train": "classes_train", "test": "classes_test"}),
    ):
        ending = "jsonl.gz" if entry["format"] == "splice_json" else "fa.gz"
        paths = {role: [folder / f"{name}.{ending}"] for role, name in files.items()}
        found, _ = read_examples(entry | {"target": kind}, paths, seed=1)
        assert set(found["fold_given"]) == {"train", "valid", "test"}


def test_load_falls_with_upstream_starts_and_hairpins(families, folder):
    utrs = pd.read_parquet(folder / "truth" / "utrs.parquet")
    plain = utrs[(utrs["augs"] == 0) & (utrs["stem"] == 0)]
    assert (plain["expected"] == plain["expected"].max()).all()
    assert utrs[utrs["augs"] > 0]["expected"].mean() < plain["expected"].mean() - 1
    hairpins = utrs[(utrs["augs"] == 0) & (utrs["stem"] > 0)]
    assert hairpins.groupby("stem")["expected"].mean().is_monotonic_decreasing
    assert (hairpins["expected"] < plain["expected"].mean()).all()


def test_a_world_of_families_has_no_species():
    section = {"kind": "families", "modifications": [], "sizes": {}}
    check_world(section, [])
    with pytest.raises(InputError, match=r"has no species"):
        check_world(section, ["human"])
    with pytest.raises(InputError, match="needs species"):
        check_world(section | {"kind": "clade"}, [])
    with pytest.raises(InputError, match=r"no such parameter .found 'genes'"):
        check_world(section | {"sizes": {"genes": 3}}, [])
    with pytest.raises(InputError, match=r"cannot have this subfamilies .found 2"):
        check_world(section | {"sizes": {"subfamilies": 2}}, [])
    with pytest.raises(InputError, match=r"cannot have this members .found 3"):
        check_world(section | {"sizes": {"members": 3, "seeds": 2}}, [])
    check_world(section | {"sizes": {"members": 3, "seeds": 2, "judged": 0}}, [])
