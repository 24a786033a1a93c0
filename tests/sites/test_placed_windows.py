"""Sites published as windows, found again in the genome."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyfaidx
import pytest

from rnamarks.errors import InputError
from rnamarks.sites.modifications import load_modifications
from rnamarks.sites.readers import windows as placed
from rnamarks.sites.site_sets import read_site_tables

REVERSED = str.maketrans("ACGT", "TGCA")


@pytest.fixture
def read(repository, tmp_path):
    def run(path, genome, form, modification="m6A", **options):
        return read_site_tables(
            [path],
            ["windows"],
            ["lab"],
            genome=genome,
            workdir=tmp_path / "work",
            assembly="R64-1-1",
            modification=load_modifications(repository / "config" / "modifications.tsv")[modification],
            subject="yeast",
            layouts=[{"windows": form} | options],
        )

    return run


@pytest.fixture
def genome(tmp_path):
    """Two chromosomes, masked in places, with a repeat of 60 nt on both strands."""
    rng = np.random.default_rng(3)
    texts = ["".join(rng.choice(list("ACGT"), size)) for size in (3000, 2000)]
    texts[1] = texts[1][:900] + texts[0][100:160].translate(REVERSED)[::-1] + texts[1][900:] + "N" * 40
    path = tmp_path / "genome.fa"
    path.write_text(f">I one\n{texts[0][:1500]}{texts[0][1500:].lower()}\n>II\n{texts[1]}\n")
    return path, texts


def test_places_on_both_strands_across_blocks(genome, monkeypatch):
    path, texts = genome
    monkeypatch.setattr(placed, "_BLOCK", 64)
    wanted = [(0, 0, "+"), (0, 2979, "-"), (1, 40, "-"), (0, 1490, "+"), (1, 1500, "+")]
    cut = [texts[chrom][at : at + 21] for chrom, at, _ in wanted]
    cut = [
        text if strand == "+" else text.translate(REVERSED)[::-1]
        for text, (_, _, strand) in zip(cut, wanted, strict=True)
    ]
    # as RNA; absent; repeated; with a letter that says nothing
    cut[2] = cut[2].replace("T", "U").lower()
    cut += ["ACGT" * 5 + "A", texts[0][110:131], "N" * 21]
    with pyfaidx.Fasta(str(path)) as fasta:
        found = placed.place_windows(cut, fasta)
        assert not len(placed.place_windows([], fasta))
    rows = [tuple(row) for row in found.itertuples(index=False)]
    expected = [(number, ("I", "II")[chrom], at, strand) for number, (chrom, at, strand) in enumerate(wanted)]
    assert rows[:5] == expected
    assert sorted(rows[5:]) == [(6, "I", 110, "+"), (6, "II", 900 + 60 - 31, "-")]


def test_every_window_is_counted(read, genome, tmp_path):
    path, texts = genome
    at = [place for place in range(200, 1400) if texts[0][place] == "A"][:6]
    lines = [f">P{number}\n{texts[0][place - 10 : place + 11]}" for number, place in enumerate(at)]
    other = next(place for place in range(200, 1400) if texts[0][place] == "C")
    repeat = next(place for place in range(112, 148) if texts[0][place] == "A")
    lines += [f">P10\n{texts[0][place - 10 : place + 11]}" for place in (other, repeat, at[0])]
    lines += [">P11\n" + "ACGT" * 2 + "CGA" + "TTA" * 3 + "G", f">N1\n{texts[0][500:521]}"]
    windows = tmp_path / "windows.fa"
    windows.write_text("\n".join(lines) + "\n")
    sites, drops = read(windows, path, "fasta_tagged")
    assert sites["start"].tolist() == sorted(at)
    assert set(sites["strand"]) == {"+"}
    counts = drops.frame().query("stage == 'read'").set_index("reason")["rows"].to_dict()
    assert counts == {
        "window of an unmodified site": 1,
        "no A in the middle": 1,
        "window not in the genome": 1,
        "window at several places of the genome": 1,
        "duplicate position": 1,
        "kept": 6,
    }
    assert sum(counts.values()) == len(lines)


def test_files_that_cannot_be_placed(read, genome, tmp_path):
    path, texts = genome
    windows = tmp_path / "windows.txt"
    for text, what in ((texts[0][:15], "of 15 nt cannot be placed"), (texts[0][:20], "of 20 nt cannot be placed")):
        windows.write_text(text + "\n")
        with pytest.raises(InputError, match=what):
            read(windows, path, "lines")
    windows.write_text(f">N1\n{texts[0][:21]}\n")
    with pytest.raises(InputError, match="no modified window"):
        read(windows, path, "fasta_tagged")
    with pytest.raises(InputError, match="names no format of windows"):
        read(windows, path, "fasta_tagged", origin=1)


@pytest.mark.parametrize(("modification", "name", "number"), [("m6A", "m6A", 756), ("Y", "Psi", 226)])
def test_windows_of_yeast(read, shared_data, modification, name, number):
    folder = shared_data / "yeast"
    file = folder / f"windows_{modification}.fa.gz"
    sites, _ = read(file, folder / "genome_R64-1-1.fa.gz", "fasta_tagged", modification)
    listed = pd.read_csv(folder / "sites_R64-1-1.bed.gz", sep="\t", header=None, dtype={0: str})
    listed = listed[listed[3] == name]
    assert len(listed) == number
    assert set(zip(listed[0], listed[1], listed[5], strict=True)) == set(
        zip(sites["chrom"], sites["start"], sites["strand"], strict=True)
    )
