"""The arguments of the command line: what may be typed, what it means, and the help.

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
from router.output import FORMATS
from router.terminal import note

WRONG_USAGE = 2

LONGEST_NAME = 80
"""Of a channel: https://docs.slack.dev/reference/methods/conversations.create."""

EXIT_CODES = """\
exit codes:
  0  done
  1  it ran and failed: a table does not answer, a channel is not there, a check found something wrong
  2  it was called wrongly, and nothing was done
"""

REPORT = """\
Print what a channel, or the whole workspace, spent in a month. It reads sums that are kept
with every answer, so a million answers cost no more to report than a thousand.
"""
REPORT_EXAMPLES = """\
examples:
  python -m router report
      this month of the whole workspace, the channel that spent most first
  python -m router report --channel general --by user
      who spent what in #general this month
  python -m router report --channel C024BE91L --month 2026-11 --by day
      a channel by its id, day by day
  python -m router report --user U024BE7LH --month 2026-11
      one person's month, by channel
  python -m router report --month 2026-11 --by model --format csv > november.csv
      for a spreadsheet
  python -m router report --verify --month 2026-11
      recompute every sum and every budget from the usage records; exit code 1 if one is wrong

environment:
  USAGE_TABLE      the table of usage records and rollups
  STATE_TABLE      only to verify
  AWS_REGION       and credentials, as for other AWS tools
  SLACK_BOT_TOKEN  only for a channel that is given by its name
  CONFIG_FILE      the time zone, and the best tier to compare with (default: config.toml)
"""

SIMULATE = """\
Replay a month of usage records under another configuration, policy or budget: what it would have
cost, how often each tier would have answered, and when the money would have run out. Records hold
lengths and costs, never words. Nothing is called and nothing is changed.
"""
SIMULATE_EXAMPLES = """\
examples:
  python -m router simulate --channel general --budget 10
      this month of #general, had its budget been 10 dollars
  python -m router simulate --month 2026-10 --policy bands
      October of every channel by the other policy
  python -m router simulate --month 2026-10 --config new.toml --format csv > replay.csv
      under another file: its ladder, its policy and its budgets

environment:
  USAGE_TABLE      the table of usage records and rollups
  AWS_REGION       and credentials, as for other AWS tools
  SLACK_BOT_TOKEN  only for a channel that is given by its name
  CONFIG_FILE      what is replayed under, unless --config names another (default: config.toml)
"""

RECONCILE = """\
Settle the reservations that dead workers left open, by what OpenRouter says their calls cost.
The deployed stack does the same every five minutes; doing it twice changes nothing.
With a token for Slack it also posts the alerts that are due: for what it charged, and those left unposted.
"""
RECONCILE_EXAMPLES = """\
what becomes of a reservation:
  settled       OpenRouter said what the call cost; the rest went back to the budget
  waiting       OpenRouter does not say yet; a later run asks again
  estimated     it did not say within an hour, so all that was set aside is the charge
  unsettled     the table did not take it; a later run tries again (exit code 1)
  ended before  its worker was slow, not dead, and settled it in the meantime

examples:
  python -m router reconcile --dry-run
      say what would be done, change nothing
  python -m router reconcile
      do it; the journal on stderr tells of each reservation as it is done
  python -m router reconcile --format json > reconciled.json 2> journal

environment:
  STATE_TABLE, USAGE_TABLE  the two tables
  OPENROUTER_API_KEY        whose calls they were
  SLACK_BOT_TOKEN           only to post alerts
  AWS_REGION                and credentials, as for other AWS tools
"""


CHECK = """\
Check whether all that Penny needs is there, and as she needs it: settings, tables, queues, tokens,
models and their prices, the clock. It changes nothing and costs nothing. Each check is made, also
when one before it failed.
"""
CHECK_EXAMPLES = """\
examples:
  python -m router check
      a line for each check: ok, or fail with what to do
  python -m router check --url https://abc.execute-api.eu-central-1.amazonaws.com/slack/events
      the deployed endpoint too: it has to turn away what Slack did not sign
  python -m router check --format json > findings.json

environment:
  that of the deployed functions, all of them; docs/operating.md says how to set it for a stage
  AWS_REGION  and credentials, as for other AWS tools, that may describe the tables and queues
"""


BUDGET = """\
Show what may be spent and what is left, and change limits. A limit that is set here wins over the
file's, counts from the next message on, and every change is written down with who made it.
"""
BUDGET_EXAMPLES = """\
examples:
  python -m router budget list
      all that were used this month, or have a limit of their own
  python -m router budget show --channel general
      how a channel stands, and who changed its limit when
  python -m router budget set 25 per month --channel general
  python -m router budget set 2.50 per day --user U024BE7LH
      what is spent already stays spent; below that, nothing more is admitted
  python -m router budget set 400 --workspace
      all channels together; without a period, its period stays as it is
  python -m router budget unset --channel C024BE91L
      the limit of the file counts again

environment:
  STATE_TABLE, USAGE_TABLE  the two tables
  CONFIG_FILE               the limits of the file (default: config.toml)
  SLACK_BOT_TOKEN           only for a channel that is given by its name
  AWS_REGION                and credentials, as for other AWS tools
"""


BUDGET_COMMANDS = {
    "show": "how one budget stands, and who changed its limit",
    "list": "how all budgets stand that were used this month or have a limit of their own",
    "set": "set what may be spent in each period",
    "unset": "take back what was set: the file's limit counts again",
}


WHY = """\
Tell why an answer came from its tier: the numbers that decided, in one sentence.
"""
WHY_EXAMPLES = """\
examples:
  python -m router why --channel general
      the newest answer in #general
  python -m router why https://acme.slack.com/archives/C024BE91L/p1795348800000100
      the answer to that message, or the one that it is (Slack: Copy link)
  python -m router why 1795348800.000100 --channel C024BE91L --format json
      by the message's ts, with all its numbers

environment:
  USAGE_TABLE      the table of usage records
  AWS_REGION       and credentials, as for other AWS tools
  SLACK_BOT_TOKEN  only for a channel that is given by its name
  CONFIG_FILE      only for the time zone (default: config.toml)
"""


class _Parser(argparse.ArgumentParser):
    """Tells of wrong usage in one line, as of everything that goes wrong."""

    def error(self, message: str) -> NoReturn:
        note(f"{message.removeprefix('argument ')} (`{self.prog} --help` explains)")
        sys.exit(WRONG_USAGE)


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read what was typed; its `command` is a name in `router.command`, `error` tells of wrong usage.

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
