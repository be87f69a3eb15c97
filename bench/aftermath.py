"""The aftermath: what stands in Slack, queues and tables once all workers have ended, and what it breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import handler
from bench.audit import Answers, Books, Post, find_answers, read_books
from bench.containers import Tally, jobs_in
from bench.crowd import has_footer
from bench.surroundings import Surroundings
from bench.tables import Row, Tables
from playground.slack.workspace import Workspace

FEW = 5
"""Of the questions that went wrong are named."""

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was found. `left_open` are reservations that workers left behind, `leaked` those without need."""

    answers: Answers
    books: Books
    dead_letters: int
    left_open: int
    leaked: int
    never_ended: int
    uncounted_usd: Decimal


def look_around(around: Surroundings, tables: Tables, tally: Tally, questions: int) -> Aftermath:
    """Reconcile as the schedule would, then look at everything."""
    around.openrouter.wait_until_idle()
    left_open = tables.open_reservations()
    tables.end_leases_of_reservations()
    handler.reconcile({}, None)
    books = read_books(tables.rows(""))
    return Aftermath(
        answers=find_answers(posts_of(around.slack), questions),
        books=books,
        dead_letters=jobs_in(around.aws.url, around.names.dead_letter_queue_url),
        left_open=len(left_open),
        leaked=sum(_message_of(row) not in tally.troubled for row in left_open),
        never_ended=len(tables.open_reservations()),
        uncounted_usd=max(_ZERO, around.openrouter.billed_usd - books.spent_usd),
    )


def _message_of(reservation: Row) -> tuple[str, str]:
    facts = reservation["facts"]
    return facts["channel"], facts["message_ts"]


def posts_of(slack: Workspace) -> Iterator[Post]:
    """Yield all that Penny said, wherever."""
    store, penny = slack.board.store, slack.directory.bot
    for channel in slack.directory.channels:
        for root in store.in_channel(channel):
            for message in store.replies(root):
                if message.author == penny:
                    is_finished = has_footer(message.blocks) and not message.is_streaming
                    yield Post(message.visible_text, is_finished)


def breaches(left: Aftermath, tally: Tally) -> Iterator[str]:
    """Name the promises that did not hold."""
    answers, books = left.answers, left.books
    promises = (
        (answers.lost, f"no question is lost: {_some_of(answers.lost)} got nothing"),
        (
            answers.half_written,
            f"answers have all their words and their footer: {_some_of(answers.half_written)}",
        ),
        (answers.duplicates, f"a question has one answer: {answers.duplicates} posts too many"),
        (tally.crashes, f"no worker dies by itself: {tally.crashes} did"),
        (books.overspend_usd, f"no budget is overspent: ${books.overspend_usd} over"),
        (left.uncounted_usd, f"all that is billed is counted: ${left.uncounted_usd} is not"),
        (left.leaked, f"only trouble leaves a reservation open: {left.leaked} without any"),
        (left.never_ended, f"reconciling ends every reservation: {left.never_ended} still open"),
        (books.disagreements, f"the books agree: {'; '.join(books.disagreements)}"),
    )
    return (promise for is_broken, promise in promises if is_broken)


def _some_of(numbers: frozenset[int]) -> str:
    first = sorted(numbers)[:FEW]
    more = f" and {len(numbers) - FEW} more" if len(numbers) > FEW else ""
    return f"number {', '.join(map(str, first))}{more}"
