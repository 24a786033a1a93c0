"""Series, labels, colours and the ladder of settings follow from the configuration."""

from __future__ import annotations

import json

from rnamarks.figures.design import Design, colour_tasks, name_tasks
from rnamarks.figures.palette import shade
from rnamarks.tasks import Task


def test_order_and_labels(design):
    assert design.names == design.species == ("human", "chimp", "mouse")
    assert (design.word, design.words) == ("species", "species")
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
    assert design.colour("human") == "#0072B2"
    assert design.label("mean") == "mean"


def test_record_survives_json(design):
    assert Design.from_record(json.loads(json.dumps(design.record()))) == design


def test_schemes_of_a_series(design):
    assert design.find(("mass", "all")).schemes == ("paper", "guarded")
    assert [series.setting for series in design.on("guarded")] == ["all", "single", "single"]


def test_without_a_release_the_model_of_most_species_is_recommended(make):
    design = Design.from_plan(make(release=None, external=[]))
    assert design.recommended == ("mass", "all")
    assert "release" not in design.offers


def test_without_networks_nothing_is_recommended(make):
    design = Design.from_plan(make(trainings=[], models={}, settings={}, release=None, external=[]))
    assert design.best is None
    assert design.ladder() == []
    assert design.headline() == []


def test_an_unknown_species_gets_a_spare_colour(make):
    design = Design.from_plan(make(("human", "axolotl"), tree="", trainings=[], release=None, external=[]))
    assert design.colour("axolotl").startswith("#")
    assert design.colour("axolotl") != design.colour("human")


def test_two_settings_of_equal_size_are_told_apart(make, plan):
    pair = {"pair": {"tasks": ["human", "mouse"], "curriculum": "tree"}}
    more = {"model": "mass", "setting": "pair", "schemes": ["paper"], "seeds": [1]}
    changed = make(settings=plan.config["settings"] | pair, trainings=[*plan.config["trainings"], more])
    labels = [series.label for series in Design.from_plan(changed).series]
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
    assert (design.best.tasks, design.best.schemes) == (("human", "mouse"), ("paper", "guarded"))
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


def test_stacks_of_one_species_each_are_one_series(make):
    stack = {"members": ["kmer_logistic", "mass"], "setting": "single", "schemes": ["paper"]}
    series = Design.from_plan(make(stacks={"stacked": stack})).find(("stacked", "single"))
    assert (series.label, series.trunk) == ("MASS + k-mer logistic regression, one species", "mass")
    assert series.tasks == ("human", "chimp")


def test_known_networks_look_the_same_in_every_run(make, plan, design):
    networks = {"other": {"network": "mass"}, "deepm6aseq": {"network": "deepm6aseq"}, "mass": {"network": "mass"}}
    first = {"model": "other", "setting": "all", "schemes": ["paper"], "seeds": [1]}
    changed = make(models=networks, trainings=[first, *plan.config["trainings"]])
    turned = {series.key: series.colour for series in Design.from_plan(changed).series}
    for series in design.series:
        assert turned[series.key] == series.colour
    assert turned["other", "all"] not in {series.colour for series in design.series}


def test_the_row_of_nested_sets_follows_the_curriculum_that_most_have(make, plan):
    others = {name: entry | {"curriculum": "proportional"} for name, entry in plan.config["settings"].items()}
    settings = others | {"turns": plan.config["settings"]["turns"]}
    series = {
        entry.setting: entry for entry in Design.from_plan(make(settings=settings)).series if entry.model == "mass"
    }
    assert [setting for setting, entry in series.items() if entry.nested] == ["single", "two", "all"]
    assert series["all"].label == "MASS, 3 species"
    assert series["turns"].label == "MASS, 3 species, round robin"


def test_two_modifications_in_two_species(mixed):
    design, _ = mixed
    assert (design.word, design.words) == ("task", "tasks")
    assert (design.species, design.modifications) == (("human", "mouse"), ("m6A", "Y"))
    assert design.several_species
    assert design.several_modifications
    assert len({task.colour for task in design.tasks}) == 4
    assert design.best.label == "MASS, 4 tasks"
    assert design.label("mouse_Y") == design.task("mouse_Y").label == "Ψ mouse"
    assert design.ordered({"mouse_Y", "mean", "human_m6A"}) == ["human_m6A", "mouse_Y"]
    assert Design.from_record(json.loads(json.dumps(design.record()))) == design


def test_the_word_is_what_tells_tasks_apart():
    def named(*tasks):
        return name_tasks([Task(f"t{at}", **entry) for at, entry in enumerate(tasks)])[0]

    human, mouse = {"species": "human"}, {"species": "mouse"}
    assert named(human | {"modification": "m6A"}, mouse | {"modification": "m6A"}) == "species"
    assert named(human | {"modification": "m6A"}, human | {"modification": "Y"}) == "modification"
    assert named({"modification": "m6A"}, {"modification": "Y"}) == "modification"
    assert (
        named(human | {"modification": "m6A"}, human | {"modification": "Y"}, mouse | {"modification": "Y"}) == "task"
    )
    assert named(human | {"modification": "m6A"}, mouse | {"modification": "Y"}) == "task"
    assert named({}, {}) == "task"
    assert named(human | {"modification": "m6A"}) == "species"


def test_tasks_of_one_colour_get_shades_of_it():
    tasks = colour_tasks([Task("a", colour="#882255"), Task("b"), Task("c", colour="#882255"), Task("d")])
    assert tasks[0].colour == "#882255"
    assert tasks[2].colour == shade("#882255", -0.5)
    assert len({task.colour for task in tasks}) == 4
    assert len({task.colour for task in colour_tasks([Task(f"t{at}", colour="#882255") for at in range(9)])}) == 9
