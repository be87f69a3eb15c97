"""The commands of the command line: settings in, lines out.

A command yields its output line by line, as soon as it is known; remarks beside it go through `note`.
Leaves arguments, streams and exit codes to `__main__`.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path

from router import wiring
from router.budgets import BudgetName
from router.check import Finding, run_checks
from router.config import load_config
from router.domain.budget import BudgetKind, PeriodKind
from router.domain.usage import month_and_day
from router.errors import ConfigError, PennyError, SettingsError
from router.output import one_line, to_csv, to_json, to_text
from router.reconcile import Ending, Reconciled, reconcile, tell_crossed
from router.remedies import BY_ID
from router.report import Report, Savings, make_report, savings_of, user_report
from router.settings import Settings
from router.sheets import (
    budgets_data,
    budgets_table,
    change_fields,
    change_line,
    changed_notes,
    check_data,
    reconciled_closing,
    reconciled_data,
    reconciled_table,
    replay_data,
    replay_table,
    report_data,
    report_table,
    verified_closing,
    verified_data,
    verified_table,
    whose,
    why_data,
)
from router.slack.channels import find_channel, is_channel_id
from router.verify import Verifying

Note = Callable[[str], None]

WRITTEN = {"json": to_json, "csv": to_csv}


class CannotDo(PennyError):  # noqa: N818 - reads as what it says
    """The command cannot be done. The text says why, and what can be done instead."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is asked of; `channel` is an id or a name, an empty `month` the present one."""

    channel: str = ""
    user: str = ""
    month: str = ""
    by: str = ""


def report_lines(settings: Settings, note: Note, wanted: Wanted, form: str) -> Iterator[str]:
    """Report a month of a channel, of a user, or of the workspace."""
    usage = wiring.usage(settings)
    month = wanted.month or present_month(settings, note, time.time())
    if wanted.user:
        report = user_report(usage, wanted.user, month)
    else:
        channel = _channel_id(settings, wanted.channel) if wanted.channel else ""
        report = make_report(usage, channel, month, wanted.by)
    savings = _savings(settings, report)
    if form == "table":
        yield to_text(report_table(report, wanted.channel, savings))
    else:
        yield WRITTEN[form](report_data(report, savings))


def _savings(settings: Settings, report: Report) -> Savings | None:
    """Compare with the best tier of the config file; a report needs none."""
    try:
        ladder = load_config(settings.config_file).ladder
    except ConfigError:
        return None
    return savings_of(report.total, ladder.tiers[0])


def present_month(settings: Settings, note: Note, now: float) -> str:
    """Return the month of `now` (epoch seconds) as usage records count it: in the configured time zone."""
    return month_and_day(
        now, _zone(settings, note, "taking the month of UTC; set CONFIG_FILE or give --month")
    )[0]


def _zone(settings: Settings, note: Note, instead: str) -> tzinfo:
    if Path(settings.config_file).exists():
        return load_config(settings.config_file).budget.zone
    note(f"there is no {settings.config_file}: {instead}")
    return UTC


VERIFY_AGAIN_AFTER_S = 2.0
"""What was being settled during the first look has long been by then, and indexes have caught up."""


