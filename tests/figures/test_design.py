"""Series, labels, colours and the ladder of settings follow from the configuration."""

from __future__ import annotations

import json

from rnamarks.configuration import Plan
from rnamarks.figures.design import Design


def test_order_and_labels(design):
    assert design.species == ("human", "chimp", "mouse")
    assert [series.label for series in design.series] == [
        "MASS, one species",
        "MASS, 2 species",
        "MASS, 3 species",
        "MASS, 3 species, round robin",
        "DeepM6ASeq, one species",
        "prevalence",
        "k-mer logistic regression",
    ]
    assert design.best.label == "MASS, 3 species"
    assert design.ladder()[0].label == "DeepM6ASeq, one species"
    assert [entry.setting for entry in design.ladder()][1:] == ["single", "two", "all", "turns"]


def test_every_series_has_its_own_look(design):
    looks = [(series.colour, series.marker) for series in design.series]
    assert len(set(looks)) == len(looks)
    assert design.colours["human"] == "#0072B2"


def test_record_survives_json(design):
    assert Design.from_record(json.loads(json.dumps(design.record()))) == design


def test_splits_of_a_series(design):
    assert design.find(("mass", "all")).splits == ("paper", "guarded")
    assert [series.setting for series in design.on("guarded")] == ["all", "single", "single"]


def test_without_a_release_the_model_of_most_species_is_recommended(configure):
    design = Design.from_plan(Plan(configure(release=None, external=[])))
    assert design.recommended == ("mass", "all")
    assert not design.released


def test_without_networks_nothing_is_recommended(configure):
    design = Design.from_plan(Plan(configure(trainings=[], models={}, settings={}, release=None, external=[])))
    assert design.best is None
    assert design.ladder() == []
    assert design.headline() == []


def test_an_unknown_species_gets_a_spare_colour(configure):
    config = configure(("human", "axolotl"), tree="", trainings=[], release=None, external=[])
    design = Design.from_plan(Plan(config))
    assert design.colours["axolotl"].startswith("#")
    assert design.colours["axolotl"] != design.colours["human"]


def test_two_settings_of_equal_size_are_told_apart(configure):
    config = configure()
    config["settings"] = config["settings"] | {"pair": {"species": ["human", "mouse"], "curriculum": "tree"}}
    config["trainings"] = [
        *config["trainings"],
        {"model": "mass", "setting": "pair", "splits": ["paper"], "seeds": [1]},
    ]
    labels = [series.label for series in Design.from_plan(Plan(config)).series]
    assert len(set(labels)) == len(labels)
    assert "MASS, pair" in labels


def test_a_stack_follows_its_network(stacked):
    design, _ = stacked
    assert [(series.kind, series.label) for series in design.series] == [
        ("network", "MASS, one species"),
        ("network", "MASS, 2 species"),
        ("network", "DeepM6ASeq, one species"),
        ("stack", "MASS + k-mer logistic regression, 2 species"),
        ("baseline", "prevalence"),
        ("baseline", "k-mer logistic regression"),
    ]
    assert design.best.key == ("stacked", "both")
    assert (design.best.species, design.best.splits) == (("human", "mouse"), ("paper", "guarded"))
    assert [series.model for series in design.headline()] == ["stacked", "mass", "mass", "deepm6aseq"]
    assert [series.key for series in design.ladder()] == [
        ("deepm6aseq", "single"),
        ("mass", "single"),
        ("mass", "both"),
        ("stacked", "both"),
    ]
    assert [series.nested for series in design.ladder()][1:] == [True, True, False]
    looks = {(series.colour, series.marker) for series in design.series}
    assert len(looks) == len(design.series)
    assert Design.from_record(json.loads(json.dumps(design.record()))) == design


def test_stacks_of_one_species_each_are_one_series(configure):
    config = configure(
        stacks={"stacked": {"members": ["kmer_logistic", "mass"], "setting": "single", "splits": ["paper"]}}
    )
    series = Design.from_plan(Plan(config)).find(("stacked", "single"))
    assert (series.label, series.trunk) == ("MASS + k-mer logistic regression, one species", "mass")
    assert series.species == ("human", "chimp")


def test_known_networks_look_the_same_in_every_run(configure, design):
    config = configure(models={"other": {"network": "mass"}, "deepm6aseq": {}, "mass": {}})
    config["trainings"].insert(0, {"model": "other", "setting": "all", "splits": ["paper"], "seeds": [1]})
    turned = {series.key: series.colour for series in Design.from_plan(Plan(config)).series}
    for series in design.series:
        assert turned[series.key] == series.colour
    assert turned["other", "all"] not in {series.colour for series in design.series}


def test_the_row_of_nested_sets_follows_the_curriculum_that_most_have(configure):
    config = configure()
    for setting in ("two", "all"):
        config["settings"][setting]["curriculum"] = "proportional"
    series = {entry.setting: entry for entry in Design.from_plan(Plan(config)).series if entry.model == "mass"}
    assert [setting for setting, entry in series.items() if entry.nested] == ["single", "two", "all"]
    assert series["all"].label == "MASS, 3 species"
    assert series["turns"].label == "MASS, 3 species, round robin"
