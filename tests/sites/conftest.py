"""Fixtures of the stage of sites."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def shared_cases(shared_data):
    """The folder of small faulty inputs beside that of real data; tests that need it are skipped without it."""
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"the faulty inputs are not here: {folder}")
    return folder
