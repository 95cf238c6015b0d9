"""`python -m zadig_async` and the `zadig-async` command."""

import signal
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from zadig_async.cli.app import run  # noqa: PLC0415 - the command line is loaded only when it is used

    code = run(sys.argv[1:])
    # All is said and done; a late Ctrl-C while the interpreter ends must not replace the code.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


if __name__ == "__main__":
    main()
