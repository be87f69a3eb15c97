"""The arguments of the command line: what may be typed, and what it means.

Loads nothing that takes a while, so that `--help` and a mistyped word are answered at once.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import NoReturn

from router.adapters.aws_http import endpoint_at
from router.config import POLICIES, is_user_id
from router.domain.money import DEAREST_USD, parse_usd
from router.domain.usage import WORKSPACE_WAYS, is_month
from router.errors import SettingsError
from router.help import (
    BUDGET,
    BUDGET_EXAMPLES,
    CHECK,
    CHECK_EXAMPLES,
    EXIT_CODES,
    RECONCILE,
    RECONCILE_EXAMPLES,
    REPORT,
    REPORT_EXAMPLES,
    SIMULATE,
    SIMULATE_EXAMPLES,
    WHY,
    WHY_EXAMPLES,
)
from router.output import FORMATS
from router.terminal import note

WRONG_USAGE = 2

LONGEST_NAME = 80
"""Of a channel: https://docs.slack.dev/reference/methods/conversations.create."""

BUDGET_COMMANDS = {
    "show": "how one budget stands, and who changed its limit",
    "list": "how all budgets stand that were used this month or have a limit of their own",
    "set": "set what may be spent in each period",
    "unset": "take back what was set: the file's limit counts again",
}


class _Parser(argparse.ArgumentParser):
    """Tells of wrong usage in one line, as of everything that goes wrong."""

    def error(self, message: str) -> NoReturn:
        note(f"{message.removeprefix('argument ')} (`{self.prog} --help` explains)")
        sys.exit(WRONG_USAGE)


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read what was typed; `invocation` knows its `command`, `error` tells of wrong usage.

    Exits with a line on stderr when it makes no sense.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if not arguments.command:
        arguments.error(arguments.which)
    return arguments


