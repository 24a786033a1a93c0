"""What a variant does is what a scan of the whole changed transcript finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scan_world
import variant_world as world
from variant_world import OTHER, TEXT, snv

from rnamarks.prediction.scanner import Scanner


def annotated(folder: Path, model: Path, calls: Path, *options) -> pd.DataFrame:
    given = ("--genome", world.write_genome(folder, TEXT), "--annotation", world.write_annotation(folder))
    world.run("variants", calls, *given, "--model", model, "--out", folder / "o.tsv", *options)
    return pd.read_csv(
        folder / "o.tsv",
        sep="\t",
        dtype={"chrom": str},
        keep_default_na=False,
        na_values={
            name: [""]
            for name in (
                "distance",
                "probability_ref",
                "probability_alt",
                "logit_ref",
                "logit_alt",
                "delta_logit",
                "percentile",
            )
        },
    )


def everything() -> list[tuple[str, int, str, str]]:
    """SNVs, MNVs, insertions, deletions and replacements at ends, beside junctions and between, on either strand."""
    at = [100, 101, 140, 219, 300, 301, 359, 420, 430, 500, 560, 561, 600, 650, 689, 699, 760, 765, 789, 840, 900, 999]
    rows = [snv(place) for place in [*at, 1100, 1115, 1129]]
    rows += [
        ("chr1", place, TEXT[place : place + 4], "".join(OTHER[letter] for letter in TEXT[place : place + 4]))
        for place in (102, 216, 300, 356, 640, 686, 770, 996, 1110)
    ]
    rows += [("chr1", place, TEXT[place : place + 9], TEXT[place]) for place in (99, 120, 205, 310, 580, 850, 1104)]
    rows += [
        ("chr1", place, TEXT[place], TEXT[place] + "GGACTGATTACA") for place in (100, 130, 218, 420, 640, 880, 1112)
    ]
    rows += [("chr1", place, TEXT[place : place + 3], OTHER[TEXT[place]] + "ACGTGGACT") for place in (150, 610, 1120)]
    return sorted(rows)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_every_touched_base_is_as_in_a_scan_of_the_whole_changed_transcript(model, tmp_path, mode):
    rows = everything()
    table = annotated(tmp_path, model, world.write_vcf(tmp_path, rows), "--mode", mode)
    scanner = Scanner(model, mode=mode, device="cpu")
    flank = scan_world.CROP // 2
    compared = {"kept": 0, "lost": 0, "gained": 0}
    plain = {name: world.spliced(TEXT, name) for name in world.GENES}
    before = world.scanned(scanner, {name: rna for name, (rna, _) in plain.items()}, tmp_path)
    changed = {
        (number, name): world.spliced(TEXT, name, [row[1:]]) for number, row in enumerate(rows) for name in world.GENES
    }
    after = world.scanned(scanner, {f"{number}_{name}": rna for (number, name), (rna, _) in changed.items()}, tmp_path)
    placed = 0
    for (number, name), (rna, kept) in changed.items():
        _, start, ref, alt = rows[number]
        of_variant = table[(table["start"] == start) & (table["ref"] == ref) & (table["alt"] == alt)]
        found = of_variant[(of_variant["transcript"] == name) & (of_variant["task"] != "")]
        places = plain[name][1]
        if not len(found):
            # no exon is hit, or its edge is
            assert rna == plain[name][0] or "exon" in of_variant["reason"].iloc[0]
            continue
        placed += 1
        on_reference = {at: place for place, at in enumerate(places)}
        scan = after[f"{number}_{name}"]
        old = {(task, places[at]): logit for (task, at), logit in before[name].items()}
        new = {(task, kept[at]): logit for (task, at), logit in scan.items() if kept[at] >= 0}
        inserted = sorted((task, logit) for (task, at), logit in scan.items() if kept[at] < 0)
        rows_of = {(row.task, row.genome_start): row for row in found.itertuples() if row.genome_start >= 0}
        for key in old.keys() | new.keys():
            row = rows_of.pop(key, None)
            one, other = old.get(key, np.nan), new.get(key, np.nan)
            if row is None:
                assert one == pytest.approx(other, abs=1e-5)
                hit = [on_reference[at] for at in range(start, start + len(ref)) if at in on_reference]
                # the anchor of an insertion or deletion is next to what changes
                assert min(abs(on_reference[key[1]] - at) for at in hit) >= flank + (len(ref) == len(alt))
                continue
            assert (row.logit_ref, row.logit_alt) == pytest.approx((one, other), abs=1e-5, nan_ok=True)
            assert row.delta_logit == pytest.approx(other - one, abs=2e-5, nan_ok=True)
            assert row.transcript_start == on_reference[key[1]]
            assert row.motif == ("gained" if np.isnan(one) else "lost" if np.isnan(other) else "kept")
            compared[row.motif] += 1
        assert not rows_of
        gained = found[found["genome_start"] < 0]
        assert sorted(zip(gained["task"], gained["logit_alt"], strict=True)) == [
            (task, pytest.approx(logit, abs=1e-5)) for task, logit in inserted
        ]
        compared["gained"] += len(inserted)
    assert placed > 60
    assert min(compared.values()) > 40


def test_alleles_of_one_haplotype_are_applied_together(model, tmp_path):
    """Three records of one haplotype near each other, over a junction; one on the other; one unphased."""
    near = [snv(210), ("chr1", 214, TEXT[214:217], TEXT[214]), ("chr1", 303, TEXT[303], TEXT[303] + "GAC")]
    other, loose = snv(305), snv(308)
    rows = [*((*row, "1|0") for row in near), (*other, "0|1"), (*loose, "0/1")]
    calls = world.write_vcf(tmp_path, rows, samples=["s"])
    table = annotated(tmp_path, model, calls, "--haplotypes", "--mode", "fast")
    table = table[table["transcript"] == "plus"]
    scanner = Scanner(model, mode="fast", device="cpu")
    sets = {"near": near, "other": [other], "loose": [loose], "none": []}
    rnas = {name: world.spliced(TEXT, "plus", [row[1:] for row in edits]) for name, edits in sets.items()}
    scans = world.scanned(scanner, {name: rna for name, (rna, _) in rnas.items()}, tmp_path)
    at = {
        name: {(task, rnas[name][1][place]): logit for (task, place), logit in scan.items()}
        for name, scan in scans.items()
    }
    seen = 0
    for name, edits in sets.items():
        for _, start, _, alt in edits:
            found = table[(table["start"] == start) & (table["alt"] == alt)]
            expected = "&".join(f"{one[1]}:{one[2]}>{one[3]}" for one in near) if name == "near" else ""
            assert set(found["haplotype"]) == {expected}
            for row in found[found["genome_start"] >= 0].itertuples():
                key = (row.task, row.genome_start)
                logits = at["none"].get(key, np.nan), at[name].get(key, np.nan)
                assert (row.logit_ref, row.logit_alt) == pytest.approx(logits, abs=1e-5, nan_ok=True)
                seen += 1
    assert seen > 60
    by_itself = annotated(tmp_path, model, calls, "--mode", "fast")
    assert set(by_itself["haplotype"]) == {""}


def test_alleles_that_overlap_on_a_haplotype_are_not_applied_together(model, tmp_path):
    rows = [("chr1", 450, TEXT[450:456], TEXT[450], "1|0"), (*snv(453), "1|1"), (*snv(470), "0|0")]
    table = annotated(tmp_path, model, world.write_vcf(tmp_path, rows, samples=["s"]), "--haplotypes", "--foremost")
    of_second = table[table["start"] == 453]
    assert (of_second["reason"] == "overlaps another allele of its haplotype").sum() == 2
    assert (of_second["task"] != "").any(), "the other haplotype has it alone"
    assert (table["start"] == 470).any()


@pytest.mark.parametrize("beside", [599, 600])
def test_an_insertion_and_a_change_beside_it_are_both_applied_on_either_strand(model, tmp_path, beside):
    edits = [("chr1", 599, TEXT[599], TEXT[599] + "GAC"), snv(beside)]
    calls = world.write_vcf(tmp_path, sorted((*row, "1|0") for row in edits), samples=["s"])
    table = annotated(tmp_path, model, calls, "--haplotypes", "--mode", "fast")
    assert set(table["transcript"]) == {"plus", "short", "minus"}
    together = {f"{start}:{ref}>{alt}" for _, start, ref, alt in edits}
    assert all(set(text.split("&")) == together for text in table["haplotype"])
    scanner = Scanner(model, mode="fast", device="cpu")
    letters = list(TEXT)
    letters[beside] = OTHER[TEXT[beside]]
    text = "".join(letters)
    for name in ("plus", "minus"):
        rna, kept = world.spliced(text, name, [(599, text[599], text[599] + "GAC")])
        scan = world.scanned(scanner, {name: rna}, tmp_path)[name]
        after = {(task, kept[at]): logit for (task, at), logit in scan.items()}
        found = table[(table["transcript"] == name) & (table["genome_start"] >= 0) & table["logit_alt"].notna()]
        assert len(found) > 20
        for row in found.itertuples():
            assert row.logit_alt == pytest.approx(after[row.task, row.genome_start], abs=1e-5)


def test_only_the_base_that_is_changed_most_of_each_task(model, tmp_path):
    calls = world.write_vcf(tmp_path, [snv(500), snv(650)])
    whole = annotated(tmp_path, model, calls, "--mode", "fast")
    few = annotated(tmp_path, model, calls, "--mode", "fast", "--foremost")
    assert len(few) < len(whole) / 2
    keys = ["start", "transcript", "task"]
    largest = whole.assign(size=whole["delta_logit"].abs()).groupby(keys)["size"].max().dropna()
    kept = few[few["motif"] == "kept"].set_index(keys)["delta_logit"].abs()
    pd.testing.assert_series_equal(kept.sort_index(), largest.sort_index(), check_names=False)
    assert (few["motif"] != "kept").sum() == (whole["motif"] != "kept").sum()
