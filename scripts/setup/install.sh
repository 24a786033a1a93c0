#!/usr/bin/env bash
# Install the pinned Python environment into .venv of this checkout.
#
#   PYTHON           interpreter to build on (default: the first fit one on PATH)
#   TORCH_BUILD      cpu or gpu (default: gpu where nvidia-smi lists a device)
#   TORCH_INDEX_URL  package index to take torch alone from
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

lock=requirements/lock.txt
stamp=$venv/.lock-$(cat "$lock" pyproject.toml | sha256sum | cut -d ' ' -f 1)
# Outside .venv, so that it outlives an environment that was removed half-way.
marker=$tools/.installing

# An environment breaks when its checkout is moved: the scripts in bin/ name their interpreter by its full path.
healthy() {
    "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 &&
        head -n 3 "$venv/bin/pip" 2>/dev/null | grep -qF -- "$venv/bin/"
}

up_to_date() {
    [ -e "$stamp" ] && [ ! -e "$marker" ] && healthy || return 1
    [ -z "${TORCH_BUILD:-}" ] || [ "$TORCH_BUILD" = "$(cat "$stamp")" ]
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# The lock is known to have wheels up to 3.13; a newer Python may have to compile some, so it comes last.
find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        case $(version_of "$PYTHON") in
            3.1[1-9] | 3.[2-9][0-9]) echo "$PYTHON" ;;
            *) fail "PYTHON=$PYTHON is not a Python 3.11 or newer; unset PYTHON or name another interpreter." ;;
        esac
        return
    fi
    for name in python3 python3.13 python3.12 python3.11; do
        case $(command -v "$name" >/dev/null && version_of "$name") in
            3.1[1-3])
                echo "$name"
                return
                ;;
        esac
    done
    for name in python3 python3.14; do
        case $(command -v "$name" >/dev/null && version_of "$name") in
            3.1[4-9] | 3.[2-9][0-9])
                echo "$name"
                return
                ;;
        esac
    done
    fail "no Python 3.11 or newer was found on PATH. Get one in any of these ways, then run make again:" \
        "Debian 12, Ubuntu 24.04 or newer, as root: apt-get install python3 python3-venv" \
        "conda:                                     conda create -n rnamarks python=3.11 && conda activate rnamarks" \
        "pyenv:                                     pyenv install 3.11 && pyenv shell 3.11" \
        "anywhere else on this machine:             make PYTHON=/path/to/python3.11 ..."
}

has_pip() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

# Debian splits ensurepip off into python3-venv. Without it pip comes from whatever else can give it.
make_venv() {
    local python=$1
    if [ -e "$venv" ] || [ -L "$venv" ]; then
        local old
        old=$(mktemp -d "$tools/.old-XXXXXX")
        mv "$venv" "$old/"
        rm -rf "$old"
    fi
    "$python" -m venv "$venv" >/dev/null 2>&1 && has_pip && return
    rm -rf "$venv"
    if command -v virtualenv >/dev/null && virtualenv --quiet --python "$python" "$venv" && has_pip; then return; fi
    rm -rf "$venv"
    if command -v uv >/dev/null && uv venv --quiet --seed --python "$python" "$venv" && has_pip; then return; fi
    rm -rf "$venv"
    if "$python" -m venv --without-pip "$venv" >/dev/null 2>&1; then
        if "$python" -m pip --python "$venv/bin/python" install --quiet pip >/dev/null 2>&1 && has_pip; then return; fi
        say "this Python has no ensurepip; fetching pip from the package archive"
        local wheels
        wheels=$(mktemp -d "$tools/.pip-XXXXXX")
        if fetch_debs "$wheels" python3-pip-whl; then
            local wheel
            wheel=$(find "$wheels" -name 'pip-*.whl' | head -n 1)
            if [ -n "$wheel" ] && "$venv/bin/python" "$wheel/pip" install --quiet --no-index "$wheel" && has_pip; then
                rm -rf "$wheels"
                return
            fi
        fi
        rm -rf "$wheels"
    fi
    rm -rf "$venv"
    fail "$python cannot make a virtual environment with pip. Get what it lacks in any of these ways, then run make again:" \
        "Debian, Ubuntu, as root: apt-get install python$(version_of "$python")-venv" \
        "without root:            put virtualenv, uv or conda's python on PATH" \
        "another interpreter:     make PYTHON=/path/to/python3.11 ..."
}

# Nothing of the user's own pip set-up but its indexes may reach in here.
pip() { PIP_USER=no PIP_REQUIRE_VIRTUALENV=no "$venv/bin/python" -m pip "${quiet[@]}" --disable-pip-version-check --no-input "$@"; }
quiet=()
[ -t 1 ] || quiet=(--quiet)

wanted_build() {
    if [ -n "${TORCH_BUILD:-}" ]; then
        echo "$TORCH_BUILD"
    elif compgen -G "$venv/.lock-*" >/dev/null; then
        cat "$venv"/.lock-* | head -n 1
    elif command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then
        echo gpu
    else
        echo cpu
    fi
}

# What torch needs is in the lock, and what a CUDA build needs besides is resolved with it: hence --no-deps.
install_torch() {
    local build=$1 version
    version=$(sed -n 's/^torch==//p' "$lock")
    if [ -n "${TORCH_INDEX_URL:-}" ]; then
        say "torch $version from TORCH_INDEX_URL"
        pip install --no-deps --index-url "$TORCH_INDEX_URL" "torch==$version"
    elif [ "$build" = gpu ]; then
        say "torch $version, build with GPU support"
        # A CPU build in a local wheel folder sorts above the plain version and would be taken instead.
        pip install --no-deps "torch==$version,!=$version+cpu"
    else
        say "torch $version, CPU build"
        if pip install --no-deps "torch==$version+cpu" 2>"$tools/.torch.log"; then
            rm -f "$tools/.torch.log"
            return
        fi
        say "the configured indexes have no CPU-only build; taking the ordinary one, which may be larger" \
            "(TORCH_INDEX_URL=... names an index that has it)"
        pip install --no-deps "torch==$version"
    fi
}

case ${TORCH_BUILD:-} in
    '' | cpu | gpu) ;;
    *) fail "TORCH_BUILD=$TORCH_BUILD is neither cpu nor gpu." ;;
esac
up_to_date && exit 0
take_turns install
up_to_date && exit 0

started=$SECONDS
if ! healthy || { [ -e "$marker" ] && ! "$venv/bin/python" scripts/setup/intact.py; }; then
    python=$(find_python)
    touch "$marker"
    say "making .venv with $python ($(version_of "$python"))"
    make_venv "$python"
fi
touch "$marker"
build=$(wanted_build)
install_torch "$build" ||
    fail "torch could not be installed: see pip's message above; is the package index reachable (pip config list)?"
say "the packages of $lock (a few minutes the first time)"
pip install --use-pep517 --requirement "$lock" ||
    fail "the packages of $lock could not be installed: see pip's message above; nothing is lost, run make again."
pip install --no-deps --no-build-isolation --editable . ||
    fail "rnamarks itself could not be installed into .venv: see pip's message above."
rm -f "$venv"/.lock-*
echo "$build" >"$stamp"
rm -f "$marker"
say "Python packages are in .venv ($((SECONDS - started)) s)"
