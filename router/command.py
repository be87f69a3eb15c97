"""The commands of the command line: settings in, lines out, and what is said when one fails.

A command yields its output line by line, as soon as it is known; remarks beside it go through `note`.
Leaves arguments, streams and exit codes to `__main__`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo
from pathlib import Path

from router import wiring
from router.config import load_config
from router.domain.usage import month_and_day
from router.errors import PennyError, SettingsError, SlackRefused, SlackUnavailable, TableUnavailable
from router.output import to_csv, to_json, to_text
from router.reconcile import Ending, Reconciled, reconcile
from router.report import make_report
from router.settings import Settings
from router.sheets import (
    reconciled_closing,
    reconciled_data,
    reconciled_table,
    report_data,
    report_table,
)
from router.slack.channels import find_channel, is_channel_id

Note = Callable[[str], None]

BY_ID = "give the channel's id (C...), which stands at the end of its details in Slack"

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
    zone: tzinfo = UTC
    if Path(settings.config_file).exists():
        zone = load_config(settings.config_file).budget.zone
    else:
        note(f"there is no {settings.config_file}: taking the month of UTC; set CONFIG_FILE or give --month")
    return month_and_day(now, zone)[0]


def _channel_id(settings: Settings, channel: str) -> str:
    if is_channel_id(channel):
        return channel
    if not settings.slack_bot_token:
        raise SettingsError(f"only Slack knows which channel {channel!r} is: set SLACK_BOT_TOKEN, or {BY_ID}")
    found = find_channel(wiring.slack_web(settings), channel)
    if found is None:
        raise CannotDo(f"Penny sees no channel called {channel!r}: invite her if it is private, or {BY_ID}")
    return found


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


REMEDIES = {
    "not set in the environment": "--help says what each is for",
    "NoRegionError": "set AWS_REGION",
    "CredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "Invalid endpoint": "write AWS_ENDPOINT_URL like http://127.0.0.1:4566, or leave it out for AWS itself",
    "codec can't encode": "tokens and keys are plain ASCII",
    "UnsupportedProtocol": "write SLACK_API_URL like https://slack.com/api/, or leave it out",
    "ConnectionError": "is the network up, is AWS_REGION right, does AWS_ENDPOINT_URL (if set) answer?",
    "TimeoutError": "is the network up, is AWS_REGION right, does AWS_ENDPOINT_URL (if set) answer?",
    "ResourceNotFoundException": "no such table here: check STATE_TABLE, USAGE_TABLE, AWS_REGION",
    "ValidationException": "a table has other keys or indexes than serverless.yml says: check its name",
    "AccessDenied": "the AWS credentials may not use these tables",
    "UnrecognizedClient": "AWS does not know these credentials",
    "ExpiredToken": "the AWS credentials have expired: log in again",
    "missing_scope": f"give the Slack app the scopes channels:read and groups:read, or {BY_ID}",
    "invalid_auth": "check SLACK_BOT_TOKEN",
    "not_authed": "check SLACK_BOT_TOKEN",
    "token_": "check SLACK_BOT_TOKEN",
    "account_inactive": "check SLACK_BOT_TOKEN",
    "conversations.list": f"try again later, or {BY_ID}",
}
"""What would be right, by a word in what went wrong: the first that is found counts."""


WENT_WRONG = {
    TableUnavailable: "a table does not answer as it should",
    SlackRefused: "Slack refuses",
    SlackUnavailable: "Slack does not answer",
}


def complaint(error: Exception) -> str:
    """Say what went wrong and, where it is known, what would be right."""
    said = str(error) if isinstance(error, PennyError) else f"unexpected {type(error).__name__}: {error}"
    said = next((f"{what} ({said})" for kind, what in WENT_WRONG.items() if isinstance(error, kind)), said)
    remedy = next((remedy for word, remedy in REMEDIES.items() if word in said), "")
    return f"{said.rstrip('.')}; {remedy}" if remedy else said
