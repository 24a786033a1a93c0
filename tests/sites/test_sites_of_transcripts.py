"""Sites on transcripts that come without a genome, against a table that was computed independently."""

from __future__ import annotations

import pandas as pd
import pytest

from rnamarks.sites.drops import KEPT, Drops
from rnamarks.sites.labelling import label_sites, longest_of_genes
from rnamarks.sites.modifications import find_modification, load_modifications
from rnamarks.sites.site_sets import read_site_tables
from rnamarks.sites.transcript_fasta import read_transcript_files
from rnamarks.tasks import Task

LISTS = {
    "union": "iM6A_SingleNucleotideReselutionData_hg19",
    "MAZTER": "iM6A_MAZTER_hg19",
    "LABEL": "iM6A_m6A-Label-seq_hg19",
}


@pytest.mark.slow
def test_every_adenosine_of_two_chromosomes(shared_data, tmp_path):
    context, lists = shared_data / "gene_context", shared_data / "annotation" / "single_nucleotide"
    drops = Drops()
    transcripts = read_transcript_files(
        [
            shared_data / "transcripts" / "human_chr22" / "refseq_chr22_transcripts.fa.gz",
            context / "human_chr1" / "isoforms_hg19.fa.gz",
        ],
        [context / "human_chr22" / "refseq_chr22_hg19.gtf.gz", context / "human_chr1" / "isoforms_hg19.gtf.gz"],
        drops,
    )
    assert drops.rows("note: poly-A tail behind the exons taken off") == 587
    assert (transcripts["chrom"] == "chr1").sum() == 604
    modification = find_modification(load_modifications("config/modifications.tsv"), "m6A")
    sites, _ = read_site_tables(
        [lists / f"{name}.bed.gz" for name in LISTS.values()],
        ["bed"] * len(LISTS),
        list(LISTS),
        genome=None,
        workdir=tmp_path,
        assembly="hg19",
        modification=modification,
        subject="m6A",
    )
    task = Task("m6A", species="human", modification="m6A", base="A", motif="DRACH", motif_offset=2)
    counted = Drops()
    windows = label_sites(
        transcripts, sites, drops=counted, task=task, seed=1, negatives_per_positive=0, isoforms="longest"
    )
    answer = pd.read_csv(context / "m6a_candidates_hg19.tsv.gz", sep="\t")
    answer = answer[answer["DRACH"] == 1].drop_duplicates(["#chrom", "start0", "strand"])
    assays = answer["assays"].str.split(",")
    answer["label"] = [bool({*LISTS} & set(names)) for names in assays]
    both = windows.merge(
        answer, left_on=["chrom", "genome_start", "strand"], right_on=["#chrom", "start0", "strand"], how="left"
    )
    # transcripts that map twice on chr22 are shown on one of their places
    assert both["label_y"].isna().sum() == 0
    assert (both["label_x"] == both["label_y"]).all()
    chosen = longest_of_genes(transcripts)
    assert chosen["gene"].is_unique
    assert set(windows["transcript"]) <= set(chosen["transcript"])
    # every adenosine in the motif on these transcripts is there once, and none was sampled away
    listed = answer[answer["transcript"].isin(chosen["transcript"].str.replace(r"\.[0-9]+$", "", regex=True))]
    assert len(windows) >= len(listed)
    assert counted.rows("not sampled") == 0
    assert counted.rows(KEPT, stage="negatives") == (windows["label"] == 0).sum()
    assert (windows["sequence"].str[50] == "A").all()
