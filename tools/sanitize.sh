#!/bin/sh
# Builds halfwave with AddressSanitizer and UndefinedBehaviorSanitizer beside the environment's own,
# and runs the tests on it: sh tools/sanitize.sh PYTHON ARGUMENTS-OF-PYTEST
set -eu

python=$1
shift
site=$PWD/build/sanitize

library() {
    path=$(${CXX:-c++} -print-file-name="$1")
    [ -e "$path" ] || {
        echo "make sanitize needs GCC's $1, and ${CXX:-c++} has none; on Debian g++ brings it" >&2
        exit 1
    }
    printf '%s' "$path"
}
libraries="$(library libasan.so) $(library libubsan.so)"

echo "Building halfwave with the sanitizers"
"$python" -m pip --disable-pip-version-check -qq install --no-build-isolation --no-deps --upgrade \
    --target "$site" . -C build-dir=build/sanitize-cmake -C cmake.define.HALFWAVE_SANITIZE=ON

# Left out: what makes no call of its own to the engine (cli, tour, bench, typing, documents, site,
# polynomials, and of unit health all but Stats, which counts for the rest; a browser would not start,
# either), what judges numbers, by calls that others make, too (accuracy, verify, libraries, jax,
# ecosystem, onnx, special), what builds or looks at another halfwave (install, add_an_activation, planted_kernel), and
# what limits or weighs a process's memory, since the sanitizers need more and keep what is freed
# (dask_cluster, one of recycling, one of leaks). CPython itself leaves memory unfreed, so leaks are
# not looked for. Python is not instrumented: the sanitizers have to be there before it starts.
LD_PRELOAD=$libraries PYTHONPATH=$site HALFWAVE_SANITIZE=1 \
    ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    "$python" -m pytest tests --ignore tests/cli --ignore tests/tour --ignore tests/test_bench.py \
    --ignore-glob 'tests/health/test_[!s]*' \
    --ignore tests/test_typing.py --ignore tests/test_documents.py --ignore tests/test_install.py \
    --ignore tests/test_site.py --ignore tests/test_measure.py --ignore tests/test_polynomials.py \
    --ignore tests/test_add_an_activation.py --ignore tests/test_planted_kernel.py \
    --ignore tests/test_dask_cluster.py --ignore tests/test_accuracy.py --ignore tests/test_verify.py \
    --ignore tests/test_libraries.py --ignore tests/test_jax.py --ignore tests/test_ecosystem.py \
    --ignore tests/test_onnx.py --ignore tests/test_special.py \
    --deselect tests/test_recycling.py::test_a_process_short_of_memory_gets_what_is_kept \
    --deselect tests/test_leaks.py::test_memory_stays_constant_in_a_long_loop "$@"
