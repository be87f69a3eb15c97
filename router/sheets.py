"""Sheets: reports, reconciliations and findings laid out in rows and columns, for people and for programs.

Says which figures are shown, in which order and under which name; leaves how they are written to `output`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from router.check import Finding
from router.explain import Explained
from router.output import Data, Row, Table
from router.reconcile import Ending, Reconciled
from router.report import Line, Report
from router.simulate import Replay, TierUse

MOST_RAN_OUT = 10
"""Channels of which a table tells when their money would have run out; programs get them all."""


def report_table(report: Report, called: str = "") -> Table:
    """Lay a report out for people; `called` is the name by which its channel was asked for."""
    return Table(
        title=f"Spent in {_where(report.channel, called)} in {report.month}, by {report.by}",
        columns=(
            *(report.by, "answers", "cost", "share", "per answer"),
            *(("estimated",) if report.total.estimated_usd else ()),
            *("prompt tokens", "completion tokens"),
        ),
        rows=tuple(_report_row(line, report.total) for line in report.lines),
        total=_report_row(report.total, report.total),
        notes=_report_notes(report),
    )


def _where(channel: str, called: str) -> str:
    if not channel:
        return "the workspace"
    return channel if called in ("", channel) else f"#{called.removeprefix('#')} ({channel})"


def _report_row(line: Line, total: Line) -> Row:
    share = f"{100 * line.cost_usd / total.cost_usd:.1f}%" if total.cost_usd else None
    average = line.cost_usd / line.answers if line.answers else None
    estimated = (line.estimated_usd or None,) if total.estimated_usd else ()
    tokens = (line.prompt_tokens, line.completion_tokens)
    return (line.name, line.answers, line.cost_usd, share, average, *estimated, *tokens)


def _report_notes(report: Report) -> tuple[str, ...]:
    if not report.lines:
        return ("Nothing yet: no answer of this month has been paid for.",)
    if report.total.estimated_usd:
        return ("Estimated: nobody could say what was billed, so all that had been set aside is the charge.",)
    return ()


def report_data(report: Report) -> Data:
    """Lay a report out for programs."""
    return Data(
        columns=(report.by, "answers", "cost_usd", "estimated_usd", "prompt_tokens", "completion_tokens"),
        rows=tuple((line.name, *_sums(line)) for line in report.lines),
        total=_sums(report.total),
        about={"channel": report.channel or None, "month": report.month, "by": report.by},
    )


def _sums(line: Line) -> Row:
    return (line.answers, line.cost_usd, line.estimated_usd, line.prompt_tokens, line.completion_tokens)


def why_data(found: Explained) -> Data:
    """Lay out for programs why an answer came from its tier."""
    row = (found.channel, found.message_ts, found.at, found.tier_wanted, found.tier_given, found.model)
    return Data(
        columns=(
            *("channel", "message_ts", "started_at", "tier_wanted", "tier_given", "model"),
            *("cost_usd", "sentence", *found.why),
        ),
        rows=((*row, found.cost_usd, found.sentence, *found.why.values()),),
    )


def replay_table(replay: Replay) -> Table:
    """Lay a replay out for people: what was, and what would have been."""
    return Table(
        title=f"Replay of {replay.channel or 'the workspace'} in {replay.month}",
        columns=("tier", "answers", "cost", "would answer", "would cost"),
        rows=tuple(_replay_row(name, use) for name, use in replay.tiers.items()) if replay.answers else (),
        total=_replay_row("total", replay.total),
        notes=_replay_notes(replay),
    )


def _replay_row(name: str, use: TierUse) -> Row:
    return (name, use.answers, use.cost_usd, use.would_answer, use.would_cost_usd)


def _replay_notes(replay: Replay) -> tuple[str, ...]:
    if not replay.answers:
        return ("Nothing to replay: no answer of this month has been paid for.",)
    notes = ["What another tier's answer would have cost is what its answers usually did."]
    if replay.refused:
        notes.append(f"{replay.refused:,} messages would have been refused. The money would have run out:")
    first = sorted(replay.ran_out.items(), key=lambda found: found[1])
    notes += [f"  {channel} on {at:%Y-%m-%d} at {at:%H:%M}" for channel, at in first[:MOST_RAN_OUT]]
    if len(first) > MOST_RAN_OUT:
        notes.append(f"  and in {len(first) - MOST_RAN_OUT:,} channels more")
    return ("\n".join(notes),)


def replay_data(replay: Replay) -> Data:
    """Lay a replay out for programs."""
    ran_out = {channel: at.isoformat(timespec="seconds") for channel, at in replay.ran_out.items()}
    return Data(
        columns=("tier", "answers", "cost_usd", "would_answer", "would_cost_usd"),
        rows=tuple(_replay_row(name, use) for name, use in replay.tiers.items()),
        total=_replay_row("total", replay.total)[1:],
        about={
            "channel": replay.channel or None,
            "month": replay.month,
            "would_refuse": replay.refused,
            "ran_out": ran_out,
        },
    )


def reconciled_table(told: Sequence[Reconciled], *, dry_run: bool) -> Table:
    """Lay out for people what became of reservations."""
    return Table(
        title="Reservations past their lease",
        columns=("reservation", "channel", "started (UTC)", "estimate", "cost", "ending"),
        rows=tuple(_reconciled_row(one) for one in told),
        notes=(reconciled_closing(told, dry_run=dry_run),),
    )


def _reconciled_row(one: Reconciled) -> Row:
    kept, started = one.reservation, f"{_started(one):%Y-%m-%d %H:%M}"
    return (kept.id, kept.facts.channel, started, kept.amount_usd, one.cost_usd, _words(one.ending))


def reconciled_data(told: Sequence[Reconciled], *, dry_run: bool) -> Data:
    """Lay out for programs what became of reservations."""
    return Data(
        columns=("reservation", "channel", "user", "started_at", "estimate_usd", "cost_usd", "ending"),
        rows=tuple(_reconciled_fields(one) for one in told),
        about={"dry_run": dry_run, "counts": _counts(told)},
    )


def _reconciled_fields(one: Reconciled) -> Row:
    kept, started = one.reservation, f"{_started(one):%Y-%m-%dT%H:%M:%SZ}"
    facts = kept.facts
    return (kept.id, facts.channel, facts.user, started, kept.amount_usd, one.cost_usd, one.ending.value)


def reconciled_closing(told: Sequence[Reconciled], *, dry_run: bool) -> str:
    """Say in one line how many reservations ended in which way."""
    if not told:
        return "Nothing to reconcile: no open reservation is past its lease."
    counts = ", ".join(f"{count} {_words(ending)}" for ending, count in _counts(told).items())
    return f"Nothing was changed. It would be: {counts}." if dry_run else f"Done: {counts}."


def check_data(findings: Sequence[Finding]) -> Data:
    """Lay out for programs what a check found."""
    rows = ((f.check, "ok" if f.is_ok else "fail", f.found, f.remedy) for f in findings)
    failed = sum(not finding.is_ok for finding in findings)
    return Data(
        columns=("check", "result", "found", "remedy"),
        rows=tuple(rows),
        about={"checks": len(findings), "failed": failed},
    )


def _counts(told: Sequence[Reconciled]) -> dict[str, int]:
    counts = Counter(one.ending for one in told)
    return {ending.value: counts[ending] for ending in Ending if counts[ending]}


def _started(one: Reconciled) -> datetime:
    return datetime.fromtimestamp(float(one.reservation.facts.started_at), UTC)


def _words(ending: str) -> str:
    return ending.replace("_", " ")
