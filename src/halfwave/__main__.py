"""`python -m halfwave` is the `halfwave` command."""

from halfwave.cli import main

main()
