"""The embedding of consensus motifs by UMAP, which takes most of its time to compile, and the script around it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnamarks.dictionary import column_names
from rnamarks.interpretation.consensus import cut, embed_kmers
from rnamarks.interpretation.motif_files import read_own, write_meme
from rnamarks.sequences import decode_windows
from rnamarks.tables import read_tsv, write_parquet
from rnamarks.tasks import Task

WINDOW = 41


@pytest.mark.slow
def test_umap_is_seeded(planted):
    codes, _ = planted.plant("GGACUC", 0, n=24)
    words = cut(codes, np.arange(24), np.full(24, 18), 6)
    first, second = embed_kmers(words, 3), embed_kmers(words, 3)
    assert first.shape == (24, 2)
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()


@pytest.mark.slow
def test_script(planted, tmp_path, run_script):
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
    for task in ("m6A", "I"):
        write_parquet(frame, tmp_path / f"{task}.parquet")
    write_meme([planted.sharp("motif1", "UGGACUAC")], tmp_path / "m6A.meme")
    write_meme([], tmp_path / "I.meme")
    write_meme(
        [planted.sharp("writer_m6A", "UGGACUAC"), planted.sharp("writer_I", "CCUAGCGU")], tmp_path / "planted.meme"
    )
    outputs = {name: tmp_path / f"out.{name}" for name in ("motifs", "consensus", "matches", "logos")}
    tasks = [Task(name, modification=name) for name in ("m6A", "I", "Y")]
    write_parquet(frame, tmp_path / "Y.parquet")
    write_meme([], tmp_path / "Y.meme")
    run_script(
        "find_consensus",
        tmp_path,
        inputs={
            "attended": tmp_path / "attended.parquet",
            "splits": [tmp_path / f"{task.name}.parquet" for task in tasks],
            "discovered": [tmp_path / f"{task.name}.meme" for task in tasks],
            "databases": [tmp_path / "planted.meme"],
        },
        outputs=outputs,
        params={
            "tasks": [task.record() for task in tasks],
            "pairs": [["multi", task.name, "paper"] for task in tasks],
            "settings": {"count": 1, "eps": 1.0, "members": 8},
            "draws": 0,
            "databases": ["planted"],
            "database_species": [""],
            "seed": 1,
        },
    )
    table, matches, logos = (read_tsv(outputs[name])[0] for name in ("consensus", "matches", "logos"))
    for name, frame in (("", table), ("_matches", matches), ("_logos", logos)):
        assert list(frame.columns) == column_names(f"consensus{name}")
    reasons = table.set_index("task")["reason"]
    assert reasons["I"] == "fewer than 8 subsequences"
    assert reasons["Y"] == "no window called"
    best = matches[(matches["database"] == "planted") & (matches["rank"] == 1)].iloc[0]
    assert best["target"] == "writer_m6A"
    assert best["own"]
    assert best["q"] < 0.01
    assert read_own(outputs["motifs"])[0].name == "multi.m6A.attention.1"
