import sys
from functools import cache
from pathlib import Path

import rnamarks
from rnamarks.analyses import Analyses
from rnamarks.clusters import check_partitions, partitions_here, status_command_here
from rnamarks.configuration import Plan
from rnamarks.dictionary.tables import TABLES
from rnamarks.errors import InputError
from rnamarks.figures.catalogue import FIGURES, SECTIONS, figures_of, sections_of, tables_of, tables_read
from rnamarks.figures.design import Design
from rnamarks.fingerprint import fingerprint
from rnamarks.keys import with_defaults
from rnamarks.locks import join_runs
from rnamarks.machine import check_gpu, check_machine
from rnamarks.references import locate_reference
from rnamarks.run_files import check_files, check_mirror, check_mirrored, drops_of, inputs_of, targets_of
from rnamarks.runs import parts_of
from rnamarks.schema import check_config, placed
from rnamarks.sources.members import reference_of
from rnamarks.sources.sheet import read_sources
from rnamarks.training.settings import TrainingSettings
from rnamarks.window_entries import references_of
from rnamarks.yaml_files import check_repeated_keys
from rnamarks_simulation.files import files_of as simulated_files
from rnamarks_simulation.parameters import check_world

try:
    check_repeated_keys(workflow.configfiles)
    config.update(with_defaults(check_config(config, workflow.configfiles)))
    if "simulation" in config:
        check_world(config["simulation"], list(config["species"]))
    PLAN = Plan(config)
    ANALYSES = Analyses(PLAN)
    SOURCES = {source.name: source for source in read_sources(config["sources"]["sheet"])}
    check_files(ANALYSES, SOURCES)
    # a job of a cluster may be where neither mirror nor conda is, and need neither
    if workflow.is_main_process:
        check_mirror(ANALYSES, SOURCES)
        check_machine([PLAN.folder, f"logs/{PLAN.run}"], map(str, workflow.deployment_settings.deployment_method))
        # open to the end of this process, so that a run that was killed needs no --unlock
        ALIVE = join_runs(Path(".snakemake"))
except InputError as error:
    print(f"error: {placed(error, workflow.configfiles, config)}", file=sys.stderr)
    raise SystemExit(error.exit_code) from error
for section, reason in PLAN.left_out.items():
    print(f"{section} is left out: {reason}", file=sys.stderr)

DESIGN = Design.from_plan(PLAN)
RUN = PLAN.folder
HERE = Path(rnamarks.__file__).parents[1]
# one switch: resources.device decides the environment of every rule that computes with torch, and whether it gets a GPU
GPUS = int(config["resources"]["device"].startswith("cuda"))
TORCH = f"../../envs/torch{'_gpu' if GPUS else ''}.yaml"


wildcard_constraints:
    run=PLAN.run,
    task="|".join(PLAN.tasks) or "none",
    species="|".join(PLAN.species) or "none",
    transcripts="|".join(dict.fromkeys([*PLAN.genomes(), *ANALYSES.transcripts])) or "none",
    model="|".join(PLAN.networks) or "none",
    baseline="|".join(PLAN.baselines) or "none",
    stack="|".join(PLAN.stacks) or "none",
    combiner="|".join(PLAN.combiners) or "none",
    role="sites|veto",
    setting="[A-Za-z0-9_]+",
    scheme="|".join(PLAN.schemes),
    seed="[0-9]+",
    predictor="|".join(ANALYSES.predictors) or "none",
    folder="|".join(ANALYSES.folders) or "none",
    database="|".join(ANALYSES.databases) or "none",
    language="|".join(PLAN.language.models) or "none",
    downstream="|".join(PLAN.language.downstream) or "none",
    fold="|".join(dict.fromkeys(run.fold for run in PLAN.language.runs)) or "none",


def memory(base, per_mb=0, per_window=0):
    """Megabytes to ask for, more with each attempt: a base, so many per MB of input, and per window of a training step.

    Measured, with benchmarks/resources.py, on the sizes that docs/results.md names.
    """
    return lambda wildcards, input, attempt: int(
        (base + per_mb * input.size_mb + (per_window and per_window * get_batch_size(wildcards))) * attempt
    )


