"""Fixtures that several stages use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("RNAMARKS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data are not here: {folder} (set RNAMARKS_SHARED_DATA to the folder)")
    return folder


def pytest_make_parametrize_id(val: object) -> str | None:
    """Packed bytes hold the time of day, which would give each worker other names for the same tests."""
    return f"packed{len(val)}" if isinstance(val, bytes) and val.startswith(b"\x1f\x8b") else None
