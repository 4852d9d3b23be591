"""What goes wrong in a command, said in one line."""


class CommandError(Exception):
    """Ends the command with ``str(error)`` on standard error and exit code 1."""
