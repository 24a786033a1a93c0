"""Simulated worlds that several tests look at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnamarks.sites.species import read_species, select_species
from rnamarks.training.tree import read_tree
from rnamarks_simulation.downstream import write_downstream
from rnamarks_simulation.world import simulate

NAMES = ["human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish"]


@pytest.fixture(scope="session")
def register(repository):
    return read_species(repository / "config" / "species.tsv")


@pytest.fixture(scope="session")
def tree(repository):
    return read_tree(repository / "config" / "species.nwk")


@pytest.fixture(scope="session")
def world(register, tree):
    return simulate(select_species(register, NAMES), tree, seed=1, second_lab_species="mouse")


@pytest.fixture(scope="session")
def human_worlds(register, tree):
    """One species under several seeds."""
    return [simulate(select_species(register, ["human"]), tree, seed=seed) for seed in (11, 12, 13)]


@pytest.fixture(scope="session")
def downstream(world, tmp_path_factory):
    """Folder with the files of the analyses after prediction."""
    folder = tmp_path_factory.mktemp("downstream")
    write_downstream(world, folder)
    return folder


@pytest.fixture(scope="session")
def null_downstream(world, tmp_path_factory):
    """The same of the null world: no draw of these files looks at the labels, the flag alone decides."""
    folder = tmp_path_factory.mktemp("null")
    write_downstream(replace(world, null=True), folder)
    return folder
