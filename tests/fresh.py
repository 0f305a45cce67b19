"""Python in a fresh process, for what can only be seen there."""

import os
import subprocess
import sys


def run(*arguments, data=None, **environment):
    """`python *arguments`, with these environment variables beside the present ones."""
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        input=data,
        capture_output=True,
        env={**os.environ, **environment},
    )


def output_of(code, data=None, **environment):
    """What a program prints; it must not fail."""
    done = run("-c", code, data=data, **environment)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def error_of(code, **environment):
    """The last line that a program writes as it fails; it must."""
    done = run("-c", code, **environment)
    assert done.returncode != 0, done.stdout.decode()
    return done.stderr.decode().splitlines()[-1]
