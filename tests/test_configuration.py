"""What configurations lead to, one kind of run after the other, and what they cannot ask for."""

from __future__ import annotations

import copy
import json

import pytest
import yaml

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.keys import with_defaults
from rnamarks.references import locate_reference
from rnamarks.run_files import check_files, drops_of, inputs_of, targets_of
from rnamarks.runs import parts_of
from rnamarks.schema import check_config
from rnamarks.sources.sheet import Source


def tables(*names: str) -> list[dict[str, str]]:
    return [{"table": f"{name}.bed", "format": "bed", "name": name} for name in names]


def made(config) -> Analyses:
    return Analyses(Plan(with_defaults(check_config(config))))


@pytest.fixture
def shipped(repository, monkeypatch):
    """Reads a shipped configuration, to be changed."""
    monkeypatch.chdir(repository)
    return lambda name: yaml.safe_load((repository / "config" / name).read_text(encoding="utf-8"))


@pytest.fixture
def several_species(shipped):
    return shipped("config.yaml") | {"stacks": {}}


@pytest.fixture
def several_modifications(shipped):
    return shipped("real/twelve_marks.yaml")


@pytest.fixture
def on_genome(several_modifications):
    """Four modifications with site tables, one with windows."""
    values = copy.deepcopy(several_modifications)
    values["species"] = {"human": {"genome": "g.fa", "annotation": "g.gtf"}}
    values["modifications"] = {
        "m6A": {"sites": tables("clip"), "veto": tables("more")},
        "m6Am": {"sites": tables("ends")},
        "I": {"sites": tables("radar")},
        "m5C": {"sites": tables("bisulfite")},
        "Y": several_modifications["modifications"]["Y"],
    }
    values["settings"] = {"together": {"nearest": 5, "curriculum": "tree"}}
    return values


@pytest.fixture
def mixed(several_species):
    """m6A and pseudouridine in human and mouse, one more spelled out."""
    files = {"genome": "{species}.fa", "annotation": "{species}.gtf"}
    return {
        "run": "mixed",
        "tree": "config/species.nwk",
        "species": {"human": files, "mouse": files, "zebrafish": files},
        "modifications": {
            "m6A": {"species": ["human", "mouse"], "sites": tables("{species}_{modification}")},
            "Y": {"species": ["mouse", "human"], "sites": tables("{species}_{modification}")},
        },
        "tasks": {
            "fish": {
                "species": "zebrafish",
                "modification": "m6A",
                "motif": "GGACT",
                "motif_offset": 2,
                "sites": tables("fish"),
            }
        },
        "orthologues": {"table": "o.tsv", "format": "orthogroups"},
        "models": {"mass": {"network": "mass"}},
        "settings": {"all": {"nearest": 5}, "psi": {"tasks": ["human_Y", "mouse_Y"]}},
        "trainings": [
            {"model": "mass", "setting": name, "schemes": ["paper"], "seeds": [1]} for name in ("all", "psi")
        ],
        "release": {"model": "mass", "setting": "all", "scheme": "paper"},
        "transcriptome": {},
        "capacity": {},
        "proximity": {},
    }


