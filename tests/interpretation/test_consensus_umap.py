"""The embedding of consensus motifs by UMAP, which takes most of its time to compile, and the script around it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from rnamarks.figures.catalogue.marks_interpretation import TABLES
from rnamarks.interpretation.consensus import cut, embed_words
from rnamarks.interpretation.motif_files import read_own, write_meme
from rnamarks.sequences import decode_windows
from rnamarks.tables import read_tsv, write_parquet

ROOT = Path(__file__).resolve().parents[2]
WINDOW = 41


def test_umap_is_seeded(planted):
    codes, _ = planted.plant("GGACUC", 0, n=24)
    words = cut(codes, np.arange(24), np.full(24, 18), 6)
    first, second = embed_words(words, 3), embed_words(words, 3)
    assert first.shape == (24, 2)
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()


def test_script(planted, tmp_path):
    codes, weights = planted.plant("UGGACUAC", -3, n=30)
    write_parquet(
        pd.concat(
            [planted.attended(codes, weights, "m6A"), planted.attended(codes[:4], weights[:4], "I")], ignore_index=True
        ),
        tmp_path / "attended.parquet",
    )
    both = np.concatenate([codes, planted.others(30)])
    frame = pd.DataFrame(
        {
            "window": [f"w{at}" for at in range(60)],
            "sequence": decode_windows(both),
            "label": (np.arange(60) < 30).astype(int),
            "gene": "",
            "paper": "test",
        }
    )
    for head in ("m6A", "I"):
        write_parquet(frame, tmp_path / f"{head}.parquet")
    write_meme([planted.sharp("motif1", "UGGACUAC")], tmp_path / "m6A.meme")
    write_meme([], tmp_path / "I.meme")
    write_meme(
        [planted.sharp("writer_m6A", "UGGACUAC"), planted.sharp("writer_I", "CCUAGCGU")], tmp_path / "planted.meme"
    )
    outputs = {name: tmp_path / f"out.{name}" for name in ("motifs", "table", "matches", "logos")}
    script = ROOT / "scripts" / "interpretation" / "find_consensus.py"
    snakemake = SimpleNamespace(
        input=SimpleNamespace(
            attended=tmp_path / "attended.parquet",
            splits=[tmp_path / f"{head}.parquet" for head in ("m6A", "I")],
            discovered=[tmp_path / f"{head}.meme" for head in ("m6A", "I")],
            databases=[tmp_path / "planted.meme"],
        ),
        output=SimpleNamespace(**outputs),
        params=SimpleNamespace(
            heads=["m6A", "I"],
            split="paper",
            parts=["test"],
            settings={"count": 1, "eps": 1.0, "members": 8},
            databases=["planted"],
            method="numpy",
            seed=1,
        ),
        log=[tmp_path / "log"],
        threads=1,
    )
    exec(compile(script.read_text(), script, "exec"), {"snakemake": snakemake})
    table, _ = read_tsv(outputs["table"])
    matches, _ = read_tsv(outputs["matches"])
    logos, _ = read_tsv(outputs["logos"])
    for name, frame in (("", table), ("_matches", matches), ("_logos", logos)):
        assert list(frame.columns) == [column.name for column in TABLES[f"marks_consensus{name}"].columns]
    assert table.loc[table["modification"] == "I", "reason"].tolist() == ["fewer than 8 subsequences"]
    best = matches[(matches["database"] == "planted") & (matches["rank"] == 1)].iloc[0]
    assert best["target"] == "writer_m6A"
    assert best["q"] < 0.01
    assert read_own(outputs["motifs"])[0].name == "m6A.attention.1"
