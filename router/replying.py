"""Replying: one paid call, from the model's first word to the settled bill under the answer.

The thread sees the answer as it comes and in the end all of it. What the call cost is settled once; while
nobody can say what it cost, the reservation stays open for the reconciler.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from router.adapters.claims import Claim, Claims
from router.adapters.ledger import Ledger
from router.adapters.ratings import Ratings
from router.adapters.slack_web import SlackWeb
from router.adapters.usage import UsageTable
from router.alerting import Alerting
from router.calling import Caller, Errand, Listening
from router.channel_settings import ChannelSettingsBook
from router.config import Config
from router.domain import notices
from router.domain.budget import Budget
from router.domain.channel_settings import ChannelSettings
from router.domain.choice import Terms
from router.domain.completion import Call, Completion
from router.domain.estimate import worst_case_usd
from router.domain.ladder import Tier
from router.domain.message import Message
from router.domain.thread import Prompt
from router.domain.usage import Bill
from router.errors import Billed, CallFailed, Remedy, TableUnavailable
from router.reserving import Funded, Reserving
from router.slack.blocks import Block, actions_block, feedback_block, footer_block
from router.slack.people import People
from router.slack.session import Session
from router.slack.streamed_reply import StreamedReply
from router.stopping import StopWatch

CLOSING_S = 40.0
"""After the deadline, for the last words to reach Slack: it may want to be left alone for half a minute."""

LEASE_MARGIN_S = 30.0
"""On top of deadline and closing: who has not come back by then is dead."""

SETTLE_WAITS_S = (0.0, 0.5, 1.0, 2.0)
"""Before each try to settle: the money is spent, so it is worth more patience than the asking."""


class Outcome(StrEnum):
    """How a message ended."""

    ANSWERED = "answered"
    DUPLICATE = "duplicate"
    NOT_FOR_US = "not_for_us"
    OVER_BUDGET = "over_budget"
    BUSY = "busy"
    REFUSED = "refused"
    NOT_ALLOWED = "not_allowed"
    """Who asked may not ask here."""
    NOTHING_ASKED = "nothing_asked"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"
    """Slack takes the answer in no form: the channel is gone, or the bot was removed."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every answer of a container shares."""

    config: Config
    claims: Claims
    ledger: Ledger
    slack: SlackWeb
    caller: Caller
    reserving: Reserving
    settings: ChannelSettingsBook
    people: People
    ratings: Ratings
    usage: UsageTable
    alerting: Alerting
    aside: ThreadPoolExecutor
    """For what need not be waited for."""

    @property
    def lease_s(self) -> float:
        """How long a claim or reservation is its owner's."""
        return self.config.reply.deadline_s + CLOSING_S + LEASE_MARGIN_S


