#!/usr/bin/env bash
# Run the workflow on the configurations of the demo: demo.sh CORES
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
cores=${1:?usage: demo.sh CORES}
# name of the run and its configuration
demos=("demo config/config.yaml" "demo_marks config/demo_marks.yaml" "demo_language config/demo_language.yaml")

[ -f workflow/Snakefile ] || fail "workflow/Snakefile is missing; is this a complete checkout?"
started=$SECONDS
for demo in "${demos[@]}"; do
    read -r run config <<<"$demo"
    command=(.venv/bin/snakemake --cores "$cores" --configfile "$config")
    "${command[@]}" || fail "the demo did not finish: the message above names the failed rule and its log. Run make demo" \
        "again; what was finished is kept."
    [ -f "results/$run/report.html" ] || fail "the demo ran, but results/$run/report.html was not written."
    say "$config took $((SECONDS - started)) s so far"
done
say "a 3' UTR whose m6A was measured, and a tRNA, scanned by models that come along:"
for model in m6a modifications; do
    command=(.venv/bin/rnamarks scan workflow/rnamarks/server/example.fa --model "$model" --view)
    "${command[@]}" 2>/dev/null || fail "the scan did not work; this says why: ${command[*]}"
done
for demo in "${demos[@]}"; do
    say "open $root/results/${demo%% *}/report.html"
done
