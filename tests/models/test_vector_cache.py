"""Vectors on disk are those of the model, computed once, and never half there."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from checkpoints import built
from rnamarks.errors import explain
from rnamarks.models.language import Language
from rnamarks.models.packing import Pack
from rnamarks.models.tokens import tokenise
from rnamarks.models.vector_cache import cached_vectors

SEQUENCES = ["ACGUACGUNN", "GGG", "AUG" * 30, "ACGUACGUAC", "GGG", "A"]


def cached(folder, sequences=SEQUENCES, weights="one", **options):
    lines = []
    found = cached_vectors(built(), weights, sequences, folder, report=lines.append, **options)
    return found, lines


@pytest.mark.parametrize(("pool", "precision", "tolerance"), [("tokens", "float32", 1e-5), ("cls", "float16", 2e-3)])
def test_vectors_are_those_of_the_model_and_computed_once(tmp_path, pool, precision, tolerance):
    found, lines = cached(tmp_path, pool=pool, precision=precision, tokens=20)
    assert "vectors of 5 sequences" in lines[0]
    model = built()
    for sequence in SEQUENCES:
        with torch.no_grad():
            expected = model.trunk(Pack.of([tokenise(sequence)])).numpy()
        expected = expected if pool == "tokens" else expected[:1]
        assert found[sequence].shape == expected.shape
        np.testing.assert_allclose(found[sequence], expected, atol=tolerance)
    again, lines = cached(tmp_path, SEQUENCES[::-1], pool=pool, precision=precision)
    assert lines == []
    np.testing.assert_array_equal(again["GGG"], found["GGG"])
    for changes in ({"weights": "two"}, {"sequences": SEQUENCES[1:]}):
        _, lines = cached(tmp_path, pool=pool, precision=precision, **changes)
        assert len(lines) == 1
    assert len(list(tmp_path.iterdir())) == 3


def test_the_same_weights_with_other_heads_have_vectors_of_their_own(tmp_path):
    sizes = {"width": 16, "blocks": 1}
    models = [Language({"masked": {"target": "masked"}}, heads=heads, **sizes).eval() for heads in (2, 4)]
    models[1].load_state_dict(models[0].state_dict())
    for model in models:
        found = cached_vectors(model, "one", SEQUENCES, tmp_path, precision="float32", report=len)
        with torch.no_grad():
            expected = model.trunk(Pack.of([tokenise("AUG" * 30)])).numpy()
        np.testing.assert_allclose(found["AUG" * 30], expected, atol=1e-5)


def test_a_full_disk_leaves_nothing_and_is_one_sentence(tmp_path):
    cached(tmp_path / "whole")
    [file] = (tmp_path / "whole").iterdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size - 100, hard))
    try:
        with pytest.raises(OSError, match=r"\.npy") as caught:
            cached(tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(explain(caught.value)).startswith(
        f"{tmp_path}/full/{file.name}: the file would be larger than is allowed"
    )
    assert list((tmp_path / "full").iterdir()) == []
    assert len(cached(tmp_path / "full")[1]) == 1


CHILD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from test_vector_cache import cached
write = np.lib.format.write_array_header_2_0
def killed(handle, header):
    write(handle, header)
    handle.flush()
    os.kill(os.getpid(), signal.SIGKILL)
np.lib.format.write_array_header_2_0 = killed
cached(sys.argv[2])
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_nothing_that_is_read(tmp_path):
    here = os.path.dirname(__file__)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, os.path.dirname(here)])}
    done = subprocess.run([sys.executable, "-c", CHILD, here, str(tmp_path)], check=False, env=environment)
    assert done.returncode == -signal.SIGKILL
    left = list(tmp_path.iterdir())
    assert left
    assert not [path for path in left if path.suffix == ".npy"]
    found, lines = cached(tmp_path)
    assert len(lines) == 1
    assert found["A"].shape == (3, 80)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]
