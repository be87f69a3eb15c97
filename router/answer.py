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
from decimal import Decimal
from functools import cache
from typing import Any

from router.adapters.claims import Claim, Duplicate, HeldByThisJob
from router.adapters.slack_web import SlackWeb
from router.delivered import Delivered
from router.domain import notices
from router.domain.access import Standing, Who, may_ask
from router.domain.budget import Budget, BudgetPeriod
from router.domain.channel_settings import ChannelSettings
from router.domain.choice import Terms
from router.domain.ladder import Ladder, Tier
from router.domain.message import Message, NotForUs, read_message
from router.domain.thread import Prompt, Shown, has_words, prompt_for, system_prompt_for
from router.errors import Billed, CallFailed, MalformedError, PennyError, TableUnavailable, TryLater
from router.journal import write_line
from router.reading import Thread, read_attachments, read_thread_of
from router.replying import Asked, Outcome, Replying, Tools, closing_until, notice_for
from router.reserving import Busy, Exhausted
from router.slack.blocks import footer_block, mark, stop_block
from router.slack.parts import Place
from router.slack.streamed_reply import Fittings, StreamedReply
from router.slack.whisper import Addressee, whisper


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


@dataclass(frozen=True, slots=True)
class Again:
    """One more answer to a message, wanted by a press: by `tier`, for at most the price that stood there."""

    tier: Tier
    at_most_usd: Decimal
    presser: Addressee


