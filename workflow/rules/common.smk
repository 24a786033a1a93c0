import sys
from pathlib import Path

from snakemake.utils import validate

from rnamarks.analyses import Analyses
from rnamarks.configuration import Plan
from rnamarks.errors import InputError
from rnamarks.schema import check_config
from rnamarks.figures.design import Design
from rnamarks.figures.dictionary import TABLES
from rnamarks.figures.provenance import references
from rnamarks.figures.register import FIGURES, figures_of, tables_of
from rnamarks.simulation.mark_tables import file_names
from rnamarks.sources.members import reference_of
from rnamarks.sources.sheet import read_sources

try:
    check_config(config, workflow.source_path("../schemas/config.schema.yaml"), workflow.configfiles)
    validate(config, "../schemas/config.schema.yaml")  # fills in the defaults
    PLAN = Plan(config)
    ANALYSES = Analyses(PLAN)
    SOURCES = {source.name: source for source in read_sources(config["sources"]["sheet"])}
    PLAN.check_sources(SOURCES)
    for reference, species in ANALYSES.references():
        PLAN.locate(reference, SOURCES, species)
    ANALYSES.check_assemblies(SOURCES)
except InputError as error:
    print(f"error: {error}", file=sys.stderr)
    raise SystemExit(error.exit_code) from error


wildcard_constraints:
    run=PLAN.run,
    species="|".join(dict.fromkeys([*PLAN.species, *PLAN.genomes()])),
    model="|".join(PLAN.networks) or "none",
    baseline="|".join(PLAN.baselines) or "none",
    stack="|".join(PLAN.stacks) or "none",
    role="sites|veto",
    setting="[A-Za-z0-9_]+",
    split="paper|guarded",
    seed="[0-9]+",
    transcriptome="|".join(ANALYSES.transcriptomes) or "none",
    predictor="|".join(ANALYSES.predictors) or "none",
    model_name="|".join(ANALYSES.model_names) or "none",
    database="|".join(ANALYSES.databases) or "none",


def locate(reference, species=""):
    """The path of a file named in the configuration: `source:NAME`, `data:PATH` below data_root, or a path."""
    return PLAN.locate(reference, SOURCES, species)


def get_site_tables(wildcards):
    return [locate(entry["table"], wildcards.species) for entry in PLAN.site_tables(wildcards.species, wildcards.role)]


def get_veto(wildcards):
    return [f"results/{wildcards.run}/sites/{head}.{role}.tsv.gz" for head, role in PLAN.vetoing(wildcards.species)]


def get_genome(wildcards):
    return locate(ANALYSES.files_of(wildcards.species)["genome"], wildcards.species)


def get_annotation(wildcards):
    return locate(ANALYSES.files_of(wildcards.species)["annotation"], wildcards.species)


def get_orthologues(wildcards):
    return [f"results/{wildcards.run}/sites/orthologues.tsv"] if config.get("orthologues") else []


def get_window_files(wildcards):
    return [locate(entry["file"], wildcards.species) for entry in PLAN.window_files(wildcards.species)]


def get_windows(wildcards):
    return [f"results/{wildcards.run}/datasets/{species}.windows.parquet" for species in PLAN.species]


def get_drops(wildcards):
    return PLAN.drops_files() + ANALYSES.drops_files()


def get_training_splits(wildcards):
    return [
        f"results/{wildcards.run}/datasets/{species}.split.parquet" for species in PLAN.species_of(wildcards.setting)
    ]


def get_start(wildcards):
    start = PLAN.start_of(wildcards.model, wildcards.split, wildcards.seed)
    return {"start": locate(start)} if start else {}


def get_predictions(wildcards):
    return [run.predictions for run in PLAN.runs]


def get_histories(wildcards):
    return [run.history for run in PLAN.runs if run.history]


def get_released_parts(wildcards):
    return PLAN.released_parts().inputs()


def get_member_runs(wildcards):
    """Runs of the members of a stack: with all seeds of the network, or with the one that the rule is about."""
    parts = PLAN.parts(wildcards.stack, wildcards.setting, wildcards.split)
    seed = wildcards.get("seed")
    return [*(run for run in parts.networks if seed in (None, str(run.seed))), *parts.baselines]


def get_member_predictions(wildcards):
    return [run.predictions for run in get_member_runs(wildcards)]


def get_member_names(wildcards):
    return [run.model for run in get_member_runs(wildcards)]


def get_external_files(wildcards):
    return [locate(part["file"]) for entry in PLAN.external for part in entry["files"]]


def get_predictor_parts(wildcards):
    return ANALYSES.parts(wildcards.model_name).inputs()


def get_null_files(wildcards):
    return [locate(entry["file"]) for entry in PLAN.null_files()]


def get_null_transcripts(wildcards):
    if PLAN.null_files():
        return []
    return [f"results/{wildcards.run}/sites/{name}.transcripts.parquet" for name in PLAN.genomes()]


def get_null_sites(wildcards):
    if PLAN.null_files():
        return []
    return [
        f"results/{wildcards.run}/sites/{head}.{role}.tsv.gz"
        for one in PLAN.species
        for head, role in PLAN.listing(one)
    ]


def get_scanner(wildcards):
    head = ANALYSES.transcriptomes[wildcards.transcriptome].head
    return f"{ANALYSES.model_folder(wildcards.predictor, head)}/weights.safetensors"


def get_scan_annotation(wildcards):
    files = ANALYSES.transcriptomes[wildcards.transcriptome].files
    return [locate(files["annotation"])] if "annotation" in files else []


def get_motif_files(wildcards):
    return [locate(file, wildcards.species) for file in ANALYSES.databases[wildcards.database]["files"]]


def get_species_model(wildcards):
    return model_file((wildcards.predictor, wildcards.species))


def model_file(pair):
    return f"{ANALYSES.model_folder(*pair)}/weights.safetensors"


def filter_file(pair, ending):
    return f"results/{PLAN.run}/interpretation/filters/{pair[0]}.{pair[1]}.{ending}"


def scanned(pairs, ending):
    return [ANALYSES.scanned(transcriptome, predictor, ending) for transcriptome, predictor in pairs]


def get_final_targets():
    return PLAN.targets() + ANALYSES.targets()


DESIGN = Design.from_plan(PLAN)


def get_source_files(wildcards):
    return [locate(entry.reference) for entry in references(PLAN)]


def get_figure_tables(wildcards):
    return [f"results/{wildcards.run}/{TABLES[name].path}" for name in FIGURES[wildcards.figure].tables]


def get_report_tables(wildcards):
    return [f"results/{wildcards.run}/{TABLES[name].path}" for name in tables_of(DESIGN)]


def get_figure_category(wildcards):
    return FIGURES[wildcards.figure].section.capitalize()


def get_figure_labels(wildcards):
    return {
        "figure": FIGURES[wildcards.figure].label,
        "shows": DESIGN.say(FIGURES[wildcards.figure].title),
    }


def get_command():
    settings = workflow.config_settings
    words = ["snakemake", "--cores", "all"]
    words += ["--configfile", *map(str, settings.configfiles)] if settings.configfiles else []
    words += ["--config", *(f"{key}={value}" for key, value in settings.config.items())] if settings.config else []
    return " ".join(words)
