"""What ends a command."""


class Misuse(Exception):
    """A mistake of the user's, or of the machine's, told in one line that says what to do."""
