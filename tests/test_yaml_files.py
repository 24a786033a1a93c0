"""Every key of a YAML file comes once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rnamarks.errors import InputError
from rnamarks.yaml_files import check_repeated_keys, read_yaml

ROOT = Path(__file__).resolve().parents[1]


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "c.yaml").write_text(text)
    return tmp_path / "c.yaml"


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("species:\n  human: 1\nwindow: 51\nspecies:\n  mouse: 1\n", 4, "species"),
        ("a:\n  b:\n    c: 1\n    d: 1\n    c: 2\n", 5, "a.b.c"),
        ("a:\n  - b: 1\n    b: 2\n", 3, "a.b"),
        ("a: {b: 1, b: 1}\n", 1, "a.b"),
        ("1: x\n'1': y\n", 2, "1"),
    ],
)
def test_a_repeated_key_is_named_with_its_line(tmp_path, text, line, key):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=rf"c\.yaml:{line}: the key {key} is already in line \d; keep one of them"):
        read_yaml(path)
    with pytest.raises(InputError):
        check_repeated_keys([path])


def test_the_same_key_in_different_blocks_and_merged_blocks_are_fine(tmp_path):
    path = write(tmp_path, "base: &base {x: 1, y: 2}\na:\n  <<: *base\n  x: 3\nb: *base\n")
    assert read_yaml(path) == {"base": {"x": 1, "y": 2}, "a": {"x": 3, "y": 2}, "b": {"x": 1, "y": 2}}


def test_numbers_with_an_exponent_are_numbers(tmp_path):
    text = "a: 1e-3\nb: 1E5\nc: -2.5e+1\nd: .5e1\ne: 1e\nf: e3\ng: 12\nh: '1e3'\n"
    found = read_yaml(write(tmp_path, text))
    assert found == {"a": 0.001, "b": 1e5, "c": -25.0, "d": 5.0, "e": "1e", "f": "e3", "g": 12, "h": "1e3"}


@pytest.mark.parametrize("text", ["a: [1, 2\nb: 3\n", "a: b: c\n", "\tx: 1\n", "a: *nothing\n"])
def test_what_is_no_yaml_is_refused_with_its_line(tmp_path, text):
    with pytest.raises(InputError, match=r"c\.yaml:\d: the file is no YAML: "):
        read_yaml(write(tmp_path, text))


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    assert read_yaml(write(tmp_path, "")) is None


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configurations_are_read_as_snakemake_reads_them(path):
    assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8"))
