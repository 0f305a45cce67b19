#!/bin/sh
# Builds the source distribution, and from it the wheel for PYTHON: sh tools/wheel.sh PYTHON FOLDER
# On Linux auditwheel puts Highway into the wheel, so that whoever installs it needs none.
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

quietly() { "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }; }

"$1" -m venv "$scratch/tools"
PATH="$scratch/tools/bin:$PATH"
python -m pip install -qq --upgrade pip
python -m pip install -qq --group wheel
quietly python -m build --outdir "$scratch" .

mkdir -p "$2"
mv "$scratch"/*.tar.gz "$2"
if [ "$(uname)" = Linux ]; then
    quietly auditwheel repair --wheel-dir "$2" "$scratch"/*.whl
else
    mv "$scratch"/*.whl "$2"
fi
ls "$2"
