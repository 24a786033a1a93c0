"""Files of folders and archives: the same whatever packs them, and a damaged archive is named."""

from __future__ import annotations

import tarfile
import zipfile

import pytest

from rnamarks.archives import files_of, is_collection, shown_as
from rnamarks.errors import InputError

NAMES = ("b/x.txt", "b/._x.txt", "a.txt", "b/c/y.txt", "z.csv")


@pytest.fixture
def packed(tmp_path):
    """A folder, a zip and two tar archives of the same files, put in in an order that is not that of their names."""
    folder = tmp_path / "folder"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in NAMES:
            archive.write(folder / name, name)
    for ending, mode in ((".tar", "w"), (".tar.gz", "w:gz")):
        with tarfile.open(tmp_path / f"x{ending}", mode) as archive:
            for name in NAMES:
                archive.add(folder / name, f"./{name}")
    return [folder, *(tmp_path / f"x{ending}" for ending in (".zip", ".tar", ".tar.gz"))]


def test_a_folder_and_archives_hold_the_same_files_in_the_same_order(packed):
    for path in packed:
        assert is_collection(path)
        read = [(shown, real.read_text()) for shown, real in files_of(path, lambda name: name.suffix == ".txt")]
        assert read == [(path / name, name) for name in ("a.txt", "b/c/y.txt", "b/x.txt")]
        assert list(files_of(path, lambda name: False)) == []


def test_a_damaged_archive_is_named(packed, tmp_path):
    for path in packed[1:]:
        whole = path.read_bytes()
        short = tmp_path / f"short{path.name.removeprefix('x')}"
        short.write_bytes(whole[: len(whole) // 3])
        assert is_collection(short)
        with pytest.raises(InputError, match=f"^{short}: not a tar or zip archive, or a damaged one; fetch it again"):
            list(files_of(short, lambda name: True))


def test_a_flipped_byte_in_a_zip_is_noticed(packed):
    path = packed[1]
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        data[archive.getinfo("a.txt").header_offset + 30 + len("a.txt") + 1] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="or a damaged one"):
        list(files_of(path, lambda name: name.name == "a.txt"))


def test_a_zip_whose_list_of_files_is_damaged_or_that_cannot_be_unpacked_is_named(packed):
    path, whole = packed[1], packed[1].read_bytes()
    central = whole.index(b"PK\x01\x02")
    data = bytearray(whole)
    data[central] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=f"^{path}: not a tar or zip archive, or a damaged one"):
        list(files_of(path, lambda name: True))
    # a password, and a method that is none
    for offset, value in ((6, 1), (8, 97)):
        data = bytearray(whole)
        data[offset] = data[central + 2 + offset] = value
        path.write_bytes(bytes(data))
        with pytest.raises(InputError, match=f"^{path}: the archive needs a password, or .*give the folder"):
            list(files_of(path, lambda name: True))


def test_nothing_is_written_outside_of_the_temporary_folder(tmp_path):
    (tmp_path / "evil.txt").write_text("evil")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "evil.txt", "../../evil2.txt")
    with pytest.raises(InputError, match="or a damaged one"):
        list(files_of(tmp_path / "x.tar", lambda name: True))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../evil2.txt", "evil")
    [(_, real)] = [(shown, real.name) for shown, real in files_of(tmp_path / "x.zip", lambda name: True)]
    assert real == "evil2.txt"
    assert not list(tmp_path.rglob("evil2.txt"))


def test_a_plain_file_is_no_collection(tmp_path):
    (tmp_path / "x.dbn").write_text(">a\nACGU\n....\n")
    assert not is_collection(tmp_path / "x.dbn")
    assert not is_collection(tmp_path / "missing.dbn")


def test_errors_are_about_the_file_that_is_shown(tmp_path):
    shown, real = tmp_path / "x.zip" / "a.txt", tmp_path / "a.txt"
    with pytest.raises(InputError, match=f"^{shown}:3: odd \\(found 'b'\\); mend it"), shown_as(shown, real):
        raise InputError("odd", path=real, line=3, value="b", remedy="mend it")
    with pytest.raises(InputError, match=r"^odd"), shown_as(shown, real):
        raise InputError("odd")
