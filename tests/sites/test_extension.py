"""Untranslated regions for transcripts that end with their coding sequence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.coordinates import TranscriptMap
from rnamarks.sites.drops import Drops
from rnamarks.sites.extension import extend_ends
from rnamarks.sites.transcripts import build_transcripts


def transcripts(*rows: tuple) -> pd.DataFrame:
    """Rows of (gene, strand, exons, coding sequence on the transcript or None)."""
    return pd.DataFrame(
        [
            (
                gene,
                "c",
                strand,
                np.array([exon[0] for exon in exons]),
                np.array([exon[1] for exon in exons]),
                *(cds or (-1, -1)),
            )
            for gene, strand, exons, cds in rows
        ],
        columns=["gene", "chrom", "strand", "exon_starts", "exon_ends", "cds_start", "cds_end"],
    )


def extended(frame: pd.DataFrame, drops: Drops | None = None, **ends: int) -> list[tuple]:
    moved = extend_ends(frame, {"c": 1000}, (drops or Drops()).scope("transcripts", "x", "genome"), **ends)
    return [
        (int(row.exon_starts[0]), int(row.exon_ends[-1]), int(row.cds_start), int(row.cds_end))
        for row in moved.itertuples()
    ]


def test_ends_go_on_up_to_the_next_gene_of_their_strand():
    rows = transcripts(
        ("a", "+", [(100, 200), (250, 300)], (0, 150)),
        # of the gap of 60 nt the 3' end has 50 and this 5' end the rest
        ("b", "+", [(360, 460)], (0, 100)),
        ("c", "-", [(310, 340)], (0, 30)),
        # the strand of c, 20 nt from its 5' end, and from the end of the chromosome
        ("d", "-", [(360, 990)], (0, 630)),
    )
    drops = Drops()
    assert extended(rows, drops, five=30, three=50) == [
        (70, 350, 30, 180),
        (350, 510, 10, 110),
        (260, 340, 0, 30),
        (340, 1000, 10, 640),
    ]
    frame = drops.frame().set_index("reason")["rows"]
    assert frame["note: 3' end without UTR extended by 50 nt"] == 3
    assert frame["note: 5' end without UTR extended by 30 nt"] == 1
    assert [rows for reason, rows in frame.items() if "by less" in reason] == [1, 3]
    assert rows["exon_starts"][0].tolist() == [100, 250], "the given table was changed"


def test_what_stays():
    rows = transcripts(
        ("with UTRs", "+", [(100, 200)], (10, 90)),
        ("noncoding", "+", [(300, 350)], None),
        ("outer", "-", [(500, 520), (700, 720)], (0, 40)),
        ("in its intron", "-", [(600, 630)], (0, 30)),
        ("isoform", "+", [(800, 850)], (0, 50)),
        ("isoform", "+", [(800, 880)], (0, 80)),
    )
    assert extended(rows, five=20, three=20) == [
        (100, 200, 10, 90),
        (300, 350, -1, -1),
        (480, 740, 20, 60),
        (600, 630, 0, 30),
        # isoforms of one gene are not in each other's way
        (780, 870, 20, 70),
        (780, 900, 20, 100),
    ]


def test_room_between_genes_by_brute_force():
    rng = np.random.default_rng(1)
    low = rng.integers(0, 900, 60)
    rows = [
        (f"g{rng.integers(40)}", rng.choice(["+", "-"]), [(int(at), int(at + size))], (0, int(size)))
        for at, size in zip(low, rng.integers(10, 100, 60), strict=True)
    ]
    frame = transcripts(*rows)
    for row, (start, end, _, _) in zip(rows, extended(frame, three=80), strict=True):
        (first, last), step = row[2][0], 1 if row[1] == "+" else -1
        taken = {
            place for gene, strand, [(a, b)], _ in rows if strand == row[1] and gene != row[0] for place in range(a, b)
        }
        room, at = 0, last if step > 0 else first - 1
        inside = taken & {last - 1 if step > 0 else first}
        while room < 80 and 0 <= at < 1000 and at not in taken and not inside:
            room, at = room + 1, at + step
        assert (first - start, end - last) == ((0, room) if step > 0 else (room, 0)), row


def test_yeast_sites_behind_stop_codons(shared_data, tmp_path):
    folder = shared_data / "yeast"
    drops = Drops()
    rows = read_annotation(folder / "annotation_R64-1-1.96.gtf.gz", drops)
    sites = pd.read_csv(folder / "sites_R64-1-1.bed.gz", sep="\t", header=None)
    sites = sites[sites[3] == "m6A"]

    def found(extend: dict | None) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
        made = build_transcripts(rows, folder / "genome_R64-1-1.fa.gz", drops, workdir=tmp_path, extend=extend)
        query, owner, position = TranscriptMap(made).overlaps(sites[0], sites[5], sites[1].to_numpy())
        return made, query, [made["sequence"][row][at - 2 : at + 2] for row, at in zip(owner, position, strict=True)]

    made, query, _ = found(None)
    assert (len(sites), len(set(query))) == (756, 718)
    longer, query, words = found({"five": 50, "three": 250})
    assert len(set(query)) == 753
    # so extension keeps to strand and reading frame: all but three sites lie in RGAC
    assert sum(word[:1] in "AG" and word[1:] == "GAC" for word in words) >= len(words) - 3
    coding = longer["cds_start"] >= 0
    for before, after in zip(made[coding].itertuples(), longer[coding].itertuples(), strict=True):
        assert after.sequence[after.cds_start : after.cds_end] == before.sequence[before.cds_start : before.cds_end]
