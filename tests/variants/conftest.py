"""The model that variants are scored with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import variant_world as world


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return world.build_model(tmp_path_factory.mktemp("model"))