def minutes(base, per_mb=0):
    """Minutes to ask for, more with each attempt: a base, and so many per MB of input."""
    return lambda wildcards, input, attempt: int((base + per_mb * input.size_mb) * attempt)


def locate(reference, name=""):
    """The path of a file named in the configuration: `source:NAME`, or a path."""
    return locate_reference(PLAN, reference, SOURCES, name)


def bare(*names):
    """Tasks as params of rules that their labels and colours do not matter to; all without names."""
    looks = ("label", "colour")
    return [{key: value for key, value in record.items() if key not in looks} for record in PLAN.records(names or None)]


def code_of(*modules):
    """Digests of modules that a script imports by their names, which the digest of the script itself leaves out.

    A rule has them in `chosen`, of all networks, baselines and figures it rests on those that it uses.
    """
    return [code_of_one(module) for module in modules]


@cache
def code_of_one(module):
    return fingerprint(module, HERE)


def code_of_predictors(*names):
    """`code_of` the networks, and of a stack the baselines, of predictors."""
    return code_of(*PLAN.modules_of(*(ANALYSES.predictors[name]["model"] for name in names)))


def laboratory_tasks():
    return list(dict.fromkeys(entry["task"] for entry in PLAN.laboratories))


def splits_of(tasks):
    return [f"{RUN}/datasets/{task}.split.parquet" for task in tasks]


def get_site_tables(wildcards):
    return [locate(entry["table"], wildcards.task) for entry in PLAN.site_tables(wildcards.task, wildcards.role)]


def get_task_genome(wildcards):
    """The genome that sites are held against; none where transcripts are given, which they are held against later."""
    species = PLAN.tasks[wildcards.task].species
    return [locate(one, species) for one in PLAN.transcript_files(species).get("genome", [])]


def get_transcript_files(wildcards):
    name = wildcards.transcripts
    return {role: [locate(one, name) for one in files] for role, files in ANALYSES.files_of(name).items()}


def get_training_splits(wildcards):
    return splits_of(PLAN.tasks_of(wildcards.setting))


def get_batch_size(wildcards):
    """Windows of a training step; of a line search, which has no wildcard model, the most that it tries."""
    model = wildcards.get("model")
    tried = [] if model else config["line_search"]["grid"].get("training.batch_size", [])
    training = PLAN.networks[model or PLAN.line_search.model].get("training", {})
    return max([training.get("batch_size", TrainingSettings.batch_size), *tried])


def get_start(wildcards):
    start = PLAN.start_of(wildcards.model, wildcards.scheme, wildcards.seed)
    return {"start": locate(start)} if start else {}


def get_combined_runs(wildcards):
    """The trainings, one per seed, whose logits a combiner reads."""
    return parts_of(PLAN, wildcards.combiner, wildcards.setting, wildcards.scheme).networks


def get_combined(wildcards):
    """Weights that a combiner reads logits of, and those that their trainings began with."""
    runs = get_combined_runs(wildcards)
    starts = [PLAN.start_of(run.model, run.scheme, run.seed) for run in runs]
    return {"weights": [run.weights for run in runs], "starts": [locate(start) for start in starts if start]}


def get_trunk(wildcards):
    """The language model under the heads of a network, if it has one; of a line search, which has no wildcard model,
    under those of its network."""
    folder = PLAN.trunk_of(wildcards.get("model") or PLAN.line_search.model)
    files = {"trunk": "weights.safetensors", "trunk_config": "config.json"}
    return {name: locate(f"{folder}/{file}") for name, file in files.items()} if folder else {}


def get_member_runs(wildcards):
    """Runs of the members of a stack: with all seeds of the network, or with the one that the rule is about."""
    parts = parts_of(PLAN, wildcards.stack, wildcards.setting, wildcards.scheme)
    seed = wildcards.get("seed")
    return [*(run for run in parts.networks if seed in (None, str(run.seed))), *parts.baselines]


