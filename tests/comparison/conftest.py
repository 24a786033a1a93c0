"""A small genome with genes on both strands, a model with random weights, and measurements that agree with it."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from rnamarks.cli import main
from rnamarks.evaluation.calibration import Calibration
from rnamarks.models.checkpoint import save_model
from rnamarks.models.directory import ModelConfig
from rnamarks.models.registry import build_model
from rnamarks.prediction.scan import ScanOptions
from rnamarks.prediction.scanner import Outputs, Scanner
from rnamarks.sequences import decode
from rnamarks.sites.annotation import read_annotation
from rnamarks.sites.drops import Drops
from rnamarks.sites.transcripts import build_transcripts
from rnamarks.tables import read_parquet, write_parquet
from rnamarks.tasks import Task

GENES, SPACE = 24, 2000


class World(NamedTuple):
    """Files, and every motif position of every transcript with its score and a made stoichiometry."""

    genome: Path
    annotation: Path
    model: Path
    predicted: pd.DataFrame

    @property
    def positions(self) -> pd.DataFrame:
        """One row per position on the genome."""
        return self.predicted.drop_duplicates(["chrom", "genome_start", "strand"])

    @property
    def sites(self) -> pd.DataFrame:
        """The positions that count as modified."""
        return self.positions[self.positions["share"] >= 0.1]


class Done(NamedTuple):
    code: int
    said: str
    folder: Path

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / name, sep="\t")

    def metric(self, name: str, of: str = "all") -> pd.Series:
        rows = self.table("metrics.tsv").query("metric == @name and set == @of")
        assert len(rows) == 1, name
        return rows.iloc[0]


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("compared")
    random = np.random.default_rng(4)
    # rich in GAC, so that there are motif positions enough
    letters = "".join(random.choice(["GGACT", "A", "C", "G", "T"], p=[0.05, 0.25, 0.2, 0.25, 0.25], size=60_000))
    genome = folder / "genome.fa"
    genome.write_text(f">chr1\n{letters}\n>chr2\n{decode(random.integers(0, 4, 5000).astype(np.uint8))}\n")
    lines = []
    for gene in range(GENES):
        begin, strand = gene * SPACE + 200, "+-"[gene % 2]
        exons = [(begin, begin + 400), (begin + 600, begin + 1100)]
        for copy in range(1 + (gene % 4 == 0)):
            name = f'gene_id "g{gene}"; transcript_id "t{gene}.{copy + 1}";'
            kept = exons if not copy else [exons[0], (exons[1][0] + 30, exons[1][1])]
            lines += [f"1\tmade\texon\t{start + 1}\t{end}\t.\t{strand}\t.\t{name}" for start, end in kept]
            lines.append(f"1\tmade\tCDS\t{kept[0][0] + 101}\t{kept[0][1] - 50}\t.\t{strand}\t0\t{name}")
    annotation = folder / "genes.gtf"
    annotation.write_text("\n".join(lines) + "\n")
    model = _model(folder / "planted")
    drops = Drops()
    transcripts = build_transcripts(read_annotation(annotation, drops), genome, drops, workdir=folder, minimum_aug=0)
    write_parquet(transcripts, folder / "transcripts.parquet")
    Scanner(model, device="cpu").run(
        folder / "transcripts.parquet", ScanOptions(alpha=None), Outputs(table=folder / "p.parquet"), warn=print
    )
    predicted = read_parquet(folder / "p.parquet")[0]
    best = predicted.groupby(["chrom", "genome_start", "strand"])["logit"].transform("max")
    rank = best.rank(pct=True)
    noise = random.permutation(len(predicted)) / len(predicted)
    noise = (
        pd.Series(noise).groupby([predicted[name] for name in ("chrom", "genome_start", "strand")]).transform("first")
    )
    # a tenth of the positions is modified, mostly those of high score
    share = np.where(0.7 * rank + 0.3 * noise > 0.82, np.round(0.2 + 0.7 * rank, 2), 0.02)
    return World(genome, annotation, model, predicted.assign(share=share))


def _model(folder: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"filters": [6, 4], "lstm_units": 3}
    network = build_model("deepm6aseq", ["m6A"], 21, sizes)
    config = ModelConfig(
        model="deepm6aseq",
        tasks=[Task("m6A", species="made", modification="m6A", base="A", motif="DRACH", motif_offset=2)],
        window=21,
        hyperparameters=sizes,
        calibration={"m6A": Calibration(prevalence=0.1, slope=1.5, intercept=0.2, method="platt").to_dict()},
    )
    save_model(folder, [network.state_dict()], config)
    return folder


@pytest.fixture
def compare(world, tmp_path):
    """A function that runs the command as a user does."""

    def run(sites: Path, *options: object, **files: Path) -> Done:
        inputs = {"genome": world.genome, "annotation": world.annotation, "model": world.model} | files
        named = [text for name, path in inputs.items() for text in (f"--{name}", path)]
        arguments = ["compare", "--sites", sites, *named, "--out", tmp_path / "out", "--bootstrap", 100, *options]
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.setattr(sys, "argv", ["rnamarks", *map(str, arguments)])
            with pytest.raises(SystemExit) as end:
                main()
        return Done(end.value.code or 0, err.getvalue(), tmp_path / "out")

    return run
