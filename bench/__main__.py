"""Run a yardstick: `python -m bench NAME [--json]`, or `make bench NAME=…`.

The rows go to stdout, as a table or with --json as one object; progress goes to stderr. Exit code 0: all
promises held; 1: one was broken; 2: the command was wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import signal
import sys

from bench.result import Result, to_json, to_text

YARDSTICKS = {
    "ack": "a cold start of receive, beside Bolt's lazy listener and a bare script",
    "worker": "a cold start of the worker and its memory, beside its libraries alone",
    "text": "from the event to the first text in Slack, beside the same calls by hand",
    "trips": "round trips to DynamoDB and capacity of an answer, beside the least possible",
    "load": "messages through queue and workers, while workers are killed and the table fails",
    "report": "a month's report from rollups, beside reading all records and scanning",
    "overspend": "messages at once upon the last dollars, beside check-then-spend and holds without lease",
    "routing": "what policies make of the same months of traffic and money, against hindsight",
}
"""Each is a module here, with `parser()` for its options and `measure(options, say)` for its result."""

ALL = "all"

QUICK: dict[str, list[str]] = {
    "load": ["--events", "200"],
    "overspend": ["--n", "1", "20"],
    "report": ["--records", "1000", "10000"],
}
"""What is left out of those that take long, when all are run: then they take some minutes."""

INTERRUPTED = 130
"""What a shell says of a command that Ctrl-C ended."""


def main(arguments: list[str]) -> int:
    """Run what is named first with the options that follow it; returns the exit code."""
    parser = _parser()
    name = parser.parse_args(arguments[:1]).name
    try:
        if name != ALL:
            return _run(name, arguments[1:])
        return max([_run(each, [*QUICK.get(each, []), *arguments[1:]]) for each in YARDSTICKS])
    except KeyboardInterrupt:
        _say("stopped")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<10} {summary}" for name, summary in YARDSTICKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        usage="python -m bench NAME [--json] [options of its own, see python -m bench NAME --help]",
        epilog=f"yardsticks:\n{listed}\n  {ALL:<10} each of them, the long ones shortened",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", choices=[*YARDSTICKS, ALL], help="a yardstick, see below")
    return parser


def _run(name: str, arguments: list[str]) -> int:
    yardstick = importlib.import_module(f"bench.{name}")  # alone: a start takes no more than its own needs
    parser: argparse.ArgumentParser = yardstick.parser()
    parser.prog = f"python -m bench {name}"
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args(arguments)
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for the result alone
        result: Result = yardstick.measure(options, _say)
    print(to_json(result) if options.json else to_text(result), flush=True)
    for promise in result.broken:
        _say(f"broken: {promise}")
    return 1 if result.broken else 0


def _say(words: str) -> None:
    print(f"· {words}", file=sys.stderr, flush=True)


def _as_ctrl_c(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    sys.exit(main(sys.argv[1:]))
