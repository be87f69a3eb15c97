"""The commands of the command line: settings in, lines out.

A command yields its output line by line, as soon as it is known; remarks beside it go through `note`.
Leaves arguments, streams and exit codes to `__main__`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path

from router import wiring
from router.check import Finding, run_checks
from router.config import load_config
from router.domain.usage import month_and_day
from router.errors import PennyError, SettingsError
from router.output import one_line, to_csv, to_json, to_text
from router.reconcile import Ending, Reconciled, reconcile
from router.remedies import BY_ID
from router.report import make_report
from router.settings import Settings
from router.sheets import (
    check_data,
    reconciled_closing,
    reconciled_data,
    reconciled_table,
    replay_data,
    replay_table,
    report_data,
    report_table,
    why_data,
)
from router.slack.channels import find_channel, is_channel_id

Note = Callable[[str], None]

WRITTEN = {"json": to_json, "csv": to_csv}


class CannotDo(PennyError):  # noqa: N818 - reads as what it says
    """The command cannot be done. The text says why, and what can be done instead."""


def report_lines(
    settings: Settings, note: Note, channel: str, month: str, by: str, form: str
) -> Iterator[str]:
    """Report a month of `channel` (id or name; empty: the workspace); an empty `month` is the present one."""
    usage = wiring.usage(settings)
    month = month or present_month(settings, note, time.time())
    channel_id = _channel_id(settings, channel) if channel else ""
    report = make_report(usage, channel_id, month, by)
    yield to_text(report_table(report, channel)) if form == "table" else WRITTEN[form](report_data(report))


def present_month(settings: Settings, note: Note, now: float) -> str:
    """Return the month of `now` (epoch seconds) as usage records count it: in the configured time zone."""
    return month_and_day(now, _zone(settings, note))[0]


def _zone(settings: Settings, note: Note) -> tzinfo:
    if Path(settings.config_file).exists():
        return load_config(settings.config_file).budget.zone
    note(f"there is no {settings.config_file}: taking the month of UTC; set CONFIG_FILE or give --month")
    return UTC


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
    zone, channel_id = _zone(settings, note), _channel_id(settings, channel)
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

    What was done before a failure is told before the failure. The journal tells of each as it is done.
    """
    settings.require("state_table", "usage_table", "openrouter_api_key")
    told, failure = _done(reconcile(wiring.ledger(settings), wiring.openrouter(settings), dry_run=dry_run))
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
