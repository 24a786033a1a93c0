"""Fixtures of the stage of sites."""

from __future__ import annotations

import pytest

from rnamarks.sites.drops import Drops
from rnamarks.sites.modifications import load_modifications
from rnamarks.sites.readers import LAYOUT_READERS, READERS


@pytest.fixture(scope="session")
def shared_cases(shared_data):
    """The folder of small faulty inputs beside that of real data; tests that need it are skipped without it."""
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"the faulty inputs are not here: {folder}")
    return folder


@pytest.fixture(scope="session")
def modifications(repository):
    """The sheet of modifications, by name."""
    return load_modifications(repository / "config" / "modifications.tsv")


@pytest.fixture
def read(modifications):
    """A site table read in a format: the table, and rows by what became of them."""

    def run(form, path, assembly="hg19", modification=None, **layout):
        if modification is None:
            modification = "I" if form in {"radar", "redi"} else "m6A"
        drops = Drops()
        options = {"assembly": assembly, "modification": modifications[modification]} | layout
        frame = (LAYOUT_READERS if layout else READERS)[form](path, drops.scope("read", "human", "S"), **options)
        counts = dict(zip(drops.frame()["reason"], drops.frame()["rows"], strict=True))
        assert counts["kept"] == len(frame)
        return frame, counts

    return run