class TestTasks:
    def test_species_with_sites_are_tasks_of_the_runs_modification(self, several_species):
        plan = made(several_species).plan
        assert list(plan.tasks) == ["human", "chimp", "macaque", "mouse", "rat", "pig", "zebrafish"]
        human = plan.tasks["human"]
        assert (human.species, human.modification, human.place) == ("human", "m6A", ("DRACH", 2))
        assert (human.label, human.colour) == ("human", "#0072B2")

    def test_modifications_of_one_species_are_tasks_with_their_own_motifs(self, several_modifications):
        plan = made(several_modifications).plan
        assert list(plan.tasks) == list(several_modifications["modifications"])
        assert plan.tasks["m6A"].place == ("DRACH", 2)
        assert plan.tasks["m6Am"].place == ("BCA", 2)
        assert (plan.tasks["Y"].place, plan.tasks["Y"].label) == (("U", 0), "Ψ")
        assert plan.tasks["m6A"].colour == "#882255"
        assert {task.species for task in plan.tasks.values()} == {"human"}

    def test_a_label_that_is_given_stays_also_where_it_is_the_name(self, mixed):
        assert made(mixed).plan.tasks["fish"].label == "m6A zebrafish"
        mixed["tasks"]["fish"]["label"] = "fish"
        assert made(mixed).plan.tasks["fish"].label == "fish"

    def test_two_modifications_in_several_species(self, mixed):
        analyses = made(mixed)
        plan = analyses.plan
        assert list(plan.tasks) == ["human_m6A", "human_Y", "mouse_m6A", "mouse_Y", "fish"]
        assert plan.tasks["fish"].place == ("GGACU", 2)
        assert plan.tasks["mouse_Y"].label == "Ψ mouse"
        assert {task.colour for task in plan.tasks.values()} == {"#882255", "#6699CC"}
        assert plan.tasks_of("psi") == ["human_Y", "mouse_Y"]
        assert plan.genomes() == ["human", "mouse", "zebrafish"]
        assert {"capacity", "conservation", "transcriptome"} < set(plan.offers)
        assert analyses.transcripts["mouse"].tasks == ("mouse_m6A", "mouse_Y")
        assert ("mouse", "mouse_Y", "released") in analyses.scans()
        assert plan.neighbouring_tasks() == ["human_m6A", "human_Y", "mouse_m6A", "mouse_Y"]
        found = {(entry.role, entry.subject): entry.reference for entry in inputs_of(analyses)}
        assert found["sites", "mouse_Y"] == "mouse_Y.bed"
        assert found["genome", "zebrafish"] == "zebrafish.fa"

    def test_every_list_of_the_same_base_and_species_keeps_a_site_from_being_a_negative(self, on_genome, mixed):
        plan = made(on_genome).plan
        assert plan.vetoing("m6Am") == [("m6A", "sites"), ("m6A", "veto"), ("I", "sites")]
        assert plan.vetoing("m6A") == [("m6A", "veto"), ("m6Am", "sites"), ("I", "sites")]
        assert plan.vetoing("m5C") == []
        assert plan.listing("m5C") == [("m5C", "sites")]
        assert plan.listing("Y") == []
        assert made(mixed).plan.vetoing("human_m6A") == []

    def test_all_modifications_lie_on_one_genome(self, on_genome):
        analyses = made(on_genome)
        assert analyses.plan.genomes() == ["human"]
        assert analyses.plan.assembly_of("human") == "hg19"
        assert drops_of(analyses).count("results/twelve_marks/sites/human.transcripts.drops.tsv") == 1

    def test_windows_in_several_files_are_centred_and_one_set_is_not(self, several_modifications, shipped):
        assert made(several_modifications).plan.tasks["m1A"].centred
        deepm6aseq = made(shipped("real/deepm6aseq.yaml")).plan
        assert not deepm6aseq.tasks["human"].centred
        assert [file["given"] for file in deepm6aseq.window_files("human")] == ["train", "train", "test", "test"]
        files = made(several_modifications).plan.window_files("m6Am")
        assert [(file["given"], file["label"]) for file in files] == [("", 1), ("", 0)]

    def test_sets_of_laboratories_are_read_like_windows(self, shipped):
        config = shipped("real/modifications.yaml")
        analyses = made(config)
        plan = analyses.plan
        assert "laboratories" in plan.offers
        assert f"{plan.folder}/evaluation/laboratories.tsv" in targets_of(analyses)
        by_task = {(entry["task"], entry["name"]): entry for entry in plan.laboratories}
        assert len(by_task) == len(plan.laboratories)
        # what is released was tested elsewhere
        released = plan.tasks_of(plan.released_setting)
        assert all(sum(task == name for task, _ in by_task) > 1 for name in released)
        trna = by_task["Gm", "tRNA"]["files"][0]
        assert trna["codes"] == "source:modomics_codes"
        assert {"source:modomics_codes", trna["file"]} <= {entry.reference for entry in inputs_of(analyses)}
        hela = by_task["Am", "NJU_seq_HeLa"]
        assert (hela["negatives_per_positive"], hela["match_gc"]) == (2, False)
        assert plan.drawing("m7G") == {"negatives_per_positive": None, "match_gc": True}
        wrong = copy.deepcopy(config)
        wrong["laboratories"]["sets"][0]["task"] = "m6Z"
        with pytest.raises(InputError, match="laboratories NJU_seq_HeLa names an unknown task"):
            made(wrong)
        wrong = copy.deepcopy(config)
        wrong["laboratories"]["sets"].append(wrong["laboratories"]["sets"][0])
        with pytest.raises(InputError, match=r"two sets of one name for a task .found 'Am NJU_seq_HeLa'"):
            made(wrong)
        wrong = copy.deepcopy(config)
        wrong["release"]["ranks_only"] = ["m6Z"]
        with pytest.raises(InputError, match="ranks_only names an unknown task"):
            made(wrong)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"modifications": {"m6Z": {"windows": {"files": [{"labelled": "x"}]}}}}, "no modification of that name"),
            ({"modifications": {"m6A": {}}}, "needs either windows or sites"),
            ({"modifications": {"m6A": {"sites": tables("a")}}}, "no genome and annotation"),
            ({"modifications": {}}, "has no task"),
            ({"baselines": ["motif_rule"]}, "one motif"),
            ({"root_species": "cow"}, "root_species is not among the species"),
            ({"tasks": {"x": {"species": "cow", "modification": "Y", "sites": tables("a")}}}, "unknown species"),
            ({"tasks": {"m1A": {"species": "human", "modification": "Y", "sites": tables("a")}}}, "one name"),
            ({"settings": {"together": {"tasks": ["m9Z"]}}}, "setting together names an unknown task"),
            ({"settings": {"together": {}}}, "needs either tasks or nearest"),
        ],
    )
    def test_what_does_not_fit_together_is_refused(self, several_modifications, change, says):
        with pytest.raises(InputError, match=says):
            made(several_modifications | change)

    def test_a_null_world_has_a_run_and_files_of_its_own(self, several_species):
        plan = made(several_species).plan
        assert (plan.run, plan.folder, plan.world) == ("demo", "results/demo", "demo")
        plan = made(several_species | {"null_world": True}).plan
        assert (plan.run, plan.folder, plan.world) == ("demo_null", "results/demo_null", "demo_null")
        assert (
            locate_reference(plan, "resources/{world}/{species}.gaf.gz", {}, "rat") == "resources/demo_null/rat.gaf.gz"
        )
        del several_species["simulation"]
        with pytest.raises(InputError, match="null_world is about a simulated world"):
            made(several_species | {"null_world": True})
        with pytest.raises(InputError, match="files of a simulated world and names none"):
            check_files(made(several_species), {})