def closing_until(deadline: float) -> float:
    """Return until when last words may take, in epoch seconds."""
    return max(deadline, time.time()) + CLOSING_S


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that is ours to answer, and on what terms."""

    message: Message
    claim: Claim
    settings: ChannelSettings
    terms: Terms


class Replying:
    """One paid call for a message, and the reply that it fills. `noted` is what the journal will say."""

    def __init__(
        self, tools: Tools, asked: Asked, funds: Funded, reply: StreamedReply, noted: dict[str, Any]
    ) -> None:
        self._tools = tools
        self._asked = asked
        self._message = asked.message
        self._claim = asked.claim
        self._funds = funds
        self._reservation = funds.reservation
        self._reply = reply
        self._session = Session(
            tools.slack, asked.message.channel, asked.message.thread, is_open=asked.claim.is_takeover
        )
        self._noted = noted
        self._noting: list[Future[None]] = []
        self._has_text = False
        self._began = time.time()

    def reply(self, prompt_of: Callable[[Tier], Prompt], deadline: float) -> Outcome:
        """Call, show, settle. Raises CallFailed when there was no answer; the money is seen to by then."""
        try:
            with StopWatch(self._tools.claims, self._claim, self._offer_to_stop) as watch:
                listening = Listening(
                    self._on_generation,
                    self._on_text,
                    lambda: watch.is_stopped or self._reply.is_unwanted,
                )
                tier, completion = self._tools.caller.call(self._errand(prompt_of, deadline), listening)
        except CallFailed as failed:
            self._end_failed(failed)
            self._leave_session()
            raise
        except BaseException:
            self._reply.give_up()
            self._leave_session()
            raise
        finally:
            self._wait_for_notes()
        return self._end(tier, completion, prompt_of, deadline)

    def _errand(self, prompt_of: Callable[[Tier], Prompt], deadline: float) -> Errand:
        tier, message, offer = self._funds.offer.tier, self._message, self._funds.offer
        call = Call(
            models=self._reservation.facts.models,
            messages=prompt_of(tier).messages,
            max_tokens=offer.max_tokens,
            max_price_prompt_usd=tier.max_price_prompt_usd,
            max_price_completion_usd=tier.max_price_completion_usd,
            reasoning_effort=tier.reasoning_effort,
            user=_hashed(message.team, message.user),
            session_id=_hashed(message.channel, message.thread),
            metadata={"reservation": self._reservation.id, "tier": tier.name},
            allow_data_collection=self._tools.config.reply.allow_data_collection,
        )
        useful = self._tools.config.useful_tokens
        lowest = self._asked.terms.allowed.tiers[-1]
        return Errand(tier, call, offer.estimate_usd, useful, deadline, prompt_of, lowest)

    # while the model answers

    def _on_generation(self, generation_id: str) -> None:
        """Note the id by which the bill can be asked for, off the path."""
        self._reservation = replace(self._reservation, generation_id=generation_id)
        note = self._tools.ledger.note_generation
        self._noting.append(self._tools.aside.submit(note, self._reservation.id, generation_id))

    def _on_text(self, text: str) -> None:
        if not self._has_text and text.strip():
            self._has_text = True
            self._noted["first_text_ms"] = (time.time() - self._began) * 1000
        self._reply.write(text)

    def _offer_to_stop(self) -> None:
        """While there is no text yet, let Slack show that we are at work, and its button to stop us."""
        if not self._has_text:
            self._session.open()

    def _leave_session(self) -> None:
        """Let Slack know, off the path, that we are done."""
        left = self._reply.has_left_stream
        self._noting.append(self._tools.aside.submit(self._session.close, has_left_stream=left))

    def _wait_for_notes(self) -> None:
        """Wait until what is noted aside is written, or cannot be."""
        for noting in self._noting:
            with contextlib.suppress(TableUnavailable):
                noting.result()

    # afterwards

    def _end_failed(self, failed: CallFailed) -> None:
        """Return the money if nothing was billed, settle what was; what nobody knows stays set aside."""
        self._noted["call_failed"] = str(failed)
        with contextlib.suppress(TableUnavailable):  # then the reconciler finds it
            if failed.billed is Billed.NO:
                self._tools.ledger.release(self._reservation)
            elif failed.cost_usd is not None:
                self._tools.ledger.settle(self._reservation, _bill_of_failed(failed))
                self._look_for_alerts()

    def _end(
        self, tier: Tier, completion: Completion, prompt_of: Callable[[Tier], Prompt], deadline: float
    ) -> Outcome:
        """Settle, put the last words and the footer under the answer, and only then end the claim.

        Who dies in between leaves no half-written reply: the next delivery answers anew, in its place.
        """
        self._reservation = replace(
            self._reservation, facts=replace(self._reservation.facts, tier_given=tier.name)
        )
        self._reply.tier = tier.name
        bill = _bill(completion)  # None: the reservation waits until OpenRouter says what was billed
        is_settled = bill is not None and self._settle(bill)
        self._note(tier, completion, bill)
        blocks = self._blocks(tier, completion, bill if is_settled else None, prompt_of)
        last_words = "" if self._has_text else notices.empty_words(completion.finish)
        stands = self._reply.close(blocks, closing_until(deadline), last_words)
        self._leave_session()
        outcome = self._end_claim(Outcome.ANSWERED if stands else Outcome.UNDELIVERABLE)
        self._wait_for_notes()
        return outcome

    def _settle(self, bill: Bill) -> bool:
        """Settle with patience. False: the ledger is out of reach, and the reconciler will complete it."""
        for wait_s in SETTLE_WAITS_S:
            time.sleep(wait_s)
            try:
                self._tools.ledger.settle(self._reservation, bill)
            except TableUnavailable as error:
                self._noted["settle_failed"] = str(error)
            else:
                self._look_for_alerts()
                return True
        return False

    def _look_for_alerts(self) -> None:
        """Tell, off the path, what the budgets have crossed; it is waited for before the job ends."""
        look = self._tools.alerting.look
        self._noting.append(self._tools.aside.submit(look, self._reservation.budgets))

    def _end_claim(self, outcome: Outcome) -> Outcome:
        """End the claim; if that fails, whoever takes it over finds the whole answer in the thread."""
        with contextlib.suppress(TableUnavailable):
            self._tools.claims.finish(self._claim, outcome)
        return outcome

    # under the answer

    def _blocks(
        self, tier: Tier, completion: Completion, bill: Bill | None, prompt_of: Callable[[Tier], Prompt]
    ) -> list[Block]:
        """Lay out what stands under the answer: the footer, and what can be pressed if there is an answer."""
        footer = footer_block(self._footer(completion, bill, prompt_of(tier)))
        blocks = [footer] if self._asked.settings.footer else []
        if not self._has_text:
            return blocks
        facts = self._reservation.facts
        answer = {"month": facts.month, "at": f"{facts.started_at:.3f}", "id": self._reservation.id}
        model = completion.model or "unknown"
        stronger = self._stronger(tier, self._left_usd(bill), prompt_of)
        return [*blocks, feedback_block(answer | {"model": model}), actions_block(answer, stronger)]

    def _footer(self, completion: Completion, bill: Bill | None, prompt: Prompt) -> str:
        cost_usd = bill.cost_usd if bill else None
        remarks = notices.remarks(completion.finish, prompt)
        budget = self._scarcest
        return notices.footer_text(
            completion.model, cost_usd, self._left_usd(bill), budget.limit_usd, remarks, budget.kind
        )

    @property
    def _scarcest(self) -> Budget:
        """The budget with the least left; of several the channel's, which is first."""
        return min(self._funds.budgets, key=lambda b: b.remaining_usd)

    def _left_usd(self, bill: Bill | None) -> Decimal:
        charged_usd = bill.cost_usd if bill else self._reservation.amount_usd
        return self._scarcest.remaining_usd - charged_usd

    def _stronger(
        self, tier: Tier, left_usd: Decimal, prompt_of: Callable[[Tier], Prompt]
    ) -> tuple[dict[str, str], Decimal] | None:
        """Offer the next tier up, with the most that it costs; None where there is none or money for it."""
        ladder = self._asked.settings.allowed(self._tools.config.ladder)
        above = ladder.one_above(tier) if tier in ladder.tiers else None
        if above is None:
            return None
        most_usd = worst_case_usd(above, prompt_of(above).tokens, above.max_tokens)
        what = {"ts": self._message.ts, "tier": above.name, "usd": f"{most_usd}"}
        return (what, most_usd) if most_usd <= left_usd else None

    def _note(self, tier: Tier, completion: Completion, bill: Bill | None) -> None:
        estimate_usd = self._reservation.amount_usd
        self._noted |= {
            "tier": tier.name,
            "model": completion.model,
            "finish": completion.finish.value,
            "estimate_usd": estimate_usd,
            "cost_usd": bill.cost_usd if bill else None,
            "generation": self._reservation.generation_id,
            "oddities": ",".join(completion.oddities),
        }
        if bill and bill.cost_usd > estimate_usd:
            self._noted["overrun_usd"] = bill.cost_usd - estimate_usd


