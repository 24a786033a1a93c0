# Shared by install.sh and tools.sh; sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
venv=$root/.venv
tools=$root/.tools

# The environment is closed: no module of another installation may leak into it.
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# Two runs in one checkout wait for each other; the lock goes away with the process that holds it.
take_turns() {
    mkdir -p "$tools"
    if command -v flock >/dev/null; then
        exec 8>"$tools/.turn-$1"
        flock -n 8 || {
            say "waiting for another set-up of this checkout"
            flock 8
        }
    fi
}

# fetch_debs FOLDER PACKAGE...: unpack Debian packages below FOLDER without being root and without touching the system.
fetch_debs() {
    local folder=$1 work options
    shift
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    work=$(mktemp -d "$tools/.debs-XXXXXX")
    options=(-qq -o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
    if ! (cd "$work" && apt-get "${options[@]}" download "$@") >"$work/log" 2>&1; then
        say "asking the package archive for its index (kept inside the checkout)"
        mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
        options+=(
            -o Dir::State="$work/state" -o Dir::State::lists="$work/state/lists" -o Dir::State::status=/var/lib/dpkg/status
            -o Dir::Cache="$work/cache" -o Dir::Cache::archives="$work/cache/archives" -o Acquire::Languages=none
        )
        # One unreachable third-party archive makes update fail; what counts is whether the packages can be had.
        apt-get "${options[@]}" update >>"$work/log" 2>&1 || true
        if ! (cd "$work" && apt-get "${options[@]}" download "$@") >>"$work/log" 2>&1; then
            tail -n 5 "$work/log" | sed 's/^/    /' >&2
            rm -rf "$work"
            return 1
        fi
    fi
    mkdir -p "$folder"
    local deb
    for deb in "$work"/*.deb; do
        dpkg -x "$deb" "$folder" || {
            rm -rf "$work"
            return 1
        }
    done
    rm -rf "$work"
}