class TestOffers:
    def test_what_the_data_do_not_allow_is_left_out_with_a_reason(self, several_modifications):
        plan = made(
            several_modifications | {"proximity": {}, "landscape": {}, "capacity": {}, "transcriptome": {}}
        ).plan
        assert plan.left_out == {
            "transcriptome": "no species has a genome and annotation, and no transcripts are given",
            "landscape": "no species has a genome and annotation",
            "capacity": "no species has a genome and annotation, and no transcripts are given",
            "proximity": "no species has site tables of two modifications",
        }
        assert {"attention", "consensus", "association", "mutations", "student", "significance"} < set(plan.offers)
        assert not {"proximity", "landscape", "capacity"} & set(plan.offers)

    def test_species_can_have_what_modifications_have_and_the_other_way_round(self, several_species, on_genome):
        more = {"student": {}, "significance": {}, "attention": {}, "consensus": {}, "association": {}, "mutations": {}}
        plan = made(several_species | more).plan
        assert set(more) < set(plan.offers)
        assert plan.left_out == {}
        genes = {"transcriptome": {}, "landscape": {}, "capacity": {}, "proximity": {}}
        assert set(genes) < set(made(on_genome | genes).plan.offers)

    def test_conservation_needs_a_modification_in_two_species(self, several_species, on_genome):
        assert "conservation" in made(several_species).plan.offers
        more = {"transcriptome": {}, "capacity": {}, "orthologues": {"table": "x", "format": "compara"}}
        assert "conservation" not in made(on_genome | more).plan.offers

    def test_the_null_takes_only_files_that_hold_negatives(self, several_modifications):
        files = [{"positives": "p.fa", "negatives": "n.fa", "format": "fasta"}]
        plan = made(several_modifications | {"significance": {"windows": files}}).plan
        assert [file["file"] for file in plan.null_files()] == ["n.fa"]


