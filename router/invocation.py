"""An invocation: the arguments of one command, held against each other, and the lines that come of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from router.budgets import WORKSPACE, BudgetName
from router.command import (
    Instead,
    Wanted,
    budget_change_lines,
    budget_lines,
    budget_list_lines,
    check_lines,
    reconcile_lines,
    report_lines,
    simulate_lines,
    verify_lines,
    why_lines,
)
from router.domain.budget import BudgetKind
from router.domain.limit_words import WrongLimit, read_limit_words
from router.domain.usage import CHANNEL_WAYS, WORKSPACE_WAYS
from router.settings import settings_from
from router.terminal import note


def lines_of(arguments: argparse.Namespace) -> Iterator[str]:
    """Run the command that was asked for; `arguments.error` exits where arguments contradict each other."""
    return RUN[arguments.command](arguments)


def _report(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.verify:
        return _verify(arguments)
    if arguments.user and (arguments.channel or arguments.by not in (None, "channel")):
        arguments.error("--user reports all channels of a person, by channel: leave out --channel and --by")
    by = arguments.by or (CHANNEL_WAYS if arguments.channel else WORKSPACE_WAYS)[0]
    if arguments.channel and by not in CHANNEL_WAYS:
        arguments.error(f"--by {by} sums up the workspace; with --channel write {', '.join(CHANNEL_WAYS)}")
    wanted = Wanted(arguments.channel or "", arguments.user or "", arguments.month or "", by)
    return report_lines(settings_from(), note, wanted, arguments.format)


def _verify(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.channel or arguments.user or arguments.by:
        arguments.error("--verify looks at the whole workspace: leave out --channel, --user and --by")
    return verify_lines(settings_from(), note, arguments.month or "", arguments.format)


def _budget_show(arguments: argparse.Namespace) -> Iterator[str]:
    return budget_lines(settings_from(), _whose(arguments), arguments.format)


def _budget_list(arguments: argparse.Namespace) -> Iterator[str]:
    return budget_list_lines(settings_from(), arguments.format)


def _budget_set(arguments: argparse.Namespace) -> Iterator[str]:
    try:
        wanted = read_limit_words(" ".join(arguments.limit))
    except WrongLimit as wrong:
        arguments.error(str(wrong))
    return budget_change_lines(settings_from(), _whose(arguments), wanted, arguments.format)


def _budget_unset(arguments: argparse.Namespace) -> Iterator[str]:
    return budget_change_lines(settings_from(), _whose(arguments), None, arguments.format)


def _whose(arguments: argparse.Namespace) -> BudgetName:
    if arguments.workspace:
        return WORKSPACE
    if arguments.user:
        return (BudgetKind.USER, arguments.user)
    return (BudgetKind.CHANNEL, arguments.channel)


def _why(arguments: argparse.Namespace) -> Iterator[str]:
    of_link, ts = arguments.message
    if not (arguments.channel or of_link):
        arguments.error("which channel? give --channel, or a message's link")
    return why_lines(settings_from(), note, arguments.channel or of_link, ts, arguments.format)


def _simulate(arguments: argparse.Namespace) -> Iterator[str]:
    instead = Instead(arguments.config, arguments.policy, arguments.budget)
    channel, month = arguments.channel or "", arguments.month or ""
    return simulate_lines(settings_from(), note, channel, month, instead, arguments.format)


def _reconcile(arguments: argparse.Namespace) -> Iterator[str]:
    return reconcile_lines(settings_from(), note, arguments.format, dry_run=arguments.dry_run)


def _check(arguments: argparse.Namespace) -> Iterator[str]:
    return check_lines(settings_from(), arguments.format, arguments.url or "")


RUN = {
    "report": _report,
    "budget show": _budget_show,
    "budget list": _budget_list,
    "budget set": _budget_set,
    "budget unset": _budget_unset,
    "why": _why,
    "simulate": _simulate,
    "reconcile": _reconcile,
    "check": _check,
}
