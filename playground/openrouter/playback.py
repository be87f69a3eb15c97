"""Playback: how an answer reaches the client, with everything that a behaviour does to it on the way.

It knows how far it has come, so that whoever ends it, the client or the script, is billed for just that.
What a client can take for the end is sent only after the books have been closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from playground.openrouter.behaviour import Break, Hook, Stop
from playground.openrouter.books import Outcome
from playground.openrouter.wire import DONE, PROCESSING, ClientLeft, Connection, to_json

if TYPE_CHECKING:
    from playground.openrouter.shapes import Answer

DELTA_TOKENS = 8
"""Tokens to a delta when nothing paces the stream; fewer would only cost time."""

DELTAS_PER_SECOND = 20
"""About what people see as flowing."""

Close = Callable[[Outcome, int], None]
"""Closes the books: how it ended, and how many completion tokens had been sent by then."""

RunHook = Callable[[Hook], Awaitable[None]]


class BrokenOff(Exception):  # noqa: N818 - reads as the outcome it is
    """The reply ended as the script wanted, before its end."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model is; `tokens_per_s` None is as fast as the connection."""

    first_token_s: float = 0.0
    tokens_per_s: float | None = None

    @property
    def delta_tokens(self) -> int:
        """How many tokens one delta holds."""
        return max(1, round(self.tokens_per_s / DELTAS_PER_SECOND)) if self.tokens_per_s else DELTA_TOKENS

    def duration_s(self, tokens: int) -> float:
        """Return how long so many tokens take."""
        return tokens / self.tokens_per_s if self.tokens_per_s else 0.0


class Playback:
    """One answer on its way; `headers` go with it."""

    def __init__(
        self,
        answer: Answer,
        connection: Connection,
        pace: Pace,
        headers: tuple[tuple[str, str], ...],
        close: Close,
        run_hook: RunHook,
    ) -> None:
        self._answer = answer
        self._generation = answer.generation
        self._behaviour = answer.behaviour
        self._connection = connection
        self._pace = pace
        self._headers = headers
        self._close = close
        self._run_hook = run_hook
        self._sent = 0

    async def run(self, *, stream: bool) -> None:
        """Play it to its end, whichever that is, and close the books once."""
        try:
            await self._before_headers()
            await (self._stream() if stream else self._send_whole())
        except BrokenOff:
            pass
        except (ClientLeft, asyncio.CancelledError) as e:
            self._close(Outcome.ABANDONED, self._sent)
            if not isinstance(e, ClientLeft):
                raise

    # in parts

    async def _stream(self) -> None:
        answer = self._answer
        await self._open("text/event-stream")
        await self._connection.write(PROCESSING * (self._behaviour.keepalives or 1))
        await self._connection.pause(self._pace.first_token_s)
        if self._behaviour.stop is not None and self._behaviour.stop.first:
            await self._break_off(self._behaviour.stop)
        await self._write(answer.role_chunk())
        await self._put_out(
            self._generation.thinking, answer.thinking_chunk if answer.shows_thinking else None
        )
        for at, then in pairwise(self._places()):
            await self._at(at)
            await self._put_out(self._generation.text[at:then], answer.text_chunk)
        await self._at(len(self._generation.text))
        self._close(Outcome.ANSWERED, self._sent)
        await self._write(answer.finish_chunk() + answer.usage_chunk() + DONE)
        await self._connection.finish()

    async def _put_out(self, tokens: tuple[str, ...], chunk: Callable[[str], bytes] | None) -> None:
        size = self._pace.delta_tokens
        for at in range(0, len(tokens), size):
            delta = tokens[at : at + size]
            if chunk is not None:
                await self._write(chunk("".join(delta)))
            self._sent += len(delta)
            await self._connection.pause(self._pace.duration_s(len(delta)))

    def _places(self) -> list[int]:
        """Return the places in the text at which something happens, both ends of the text included."""
        length, behaviour = len(self._generation.text), self._behaviour
        wanted = [at for at, _ in behaviour.at_tokens]
        wanted.append(behaviour.malformed_after or 0)
        wanted.append((behaviour.stop and behaviour.stop.after) or 0)
        return sorted({0, length, *(min(at, length) for at in wanted)})

    async def _at(self, place: int) -> None:
        """Do what shall happen at this place; what was wanted beyond the text happens at its end."""
        behaviour = self._behaviour
        await self._run_hooks(place)
        if self._is_due(behaviour.malformed_after, place):
            await self._write(self._answer.malformed_chunk())
        if behaviour.stop is not None and self._is_due(behaviour.stop.after, place):
            await self._break_off(behaviour.stop)

    def _is_due(self, at: int | None, place: int) -> bool:
        return at is not None and min(at, len(self._generation.text)) == place

    async def _run_hooks(self, place: int) -> None:
        for at, hook in self._behaviour.at_tokens:
            if self._is_due(at, place):
                await self._run_hook(hook)

    async def _break_off(self, stop: Stop) -> None:
        if stop.how is Break.STALL:
            await self._connection.stall(stop.comment_every_s)
        self._close(Outcome.FAILED if stop.how is Break.ERROR else Outcome.CUT, self._sent)
        if stop.how is Break.CUT:
            await self._connection.cut()
            raise BrokenOff
        if stop.how is Break.ERROR:
            await self._write(self._answer.error_chunk(stop.error) + DONE)
        await self._connection.finish()
        raise BrokenOff

    # in one

    async def _send_whole(self) -> None:
        """Send one document; the whole answer exists before its first byte, and is billed from then on."""
        self._sent = self._generation.completion_tokens
        await self._connection.pause(self._pace.first_token_s + self._pace.duration_s(self._sent))
        for place in self._places():
            await self._run_hooks(place)
        stop, document = self._behaviour.stop, self._answer.document()
        if stop is not None and stop.how is Break.ERROR:
            self._close(Outcome.FAILED, self._sent)
            document = self._answer.document(stop.error)
        body = to_json(document)
        if self._behaviour.malformed_after is not None:
            body = body[: len(body) // 2]
        await self._open("application/json")
        await self._write(b"\n" * (self._behaviour.keepalives or 0))
        if stop is not None and stop.how is not Break.ERROR:
            await self._write(body[: len(body) // 2])
            await self._break_off(stop)
        self._close(Outcome.ANSWERED, self._sent)
        await self._write(body)
        await self._connection.finish()

    # both

    async def _before_headers(self) -> None:
        stop = self._behaviour.stop
        if stop is not None and stop.after is None and not stop.first:
            await self._break_off(stop)

    async def _open(self, media_type: str) -> None:
        headers = (("Content-Type", media_type), ("Cache-Control", "no-cache"), *self._headers)
        await self._connection.start(200, headers)

    async def _write(self, data: bytes) -> None:
        await self._connection.write(data, self._behaviour.piece_bytes)
