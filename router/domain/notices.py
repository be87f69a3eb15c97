"""Notices: the words we post that are not an answer, and the footer; all in one place, in one voice."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from router.domain.access import Standing
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


NOTHING_ASKED = (
    "Hello! Write your question behind my name, or in a direct message to me. "
    "In a thread I read what was said there before, and text files and images that hang on it."
)
ALREADY_ASKED = "That was asked for already: the answer stands, or is being written, in this thread."
OLD_BUTTON = "This button is from an older version of me, and I do not know any more what it was for."
QUESTION_GONE = "I cannot answer that again: the message it was about is gone. Please ask anew."
NO_RECORD = "I have no record of that answer any more, or none yet. Please try again in a few minutes."
NOT_YOURS_TO_STOP = "Only who asked, or an admin, can stop this answer."
NOTHING_TO_STOP = "There is nothing to stop any more: the answer was finished already."


def rated(*, is_same: bool, is_moved: bool) -> str:
    """Thank for a rating."""
    if is_same:
        return "Thank you: that is what I had noted."
    return "Thank you, I changed it." if is_moved else "Thank you, noted."


CLOSED_HERE = "I do not answer questions here: whoever runs me chose the channels in which I do."
TURNED_AWAY = {
    Standing.MEMBER: "I may not answer anyone here: an admin switched me off for this channel.",
    Standing.GUEST: "I may not answer guests here. An admin of this workspace can change that.",
    Standing.STRANGER: (
        "I may not answer people of other companies here. An admin of this workspace can change that."
    ),
    Standing.GONE: "I may not answer: this account was deactivated.",
    Standing.UNKNOWN: (
        "Slack does not tell me who you are, so I may not answer. "
        "Whoever runs me can allow it: the app needs the permission users:read."
    ),
}


def turned_away(standing: Standing, *, is_open_here: bool) -> str:
    """Say why someone gets no answer."""
    return f"{TURNED_AWAY[standing] if is_open_here else CLOSED_HERE} Nothing was charged."


def not_for_a_stronger(renews: datetime) -> str:
    """Say that a stronger model does not fit into what is left."""
    return (
        "What is left of the budget does not bear a stronger model. Nothing was charged. "
        f"It renews on {renews:%A, %d %B %Y at %H:%M %Z}."
    )


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
