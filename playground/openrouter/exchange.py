"""Exchange: one chat completion from its request to its last byte, and what it is billed in the end.

Billing follows https://openrouter.ai/docs: an error, or no output, costs nothing; a client that leaves pays
for what it was sent where the vendor supports aborts, and else, or without stream, for everything.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from playground.openrouter import refusals
from playground.openrouter.answers import scripted_answer
from playground.openrouter.ask import Ask, read_ask
from playground.openrouter.books import Call, Outcome
from playground.openrouter.generation import generate, usage
from playground.openrouter.playback import Playback
from playground.openrouter.refusals import Refused, Reply
from playground.openrouter.routing import Attempt, choose
from playground.openrouter.shapes import Answer
from playground.openrouter.wire import Connection

if TYPE_CHECKING:
    from collections.abc import Container

    from playground.openrouter.app import ScriptedOpenRouter
    from playground.openrouter.behaviour import Hook

GENERATION_ID_HEADER = "X-Generation-Id"

_FINISHED = {Outcome.FAILED: "error", Outcome.CUT: None, Outcome.ABANDONED: None}


class Exchange:
    """An ASGI app that replies to one request, whose body has been read."""

    def __init__(self, fake: ScriptedOpenRouter, call: Call, raw: bytes) -> None:
        self._fake = fake
        self._call = call
        self._raw = raw
        self._headers = ((GENERATION_ID_HEADER, call.generation_id),)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Reply."""
        connection = Connection(scope, receive, send)
        async with connection.watched():
            try:
                ask = self._admit()
                attempt = await self._decide(ask)
            except Refused as refused:
                await self._refuse(connection, refused.reply)
            else:
                await self._play(connection, ask, attempt)

    def _admit(self) -> Ask:
        check_key(self._call.headers, self._fake.api_keys)
        ask = read_ask(self._raw, self._call.headers, self._fake.models())
        self._note(body=ask.body, streamed=ask.stream)
        return ask

    async def _decide(self, ask: Ask) -> Attempt:
        """Find out what the script has for this call, and which model serves it."""
        fake = self._fake
        whole = fake.queue.next_for(None)
        await self._run_hooks(whole.on_request)
        if whole.reply is not None:
            raise Refused(whole.reply)
        attempt = choose(ask, fake.models(), fake.clock.now(), fake.queue.next_for)
        self._note(model=attempt.model.id)
        await self._run_hooks(attempt.behaviour.on_request)
        return Attempt(attempt.model, whole | attempt.behaviour)

    async def _refuse(self, connection: Connection, reply: Reply) -> None:
        self._fake.books.close(self._call.generation_id, Outcome.REFUSED, status=reply.status)
        await connection.start(
            reply.status, (("Content-Type", reply.media_type), *reply.headers, *self._headers)
        )
        await connection.finish(reply.body)

    async def _play(self, connection: Connection, ask: Ask, attempt: Attempt) -> None:
        answer = self._answer(ask, attempt)

        def close(outcome: Outcome, sent: int) -> None:
            self._settle(answer, outcome, _tokens_due(answer, outcome, sent, stream=ask.stream))

        playback = Playback(answer, connection, self._fake.pace, self._headers, close, self._run_hook)
        await playback.run(stream=ask.stream)

    def _answer(self, ask: Ask, attempt: Attempt) -> Answer:
        generation = generate(ask, attempt, self._text(ask, attempt))
        bill = generation.bill(generation.completion_tokens, self._call.came_at)
        return Answer(
            generation_id=self._call.generation_id,
            created=int(self._call.came_at),
            generation=generation,
            behaviour=attempt.behaviour,
            usage=usage(generation, bill, attempt.behaviour),
            usage_shape=attempt.behaviour.usage_shape or self._fake.usage_shape,
            shows_thinking=not ask.hides_thinking,
        )

    def _text(self, ask: Ask, attempt: Attempt) -> str:
        said = self._fake.answer if attempt.behaviour.answer is None else attempt.behaviour.answer
        if said is None:
            return scripted_answer(ask.body, attempt.model)
        return said(ask.body) if callable(said) else said

    def _settle(self, answer: Answer, outcome: Outcome, tokens: int) -> None:
        generation, behaviour = answer.generation, answer.behaviour
        billed = bool(tokens) and outcome is not Outcome.FAILED
        self._fake.books.close(
            self._call.generation_id,
            outcome,
            status=200,
            finish_reason=_FINISHED.get(outcome, generation.finish_reason),
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=tokens,
            reasoning_tokens=min(tokens, len(generation.thinking)),
            cost_usd=self._cost_usd(answer, tokens) if billed else Decimal(0),
            byok_fee_usd=behaviour.byok_fee_usd,
            billed=billed,
        )

    def _cost_usd(self, answer: Answer, tokens: int) -> Decimal:
        behaviour = answer.behaviour
        fee = behaviour.byok_fee_usd or Decimal(0)
        if behaviour.charge_usd is not None:
            return behaviour.charge_usd + fee
        return answer.generation.bill(tokens, self._call.came_at).total_usd + fee

    async def _run_hooks(self, hooks: tuple[Hook, ...]) -> None:
        for hook in hooks:
            await self._run_hook(hook)

    async def _run_hook(self, hook: Hook) -> None:
        """Run it in a thread, so that it may take its time, with the call as it stands."""
        await asyncio.to_thread(hook, self._note())

    def _note(self, **known: Any) -> Call:
        return self._fake.books.note(self._call.generation_id, **known)


def check_key(headers: dict[str, str], known: Container[str]) -> None:
    """Raise Refused unless a known key was sent."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refused(refusals.no_key())
    if key.strip() not in known:
        raise Refused(refusals.bad_key())


def _tokens_due(answer: Answer, outcome: Outcome, sent: int, *, stream: bool) -> int:
    """Return how many completion tokens a call that ended like this is billed for."""
    stop, generation = answer.behaviour.stop, answer.generation
    if outcome in {Outcome.ANSWERED, Outcome.FAILED}:
        return sent
    if stop is not None and stop.billed is not None:
        return generation.completion_tokens if stop.billed else 0
    return sent if stream and generation.model.aborts_stop_billing else generation.completion_tokens
