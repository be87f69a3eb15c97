"""Sheets: reports, reconciliations and findings laid out in rows and columns, for people and for programs.

Says which figures are shown, in which order and under which name; leaves how they are written to `output`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from router.adapters.limits import Change
from router.budgets import Changed, Standing
from router.check import Finding
from router.domain.budget import BudgetKind, Limit
from router.domain.money import show_usd
from router.explain import Explained
from router.output import Data, Row, Table, Value
from router.reconcile import Ending, Reconciled
from router.report import Line, Report, Savings
from router.simulate import Replay, TierUse
from router.verify import Verified

MOST_RAN_OUT = 10
"""Channels of which a table tells when their money would have run out; programs get them all."""

RATED_WAYS = ("model", "channel")
"""Ways to sum up of which ratings are counted too."""


def report_table(report: Report, called: str = "", savings: Savings | None = None) -> Table:
    """Lay a report out for people; `called` is the name by which its channel was asked for."""
    where = f"by {report.user}" if report.user else f"in {_where(report.channel, called)}"
    return Table(
        title=f"Spent {where} in {report.month}, by {report.by}",
        columns=(
            *(report.by, "answers", "cost", "share", "per answer"),
            *(("estimated",) if report.total.estimated_usd else ()),
            *("prompt tokens", "completion tokens"),
            *(("good", "bad") if _is_rated(report) else ()),
        ),
        rows=tuple(_report_row(line, report) for line in report.lines),
        total=_report_row(report.total, report),
        notes=(*_report_notes(report), *_savings_notes(report, savings)),
    )


def _where(channel: str, called: str) -> str:
    if not channel:
        return "the workspace"
    return channel if called in ("", channel) else f"#{called.removeprefix('#')} ({channel})"


def _is_rated(report: Report) -> bool:
    return bool(report.total.good or report.total.bad)


def _report_row(line: Line, report: Report) -> Row:
    total = report.total
    share = f"{100 * line.cost_usd / total.cost_usd:.1f}%" if total.cost_usd else None
    average = line.cost_usd / line.answers if line.answers else None
    estimated = (line.estimated_usd or None,) if total.estimated_usd else ()
    tokens = (line.prompt_tokens, line.completion_tokens)
    ratings = (line.good, line.bad) if _is_rated(report) else ()
    return (line.name, line.answers, line.cost_usd, share, average, *estimated, *tokens, *ratings)


def _report_notes(report: Report) -> tuple[str, ...]:
    if not report.lines:
        return ("Nothing yet: no answer of this month has been paid for.",)
    if report.total.estimated_usd:
        return ("Estimated: nobody could say what was billed, so all that had been set aside is the charge.",)
    return ()


def _savings_notes(report: Report, savings: Savings | None) -> tuple[str, ...]:
    if savings is None or not report.lines or savings.saved_usd <= 0:
        return ()
    share = f"{100 * savings.saved_usd / savings.cost_usd:.0f}%"
    instead = f"Always {savings.tier}, at its price caps, would have been {show_usd(savings.cost_usd)}"
    return (f"{instead}: {show_usd(savings.saved_usd)} ({share}) saved.",)


def report_data(report: Report, savings: Savings | None = None) -> Data:
    """Lay a report out for programs."""
    about: dict[str, object] = {
        "channel": report.channel or None,
        "user": report.user or None,
        "month": report.month,
        "by": report.by,
    }
    if savings:
        about["best_tier"] = {
            "tier": savings.tier,
            "cost_usd": f"{savings.cost_usd:f}",
            "saved_usd": f"{savings.saved_usd:f}",
        }
    rated = ("good", "bad") if report.by in RATED_WAYS else ()
    sums = ("answers", "cost_usd", "estimated_usd", "prompt_tokens", "completion_tokens", *rated)
    return Data(
        columns=(report.by, *sums),
        rows=tuple((line.name, *(getattr(line, name) for name in sums)) for line in report.lines),
        total=tuple(getattr(report.total, name) for name in sums),
        about=about,
    )


def verified_table(verified: Verified) -> Table:
    """Lay out for people where the books are wrong, to the last digit."""
    wrong = " that are not what the usage records add up to" if verified.differences else ""
    return Table(
        title=f"Books of {verified.month}{wrong}",
        columns=("row", "attribute", "in the books", "recomputed"),
        rows=tuple(tuple(_digits(v) for v in row) for row in _difference_rows(verified)),
        notes=(verified_closing(verified),),
    )


def verified_data(verified: Verified) -> Data:
    """Lay out for programs where the books are wrong."""
    return Data(
        columns=("row", "attribute", "in_the_books", "recomputed"),
        rows=_difference_rows(verified),
        about={
            "month": verified.month,
            "records": verified.records,
            "rollups": verified.rollups,
            "budgets": verified.budgets,
        },
    )


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


def verified_closing(verified: Verified) -> str:
    """Say in one line what was looked at and whether it agrees."""
    seen = f"{verified.records:,} records, {verified.rollups:,} rollups, {verified.budgets:,} budgets"
    if verified.differences:
        return f"{seen}: {len(verified.differences):,} differences."
    return f"{seen}: all agree to the last digit."


def _difference_rows(verified: Verified) -> tuple[Row, ...]:
    return tuple((d.row, d.attribute, d.books, d.recomputed) for d in verified.differences)


def _digits(value: Value) -> str:
    if value is None:
        return "(none)"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


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


def budgets_table(standings: Sequence[Standing], title: str, notes: tuple[str, ...] = ()) -> Table:
    """Lay budgets out for people."""
    return Table(
        title=title,
        columns=("budget", "limit", "per", "spent", "reserved", "left", "renews", "limit set by"),
        rows=tuple(_standing_row(one) for one in standings),
        notes=notes,
    )


def _standing_row(one: Standing) -> Row:
    budget, by = one.budget, one.set_limit.set_by if one.set_limit else "the file"
    return (
        whose(budget.kind, budget.id),
        budget.limit_usd,
        one.period.kind.value,
        budget.spent_usd,
        budget.reserved_usd,
        budget.remaining_usd,
        f"{one.period.renews:%Y-%m-%d}",
        by,
    )


def whose(kind: BudgetKind, budget_id: str) -> str:
    """Name a budget."""
    return "workspace" if kind is BudgetKind.WORKSPACE else f"{kind} {budget_id}"


def budgets_data(standings: Sequence[Standing], **about: object) -> Data:
    """Lay budgets out for programs."""
    return Data(
        columns=(
            *("kind", "id", "period", "per", "limit_usd", "spent_usd", "reserved_usd", "remaining_usd"),
            *("renews", "set_by", "set_at"),
        ),
        rows=tuple(_standing_fields(one) for one in standings),
        about=about,
    )


def _standing_fields(one: Standing) -> Row:
    budget, known = one.budget, one.set_limit
    return (
        *(budget.kind.value, budget.id, budget.period_key, one.period.kind.value),
        *(budget.limit_usd, budget.spent_usd, budget.reserved_usd, budget.remaining_usd),
        one.period.renews.isoformat(),
        *((known.set_by, _moment(known.set_at)) if known else (None, None)),
    )


def change_fields(change: Change) -> dict[str, object]:
    """Lay a change of a limit out for programs."""
    sides = {"before": change.before, "after": change.after}
    return {"set_by": change.set_by, "set_at": _moment(change.set_at)} | {
        name: f"{limit.amount_usd:f} per {limit.per}" if limit else None for name, limit in sides.items()
    }


def change_line(change: Change) -> str:
    """Tell people of a change of a limit."""
    return (
        f"{_moment(change.set_at)}: {limit_words(change.before, THE_FILES)} -> "
        f"{limit_words(change.after, THE_FILES)}, by {change.set_by}"
    )


THE_FILES = "the file's limit"


def limit_words(limit: Limit | None, without: str = "no limit") -> str:
    """Write a limit for people."""
    return f"{show_usd(limit.amount_usd)} per {limit.per}" if limit else without


def changed_notes(changed: Changed) -> tuple[str, ...]:
    """Say what became of a limit, and what follows where less is left than nothing."""
    done = f"{limit_words(changed.before)} -> {limit_words(changed.after)}"
    standing = changed.standing
    if standing is None or standing.budget.remaining_usd > 0:
        return (f"Changed: {done}.",)
    return (f"Changed: {done}. Nothing is left until {standing.period.renews:%Y-%m-%d}.",)


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


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
