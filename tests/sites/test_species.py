"""The register of species."""

from __future__ import annotations

import pytest

from rnamarks.errors import InputError
from rnamarks.sites.species import COLUMNS, read_species, select_species

HEADER = "\t".join(COLUMNS)
LINE = "human\tHomo sapiens\t9606\thg19\tHomo_sapiens\t#0072B2"


def register(tmp_path, *lines, header=HEADER):
    path = tmp_path / "species.tsv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_shipped_register_names_the_species_and_assemblies_of_the_papers_and_the_real_runs(repository):
    species = {entry.species: entry for entry in read_species(repository / "config" / "species.tsv")}
    assert {name: entry.assembly for name, entry in species.items()} == {
        "human": "hg19",
        "chimp": "panTro4",
        "macaque": "rheMac8",
        "mouse": "mm10",
        "rat": "rn5",
        "pig": "susScr3",
        "zebrafish": "danRer10",
        "fly": "dm6",
        "worm": "ce11",
        "yeast": "R64-1-1",
        "arabidopsis": "TAIR10",
    }
    assert species["zebrafish"].taxid == 7955
    assert len({entry.colour for entry in species.values()}) == 11


def test_comment_lines_blank_lines_and_other_column_orders_are_read(tmp_path):
    columns = list(reversed(COLUMNS))
    path = register(tmp_path, "", "\t".join(reversed(LINE.split("\t"))), header="# made by hand\n" + "\t".join(columns))
    (entry,) = read_species(path)
    assert (entry.species, entry.taxid, entry.colour) == ("human", 9606, "#0072B2")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (LINE.replace("9606", "human"), "taxid"),
        (LINE.replace("#0072B2", "blue"), "colour"),
        (LINE.replace("human", "Human"), "species"),
        (LINE.replace("Homo_sapiens", "Homo sapiens"), "tree_name"),
        (LINE + "\t", "7 fields"),
        (LINE.replace("human", "man"), "is already in line 2"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path, line, says):
    path = register(tmp_path, LINE, line)
    with pytest.raises(InputError, match=says) as caught:
        read_species(path)
    assert caught.value.line == 3
    assert str(path) in str(caught.value)


def test_missing_and_unknown_columns_and_an_empty_register_are_refused(tmp_path):
    with pytest.raises(InputError, match="lacks colour"):
        read_species(register(tmp_path, header="\t".join(COLUMNS[:-1])))
    with pytest.raises(InputError, match="unknown"):
        read_species(register(tmp_path, header="\t".join([*COLUMNS, "note"])))
    with pytest.raises(InputError, match="holds no species"):
        read_species(register(tmp_path))


def test_selection_keeps_the_asked_order_and_names_what_there_is(repository):
    entries = read_species(repository / "config" / "species.tsv")
    assert [entry.species for entry in select_species(entries, ["rat", "human"])] == ["rat", "human"]
    with pytest.raises(InputError, match="choose one of human, chimp"):
        select_species(entries, ["dog"])
    with pytest.raises(InputError, match="twice"):
        select_species(entries, ["rat", "rat"])
