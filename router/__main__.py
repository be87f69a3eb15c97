"""The command line, `python -m router`: reads the arguments, runs one command, prints the lines it yields.

Exit codes: 0 it is done, 1 it ran and failed, 2 it was called wrongly. What goes wrong is one line on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from router.arguments import read_arguments
from router.remedies import complaint
from router.terminal import note, show

DONE, FAILED, INTERRUPTED = 0, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = read_arguments(argv)
    try:
        from router.invocation import lines_of  # noqa: PLC0415 - it loads the AWS SDK; help need not wait

        show(lines_of(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it was, people get one line
        note(complaint(error))
        return FAILED
    return DONE


if __name__ == "__main__":
    sys.exit(main())
