#!/bin/sh
# Makes .venv with what a build needs: sh tools/prepare.sh PYTHON
# Missing system packages are installed for root on Debian and Ubuntu. Anyone else is told the one
# command that installs them.
set -eu

say() { printf '%s\n' "$*"; }
stop() {
    say "$*" >&2
    exit 1
}

# PYTHON if it is new enough, otherwise the newest that there is.
choose_python() {
    if "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        command -v "$1"
        return
    fi
    newest=$(sh tools/pythons.sh | tail -n 1)
    [ -n "$newest" ] || stop "halfwave needs Python 3.11 or newer, and there is none here. Install it" \
        "from python.org or with pyenv, and say where it is: make PYTHON=/path/to/python3"
    say "${newest#* }"
}

of_python() { "$python" -c "import sys, sysconfig; print($1)"; }

has_highway() {
    # Whoever has told CMake where to look knows better; CMake says what it misses.
    [ -z "${CMAKE_ARGS:-}${CMAKE_PREFIX_PATH:-}${CMAKE_TOOLCHAIN_FILE:-}${hwy_DIR:-}${hwy_ROOT:-}" ] || return 0
    for prefix in /usr /usr/local "${CONDA_PREFIX:-/usr}" "$(brew --prefix 2>/dev/null || :)"; do
        [ ! -e "$prefix/include/hwy/highway.h" ] || return 0
    done
    return 1
}

# What is not there, by the names of Debian's packages.
missing() {
    version=$(of_python '"%d.%d" % sys.version_info[:2]')
    ${CXX:-c++} --version >/dev/null 2>&1 || say g++
    has_highway || say libhwy-dev
    "$python" -c 'import ensurepip' 2>/dev/null || say "python$version-venv"
    [ -e "$(of_python 'sysconfig.get_path("include")')/Python.h" ] || say "python$version-dev"
}

# Installs the Debian packages in $@, or says how to.
install_packages() {
    if [ -n "${CONDA_PREFIX:-}" ]; then
        stop "Missing: $*. Please run: conda install -c conda-forge cxx-compiler libhwy"
    elif command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
        say "Installing $* with apt-get, since you are root"
        apt-get update -qq || say "apt-get could not update every list; going on" >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    elif command -v apt-get >/dev/null; then
        stop "Missing: $*. Please run: sudo apt-get update && sudo apt-get install -y $*"
    elif [ "$(uname)" = Darwin ]; then
        stop "Missing: $*. Please run: xcode-select --install; brew install highway"
    else
        stop "Missing, by their Debian names: $*. Please install a C++17 compiler, Highway 1.0.3 or" \
            "newer and Python's headers with this system's package manager."
    fi
}

python=$(choose_python "$1")
packages=$(missing)
# shellcheck disable=SC2086  # words on purpose
[ -z "$packages" ] || install_packages $packages

say "Making .venv with $(of_python 'sys.executable'), Python $(of_python 'sys.version.split()[0]')"
"$python" -m venv .venv
.venv/bin/python -m pip install -qq --upgrade pip
.venv/bin/python -m pip install -qq --group build
