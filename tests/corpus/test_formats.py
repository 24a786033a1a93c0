"""Files of RNA as sources of a corpus, and RNA that is judged."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from rnamarks.corpus.formats import judged_table, read_rna
from rnamarks.errors import InputError
from rnamarks.sites.drops import KEPT, Drops
from rnamarks.tables import write_parquet

SEEDS = """# STOCKHOLM 1.0
#=GF ID   first
#=GF AC   RF1

one/1-4    AC-G.
two/1-9    A..GU
#=GC SS_cons <...>

one/1-4    uu
two/1-9    --
//
# STOCKHOLM 1.0
#=GF ID   second
three      GGGG
//
"""


def test_fasta_with_any_line_ends_and_letters_and_lines(tmp_path):
    path = tmp_path / "a.fa.gz"
    path.write_bytes(gzip.compress(b">one described\r\nacgu\r\nTTN\r\n\r\n>two\r\nGGR\r\n"))
    assert list(read_rna(path)) == [("one", "acguTTN"), ("two", "GGR")]
    (tmp_path / "b.txt").write_text("ACGU\n\nGG\n")
    source = {"files": [tmp_path / "b.txt"], "format": "lines"}
    assert list(read_rna(source)) == [("b.txt:1", "ACGU"), ("b.txt:3", "GG")]
    with pytest.raises(InputError, match=r"a.fa.gz:1: a header of FASTA"):
        list(read_rna({"files": path, "format": "lines"}))
    with pytest.raises(InputError, match="no format of RNA of that name"):
        read_rna({"files": path, "format": "genbank"})


def test_stockholm_is_ungapped_joined_and_chosen_by_part(tmp_path):
    path = tmp_path / "seed.sto"
    path.write_text(SEEDS)
    source = {"files": [path], "format": "stockholm"}
    assert list(read_rna(source)) == [("RF1 one/1-4", "ACGuu"), ("RF1 two/1-9", "AGU"), ("second three", "GGGG")]
    whole = list(read_rna(source))
    path.write_bytes(SEEDS.replace("#=GF ID   second", "#=GF AU   M\xfcller\n#=GF ID   second").encode("latin-1"))
    assert list(read_rna(source)) == whole
    (tmp_path / "families.tsv").write_text("family\tsplit\nRF1\ttrain\nsecond\tval\n")
    source |= {"families": tmp_path / "families.tsv", "part": "val"}
    assert list(read_rna(source)) == [("second three", "GGGG")]
    with pytest.raises(InputError, match="no family is of that part"):
        list(read_rna(source | {"part": "test"}))
    path.write_text(SEEDS.removesuffix("//\n"))
    with pytest.raises(InputError, match=r"seed.sto:14: the last alignment is cut off"):
        list(read_rna({"files": [path], "format": "stockholm"}))
    path.write_text(">a\nACGU\n")
    with pytest.raises(InputError, match=r"seed.sto:1: not Stockholm"):
        list(read_rna({"files": [path], "format": "stockholm"}))


def test_fragments_are_one_sequence(tmp_path):
    path = tmp_path / "eie.txt"
    path.write_text("AAA GTCAG CCC 7 gene1\nAAA GTCAG CCC 7\n")
    rows = read_rna({"files": [path], "format": "exon_intron_exon"})
    assert next(rows) == ("gene1:1", "AAAGUCAGCCC")
    with pytest.raises(InputError, match=r"eie.txt:2: not a line of exon"):
        next(rows)


def test_only_what_every_fold_trains_on_is_read(tmp_path):
    path = tmp_path / "examples.parquet"
    frame = pd.DataFrame({"example": list("abc"), "sequence": ["AAAA", "CCCC", "GGGG"]})
    write_parquet(frame.assign(fold_x=["train", "test", "train"], fold_y=["valid", "train", "train"]), path)
    source = {"files": [path], "format": "examples"}
    assert list(read_rna(source)) == [("c", "GGGG")]
    assert list(read_rna(source | {"part": "x"})) == [("a", "AAAA"), ("c", "GGGG")]
    with pytest.raises(InputError, match="no such fold"):
        list(read_rna(source | {"part": "z"}))
    write_parquet(frame.assign(fold_x=["train", "test", "test"], fold_y=["test", "train", "train"]), path)
    with pytest.raises(InputError, match="each example is tested or validated on in a fold"):
        list(read_rna(source))


def test_judged_sequences_are_distinct_and_counted(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(">a\nACGTACGT\n>b\nacguacgu\n>c\nAC\n>d\nGGGGGGGG\n")
    drops = Drops()
    table = judged_table({"new": {"files": [path]}}, shortest=4, longest=10, drops=drops)
    assert table.to_numpy().tolist() == [["a", "new", "ACGUACGU"], ["d", "new", "GGGGGGGG"]]
    assert drops.rows(KEPT) == 2
    assert drops.frame()["rows"].sum() == 4


@pytest.mark.slow
def test_rfam_seeds_by_part(shared_data):
    folder = shared_data / "ncrna" / "rfam_seed"
    source = {
        "files": sorted(folder.glob("*.sto.gz")),
        "format": "stockholm",
        "families": folder / "family_assignments.tsv.gz",
    }
    families = {part: {name.split()[0] for name, _ in read_rna(source | {"part": part})} for part in ("train", "val")}
    everything = list(read_rna({"files": source["files"], "format": "stockholm"}))
    assert len({name.split()[0] for name, _ in everything}) == 2427
    assert not families["train"] & families["val"]
    # 85 families of the files are in none of the parts
    assert len(families["train"] | families["val"]) == 2342
    assert sum(len(sequence) for _, sequence in everything) > 5e6
    assert not set("".join(sequence for _, sequence in everything)) & set("-. ")