class TestModels:
    def test_the_released_model_lies_in_one_folder_whatever_it_is_called(self, several_species):
        analyses = made(several_species)
        assert analyses.folder("multi", "mouse") == analyses.folder("multi", "human") == "model"
        assert analyses.folder("single", "mouse") == "predictors/single_mouse"
        assert {run.seed for run in analyses.folders["model"]} == {1, 2, 3}
        assert set(analyses.folders) == {"model", *(f"predictors/single_{name}" for name in several_species["species"])}
        assert analyses.record("predictors/single_mouse") == {"model": "mass", "setting": "single", "scheme": "paper"}
        assert analyses.weights("multi", "rat") == "results/demo/model/weights.safetensors"

    def test_every_species_is_scored_by_every_predictor(self, several_species):
        analyses = made(several_species)
        assert analyses.scans()[0] == ("human", "human", "multi")
        assert len(analyses.scans()) == 2 * len(several_species["species"])
        assert all(one.on_genome for one in analyses.transcripts.values())

    def test_further_transcripts_are_built_or_read(self, several_species):
        several_species["transcriptome"] = {
            "more": {
                "given": {"task": "mouse", "transcripts": "x.fa"},
                "built": {"task": "human", "genome": "g.fa", "annotation": "a.gtf", "taxid": 7227, "assembly": "dm6"},
            }
        }
        analyses = made(several_species)
        assert analyses.of_kind("fasta") == ["given"]
        assert analyses.of_kind("genome") == ["built"]
        assert "results/demo/transcriptome/built/human.multi.bedrmod" in targets_of(analyses)
        assert "results/demo/transcriptome/given/mouse.multi.bedrmod" not in targets_of(analyses)
        assert "results/demo/sites/given.transcripts.drops.tsv" in drops_of(analyses)
        assert analyses.origin("built", "human") == {
            "organism": 7227,
            "assembly": "dm6",
            "annotation_source": "a.gtf",
            "annotation_version": "see the file",
            "base": "A",
            "chebi": "21891",
        }

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"predictors": {"x": {"model": "mass", "setting": "species3", "scheme": "paper"}}}, "not trained on"),
            (
                {"predictors": {"x": {"model": "mass", "setting": "species7", "scheme": "paper"}}, "trainings": []},
                "ask",
            ),
            ({"transcriptome": {"more": {"x": {"task": "cow", "transcripts": "x.fa"}}}}, "unknown task"),
            ({"transcriptome": {"more": {"x": {"task": "human", "genome": "x.fa"}}}}, "genome and annotation"),
            ({"transcriptome": {"more": {"mouse": {"task": "human", "transcripts": "x"}}}}, "name of a species"),
            ({"landscape": {}, "attention": {"predictors": ["best"]}}, "attention names an unknown predictor"),
        ],
    )
    def test_names_that_do_not_fit_are_refused(self, several_species, change, words):
        for key in ("release", "line_search"):
            several_species.pop(key)
        with pytest.raises(InputError, match=words):
            made(several_species | change)

    def test_a_section_can_choose_its_predictors(self, several_species):
        several_species["optimisation"]["predictors"] = ["multi"]
        assert {name for name, _ in made(several_species).pairs("optimisation")} == {"multi"}

    def test_peaks_on_another_assembly_than_the_transcripts_are_refused(self, several_species):
        table = {"name": "H3K36me3", "kind": "peaks", "files": ["source:chip"]}
        several_species["regulation"]["tables"] = [table]
        source = Source("chip", "1", "peaks", ("human",), "http://x/y", "", "", None, "hg38", "", "", "y.bed")
        with pytest.raises(
            InputError, match=r"table H3K36me3 .* transcripts of human, which are on hg19 .found 'hg38'"
        ):
            check_files(made(several_species), {"chip": source})
        table["assembly"] = "GRCh37.p13"
        check_files(made(several_species), {"chip": source})
        table["assembly"] = "hg18"
        with pytest.raises(InputError, match="found 'hg18'"):
            check_files(made(several_species), {"chip": source})

    def test_a_training_may_start_from_one_that_started_from_another(self, several_species):
        network = several_species["models"]["mass"]
        models = {
            "mass": network,
            "longer": network | {"start": {"model": "mass", "setting": "species3"}},
            "adapted": network | {"start": {"model": "longer", "setting": "species7"}},
        }
        trainings = [
            {"model": "mass", "setting": "species3", "schemes": ["paper"], "seeds": [1]},
            {"model": "longer", "setting": "species7", "schemes": ["paper"], "seeds": [1]},
            {"model": "adapted", "setting": "single", "tasks": ["rat"], "schemes": ["paper"], "seeds": [1]},
        ]
        only = {"run": "x", **{key: several_species[key] for key in ("species", "simulation", "tree", "settings")}}
        config = only | {"models": models, "trainings": trainings}
        plan = made(config).plan
        assert plan.start_of("adapted", "paper", "1") == "results/x/models/longer/species7/paper/1/weights.safetensors"
        assert plan.start_of("mass", "paper", 1) is None
        with pytest.raises(InputError, match=r"does not ask for .found 'mass/species3/paper/1'"):
            made(config | {"trainings": trainings[1:]})
        models["mass"] = network | {"start": {"model": "adapted", "setting": "single_rat"}}
        with pytest.raises(InputError, match=r"from itself .found 'mass < adapted < longer < mass'"):
            made(config)
        models["mass"] = network | {"start": {"model": "longer"}}
        with pytest.raises(InputError, match="needs a model and a setting, or a folder"):
            made(config)

    def test_what_networks_differ_in_is_known(self, several_modifications):
        settings = made(several_modifications).plan.network_settings()
        otherwise = json.loads(settings["multirm"].pop("otherwise"))
        assert settings["multirm"] == {"network": "multirm", "width": 41, "embedding": "word2vec", "objective": "sum"}
        assert set(otherwise) == {"hyperparameters", "training"}
        assert not {"crop", "embedding", "objective"} & {*otherwise["hyperparameters"], *otherwise["training"]}

    def test_filters_are_those_of_networks_that_begin_with_convolutions_over_the_sequence(self, shipped):
        one = made(shipped("config.yaml"))
        assert "filters" in one.plan.offers
        assert one.filter_pairs() == one.pairs("motifs")
        other = shipped("demo_marks.yaml")
        assert "filters" not in made(other).plan.offers
        assert made(other).filter_pairs() == []
        other["release"] = {"model": "one_hot", "setting": "together", "scheme": "guarded"}
        assert len(made(other).filter_pairs()) == 12


