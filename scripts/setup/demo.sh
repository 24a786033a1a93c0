#!/usr/bin/env bash
# Run the workflow on the demo's configuration: demo.sh CORES
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
cores=${1:?usage: demo.sh CORES}
report=results/demo/report.html

# A run that was killed leaves its lock behind. It may be lifted only while nothing else works in this folder.
busy() {
    local process
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/cwd" 2>/dev/null)" = "$root" ] || continue
        tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -qE '(^|/| )snakemake( |$)' && return 0
    done
    return 1
}

[ -f workflow/Snakefile ] || fail "workflow/Snakefile is missing; is this a complete checkout?"
command=(.venv/bin/snakemake --cores "$cores" --configfile config/config.yaml)
if compgen -G '.snakemake/locks/*' >/dev/null; then
    busy && fail "another snakemake is at work in this folder; wait for it, or stop it, then run make demo again."
    "${command[@]}" --unlock >/dev/null
fi
started=$SECONDS
"${command[@]}" || fail "the demo did not finish: the message above names the failed rule and its log. Run make demo again;" \
    "what was finished is kept."
[ -f "$report" ] || fail "the demo ran, but $report was not written."
say "the demo took $((SECONDS - started)) s; open $root/$report"
