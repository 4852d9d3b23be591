"""``python -m b2b_cli``: the same as ``b2b``."""

from b2b_cli.app import main

if __name__ == "__main__":
    main()