class Answer:
    """The answering of one message in one delivery of its job; with `again`, by a stronger tier once more."""

    def __init__(
        self, tools: Tools, message: Message, delivered: Delivered, again: Again | None = None
    ) -> None:
        self._tools = tools
        self._message = message
        self._delivered = delivered
        self._again = again
        self._answering = again.tier.name if again else ""
        self._is_for_us = not message.needs_our_thread
        self._status: Future[None] | None = None
        self._noted: dict[str, Any] = {
            "job": delivered.id,
            "channel": message.channel,
            "ts": message.ts,
            "receives": delivered.receives,
            **({"again": self._answering} if again else {}),
        }

    def answer(self) -> None:
        """Answer, and write one line in the journal whatever comes of it."""
        began = time.monotonic()
        try:
            outcome = self._with_claim()
        except Exception as error:
            write_line("answer", "not_yet", **self._noted, reason=_reason(error))
            if self._delivered.is_last and self._is_for_us:
                self._tell(_last_words(error))
            raise
        write_line("answer", outcome, **self._noted, ms=(time.monotonic() - began) * 1000)

    # the claim: answered once

    def _with_claim(self) -> Outcome:
        """Answer if the message is ours to answer; let go of it if that fails."""
        tools, message = self._tools, self._message
        settings = tools.aside.submit(tools.settings.of, message.channel)
        if message.needs_our_thread and not settings.result().follow_ups:
            return Outcome.NOT_FOR_US
        thread = tools.aside.submit(read_thread_of, tools.slack, message)
        if message.needs_our_thread and not thread.result().has_our_words(message):
            return Outcome.NOT_FOR_US
        self._is_for_us = True
        standing = self._start_looking_up()
        periods = tools.reserving.periods(message)
        budgets = tools.aside.submit(tools.reserving.budgets, periods)
        claim = self._take_claim()
        if claim is None:
            return self._already_claimed()
        try:
            if not self._may_ask(settings.result(), standing):
                return self._turn_away(claim, standing())
            asked = self._asked(claim, settings.result())
            return self._answer_claimed(asked, thread, periods, budgets)
        except BaseException as error:
            with contextlib.suppress(PennyError):
                tools.claims.abandon(claim, _reason(error))
            raise

    def _take_claim(self) -> Claim | None:
        taken = self._tools.claims.take(
            self._message,
            job=self._delivered.id,
            owner=uuid.uuid4().hex,
            now=time.time(),
            lease_s=self._tools.lease_s,
            answering=self._answering,
        )
        if isinstance(taken, HeldByThisJob):
            raise TryLater("an earlier delivery of this job is still at work", taken.seconds)
        return None if isinstance(taken, Duplicate) else taken

    def _already_claimed(self) -> Outcome:
        """Leave a message to whoever has it; who pressed a button is told that it was pressed before."""
        if self._again:
            whisper(self._tools.slack, self._again.presser, notices.ALREADY_ASKED)
        return Outcome.DUPLICATE

    def _asked(self, claim: Claim, settings: ChannelSettings) -> Asked:
        allowed = settings.allowed(self._tools.config.ladder)
        terms = Terms(allowed)
        if self._again:
            terms = Terms(Ladder((self._again.tier,)), self._again.tier, self._again.at_most_usd)
        return Asked(self._message, claim, settings, terms)

    # access: who may ask, and where

    def _start_looking_up(self) -> Callable[[], Standing]:
        """Find out who asks, beside everything else unless all may; return what waits for it."""
        message, people = self._message, self._tools.people
        if self._tools.config.access.who is Who.EVERYONE:
            return lambda: people.find(message.user, message.author_team, message.team).standing
        looking = self._tools.aside.submit(people.find, message.user, message.author_team, message.team)
        return lambda: looking.result().standing

    def _may_ask(self, settings: ChannelSettings, standing: Callable[[], Standing]) -> bool:
        """Decide before anything is paid."""
        if not self._is_open_here():
            return False
        return settings.who is Who.EVERYONE or may_ask(settings.who, standing())

    def _is_open_here(self) -> bool:
        message = self._message
        return self._tools.config.access.is_open(message.channel, is_direct=message.is_direct)

    def _turn_away(self, claim: Claim, standing: Standing) -> Outcome:
        """Say no so that only the asker sees it; whoever did not speak to us is told nothing."""
        message = self._message
        addressee = Addressee(message.channel, message.user, message.thread)
        if self._again:
            addressee = self._again.presser
        if not message.needs_our_thread:
            words = notices.turned_away(standing, is_open_here=self._is_open_here())
            whisper(self._tools.slack, addressee, words)
        self._noted["standing"] = standing
        return self._let_go(claim, Outcome.NOT_ALLOWED)

    def _let_go(self, claim: Claim, outcome: Outcome) -> Outcome:
        """End the claim without an answer; what a button asked for may be asked for again."""
        if self._again:
            self._tools.claims.abandon(claim, outcome)
        else:
            self._tools.claims.finish(claim, outcome)
        return outcome

    def _answer_claimed(
        self,
        asked: Asked,
        reading: Future[Thread],
        periods: tuple[BudgetPeriod, ...],
        budgets: Future[tuple[Budget, ...]],
    ) -> Outcome:
        thread = reading.result()
        self._note_refused(thread)
        if asked.claim.is_takeover:
            thread = read_thread_of(self._tools.slack, self._message, is_takeover=True)
            if thread.has_answer_to(self._message, self._answering):
                self._tools.claims.finish(asked.claim, Outcome.ANSWERED)
                self._noted["already"] = True
                return Outcome.ANSWERED
            replies = asked.claim.replies or thread.left_behind(self._message, self._answering)
            asked = replace(asked, claim=replace(asked.claim, replies=replies))
        if not (has_words(self._message) or thread.files or self._message.is_reply):
            return self._refuse(asked.claim, Outcome.NOTHING_ASKED, notices.NOTHING_ASKED)
        self._status = self._tools.aside.submit(self._show_status)
        return self._with_money(asked, thread, periods, budgets.result())

    def _note_refused(self, thread: Thread) -> None:
        if thread.refused:
            self._noted["no_context"] = thread.refused

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
        self,
        asked: Asked,
        thread: Thread,
        periods: tuple[BudgetPeriod, ...],
        budgets: tuple[Budget, ...],
    ) -> Outcome:
        """Reserve, call and settle; say no when the money does not bear an answer.

        A call that may have been billed without an answer keeps its money; one more call is made with new.
        Not so for a press, which costs no more than stood on its button.
        """
        prompt_of = self._prompts(asked.settings, thread)
        try:
            return self._reserve_and_reply(asked, periods, budgets, prompt_of)
        except CallFailed as failed:
            if failed.billed is Billed.NO or self._again or time.time() >= self._delivered.deadline:
                return self._refuse(asked.claim, *notice_for(failed))
        try:
            return self._reserve_and_reply(asked, periods, budgets, prompt_of)
        except CallFailed as failed:
            return self._refuse(asked.claim, *notice_for(failed))

    def _prompts(self, settings: ChannelSettings, thread: Thread) -> Callable[[Tier], Prompt]:
        """Read the files, and return what makes the prompt of each tier, once."""
        attachments = read_attachments(self._tools.slack, self._tools.aside, thread)

        @cache
        def prompt_of(tier: Tier) -> Prompt:
            operators, room = self._tools.config.reply.system_prompt, tier.max_prompt_tokens
            system = system_prompt_for(operators, settings.system_prompt, room)
            shown = Shown(attachments, tier.sees_images)
            return prompt_for(system, thread.posts, self._message, thread.files, room, shown)

        return prompt_of

    def _reserve_and_reply(
        self,
        asked: Asked,
        periods: tuple[BudgetPeriod, ...],
        budgets: tuple[Budget, ...],
        prompt_of: Callable[[Tier], Prompt],
    ) -> Outcome:
        claim = asked.claim
        funds = self._tools.reserving.reserve(
            self._message, periods, budgets, prompt_of, claim.owner, self._tools.lease_s, asked.terms
        )
        if isinstance(funds, Exhausted):
            refused = self._refuse(claim, Outcome.OVER_BUDGET, self._exhausted_words(funds))
            self._tools.alerting.look((funds.budget.row,), used_up=funds.budget.row)
            return refused
        if isinstance(funds, Busy):
            return self._refuse(claim, Outcome.BUSY, notices.BUSY)
        self._noted |= {"tier_wanted": funds.reservation.facts.tier_wanted, "tier": funds.offer.tier.name}
        replying = Replying(self._tools, asked, funds, self._reply(claim), self._noted)
        return replying.reply(prompt_of, self._delivered.deadline)

    # the thread: told whatever comes of it

    def _exhausted_words(self, exhausted: Exhausted) -> str:
        period = exhausted.period
        if self._again:
            return notices.not_for_a_stronger(period.renews)
        whose = notices.whose_budget(exhausted.budget.kind, is_direct=self._message.is_direct)
        admins = self._tools.config.access.admins
        return notices.exhausted_notice(whose, exhausted.budget.limit_usd, period.kind, period.renews, admins)

    def _refuse(
        self, claim: Claim, outcome: Outcome, notice: str, footer: str = notices.NOT_CHARGED
    ) -> Outcome:
        """Say no in the thread, then end the claim: who dies in between says it again in the same place.

        Of a press that comes to nothing only the presser is told: the thread has its answer.
        """
        if self._again:
            said = notice if footer == notices.NOT_CHARGED else f"{notice} ({footer})"
            whisper(self._tools.slack, self._again.presser, said)
            return self._let_go(claim, outcome)
        if self._status:
            self._status.result()  # Slack takes a status away when we post: it must not come after that
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
            fittings=self._fittings(),
            clock=time.time,
        )

    def _fittings(self) -> Fittings:
        """Say which message the reply answers, and offer to stop it."""
        message, again = self._message, self._answering
        return Fittings(
            lambda is_complete, tier: mark(message.ts, is_complete=is_complete, tier=tier, again=again),
            (stop_block({"ts": message.ts, "again": again, "user": message.user}),),
        )

    def _tell(self, notice: str) -> None:
        """Post a notice when nothing else can be done; that Slack may be what failed is no reason to fail."""
        if self._again:
            whisper(self._tools.slack, self._again.presser, notice)
            return
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
