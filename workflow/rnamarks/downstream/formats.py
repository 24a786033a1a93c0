"""Readers of published examples: base pairs, labels and values of RNA.

A reader takes files by role and gives rows as they are published; letters, copies, lengths and folds are the business
of :mod:`rnamarks.downstream.examples`. Roles ``train``, ``valid`` and ``test`` are parts of a published split.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, about
from ..files import open_text
from ..registry import Register
from ..sequences import read_records
from ..structure.pairs import Structure, partners_of, read_brackets, read_folder
from ..tables import read_tsv
from .rows import AGAIN, check_roles, csv_rows, frame_of, parse_number, part_of
from .splitting import SPLITS

EXAMPLE_FORMATS: Register = Register("format of examples", "EXAMPLE_FORMATS")
TARGET_COLUMNS = {"pairs": "partners", "label": "label", "value": "value"}

Files = Mapping[str, Sequence[Path]]
Count = Callable[[str, int], None]


@dataclass
class Published:
    """What a reader found.

    Attributes
    ----------
    rows : pandas.DataFrame
        ``example``, ``sequence`` as written, ``family``, ``part`` (``train``, ``valid``, ``test`` of the published
        split, or ``""``) and ``partners`` (arrays of 0-based partners, -1 for none), ``label`` (text) or ``value``
        (float).
    whole : bool
        Whether a guarded fold keeps a family together, besides what is similar.
    transferred : str
        Beginning of the names of examples of another experiment, which are in no guarded fold; ``""`` for none.
    folds : dict of str to numpy.ndarray, shape=(n_rows,)
        Further published folds, parts as in ``part``.
    conflicts : str
        What becomes of copies of a sequence: ``differing`` ones leave where their answers differ; ``all`` leave.
    """

    rows: pd.DataFrame
    whole: bool = False
    transferred: str = ""
    folds: dict[str, np.ndarray] = field(default_factory=dict)
    conflicts: str = "differing"


@EXAMPLE_FORMATS.add("archiveii")
def read_archiveii(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """ArchiveII as CSV with ``id``, ``sequence``, ``base_pairs`` (1-based), and folds that leave one family out.

    Roles: ``structures``; ``folds``, a CSV with ``fold``, ``partition`` and ``id``, optional. The family is the text
    before the first ``_`` of the id. Pseudoknots count.
    """
    check_roles(files, ["structures"], ["folds"])
    rows: list[tuple] = []
    for path, number, row in csv_rows(files["structures"], ["id", "sequence", "base_pairs"]):
        length = len(row["sequence"])
        try:
            pairs = np.array(json.loads(row["base_pairs"]), dtype=np.int64).reshape(-1, 2) - 1
        except (ValueError, TypeError) as error:
            raise InputError(
                "not a list of pairs", path=path, line=number, value=row["base_pairs"], remedy=AGAIN
            ) from error
        if len(pairs) and (pairs.min() < 0 or pairs.max() >= length or len(np.unique(pairs)) < pairs.size):
            raise InputError(
                "a pair is out of the sequence, or a nucleotide has two", path=path, line=number, value=row["id"],
                remedy=AGAIN,
            )  # fmt: skip
        rows.append((row["id"], row["sequence"], row["id"].partition("_")[0], "", partners_of(pairs, length)))
    found = Published(frame_of(rows, "partners"))
    if "folds" in files:
        parts: dict[str, dict[str, str]] = {}
        for path, number, row in csv_rows(files["folds"], ["fold", "partition", "id"]):
            parts.setdefault(row["fold"], {})[row["id"]] = part_of(row["partition"], path, number)
        found.folds = {name: found.rows["example"].map(of).fillna("").to_numpy(object) for name, of in parts.items()}
    return found


@EXAMPLE_FORMATS.add("bprna_json")
def read_bprna_json(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """Lines of ``{"seq": …, "label": dot-bracket}``, as in the RNA genomic benchmark.

    Roles: ``train``, ``valid``, ``test``.
    """
    rows = []
    for role, path, number, row in _json_lines(files, ["seq", "label"]):
        pairs = _brackets(row["label"], row["seq"], path, number)
        rows.append((f"{role}_{number}", row["seq"], "", role, partners_of(pairs, len(row["seq"]))))
    return Published(frame_of(rows, "partners"))


@EXAMPLE_FORMATS.add("bprna_dbn")
def read_bprna_dbn(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """bpRNA's structures: ``.dbn`` or ``.st`` files, plain or gzipped, or folders or zip or tar archives of them.

    Roles: ``structures``; ``splits``, optional, a CSV with ``id`` and ``partition``. The partitions ``TR0``, ``VL0``
    and ``TS0`` are training, validation and test; without ``splits`` an RNA is in that after which a folder of the
    archive is called, as in SPOT-RNA's. RNAs that are in no partition, or in another, are in the guarded fold alone.
    An RNA has the name in its file, or that of its file. The family is the source that bpRNA names in it (``RFAM``,
    ``CRW``, …).
    """
    check_roles(files, ["structures"], ["splits"])
    parts = dict(zip(("TR0", "VL0", "TS0"), SPLITS, strict=True))
    given = {row["id"]: row["partition"] for _, _, row in csv_rows(files.get("splits", []), ["id", "partition"])}
    rows = []
    for path in files["structures"]:
        for one, origin in read_folder(path, (".dbn", ".st")):
            folder = next((name for name in origin.parts[len(path.parts) : -1] if name in parts), "")
            part = parts.get(given.get(one.name, "") if "splits" in files else folder, "")
            rows.append((one.name, one.sequence, "".join(one.name.split("_")[1:2]), part, _single(one, origin)))
    return Published(frame_of(rows, "partners"))


@EXAMPLE_FORMATS.add("structures")
def read_structure_files(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """``.dbn``, ``.st``, ``.bpseq`` and ``.ct`` files, folders or tar or zip archives of them.

    Roles: any; those of ``train``, ``valid`` and ``test`` are parts. ``families``, optional, is a TSV with ``example``
    and ``family``, which a guarded fold keeps together.
    """
    families: dict[str, str] = {}
    for path in files.get("families", []):
        table, _ = read_tsv(path, ["example", "family"], dtype={"example": str, "family": str})
        families |= dict(zip(table["example"], table["family"], strict=True))
    rows = []
    for role, paths in files.items():
        for path in paths if role != "families" else []:
            for one, origin in read_folder(path):
                part = role if role in SPLITS else ""
                rows.append((one.name, one.sequence, families.get(one.name, ""), part, _single(one, origin)))
    return Published(frame_of(rows, "partners"), whole=bool(families))


@EXAMPLE_FORMATS.add("splice_json")
def read_splice_json(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """Lines of ``{"sequence": …, "name": chrom_position, "label": 0 or 1}``; roles ``train``, ``valid``, ``test``.

    Windows that overlap on a chromosome are one family, and a guarded fold keeps them together.
    """
    rows = []
    places = []
    for role, path, number, row in _json_lines(files, ["sequence", "name", "label"]):
        chrom, _, position = str(row["name"]).rpartition("_")
        if row["label"] not in (0, 1) or not position.isdecimal():
            raise InputError(
                "not a window with a label 0 or 1 and a name like chrom1_7300",
                path=path,
                line=number,
                value=f"{row['label']}, {row['name']}",
                remedy=AGAIN,
            )
        rows.append((f"{role}_{row['name']}", row["sequence"], "", role, str(row["label"])))
        places.append((chrom, int(position), len(row["sequence"])))
    frame = frame_of(rows, "label")
    frame["family"] = _overlapping(pd.DataFrame(places, columns=["chrom", "start", "length"]))
    return Published(frame, whole=True)


@EXAMPLE_FORMATS.add("mrl_random")
def read_mrl(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """Mean ribosome load of random 5′UTRs (``utr``, ``total``, ``rl``) and of human variants (``utr``, ``hrl``,
    ``mother``).

    Roles: ``random``; ``human``, optional. The paper tests on the UTRs of deepest coverage. Here these are the tenth
    with the largest ``total`` (reads, or their fraction: only the order counts). With ``human`` there is the further
    fold ``human``: trained and validated on the same random UTRs, tested on human ones, whose family is the mother
    sequence, and which are in no other fold. All copies of a UTR that occurs several times leave, as in the released
    code.
    """
    check_roles(files, ["random"], ["human"])
    rows, depth = [], []
    for path, number, row in csv_rows(files["random"], ["utr", "total", "rl"]):
        rows.append((f"random_{number - 1}", row["utr"], "", "train", parse_number(row["rl"], path, number)))
        depth.append(parse_number(row["total"], path, number))
    deepest = np.argsort(-np.array(depth), kind="stable")[: len(rows) // 10]
    for path, number, row in csv_rows(files.get("human", []), ["utr", "hrl", "mother"]):
        mother = row["mother"].upper().replace("T", "U")
        rows.append((f"human_{number - 1}", row["utr"], mother, "", parse_number(row["hrl"], path, number)))
    frame = frame_of(rows, "value")
    frame.loc[deepest, "part"] = "test"
    folds = {}
    if files.get("human"):
        held = np.where(frame["part"] == "test", "", frame["part"])
        folds["human"] = np.where(frame["example"].str.startswith("human_"), "test", held)
    return Published(frame, transferred="human_", folds=folds, conflicts="all")


@EXAMPLE_FORMATS.add("nrc")
def read_nrc(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """FASTA whose headers are a name, a blank and a class; roles ``train``, ``valid``, ``test``.

    The family is the Rfam accession before the first ``_`` of the name. A guarded fold does not keep it together,
    because classes such as 5S rRNA are one family.
    """
    check_roles(files, [], SPLITS)
    rows = []
    for role in files:
        for path in files[role]:
            for record in read_records(path, clean=False):
                words = record.header.split()
                if len(words) != 2:
                    raise InputError(
                        "not a name and a class", path=path, line=record.line, value=record.header, remedy=AGAIN
                    )
                rows.append((words[0], record.sequence, words[0].partition("_")[0], role, words[1]))
    return Published(frame_of(rows, "label"))


@EXAMPLE_FORMATS.add("table")
def read_table(files: Files, entry: Mapping[str, Any], count: Count, seed: int) -> Published:
    """TSV with ``sequence`` and ``structure`` (dot-bracket), ``label`` or ``value``, and if wanted ``example``,
    ``family`` and ``part`` (``train``, ``valid``, ``test``).

    Roles: any; those of ``train``, ``valid`` and ``test`` are parts. ``columns`` of the entry names columns that are
    called otherwise, such as ``{value: mrl}``. A guarded fold keeps families together.
    """
    target = entry["target"]
    answer = "structure" if target == "pairs" else target
    names = {name: name for name in ("example", "sequence", "family", "part", answer)} | dict(
        entry.get("columns") or {}
    )
    rows = []
    for role, paths in files.items():
        for path in paths:
            needed = [names["sequence"], names[answer]]
            table, metadata = read_tsv(path, needed, dtype=dict.fromkeys(names.values(), str))
            for number, row in enumerate(table.fillna("").to_dict("records"), 2 + len(metadata)):
                sequence, text = row[names["sequence"]], row[names[answer]]
                if not sequence or not text:
                    raise InputError("a sequence or its answer is missing", path=path, line=number, remedy="fill it")
                if target == "pairs":
                    value: Any = partners_of(_brackets(text, sequence, path, number), len(sequence))
                else:
                    value = parse_number(text, path, number) if target == "value" else text
                part = row.get(names["part"], "") or (role if role in SPLITS else "")
                name = row.get(names["example"], "") or f"{role}_{len(rows) + 1}"
                family = row.get(names["family"], "")
                rows.append((name, sequence, family, part and part_of(part, path, number), value))
    return Published(frame_of(rows, TARGET_COLUMNS[target]), whole=True)


def _json_lines(files: Files, keys: Sequence[str]) -> Iterator[tuple[str, Path, int, dict[str, Any]]]:
    check_roles(files, [], SPLITS)
    for role in files:
        for path in files[role]:
            with open_text(path) as handle:
                for number, line in enumerate(handle, 1):
                    if not line.strip():
                        continue
                    try:
                        row = json.loads(line)
                        missing = [key for key in keys if key not in row]
                    except (ValueError, TypeError) as error:
                        raise InputError(
                            "not a line of JSON", path=path, line=number, value=line[:60], remedy=AGAIN
                        ) from error
                    if missing:
                        raise InputError(f"the line lacks {', '.join(missing)}", path=path, line=number, remedy=AGAIN)
                    yield role, path, number, row


def _brackets(text: str, sequence: str, path: Path, line: int) -> np.ndarray:
    if len(text) != len(sequence):
        what = f"{len(sequence)} nt and {len(text)} signs"
        raise InputError(what, path=path, line=line, value=text, remedy="give one sign per nucleotide")
    with about(path=path, line=line):
        return read_brackets(text)


def _single(one: Structure, path: Path) -> np.ndarray:
    if len(np.unique(one.pairs)) < one.pairs.size:
        raise InputError("a nucleotide has two partners", path=path, value=one.name, remedy="leave the structure out")
    return partners_of(one.pairs, len(one.sequence))


def _overlapping(places: pd.DataFrame) -> np.ndarray:
    """A name per run of windows of which each overlaps the one before, in the order of the rows."""
    ordered = places.sort_values(["chrom", "start"], kind="stable")
    ends = (ordered["start"] + ordered["length"]).groupby(ordered["chrom"]).cummax().groupby(ordered["chrom"]).shift(1)
    begins = ~(ordered["start"] < ends)
    names = (ordered["chrom"] + ":" + ordered["start"].astype(str)).where(begins).ffill()
    return names.sort_index().to_numpy(object)