def verify_lines(
    settings: Settings, note: Note, month: str, form: str, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """Recompute a month's books from its records; raises CannotDo at the end if something does not agree."""
    settings.require("state_table", "usage_table")
    zone = _zone(settings, note, "taking the days of UTC; set CONFIG_FILE")
    month = month or month_and_day(time.time(), zone)[0]
    verifying = Verifying(wiring.usage(settings), wiring.ledger(settings), month, zone)
    verified = verifying.verify()
    if verified.differences:  # only what stays wrong is wrong
        sleep(VERIFY_AGAIN_AFTER_S)
        again = verifying.verify()
        lasting = tuple(d for d in again.differences if d in verified.differences)
        verified = replace(again, differences=lasting)
    if form == "table":
        yield to_text(verified_table(verified))
    else:
        yield WRITTEN[form](verified_data(verified))
        note(verified_closing(verified))
    if verified.differences:
        raise CannotDo(f"the books of {month} are not what the usage records add up to; docs/operating.md")


def _channel_id(settings: Settings, channel: str) -> str:
    if is_channel_id(channel):
        return channel
    if not settings.slack_bot_token:
        raise SettingsError(f"only Slack knows which channel {channel!r} is: set SLACK_BOT_TOKEN, or {BY_ID}")
    found = find_channel(wiring.slack_web(settings), channel)
    if found is None:
        raise CannotDo(f"Penny sees no channel called {channel!r}: invite her if it is private, or {BY_ID}")
    return found


def why_lines(settings: Settings, note: Note, channel: str, message_ts: str, form: str) -> Iterator[str]:
    """Explain the answer to a message of `channel` (id or name), or its newest one."""
    from router.explain import explain_last, explain_message  # noqa: PLC0415 - this command's alone

    usage, now = wiring.usage(settings), time.time()
    zone, channel_id = (
        _zone(settings, note, "taking the month of UTC; set CONFIG_FILE"),
        _channel_id(settings, channel),
    )
    found = (
        explain_message(usage, channel_id, message_ts, zone)
        if message_ts
        else explain_last(usage, channel_id, now, zone)
    )
    if found is None:
        asked = f"the message {message_ts}" if message_ts else "this month or the last"
        raise CannotDo(f"there is no paid answer of {channel} to tell of, for {asked}")
    yield f"{found.sentence}" if form == "table" else WRITTEN[form](why_data(found))


@dataclass(frozen=True, slots=True)
class Instead:
    """What a replay has other than it was: a file, a policy, a limit; each may be left as it is."""

    config_file: str = ""
    policy: str = ""
    limit_usd: Decimal | None = None


def simulate_lines(
    settings: Settings, note: Note, channel: str, month: str, instead: Instead, form: str
) -> Iterator[str]:
    """Replay a month of `channel` (id or name; empty: every channel) under other settings."""
    from router.simulate import replay_month  # noqa: PLC0415 - this command's alone

    usage = wiring.usage(settings)
    config = load_config(instead.config_file or settings.config_file, policy=instead.policy)
    month = month or month_and_day(time.time(), config.budget.zone)[0]
    channel_id = _channel_id(settings, channel) if channel else ""
    replay = replay_month(usage, config, channel_id, month, instead.limit_usd, note)
    yield to_text(replay_table(replay)) if form == "table" else WRITTEN[form](replay_data(replay))


def reconcile_lines(settings: Settings, note: Note, form: str, *, dry_run: bool) -> Iterator[str]:
    """Settle what workers left open, and tell what became of it; with `dry_run` only what would.

    What was done before a failure is told before the failure. The journal tells of each as it is done. Where
    there is a token for Slack, people are told there which budgets run out.
    """
    settings.require("state_table", "usage_table", "openrouter_api_key")
    told, failure = _done(reconcile(wiring.ledger(settings), wiring.openrouter(settings), dry_run=dry_run))
    if not dry_run and (settings.slack_bot_token or settings.secrets_prefix):
        tell_crossed(lambda: wiring.alerting(settings), told)
    if form == "table" and (told or not failure):
        yield to_text(reconciled_table(told, dry_run=dry_run))
    elif told or not failure:
        yield WRITTEN[form](reconciled_data(told, dry_run=dry_run))
        note(reconciled_closing(told, dry_run=dry_run))
    if failure:
        raise failure


def _done(reconciling: Iterator[Reconciled]) -> tuple[list[Reconciled], PennyError | None]:
    """Reconcile to the end, or to what went wrong."""
    told: list[Reconciled] = []
    try:
        told.extend(reconciling)
    except PennyError as error:
        return told, error
    unsettled = sum(one.ending is Ending.UNSETTLED for one in told)
    if unsettled:
        return told, CannotDo(f"a table did not take {unsettled} of {len(told)}; reconcile again in a minute")
    return told, None


def budget_lines(settings: Settings, name: BudgetName, form: str) -> Iterator[str]:
    """Tell how one budget stands, and who changed its limit."""
    budgets, found = wiring.budgets(settings), _budget_name(settings, name)
    standing, changes = budgets.show(found), budgets.changes(found)
    standings = [standing] if standing else []
    if form == "table":
        notes = () if standing else (f"No limit applies to {whose(*found)}.",)
        yield to_text(budgets_table(standings, "Budget", (*notes, *map(change_line, changes))))
    else:
        yield WRITTEN[form](budgets_data(standings, changes=[change_fields(c) for c in changes]))


def budget_list_lines(settings: Settings, form: str) -> Iterator[str]:
    """Tell how all budgets stand that were used this month, or whose limit was set."""
    standings = wiring.budgets(settings).show_all()
    if form == "table":
        notes = () if standings else ("None yet: nothing was spent this month, and no limit was set.",)
        yield to_text(budgets_table(standings, "Budgets in their present period", notes))
    else:
        yield WRITTEN[form](budgets_data(standings))


def budget_change_lines(
    settings: Settings, name: BudgetName, wanted: tuple[Decimal, PeriodKind | None] | None, form: str
) -> Iterator[str]:
    """Set a budget's limit, or take back what was set (`wanted` is None), and tell how it stands then."""
    budgets, found = wiring.budgets(settings), _budget_name(settings, name)
    changed = budgets.set_limit(found, *wanted, _who()) if wanted else budgets.unset_limit(found, _who())
    standings = [changed.standing] if changed.standing else []
    if form == "table":
        yield to_text(budgets_table(standings, "Budget", changed_notes(changed)))
    else:
        yield WRITTEN[form](budgets_data(standings))


def _budget_name(settings: Settings, name: BudgetName) -> BudgetName:
    kind, budget_id = name
    return (kind, _channel_id(settings, budget_id) if kind is BudgetKind.CHANNEL else budget_id)


def _who() -> str:
    """Name who sits at the command line, as far as the system knows."""
    try:
        return f"command line ({getpass.getuser()[:40]})"
    except (OSError, KeyError):  # a container without a name for its user
        return "command line"


MANIFEST = Path(__file__).resolve().parent.parent / "manifest.json"


def check_lines(settings: Settings, form: str, url: str) -> Iterator[str]:
    """Check all that Penny needs, a line for each finding; raises CannotDo at the end if one is wrong."""
    findings: list[Finding] = []
    for finding in run_checks(settings, wiring.outside(settings), MANIFEST, url):
        findings.append(finding)
        if form == "table":
            yield check_line(finding)
    if form != "table":
        yield WRITTEN[form](check_data(findings))
    if wrong := sum(not finding.is_ok for finding in findings):
        raise CannotDo(f"{wrong} of {len(findings)} checks failed")


def check_line(finding: Finding) -> str:
    """Write a finding for people, with its remedy."""
    verdict = "ok  " if finding.is_ok else "fail"
    remedy = "" if finding.is_ok else f" -> {finding.remedy}"
    return one_line(f"{verdict}  {finding.check}: {finding.found}{remedy}")