TRANSCRIPTS = {"transcripts": [{"fasta": "t.fa", "annotation": "t.gtf"}]}
SITES = [{"table": "s.bed", "format": "bed", "name": "s"}]
LINES = {"format": "lines", "all": {"positives": "p.txt", "negatives": "n.txt"}}


def sites_of_transcripts(**changes) -> Plan:
    """A run on transcripts without a genome: a network of windows, and trees over its logits."""
    config = {
        "run": "sites",
        "species": {"human": {"assembly": "hg19", "windows": LINES, **TRANSCRIPTS}},
        "tasks": {"m6A": {"species": "human", "modification": "m6A", "sites": SITES}},
        "splits": {"chromosomes": {"one": ["chr1"]}, "apart": {"transcripts": ["human"]}},
        "models": {"windows": {"network": "unanchored"}},
        "trainings": [
            {"model": "windows", "setting": "single", "tasks": ["human"], "schemes": ["paper"], "seeds": [1]}
        ],
        "combiners": {
            "trees": {
                "model": "windows",
                "setting": "single_human",
                "scheme": "paper",
                "tasks": ["m6A"],
                "schemes": ["one"],
                "settings": {"structure": True},
            }
        },
        "release": {"model": "trees", "setting": "single_m6A", "scheme": "one"},
        "significance": {},
    }
    return Plan(with_defaults(check_config(config | changes)))