def _parser() -> _Parser:
    parser = _described(_Parser("python -m router"), "Penny's command line.", EXIT_CODES)
    parser.set_defaults(
        command="",
        which="which command? report, budget, why, simulate, reconcile or check",
        error=parser.error,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    report = commands.add_parser("report", help="print what was spent in a month")
    _add_report_arguments(_described(report, REPORT, REPORT_EXAMPLES))
    budget = commands.add_parser("budget", help="show what may be spent and what is left; set limits")
    _add_budget_commands(_described(budget, BUDGET, BUDGET_EXAMPLES))
    why = commands.add_parser("why", help="tell why an answer came from its tier")
    _add_why_arguments(_described(why, WHY, WHY_EXAMPLES))
    simulate = commands.add_parser("simulate", help="replay a month under other settings")
    _add_simulate_arguments(_described(simulate, SIMULATE, SIMULATE_EXAMPLES))
    reconcile = commands.add_parser("reconcile", help="settle what dead workers left open")
    _add_reconcile_arguments(_described(reconcile, RECONCILE, RECONCILE_EXAMPLES))
    check = commands.add_parser("check", help="check whether all that Penny needs is there")
    _add_check_arguments(_described(check, CHECK, CHECK_EXAMPLES))
    return parser


def _described(parser: _Parser, description: str, epilog: str) -> _Parser:
    parser.description, parser.epilog = description, epilog
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.allow_abbrev = False  # an option that is added later must not change what a script means
    return parser


def _add_report_arguments(parser: _Parser) -> None:
    parser.add_argument(
        "--channel",
        metavar="CHANNEL",
        type=_channel,
        help="a channel's id, or its name with or without # (default: the workspace)",
    )
    parser.add_argument("--user", metavar="USER", type=_user, help="a user's id: their messages alone")
    parser.add_argument("--month", metavar="YYYY-MM", type=_month, help="default: the present month")
    parser.add_argument(
        "--by",
        metavar="WAY",
        choices=WORKSPACE_WAYS,
        help="channel, model, user or day (default: model for a channel, channel for the workspace)",
    )
    parser.add_argument(
        "--verify", action="store_true", help="recompute the month's books, for the whole workspace"
    )
    _add_format(parser)
    parser.set_defaults(command="report", error=parser.error)


def _add_budget_commands(parser: _Parser) -> None:
    parser.set_defaults(which="which command? show, list, set or unset", error=parser.error)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, told in BUDGET_COMMANDS.items():
        command = _described(commands.add_parser(name, help=told), f"{told.capitalize()}.\n", BUDGET_EXAMPLES)
        if name == "set":
            command.add_argument(
                "limit",
                nargs="+",
                metavar="LIMIT",
                help="dollars, and if wanted: per day, per week, per month",
            )
        if name != "list":
            _add_whose(command)
        _add_format(command)
        command.set_defaults(command=f"budget {name}", error=command.error)


def _add_whose(parser: _Parser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--channel", metavar="CHANNEL", type=_channel, help="its id, or its name")
    whose.add_argument("--user", metavar="USER", type=_user, help="a user's id, such as U024BE7LH")
    whose.add_argument("--workspace", action="store_true", help="all channels and users together")


def _add_why_arguments(parser: _Parser) -> None:
    parser.add_argument(
        "message",
        metavar="MESSAGE",
        nargs="?",
        type=_message,
        default=("", ""),
        help="a message's link or ts (default: the newest that was answered)",
    )
    parser.add_argument(
        "--channel",
        metavar="CHANNEL",
        type=_channel,
        help="a channel's id, or its name with or without # (default: the link's)",
    )
    _add_format(parser)
    parser.set_defaults(command="why", error=parser.error)


def _add_simulate_arguments(parser: _Parser) -> None:
    parser.add_argument(
        "--channel",
        metavar="CHANNEL",
        type=_channel,
        help="a channel's id, or its name with or without # (default: every channel)",
    )
    parser.add_argument("--month", metavar="YYYY-MM", type=_month, help="default: the present month")
    parser.add_argument("--config", metavar="FILE", default="", help="another config.toml")
    parser.add_argument("--policy", choices=POLICIES, default="", help="instead of the file's")
    parser.add_argument("--budget", metavar="USD", type=_limit, help="of each channel, instead of the file's")
    _add_format(parser)
    parser.set_defaults(command="simulate", error=parser.error)


def _add_reconcile_arguments(parser: _Parser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    _add_format(parser)
    parser.set_defaults(command="reconcile", error=parser.error)


def _add_check_arguments(parser: _Parser) -> None:
    parser.add_argument(
        "--url",
        metavar="URL",
        type=_url,
        help="the endpoint to knock at (default: it is left out)",
    )
    _add_format(parser)
    parser.set_defaults(command="check", error=parser.error)


def _add_format(parser: _Parser) -> None:
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        choices=FORMATS,
        default="table",
        help="table, json or csv (default: table, which rounds amounts; the others are exact)",
    )


def _channel(text: str) -> str:
    name = text.strip().removeprefix("#")
    if not 1 <= len(name) <= LONGEST_NAME or any(c.isspace() for c in name):
        raise argparse.ArgumentTypeError(f"{text[:LONGEST_NAME]!r} is no channel; write C024BE91L or general")
    return text.strip()


def _user(text: str) -> str:
    if not is_user_id(text.strip()):
        raise argparse.ArgumentTypeError(f"{text[:LONGEST_NAME]!r} is no user's id; write one like U024BE7LH")
    return text.strip()


def _limit(text: str) -> Decimal:
    amount = parse_usd(text)
    if amount is None or not 0 <= amount <= DEAREST_USD:
        raise argparse.ArgumentTypeError(
            f"{text[:LONGEST_NAME]!r} is no amount; write a number from 0 to {DEAREST_USD}"
        )
    return amount


def _message(text: str) -> tuple[str, str]:
    """Read a link to a message, or its ts: the channel, if it says, and the ts."""
    link = re.fullmatch(r"https://\S+/archives/([A-Z0-9]{2,32})/p(\d{1,12})(\d{6})(?:\?\S*)?", text.strip())
    if link:
        return link[1], f"{link[2]}.{link[3]}"
    if not re.fullmatch(r"\d{1,12}\.\d{6}", text.strip()):
        raise argparse.ArgumentTypeError(
            f"{text[:LONGEST_NAME]!r} is no message; write its link, or 1795348800.000100"
        )
    return "", text.strip()


def _month(text: str) -> str:
    if not is_month(text):
        raise argparse.ArgumentTypeError(f"{text[:LONGEST_NAME]!r} is no month; write it like 2026-11")
    return text


def _url(text: str) -> str:
    try:
        endpoint_at("--url", text)
    except SettingsError:
        raise argparse.ArgumentTypeError(f"{text[:LONGEST_NAME]!r} is no URL; write https://…") from None
    return text
