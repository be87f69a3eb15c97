"""Notices: the words we post that are not an answer, and the footer; all in one place, in one voice."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from router.domain.budget import BudgetKind
from router.domain.completion import Finish
from router.domain.money import show_usd
from router.domain.thread import Prompt


def footer_text(
    model: str,
    cost_usd: Decimal | None,
    left_usd: Decimal | None,
    limit_usd: Decimal | None,
    remarks: tuple[str, ...] = (),
    kind: BudgetKind = BudgetKind.CHANNEL,
) -> str:
    """Write the footer: model, cost, what is left of a budget, and what the reader should know beside.

    Of a channel's budget one need not say whose it is. A cost of None is pending: the provider has not said
    yet, and the estimate stays set aside.
    """
    parts = [model or "no model", "cost pending" if cost_usd is None else show_usd(cost_usd)]
    if left_usd is not None and limit_usd is not None:
        parts.append(f"{show_usd(max(left_usd, Decimal(0)))} of {OF_WHOSE[kind]}{show_usd(limit_usd)} left")
    return " · ".join((*parts, *remarks))


OF_WHOSE = {BudgetKind.CHANNEL: "", BudgetKind.USER: "your ", BudgetKind.WORKSPACE: "the workspace's "}


def unread_remark(names: tuple[str, ...]) -> str:
    """Name the files that were not read."""
    shown = ", ".join(name[:60] for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as fit a line
    return f"not read: {shown}{more}"


def left_out_remark(count: int) -> str:
    """Say that the thread was longer than what the model saw."""
    return f"{count} oldest posts left out" if count > 1 else "the oldest post left out"


NOT_CHARGED = "no answer, nothing charged"
PENDING_CHARGE = "no answer; whether it cost anything is being found out"


def charged_nevertheless(cost_usd: Decimal) -> str:
    """Say what a call cost that gave no answer."""
    return f"no answer, and yet it cost {show_usd(cost_usd)}"


CUT_AT_DEADLINE = "cut short: out of time"
CUT_BY_PROVIDER = "cut short: the model's connection broke"
CUT_AT_LENGTH = "cut short: longest answer the budget allows"
CUT_BY_FILTER = "cut short: the provider's content rules"
STOPPED = "stopped"

STOPPED_EMPTY = "_Stopped before the first word._"
TOO_SLOW = "_The model did not answer in time. Please ask again._"

EMPTY_ANSWER = (
    "_The model spent its whole answer on thinking and wrote nothing. Ask again, or ask for less at once._"
)
NO_MODEL = (
    "I could not get an answer: every model I may use failed just now. "
    "Nothing more is tried for this message. Please ask again in a few minutes."
)
REFUSED = (
    "The models refused to answer this message (their provider's content rules). "
    "Nothing was charged that I know of. Please put it differently."
)
OPERATOR = (
    "I cannot reach my models: the account behind them needs the operator's attention. "
    "I have told the log; please let whoever runs me know, and ask again later."
)
BUSY = (
    "The rest of this budget is set aside for answers that are being written at this moment. "
    "It is not used up: please try again in a minute."
)
NOT_ANSWERED = (
    "Something went wrong on my side and I could not answer this message. "
    "I have stopped trying; please ask again, and tell whoever runs me if it happens twice."
)
UNREACHABLE_LEDGER = (
    "I could not reach my ledger, so I did not call a model: I never spend what I cannot account for. "
    "Please ask again in a few minutes."
)
UNREADABLE = "I could not read this message: Slack sent it in a form I do not know. Please post it again."


def whose_budget(kind: BudgetKind, *, is_direct: bool) -> str:
    """Say whose a budget is, to whoever asked for an answer."""
    if kind is BudgetKind.CHANNEL:
        return "Our direct messages'" if is_direct else "This channel's"
    return "Your" if kind is BudgetKind.USER else "This workspace's"


MOST_NAMED = 3
"""Of those who can raise a limit: each of them is called by the notice."""


def exhausted_notice(
    whose: str, limit_usd: Decimal, period: str, renews: datetime, admins: tuple[str, ...] = ()
) -> str:
    """Say that a budget is used up, when it renews and who can raise it (ids of users)."""
    return (
        f"{whose} budget of {show_usd(limit_usd)} per {period} is used up, so I cannot answer now. "
        f"It renews on {renews:%A, %d %B %Y at %H:%M %Z}. "
        f"{who_can_raise(admins)}"
    )


def who_can_raise(admins: tuple[str, ...]) -> str:
    """Name those who can raise a limit (ids of users)."""
    named = " or ".join(f"<@{user}>" for user in admins[:MOST_NAMED])
    return f"{named or 'Whoever runs Penny here'} can raise it sooner."


REMARKS = {
    Finish.DEADLINE: CUT_AT_DEADLINE,
    Finish.CUT: CUT_BY_PROVIDER,
    Finish.ERROR: CUT_BY_PROVIDER,
    Finish.LENGTH: CUT_AT_LENGTH,
    Finish.CONTENT_FILTER: CUT_BY_FILTER,
    Finish.STOPPED: STOPPED,
}
"""What the footer says of an answer that did not end by itself."""


def remarks(finish: Finish, prompt: Prompt) -> tuple[str, ...]:
    """Say what the reader should know beside the answer: that it was cut, and what the model did not see."""
    said = [REMARKS[finish]] if finish in REMARKS else []
    if prompt.left_out:
        said.append(left_out_remark(prompt.left_out))
    if prompt.unread:
        said.append(unread_remark(prompt.unread))
    return tuple(said)


def empty_words(finish: Finish) -> str:
    """Say why an answer has no words."""
    if finish is Finish.STOPPED:
        return STOPPED_EMPTY
    return TOO_SLOW if finish in (Finish.DEADLINE, Finish.CUT) else EMPTY_ANSWER