def get_member_predictions(wildcards):
    return [run.predictions for run in get_member_runs(wildcards)]


def get_member_names(wildcards):
    return [run.model for run in get_member_runs(wildcards)]


def get_parts(wildcards):
    return ANALYSES.parts(wildcards.folder).inputs()


def get_own_predictions(wildcards):
    return [run.predictions for run in ANALYSES.folders[wildcards.folder]]


def get_scored(wildcards):
    """The model that gives the logits of a scan."""
    folder = ANALYSES.folder(wildcards.predictor, wildcards.task)
    return {"weights": f"{RUN}/{folder}/weights.safetensors", "config": f"{RUN}/{folder}/config.json"}


def get_scanner(wildcards):
    """:func:`get_scored`, and with it the null distribution if it has one."""
    has_null = ANALYSES.folder(wildcards.predictor, wildcards.task) == "model" and "significance" in PLAN.offers
    return get_scored(wildcards) | ({"null": f"{RUN}/model/null.safetensors"} if has_null else {})


def get_model(wildcards):
    return ANALYSES.weights(wildcards.predictor, wildcards.task)


def models_of(section):
    """Weights of the models that a section looks into, one per predictor and task."""
    return [ANALYSES.weights(*pair) for pair in ANALYSES.pairs(section)]


def predictors_of(section):
    return [predictor for predictor, _ in ANALYSES.pairs(section)]


def tasks_of(section):
    return [task for _, task in ANALYSES.pairs(section)]


def with_scheme(pairs):
    """(predictor, task) and the scheme that the predictor was trained on."""
    return [[predictor, task, ANALYSES.predictors[predictor]["scheme"]] for predictor, task in pairs]


def databases():
    """Motif databases: files, names and species, in one order."""
    sets = ANALYSES.motif_sets()
    return {
        "files": [ANALYSES.motif_file(*entry, "meme") for entry in sets],
        "names": [name for _, name in sets],
        "species": [species for species, _ in sets],
    }


def null_transcripts(folder):
    """Which of the rule's transcripts the unmodified sites of a model's tasks lie on."""
    genomes = PLAN.genomes()
    return {task: genomes.index(PLAN.tasks[task].species) for task in ANALYSES.tasks_of(folder)}


def get_listed(wildcards):
    """Site tables that say which nucleotides are modified in the ways of a model's tasks; none beside window files."""
    if PLAN.null_files():
        return []
    tasks = ANALYSES.tasks_of(wildcards.folder)
    return [f"{RUN}/sites/{task}.{role}.tsv.gz" for one in tasks for task, role in PLAN.listing(one)]


def get_rna(part):
    """Input files of the sources of a corpus, or of the sets judged, by name."""
    files = PLAN.language.rna_files(part)
    return lambda wildcards: {name: [locate(one) for one in references] for name, references in files.items()}


def get_tuned(wildcards):
    """The run of a language model that a downstream rule is about."""
    return PLAN.language.run(wildcards.downstream, wildcards.fold, wildcards.predictor, wildcards.seed)


def get_language_model(wildcards):
    """The pre-trained model that a fine-tuning begins with; controls of random weights read no more than sizes."""
    run = get_tuned(wildcards)
    begun = PLAN.language.pretraining(run.language, run.seed)
    if not run.is_random:
        return {"model": begun.weights}
    return {} if run.language in PLAN.language.trained else {"config": begun.config}


def get_scratch_sizes(wildcards):
    """Sizes of controls of random weights where the configuration says them."""
    run = get_tuned(wildcards)
    known = run.is_random and run.language in PLAN.language.trained
    return PLAN.language.sizes_of(run.language) if known else {}


def get_table(name):
    return f"{RUN}/{TABLES[name].path}"


def get_command():
    settings = workflow.config_settings
    words = ["snakemake", "--cores", "all"]
    words += ["--configfile", *map(str, settings.configfiles)] if settings.configfiles else []
    words += ["--config", *(f"{key}={value}" for key, value in settings.config.items())] if settings.config else []
    return " ".join(words)
