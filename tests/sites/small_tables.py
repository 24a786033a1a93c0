"""A file of one site in every published format, and what every reader's table must be."""

from __future__ import annotations

import numpy as np

from rnamarks.dictionary import column_names

BED = "chr1\t100\t101\tx_GGACT\t3\t+\n"
RMBASE_HEADER = (
    "# chromosome    modStart        modEnd  modId   score   strand  modName modType supportNum      supportList"
    "     pubmedIds       geneName        geneType        region  sequence\n"
)
RMBASE = "chr1\t100\t101\tid\t0\t+\tm6A|1\tm6A\t3\tGSE1\t1\tG\tcoding\texon\tGGACT\n"
ATLAS_HEADER = "ID\tseqnames\tstart\tstrand\tTechnique_Num\n"
ATLAS = "m6A_Rnor6_1\tchr1\t100\t+\t2\n"
RADAR = "chromosome\tposition\tgene\tstrand\nchr1\t100\tG\t+\n"
REDI = "1\t100\tA\tG\t+\n"
LIST = "ENST1#G\t0\tchr1\t+\t50\t200\t100,\n"
PLAIN = "#assembly=hg19\nchrom\tstart\tend\tstrand\tmodification\tsource\tsupport\nchr1\t100\t101\t+\tm6A\ta,b\t2\n"
SMALL = {
    "bed": BED,
    "geo_bed": BED,
    "rmbase_v2": RMBASE_HEADER + RMBASE,
    "m6a_atlas": ATLAS_HEADER + ATLAS,
    "radar": RADAR,
    "redi": REDI,
    "transcript_list": LIST,
    "sites": PLAIN,
}
ONE_BASED = {"m6a_atlas", "radar", "redi"}


def check_border(frame, assembly="hg19"):
    assert list(frame.columns) == column_names("sites")
    assert frame.attrs["assembly"] == assembly
    assert (frame["end"] == frame["start"] + 1).all()
    assert frame["start"].dtype == np.int64
    assert frame["strand"].isin(["+", "-"]).all()
    assert (frame["support"] >= 1).all()
    assert not frame.duplicated(["chrom", "start", "strand", "modification"]).any()
    assert frame.index.tolist() == list(range(len(frame)))
