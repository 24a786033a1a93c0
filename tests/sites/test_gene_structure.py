"""Features of a nucleotide's place on its gene: what they are, and that labels have no part in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.sites.gene_structure import FAR, FEATURES, GeneStructure

COLUMNS = ["chrom", "strand", "exon_starts", "exon_ends", "cds_start", "cds_end", "sequence"]


@pytest.fixture(scope="module")
def transcripts() -> pd.DataFrame:
    rows = [
        # three exons of 10, 30 and 20 nt, introns of 90 and 70, coding 5 to 45
        ("chr1", "+", [0, 100, 200], [10, 130, 220], 5, 45, "A" * 60),
        # the same on the other strand: exons of 20, 30 and 10 nt from the 5' end
        ("chr1", "-", [0, 100, 200], [10, 130, 220], -1, -1, "A" * 60),
        ("", "+", [], [], -1, -1, "A" * 7),
        ("chr2", "+", [50], [57], -1, -1, "A" * 7),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def named(values: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURES, values.tolist(), strict=True))


def test_features_by_hand(transcripts):
    structure = GeneStructure(transcripts)
    assert structure.known.tolist() == [True, True, False, True]
    first, minus, alone = map(named, structure.features([0, 1, 3], [12, 12, 3]))
    assert first == {
        "junction": 2,
        "junction_upstream": 2,
        "junction_downstream": 27,
        "exon_start": 2,
        "exon_end": 27,
        "exon_relative": pytest.approx(2 / 30),
        "exon_length": 30,
        "exon_number": 2,
        "exons_behind": 1,
        "exons": 3,
        "last_exon": 0,
        "exon_before": 10,
        "exon_behind": 20,
        "intron_before": 90,
        "intron_behind": 70,
        "last_exon_length": 20,
        "last_junction": -28,
        "junctions_500": 2,
        "junctions_1000": 2,
        "transcript_start": 12,
        "transcript_end": 47,
        "transcript_length": 60,
        "relative": pytest.approx(0.2),
        "coding_start": 7,
        "coding_end": -33,
        "coding_length": 40,
        "utr5_length": 5,
        "utr3_length": 15,
        "region": 1,
    }
    assert (minus["exon_length"], minus["exon_behind"], minus["intron_behind"]) == (20, 30, 70)
    assert (minus["junction_upstream"], minus["junction_downstream"], minus["junction"]) == (FAR, 7, 7)
    assert (minus["coding_start"], minus["region"]) == (FAR, 3)
    assert (alone["junction"], alone["junctions_500"], alone["last_exon"]) == (FAR, 0, 1)
    assert structure.features([], []).shape == (0, len(FEATURES))


def test_a_place_without_exons_is_refused(transcripts):
    structure = GeneStructure(transcripts)
    for row, position in ((2, 3), (0, 60), (0, -1)):
        with pytest.raises(ValueError, match="no exon"):
            structure.features([row], [position])


def test_exons_of_real_transcripts_against_an_independent_table(shared_data):
    from rnamarks.sites.drops import Drops
    from rnamarks.sites.transcript_fasta import read_transcript_files

    context = shared_data / "gene_context"
    table = read_transcript_files(
        [context / "human_chr1" / "isoforms_hg19.fa.gz"], [context / "human_chr1" / "isoforms_hg19.gtf.gz"], Drops()
    )
    answer = pd.read_csv(context / "m6a_candidates_hg19.tsv.gz", sep="\t")
    answer = answer[answer["transcript"].isin(table["transcript"])].reset_index(drop=True)
    assert len(answer) > 10_000
    row = answer["transcript"].map(pd.Series(table.index, index=table["transcript"])).to_numpy()
    found = pd.DataFrame(GeneStructure(table).features(row, answer["tx_pos0"].to_numpy()), columns=list(FEATURES))
    for name, column in (("exon_number", "exon"), ("exons", "n_exons"), ("transcript_length", "tx_len")):
        np.testing.assert_array_equal(found[name], answer[column])
    # the table leaves the distance to an end of the transcript empty
    for name, column in (("junction_upstream", "nt_from_exon_start"), ("junction_downstream", "nt_to_exon_end")):
        np.testing.assert_array_equal(found[name].where(found[name] < FAR), answer[column])
