"""Where sequences that are sent to a server lie on a genome."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..prediction.spool import spool_fasta
from ..sites.annotated import find_named, say_drops
from ..sites.annotation import read_annotation
from ..sites.drops import NOTE, Drops
from ..sites.transcript_fasta import read_transcript_fasta
from ..sites.transcripts import build_transcripts
from ..tables import write_parquet
from .results import SEQUENCES, TRANSCRIPTS

MOST_NAMES = 50
"""Names that one scan may be asked about."""


class Places:
    """The transcripts of an annotation.

    Parameters
    ----------
    annotation : path-like
        GTF, GFF3 or UCSC gene table.
    genome : path-like, optional
        FASTA of the same assembly. With it sequences are found without a name, too, one that is another than the
        genome's gets no place, and transcripts can be asked for by name.
    organism : int
        NCBI taxon, 0 if not known.
    assembly : str
        Default the genome's name.
    warn : callable

    Attributes
    ----------
    assembly : str
    has_sequences : bool
        Whether transcripts can be asked for by name.

    Raises
    ------
    InputError
        If a file is at fault, or the two do not fit.
    """

    def __init__(
        self,
        annotation: str | Path,
        genome: str | Path | None = None,
        *,
        organism: int = 0,
        assembly: str = "",
        warn: Callable[[str], None] = print,
    ) -> None:
        drops = Drops()
        self._path = Path(annotation)
        frame = read_annotation(annotation, drops)
        self._lengths: dict[str, int] = {}
        if genome is not None:
            with tempfile.TemporaryDirectory(prefix="rnamarks.") as work:
                frame = build_transcripts(frame, genome, drops, workdir=work, annotation_path=annotation)
            self._lengths = frame.attrs["lengths"]
        say_drops(drops, warn)
        self.assembly = assembly or Path(genome or annotation).name.split(".fa")[0]
        self._frame, self._organism = frame, organism
        self.has_sequences = genome is not None

    def __len__(self) -> int:
        return len(self._frame)

    def sequences_of(self, names: Sequence[str]) -> str:
        """FASTA of transcripts.

        Parameters
        ----------
        names : sequence of str
            See :func:`rnamarks.sites.annotated.find_named`.

        Raises
        ------
        InputError
            If there is none of that name, or too many names.
        """
        if len(names) > MOST_NAMES:
            raise InputError(f"there are {len(names)} names", remedy=f"give up to {MOST_NAMES} at a time")
        chosen = self._frame.iloc[find_named(self._frame, names)]
        return "".join(
            f">{one}\n{letters}\n" for one, letters in zip(chosen["transcript"], chosen["sequence"], strict=True)
        )

    def place(self, folder: Path, maximum: int, warn: Callable[[str], None]) -> tuple[Path, dict[str, Any]]:
        """Write the **transcripts** of a scan's sequences, those without a place included.

        Parameters
        ----------
        folder : Path
            Of the scan.
        maximum : int
            Nucleotides beyond which the sequences are refused.
        warn : callable
            Is told how many have no place.

        Returns
        -------
        source : Path
            What is to be scanned; the sequences themselves where none has a place.
        header : dict
            What the header of bedRMod says.
        """
        source = folder / SEQUENCES
        # whatever was sent: after this it is FASTA and no larger
        spool_fasta(source, folder, 1, maximum=maximum)
        drops = Drops()
        frame = read_transcript_fasta(
            source, drops, annotation=self._frame, annotation_path=self._path, minimum_matched=0
        )
        for row in drops.frame().itertuples():
            if row.reason.startswith(NOTE):
                warn(f"{row.rows:,} sequences: {row.reason.removeprefix(NOTE)}")
        if (frame["chrom"] == "").all():
            return source, {}
        write_parquet(frame, folder / TRANSCRIPTS, {"lengths": self._lengths} if self._lengths else None)
        header = {"assembly": self.assembly, "annotation_source": self._path.name, "annotation_version": "unknown"}
        return folder / TRANSCRIPTS, header | ({"organism": self._organism} if self._organism else {})
