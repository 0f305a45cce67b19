#!/bin/sh
# Prints every CPython from 3.11 on that this machine has, the oldest first: "3.11 /usr/bin/python3".
set -eu

candidates() {
    printf '%s\n' python3
    for minor in 11 12 13 14 15 16 17 18 19; do printf 'python3.%s\n' "$minor"; done
    # pyenv keeps versions that its commands do not reach.
    for python in "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python; do
        printf '%s\n' "$python"
    done
}

# Releases only: no release candidate, no free-threaded build, no other implementation.
describe='
import platform, sys, sysconfig
version = sys.version_info
release = version.releaselevel == "final" and not sysconfig.get_config_var("Py_GIL_DISABLED")
if version >= (3, 11) and release and platform.python_implementation() == "CPython":
    print("%d.%d" % version[:2], sys.executable)
'

candidates | while IFS= read -r python; do
    "$python" -c "$describe" 2>/dev/null || :
done | sort -n -u