def notice_for(failed: CallFailed) -> tuple[Outcome, str, str]:
    """Return outcome, words and footer for a call that gave no answer."""
    footer = _failed_footer(failed)
    if failed.remedy is Remedy.STOP_REFUSED:
        return Outcome.REFUSED, notices.REFUSED, footer
    words = notices.OPERATOR if failed.remedy is Remedy.STOP_OPERATOR else notices.NO_MODEL
    return Outcome.FAILED, words, footer


def _failed_footer(failed: CallFailed) -> str:
    if failed.billed is Billed.NO:
        return notices.NOT_CHARGED
    return (
        notices.PENDING_CHARGE if failed.cost_usd is None else notices.charged_nevertheless(failed.cost_usd)
    )


def _bill(completion: Completion) -> Bill | None:
    """Return what the call cost; None while nobody knows."""
    usage = completion.usage
    if usage is None or usage.cost_usd is None:
        return None
    return Bill(
        cost_usd=usage.cost_usd,
        model=completion.model,
        provider=completion.provider,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cached_tokens=usage.cached_tokens,
        finish=completion.finish.value,
        oddities=completion.oddities,
    )


def _bill_of_failed(failed: CallFailed) -> Bill:
    """Return what a call without an answer cost all the same."""
    return Bill(
        cost_usd=failed.cost_usd or Decimal(0),
        model=failed.model,
        provider="",
        prompt_tokens=0,
        completion_tokens=0,
        reasoning_tokens=0,
        cached_tokens=0,
        finish="failed",
    )


def _hashed(*parts: str) -> str:
    """Return a name for OpenRouter that tells it nothing and is the same each time."""
    return hashlib.sha256("#".join(parts).encode()).hexdigest()[:32]
