"""What methylation does to the genes of the demo world, written as expression, decay, translation, structure and
chromatin data are published.

A value is a weighted sum of the standardised true methylation, of length and GC content, and of noise. Length and GC
content work on their own: a longer transcript is less expressed and a GC-rich one more. A capacity summed over a
transcript's sites grows with its length and so looks more closely tied to the value than methylation makes it. In the
null world a value is noise alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

from rnamarks.files import write_text

from .annotation import Layout, Transcript
from .truth import standardise


@dataclass(frozen=True)
class Effect:
    """Weights of standardised terms; the noise has the deviation ``noise``.

    Attributes
    ----------
    methylation : float
        Of a gene's true capacity, a peak's methylation density, or a site's log odds.
    length, gc : float
        Of the logarithm of the length (transcript or peak) and of the fraction of G and C.
    noise : float
    """

    methylation: float
    length: float
    gc: float
    noise: float

    def draw(
        self, methylation: np.ndarray, length: np.ndarray, gc: np.ndarray, rng: np.random.Generator, *, null: bool
    ) -> np.ndarray:
        """Values with mean 0 and a deviation of about 1; nothing but noise where ``null``."""
        noise = rng.standard_normal(len(methylation))
        if null:
            return noise
        known = (standardise(methylation), standardise(np.log(length)), standardise(gc))
        return self.methylation * known[0] + self.length * known[1] + self.gc * known[2] + self.noise * noise


EFFECTS = {
    "expression": Effect(-0.62, -0.36, 0.25, 0.56),
    "half_life": Effect(-0.62, -0.30, 0.20, 0.60),
    "efficiency": Effect(-0.56, -0.20, 0.15, 0.64),
    "h3k36me3": Effect(0.60, 0.30, -0.15, 0.65),
    "structure": Effect(-0.30, 0.0, 0.25, 1.25),
}
"""By what they act on: log2 FPKM, log2 half-life, log2 ribosome-bound over total RPKM, log2 peak signal, PARS score
of a nucleotide (here ``gc`` is of the 21 nt around)."""

EXPRESSION_COLUMNS = ["gene_id", "transcript_id(s)", "length", "effective_length", "expected_count", "TPM", "FPKM"]
TRANSLATION_COLUMNS = [
    *("riboseq_counts", "rnaseq_counts", "cds_length", "total_mapped_riboseq", "total_mapped_rnaseq"),
    *("rpkm_riboseq", "rpkm_rnaseq", "te", "ensembl_tx_id", "entrez", "external_gene_id", "transcript_biotype"),
]
_READS = 2_000_000
_RIBOSOME_READS, _RNA_READS = 20_201_281, 81_099_616
_FRAGMENT = 200
_PARS_REACH = 6
_COVERED = 0.8


def expression(
    genes: pd.DataFrame, layout: Layout, rng: np.random.Generator, *, null: bool
) -> tuple[pd.DataFrame, np.ndarray, dict[str, int]]:
    """Gene quantifications as RSEM writes them in ENCODE's pipeline.

    Traps: gene ids with a version; rows of spike-ins and of things that the annotation lacks; genes twice
    (a second measurement); genes without a value (``NA``), with none (0), and absent ones.

    Parameters
    ----------
    genes : pandas.DataFrame
        Of one species, from :func:`~rnamarks_simulation.truth.gene_truth`.
    layout : Layout
    rng : numpy.random.Generator
    null : bool

    Returns
    -------
    table : pandas.DataFrame
        :data:`EXPRESSION_COLUMNS`, text.
    level : numpy.ndarray, shape=(n_genes,)
        What was planted: log2 of the level in deviations.
    traps : dict of str to int
    """
    level = EFFECTS["expression"].draw(genes["capacity"], genes["length"], genes["gc"], rng, null=null)
    names: dict[str, list[str]] = {}
    for transcript in layout.transcripts:
        names.setdefault(transcript.gene, []).append(transcript.transcript)
    effective = genes["length"].to_numpy() - _FRAGMENT + 1.0
    molecules = np.exp2(1.5 * level)
    silent, unknown, absent, versioned = _distinct(len(genes), (2, 2, 3, 6), rng)
    molecules[silent] = 0
    share = molecules * effective / (molecules * effective).sum()
    count = _READS * share
    table = pd.DataFrame(
        {
            "gene_id": genes["gene"].to_numpy(),
            "transcript_id(s)": [",".join(names[gene]) for gene in genes["gene"]],
            "length": _text(genes["length"]),
            "effective_length": _text(effective),
            "expected_count": _text(count),
            "TPM": _text(1e6 * molecules / molecules.sum()),
            "FPKM": _text(1e9 * count / (effective * _READS)),
        }
    )
    table.loc[versioned, "gene_id"] += ".1"
    for column in ("expected_count", "TPM", "FPKM"):
        table.loc[unknown, column] = "NA"
    kept = table.drop(index=absent)
    measured = kept.drop(index=[*silent, *unknown, *versioned])
    again = measured.iloc[_some(len(measured), 3, rng)].copy()
    for column in ("expected_count", "TPM", "FPKM"):
        again[column] = _text(again[column].astype(float) * np.exp(0.1 * rng.standard_normal(len(again))))
    alien = [f"gSpikein_SIM-{number:05d}" for number in (2, 3, 4)] + ["10904", "12954"]
    strange = pd.DataFrame(
        [[name, name, "93.00", "0.00", "0.00", "0.00", "0.00"] for name in alien], columns=EXPRESSION_COLUMNS
    )
    traps = {
        "unknown id": len(strange),
        "duplicate": len(again),
        "no value": len(unknown),
        "zero": len(silent),
        "absent": len(absent),
        "versioned id": len(versioned),
    }
    return pd.concat([strange, kept, again], ignore_index=True), level, traps


def half_life(
    genes: pd.DataFrame, rng: np.random.Generator, *, null: bool
) -> tuple[pd.DataFrame, np.ndarray, dict[str, int]]:
    """Half-lives in hours by gene name, coding genes only.

    Traps: names that the annotation lacks; a gene id in place of the name; names twice (a second measurement); no
    value; absent genes. See :func:`expression` for what is taken and returned.
    """
    level = EFFECTS["half_life"].draw(genes["capacity"], genes["length"], genes["gc"], rng, null=null)
    hours = 7 * np.exp2(0.7 * level)
    unknown, renamed, absent = _distinct(len(genes), (4, 3, 6), rng)
    table = pd.DataFrame({"gene_name": genes["gene_name"].to_numpy(), "half_life": [f"{value:.8f}" for value in hours]})
    table.loc[unknown, "half_life"] = "NA"
    table.loc[renamed, "gene_name"] = genes["gene"].to_numpy()[renamed]
    kept = table.drop(index=absent)
    measured = kept.drop(index=[*unknown, *renamed])
    again = measured.iloc[_some(len(measured), 3, rng)].copy()
    factor = np.exp(0.1 * rng.standard_normal(len(again)))
    again["half_life"] = [f"{value:.8f}" for value in again["half_life"].astype(float) * factor]
    alien = pd.DataFrame({"gene_name": [f"SIMOLD{number}" for number in range(1, 5)], "half_life": "6.50000000"})
    made = pd.concat([kept, again, alien], ignore_index=True)
    traps = {
        "unknown id": len(alien),
        "gene id as name": len(renamed),
        "duplicate": len(again),
        "no value": len(unknown),
        "absent": len(absent),
    }
    return made.iloc[rng.permutation(len(made))].reset_index(drop=True), level, traps


def translation(
    genes: pd.DataFrame, layout: Layout, level: np.ndarray, rng: np.random.Generator, *, null: bool
) -> tuple[list[str], pd.DataFrame, dict[str, int]]:
    """Ribosome profiling beside RNA-seq, one line per coding transcript, blank-separated.

    The lines have one field more than the header: the transcript with its version. Isoforms repeat the figures of their
    gene. Traps: transcripts that the annotation lacks; genes without a ribosome profile (``NA``) or an Entrez number.

    Parameters
    ----------
    genes : pandas.DataFrame
        Coding genes.
    level : numpy.ndarray, shape=(n_genes,)
        Of :func:`expression`, for these genes.
    layout, rng, null
        As for :func:`expression`.

    Returns
    -------
    lines : list of str
        Header included; most efficiently translated first.
    planted : pandas.DataFrame
        One row per gene: ``bound`` and ``efficiency``, log2 of ribosome-bound RPKM and of its ratio to the total, each
        up to a constant.
    traps : dict of str to int
    """
    efficiency = EFFECTS["efficiency"].draw(genes["capacity"], genes["length"], genes["gc"], rng, null=null)
    total = 1.2 * level + 0.3 * rng.standard_normal(len(genes))
    bound = total + efficiency
    kilobases = genes["cds_length"].to_numpy() / 1e3
    ribosome_counts = np.maximum(1, np.rint(np.exp2(4 + bound) * kilobases * _RIBOSOME_READS / 1e6)).astype(np.int64)
    rna_counts = np.maximum(1, np.rint(np.exp2(4 + total) * kilobases * _RNA_READS / 1e6)).astype(np.int64)
    unknown, nameless = _distinct(len(genes), (3, 3), rng)
    entrez = 100_000 + rng.choice(900_000, size=len(genes), replace=False)
    own: dict[str, list[Transcript]] = {}
    for transcript in layout.transcripts:
        own.setdefault(transcript.gene, []).append(transcript)
    rows: list[tuple[float, str]] = []
    isoforms = 0
    for index, gene in enumerate(genes.itertuples(index=False)):
        profile, rna = int(ribosome_counts[index]), int(rna_counts[index])
        rpkm_rna = 1e9 * rna / (gene.cds_length * _RNA_READS)
        rpkm = 1e9 * profile / (gene.cds_length * _RIBOSOME_READS)
        ratio = rpkm / rpkm_rna
        shown = ("NA", "NA", "NA") if index in unknown else (str(profile), f"{rpkm:.15g}", f"{ratio:.15g}")
        number = "NA" if index in nameless else str(entrez[index])
        coding = [transcript for transcript in own[gene.gene] if transcript.coding]
        isoforms += len(coding) - 1
        for transcript in coding:
            fields = [
                f"{transcript.transcript}.1",
                shown[0],
                rna,
                gene.cds_length,
                _RIBOSOME_READS,
                _RNA_READS,
                shown[1],
            ]
            fields += [f"{rpkm_rna:.15g}", shown[2], transcript.transcript, number, gene.gene_name, transcript.biotype]
            rows.append((-ratio if shown[2] != "NA" else np.inf, " ".join(map(str, fields))))
    for number in range(3):
        name = f"SIMOLDT{number:08d}"
        rpkm = 1e9 * 500 / (900 * _RIBOSOME_READS)
        fields = [f"{name}.2", 500, 2000, 900, _RIBOSOME_READS, _RNA_READS, f"{rpkm:.15g}"]
        rpkm_rna = 1e9 * 2000 / (900 * _RNA_READS)
        fields += [f"{rpkm_rna:.15g}", f"{rpkm / rpkm_rna:.15g}", name, "NA", f"SIMOLD{number + 1}", "protein_coding"]
        rows.append((-rpkm / rpkm_rna, " ".join(map(str, fields))))
    rows.sort()
    traps = {"unknown id": 3, "no value": len(unknown), "no entrez": len(nameless), "further isoform": isoforms}
    planted = pd.DataFrame({"bound": bound, "efficiency": efficiency})
    return [" ".join(TRANSLATION_COLUMNS), *(text for _, text in rows)], planted, traps


def structure(
    layout: Layout, sites: pd.DataFrame, rng: np.random.Generator, *, null: bool
) -> tuple[list[str], np.ndarray, dict[str, int]]:
    """PARS scores, one line per transcript: name, length, scores of its nucleotides joined by ``;``.

    Positive is double-stranded. A nucleotide without reads has 0. The log odds of a DRACH lower the scores of the
    6 nt on either side of its A, less with distance. Traps: transcripts that the annotation lacks, names with a
    version, transcripts without a line (all isoforms but the representative, and a tenth of those).

    Parameters
    ----------
    sites : pandas.DataFrame
        Rows of the world's truth for this species.
    layout, rng, null
        As for :func:`expression`.

    Returns
    -------
    lines : list of str
    scores : numpy.ndarray, shape=(n_sites,)
        Score at the A of each row of ``sites``, 0 without reads, nan where its transcript has no line.
    traps : dict of str to int
    """
    effect = EFFECTS["structure"]
    chosen = layout.representatives()
    measured = [transcript for transcript in chosen if rng.random() < 0.9] or chosen[:1]
    lengths = np.array([transcript.codes.size for transcript in measured])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    number = {transcript.transcript: index for index, transcript in enumerate(measured)}
    noise = rng.standard_normal(offsets[-1])
    smooth = uniform_filter1d(noise, 5, mode="wrap")
    values = effect.noise * (0.6 * smooth * np.sqrt(5) + 0.8 * rng.standard_normal(offsets[-1]))
    row = sites["transcript"].map(number).to_numpy(dtype=float)
    inside = np.isfinite(row)
    at = offsets[row[inside].astype(np.int64)] + sites["start"].to_numpy()[inside]
    if not null:
        strong = np.isin(np.concatenate([transcript.codes for transcript in measured]), (1, 2)).astype(float)
        values += effect.gc * standardise(uniform_filter1d(strong, 21, mode="wrap"))
        pull = effect.methylation * standardise(sites["logit"].to_numpy())[inside]
        first, last = (offsets[row[inside].astype(np.int64) + end] for end in (0, 1))
        for distance in range(-_PARS_REACH, _PARS_REACH + 1):
            where = at + distance
            good = (where >= first) & (where < last)
            np.add.at(values, where[good], pull[good] * (1 - abs(distance) / (_PARS_REACH + 1)))
    values[rng.random(offsets[-1]) >= _COVERED] = 0
    values = np.round(values, 2) + 0.0
    scores = np.full(len(sites), np.nan)
    scores[inside] = values[at]
    versioned = set(_some(len(measured), 5, rng).tolist())
    texts = [f"{value:g}" for value in np.arange(-2000, 2001) / 100]
    index = np.clip(np.rint(values * 100).astype(np.int64) + 2000, 0, 4000)
    lines = []
    for order, transcript in enumerate(measured):
        joined = ";".join([texts[one] for one in index[offsets[order] : offsets[order + 1]]])
        name = transcript.transcript + (".1" if order in versioned else "")
        lines.append(f"{name}\t{transcript.codes.size}\t{joined}")
    for number_ in range(2):
        lines.insert(int(rng.integers(len(lines) + 1)), f"SIMOLDT{number_:08d}\t300\t" + ";".join(["0"] * 300))
    traps = {"unknown id": 2, "versioned id": len(versioned), "absent": len(chosen) - len(measured)}
    return lines, scores, traps


def peaks(
    layout: Layout, sites: pd.DataFrame, rng: np.random.Generator, *, null: bool
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """H3K36me3 peaks over the bodies of genes, as ENCODE's narrowPeak files.

    Signal grows with the true methylation density, the sum of the probabilities of the DRACH inside per nucleotide of
    the peak. Traps: peaks on a contig that the genome lacks, peaks twice, peaks between genes. No peak has a strand,
    no statistic a value (-1).

    Parameters
    ----------
    sites : pandas.DataFrame
        Rows of the world's truth for this species.
    layout, rng, null
        As for :func:`expression`.

    Returns
    -------
    table : pandas.DataFrame
        Ten columns, strongest first; 0-based half-open.
    planted : pandas.DataFrame
        Columns ``chrom``, ``start``, ``end``, ``density`` (expected methylated DRACH per nt), ``signal`` (log2).
    traps : dict of str to int
    """
    spans = _bodies(layout, rng)
    spans = spans.assign(density=0.0, gc=0.0)
    for chrom, part in spans.groupby("chrom"):
        own = sites[sites["chrom"] == chrom].sort_values("genome_start", kind="stable")
        summed = np.concatenate([[0.0], np.cumsum(expit(own["logit"].to_numpy()))])
        edges = [np.searchsorted(own["genome_start"].to_numpy(), part[name].to_numpy()) for name in ("start", "end")]
        width = (part["end"] - part["start"]).to_numpy()
        spans.loc[part.index, "density"] = (summed[edges[1]] - summed[edges[0]]) / width
        dna = np.frombuffer(layout.chromosomes[chrom].upper(), dtype=np.uint8)
        strong = np.concatenate([[0], np.cumsum((dna == ord("G")) | (dna == ord("C")))])
        spans.loc[part.index, "gc"] = (strong[part["end"]] - strong[part["start"]]) / width
    width = spans["end"] - spans["start"]
    level = EFFECTS["h3k36me3"].draw(spans["density"], width, spans["gc"], rng, null=null)
    planted = spans.assign(signal=2.5 + level)[["chrom", "start", "end", "density", "signal"]]
    rows = planted[["chrom", "start", "end", "signal"]]
    again = rows.iloc[_some(len(rows), 3, rng)]
    lost = rows.iloc[_some(len(rows), 3, rng)].assign(chrom="chrUn_sim0001")
    between = _between(layout, rng).assign(signal=lambda frame: 1.5 + 0.7 * rng.standard_normal(len(frame)))
    table = pd.concat([rows, again, lost, between], ignore_index=True)
    table["signal"] = np.exp2(table["signal"])
    table = table.sort_values("signal", ascending=False, kind="stable", ignore_index=True)
    summit = (rng.random(len(table)) * (table["end"] - table["start"])).astype(np.int64)
    made = pd.DataFrame(
        {
            "chrom": table["chrom"],
            "start": table["start"],
            "end": table["end"],
            "name": [f"Peak_{number}" for number in range(1, len(table) + 1)],
            "score": np.minimum(1000, np.rint(20 * table["signal"])).astype(np.int64),
            "strand": ".",
            "signalValue": [f"{value:.5f}" for value in table["signal"]],
            "pValue": -1,
            "qValue": -1,
            "peak": summit,
        }
    )
    traps = {"unknown contig": len(lost), "duplicate": len(again), "between genes": len(between)}
    return made, planted.reset_index(drop=True), traps


def write_table(frame: pd.DataFrame, path: str | Path, *, header: bool = True) -> None:
    """Tab-separated text, gzipped if the name ends so."""
    with write_text(path) as handle:
        frame.to_csv(handle, sep="\t", index=False, header=header, lineterminator="\n")


def _bodies(layout: Layout, rng: np.random.Generator) -> pd.DataFrame:
    """Peaks of 300 to 1200 nt, most of a gene's length apart from gaps, from its first to its last nucleotide."""
    rows = []
    for transcript in layout.representatives():
        low = min(start for start, _ in transcript.exons)
        high = max(end for _, end in transcript.exons)
        at = low + int(rng.integers(0, 300))
        while at + 300 <= high:
            width = int(rng.integers(300, 1201))
            rows.append((transcript.chrom, at, min(at + width, high)))
            at += width + int(rng.integers(50, 400))
    return pd.DataFrame(rows, columns=["chrom", "start", "end"]).astype({"start": np.int64, "end": np.int64})


