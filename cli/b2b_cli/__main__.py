"""``b2b``, and ``python -m b2b_cli``."""

import sys

# As shells have it for a program that Ctrl-C ended.
_INTERRUPTED = 130


def main() -> None:
    """A Ctrl-C is no error, not even in the second that loading the commands takes."""
    try:
        from b2b_cli import app  # noqa: PLC0415 - it is what takes a second

        app.main()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
