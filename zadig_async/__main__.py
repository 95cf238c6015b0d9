"""`python -m zadig_async` and the `zadig-async` command."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from zadig_async.cli.app import run  # noqa: PLC0415 - the command line is loaded only when it is used

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