def _between(layout: Layout, rng: np.random.Generator) -> pd.DataFrame:
    """Peaks where no transcript lies: before the first gene of each chromosome, and between genes."""
    spaces = []
    for chrom, dna in layout.chromosomes.items():
        own = sorted(
            (min(start for start, _ in entry.exons), max(end for _, end in entry.exons))
            for entry in layout.representatives()
            if entry.chrom == chrom
        )
        ends = [0, *(end for _, end in own)]
        starts = [*(start for start, _ in own), len(dna)]
        spaces += [(chrom, end, start) for end, start in zip(ends, starts, strict=True) if start - end >= 250]
    chosen = [spaces[index] for index in np.sort(rng.choice(len(spaces), size=min(12, len(spaces)), replace=False))]
    return pd.DataFrame(
        [(chrom, low + 60, low + 60 + int(rng.integers(100, 180))) for chrom, low, _ in chosen],
        columns=["chrom", "start", "end"],
    ).astype({"start": np.int64, "end": np.int64})


def _distinct(size: int, counts: tuple[int, ...], rng: np.random.Generator) -> list[list[int]]:
    """Row numbers in ascending order, groups of the given sizes without overlap; fewer where rows are few."""
    order = rng.permutation(size)
    allowed = [min(count, size // 10) for count in counts]
    edges = np.cumsum([0, *allowed])
    return [np.sort(order[first:last]).tolist() for first, last in pairwise(edges)]


def _some(size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.choice(size, size=min(count, size), replace=False))


def _text(values: object) -> list[str]:
    return [f"{value:.2f}" for value in np.asarray(values, dtype=float)]
