"""Answer: one message, answered once, for no more than its budgets bear.

Nested frames, each with one promise and its undo:

    answer                every way out is a named outcome and one line in the journal
    └─ _with_claim        a message is answered once; who fails lets go, who died is taken over
       └─ _with_money     money is set aside before the call; what is not spent returns
          └─ Replying     the thread sees the answer as it comes, and in the end all of it
             └─ Caller    the models are asked, within what was set aside

An outcome that was to be expected is a value. An exception means that the job should be delivered again.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from router.adapters.claims import Claim, Duplicate, HeldByThisJob
from router.adapters.slack_web import SlackWeb
from router.delivered import Delivered
from router.domain import notices
from router.domain.budget import Budget, BudgetPeriod
from router.domain.ladder import Tier
from router.domain.message import File, Message, NotForUs, read_files, read_message
from router.domain.thread import Author, Post, Prompt, prompt_for, read_post
from router.errors import (
    Billed,
    CallFailed,
    MalformedError,
    PennyError,
    SlackRefused,
    TableUnavailable,
    TryLater,
)
from router.journal import write_line
from router.replying import Outcome, Replying, Tools, closing_until, notice_for
from router.reserving import Busy, Exhausted
from router.slack.blocks import MARK, footer_block
from router.slack.parts import Place
from router.slack.streamed_reply import StreamedReply
from router.slack.thread import read_thread


@dataclass(frozen=True, slots=True)
class Thread:
    """What was read of the thread: its posts, and the files of the message itself."""

    posts: tuple[Post, ...]
    files: tuple[File, ...]

    def has_our_words(self) -> bool:
        """Whether we take part in it."""
        return any(post.author is Author.US for post in self.posts)

    def has_answer_to(self, message: Message) -> bool:
        """Whether `message` has its finished answer."""
        return any(post.is_complete and post.answers == message.ts for post in self.posts)

    def left_behind(self, message: Message) -> tuple[str, ...]:
        """Return our unfinished posts after `message`: a thread is answered one message after the other."""
        ours = (p for p in self.posts if p.author is Author.US and p.ts > message.ts)
        return tuple(post.ts for post in ours if post.answers in ("", message.ts))


def answer_event(tools: Tools, body: dict[str, Any], delivered: Delivered) -> None:
    """Answer the message that an event carries.

    Raises when the job should be delivered again; on its last delivery the thread is told first. Raises
    MalformedError for an event that no one can read.
    """
    message = read_message(body)
    if isinstance(message, NotForUs):
        write_line("answer", Outcome.NOT_FOR_US, job=delivered.id, reason=message.value)
    else:
        Answer(tools, message, delivered).answer()


class Answer:
    """The answering of one message in one delivery of its job."""

    def __init__(self, tools: Tools, message: Message, delivered: Delivered) -> None:
        self._tools = tools
        self._message = message
        self._delivered = delivered
        self._noted: dict[str, Any] = {
            "job": delivered.id,
            "channel": message.channel,
            "ts": message.ts,
            "receives": delivered.receives,
        }

    def answer(self) -> None:
        """Answer, and write one line in the journal whatever comes of it."""
        began = time.monotonic()
        try:
            outcome = self._with_claim()
        except Exception as error:
            write_line("answer", "not_yet", **self._noted, reason=_reason(error))
            if self._delivered.is_last:
                self._tell(_last_words(error))
            raise
        write_line("answer", outcome, **self._noted, ms=(time.monotonic() - began) * 1000)

    # the claim: answered once

    def _with_claim(self) -> Outcome:
        """Answer if the message is ours to answer; let go of it if that fails."""
        thread = self._tools.aside.submit(self._read_thread)
        if self._message.needs_our_thread and not thread.result().has_our_words():
            return Outcome.NOT_FOR_US
        periods = self._tools.reserving.periods(self._message)
        budgets = self._tools.aside.submit(self._tools.reserving.budgets, periods)
        claim = self._take_claim()
        if claim is None:
            return Outcome.DUPLICATE
        try:
            return self._answer_claimed(claim, thread, periods, budgets)
        except BaseException as error:
            with contextlib.suppress(PennyError):
                self._tools.claims.abandon(claim, _reason(error))
            raise

    def _take_claim(self) -> Claim | None:
        taken = self._tools.claims.take(
            self._message,
            job=self._delivered.id,
            owner=uuid.uuid4().hex,
            now=time.time(),
            lease_s=self._tools.lease_s,
        )
        if isinstance(taken, HeldByThisJob):
            raise TryLater("an earlier delivery of this job is still at work", taken.seconds)
        return None if isinstance(taken, Duplicate) else taken

    def _read_thread(self, *, is_takeover: bool = False) -> Thread:
        """Read what the event alone cannot tell: earlier posts, and the files that an `app_mention` lacks.

        A root whose event names its files has nothing before it, and nothing after it but what an earlier
        owner of its claim has posted.
        """
        message = self._message
        if not message.is_reply and message.files is not None and not is_takeover:
            return Thread((), message.files)
        try:
            raw = read_thread(self._tools.slack, message.channel, message.thread)
        except SlackRefused as refused:
            self._noted["no_context"] = refused.code
            return Thread((), message.files or ())
        posts = (read_post(m, message.our_user, MARK) for m in raw)
        own = next((m for m in raw if m.get("ts") == message.ts), {})
        return Thread(tuple(p for p in posts if p), message.files or read_files(own.get("files")))

    def _answer_claimed(
        self,
        claim: Claim,
        reading: Future[Thread],
        periods: tuple[BudgetPeriod, ...],
        budgets: Future[tuple[Budget, ...]],
    ) -> Outcome:
        self._tools.aside.submit(self._show_status)
        thread = reading.result()
        if claim.is_takeover:
            thread = self._read_thread(is_takeover=True)
            if thread.has_answer_to(self._message):
                self._tools.claims.finish(claim, Outcome.ANSWERED)
                self._noted["already"] = True
                return Outcome.ANSWERED
            claim = replace(claim, replies=claim.replies or thread.left_behind(self._message))
        return self._with_money(claim, thread, periods, budgets.result())

    def _show_status(self) -> None:
        """Say that we are thinking. Slack clears it when we post; a workspace may not have it."""
        with contextlib.suppress(PennyError):
            self._tools.slack.call(
                "assistant.threads.setStatus",
                channel_id=self._message.channel,
                thread_ts=self._message.thread,
                status="is thinking…",
            )

    # the money: set aside before the call

    def _with_money(
        self, claim: Claim, thread: Thread, periods: tuple[BudgetPeriod, ...], budgets: tuple[Budget, ...]
    ) -> Outcome:
        """Reserve, call and settle; say no when the money does not bear an answer.

        A call that may have been billed without an answer keeps its money; one more call is made with new.
        """

        @cache
        def prompt_within(max_tokens: int) -> Prompt:
            system = self._tools.config.reply.system_prompt
            return prompt_for(system, thread.posts, self._message, thread.files, max_tokens)

        def prompt_of(tier: Tier) -> Prompt:
            return prompt_within(tier.max_prompt_tokens)

        try:
            return self._reserve_and_reply(claim, periods, budgets, prompt_of)
        except CallFailed as failed:
            if failed.billed is Billed.NO or time.time() >= self._delivered.deadline:
                return self._refuse(claim, *notice_for(failed))
        try:
            return self._reserve_and_reply(claim, periods, budgets, prompt_of)
        except CallFailed as failed:
            return self._refuse(claim, *notice_for(failed))

    def _reserve_and_reply(
        self,
        claim: Claim,
        periods: tuple[BudgetPeriod, ...],
        budgets: tuple[Budget, ...],
        prompt_of: Callable[[Tier], Prompt],
    ) -> Outcome:
        funds = self._tools.reserving.reserve(
            self._message, periods, budgets, prompt_of, claim.owner, self._tools.lease_s
        )
        if isinstance(funds, Exhausted):
            return self._refuse(claim, Outcome.OVER_BUDGET, self._exhausted_words(funds))
        if isinstance(funds, Busy):
            return self._refuse(claim, Outcome.BUSY, notices.BUSY)
        self._noted |= {"tier_wanted": funds.reservation.facts.tier_wanted, "tier": funds.offer.tier.name}
        replying = Replying(self._tools, self._message, claim, funds, self._reply(claim), self._noted)
        return replying.reply(prompt_of, self._delivered.deadline)

    # the thread: told whatever comes of it

    def _exhausted_words(self, exhausted: Exhausted) -> str:
        period = exhausted.until.period
        whose = "Our direct messages'" if self._message.is_direct else "This channel's"
        return notices.exhausted_notice(whose, exhausted.budget.limit_usd, period.kind, period.renews)

    def _refuse(
        self, claim: Claim, outcome: Outcome, notice: str, footer: str = notices.NOT_CHARGED
    ) -> Outcome:
        """Say no in the thread, then end the claim: who dies in between says it again in the same place."""
        blocks = [footer_block(footer)]
        posted = self._reply(claim).close(blocks, closing_until(self._delivered.deadline), notice)
        self._tools.claims.finish(claim, outcome)
        return outcome if posted else Outcome.UNDELIVERABLE

    def _reply(self, claim: Claim) -> StreamedReply:
        def on_posted(replies: tuple[str, ...]) -> None:
            with contextlib.suppress(TableUnavailable):  # then whoever takes over finds them in the thread
                self._tools.claims.note_replies(claim, replies)

        message = self._message
        place = Place(message.channel, message.thread, message.user, message.author_team, message.is_direct)
        return StreamedReply(
            self._tools.slack,
            place,
            adopted=claim.replies,
            on_posted=on_posted,
            answers=message.ts,
            clock=time.time,
        )

    def _tell(self, notice: str) -> None:
        """Post a notice when nothing else can be done; that Slack may be what failed is no reason to fail."""
        with contextlib.suppress(PennyError):
            _post_notice(self._tools.slack, self._message.channel, self._message.thread, notice)


def tell_unreadable(slack: SlackWeb, delivered: Delivered) -> None:
    """Say a word in the thread of an event that cannot be read, where it names one."""
    try:
        event = json.loads(delivered.job().body)["event"]
        channel, thread = event["channel"], event.get("thread_ts") or event["ts"]
    except (MalformedError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return
    if isinstance(channel, str) and isinstance(thread, str):
        with contextlib.suppress(PennyError):
            _post_notice(slack, channel, thread, notices.UNREADABLE)


def _post_notice(slack: SlackWeb, channel: str, thread: str, notice: str) -> None:
    slack.call("chat.postMessage", channel=channel, thread_ts=thread, text=notice)


def _last_words(error: Exception) -> str:
    return notices.UNREACHABLE_LEDGER if isinstance(error, TableUnavailable) else notices.NOT_ANSWERED


def _reason(error: BaseException) -> str:
    """Name an error for log and table: our own words, or a type; never what a foreign error says."""
    return str(error) if isinstance(error, PennyError) else type(error).__name__