def test_trees_over_a_network_of_windows_are_a_model_of_their_own():
    plan = sites_of_transcripts()
    (run,) = plan.find_runs("trees", "single_m6A", "one")
    parts = parts_of(plan, "trees", "single_m6A", "one")
    assert [one.stem for one in parts.networks] == ["windows/single_human/paper/1"]
    assert (
        parts.inputs()["combiner"]
        == [run.weights]
        == ["results/sites/models/trees/single_m6A/one/0/combiner.safetensors"]
    )
    assert "significance" in plan.offers
    analyses = Analyses(plan)
    assert analyses.shipped() == ["model"]
    assert analyses.tasks_of("model") == ["m6A"]
    assert analyses.from_fasta() == ["human"]
    assert {entry.reference for entry in inputs_of(analyses)} >= {"t.fa", "t.gtf", "s.bed", "p.txt"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"splits": {"chromosomes": {"one": ["chr1"]}}}, "add human to splits.apart.transcripts"),
        ({"splits": {"apart": {"transcripts": ["human"]}}}, "names an unknown scheme of splitting"),
        ({"splits": {"chromosomes": {"one": ["chr1"]}, "apart": {"transcripts": ["yeast"]}}}, "without transcripts"),
        (
            {
                "splits": {"chromosomes": {"one": ["chr1"]}, "apart": {"transcripts": ["human"], "shared": 41}},
                "window": 31,
            },
            "windows of 31 nt have no 41 nt in common with a transcript",
        ),
        ({"release": {"model": "trees", "setting": "single_m6A", "scheme": "one", "also": ["x"]}}, "unknown predictor"),
        (
            {"combiners": {"trees": {"tasks": ["m6A"], "schemes": ["one"]}}},
            "reads a network's logits exactly if it has a model",
        ),
        (
            {
                "combiners": {
                    "trees": {"tasks": ["human"], "schemes": ["one"], "settings": {"logits": False, "letters": 2}}
                }
            },
            "without places on transcripts",
        ),
        (
            {"combiners": {"trees": {"model": "windows", "tasks": ["m6A"], "schemes": ["one"]}}},
            "reads a training that the configuration does not ask for",
        ),
        (
            {
                "combiners": {
                    "trees": {"tasks": ["m6A"], "schemes": ["one"], "settings": {"logits": False, "letters": 2}}
                }
            },
            "a combiner without a network",
        ),
        (
            {"species": {"human": {"assembly": "hg19", "genome": "g.fa", "windows": LINES, **TRANSCRIPTS}}},
            "give either transcripts, or genome and annotation",
        ),
        (
            {"species": {"human": {"assembly": "hg19", "extend": {"three": 9}, "windows": LINES, **TRANSCRIPTS}}},
            r"besides what belongs to a genome .found 'extend'",
        ),
    ],
)
def test_models_of_sites_that_cannot_be(changes, says):
    with pytest.raises(InputError, match=says):
        sites_of_transcripts(**changes)
