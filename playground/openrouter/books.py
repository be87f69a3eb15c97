"""Books: every call that came in, what it was billed, and what GET /generation says of it, and when.

A call's entry is a value that is replaced as the call goes on, so it may be read from any thread. What a
call ends with is written before its last byte is sent: a client that has the answer finds it billed here.
"""

from __future__ import annotations

import secrets
import string
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.clock import Clock

ID_LETTERS = string.ascii_letters + string.digits
ID_LENGTH = 20


class Outcome(Enum):
    """How a call ended."""

    OPEN = "open"
    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"
    """An error after the reply had begun."""
    CUT = "cut"
    ABANDONED = "abandoned"
    """The client left before the end."""


@dataclass(frozen=True, slots=True)
class Call:
    """One chat completion; `cost_usd` is what it really costs, the provider's bill under BYOK included."""

    generation_id: str
    headers: dict[str, str]
    came_at: float
    body: dict[str, Any] | None = None
    model: str = ""
    streamed: bool = False
    status: int = 0
    outcome: Outcome = Outcome.OPEN
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    byok_fee_usd: Decimal | None = None
    billed: bool = False
    ended_at: float | None = None

    @property
    def is_byok(self) -> bool:
        """Whether it was served with the account's own provider key."""
        return self.byok_fee_usd is not None


class Books:
    """All calls in the order in which they came."""

    def __init__(self, clock: Clock, generation_delay_s: float) -> None:
        self._clock = clock
        self._delay_s = generation_delay_s
        self._calls: dict[str, Call] = {}
        self._changed = threading.Condition()

    def open(self, headers: dict[str, str]) -> Call:
        """Enter a call that has just come in."""
        now = self._clock.now()
        name = "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))
        call = Call(f"gen-{int(now)}-{name}", headers, now)
        with self._changed:
            self._calls[call.generation_id] = call
        return call

    def note(self, generation_id: str, **known: Any) -> Call:
        """Add what became known of a call."""
        with self._changed:
            call = replace(self._calls[generation_id], **known)
            self._calls[generation_id] = call
            self._changed.notify_all()
        return call

    def close(self, generation_id: str, outcome: Outcome, **known: Any) -> None:
        """Note how a call ended; only the first end counts."""
        with self._changed:
            if self._calls[generation_id].outcome is Outcome.OPEN:
                self.note(generation_id, outcome=outcome, ended_at=self._clock.now(), **known)

    def calls(self) -> list[Call]:
        """Return all calls as they stand."""
        with self._changed:
            return list(self._calls.values())

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no call is open; whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(c.outcome is not Outcome.OPEN for c in self._calls.values()), timeout_s
            )

    def wait_for_calls(self, count: int, timeout_s: float) -> bool:
        """Wait until so many calls have been read; whether they came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._read_calls() >= count, timeout_s)

    def _read_calls(self) -> int:
        return sum(c.body is not None or c.outcome is not Outcome.OPEN for c in self._calls.values())

    def generation(self, generation_id: str) -> Call | None:
        """Return a call whose generation can be looked up by now.

        That is never so for refused calls, and not for `:free` models, whose generations do not turn up.
        """
        with self._changed:
            call = self._calls.get(generation_id)
        if (
            call is None
            or call.ended_at is None
            or not call.completion_tokens
            or call.model.endswith(":free")
        ):
            return None
        return call if self._clock.now() >= call.ended_at + self._delay_s else None

    def total_usd(self) -> Decimal:
        """Sum up what has been billed."""
        return sum((c.cost_usd for c in self.calls() if c.billed), Decimal(0))


def generation_entry(call: Call) -> dict[str, Any]:
    """Write a call as GET /generation does."""
    body = call.body or {}
    billed = call.cost_usd if call.billed else Decimal(0)
    total = call.byok_fee_usd if call.byok_fee_usd is not None else billed
    elapsed_ms = ((call.ended_at or call.came_at) - call.came_at) * 1000
    return {
        "id": call.generation_id,
        "upstream_id": None,
        "request_id": f"req-{call.generation_id.removeprefix('gen-')}",
        "api_type": "completions",
        "app_id": None,
        "cache_discount": None,
        "cancelled": call.outcome in {Outcome.ABANDONED, Outcome.CUT},
        "created_at": datetime.fromtimestamp(call.came_at, UTC).isoformat(),
        "data_region": "global",
        "external_user": body.get("user"),
        "finish_reason": call.finish_reason,
        "native_finish_reason": call.finish_reason,
        "generation_time": elapsed_ms,
        "latency": elapsed_ms,
        "moderation_latency": None,
        "http_referer": call.headers.get("http-referer"),
        "is_byok": call.is_byok,
        "model": call.model,
        "native_tokens_cached": 0,
        "native_tokens_completion": call.completion_tokens,
        "native_tokens_completion_images": 0,
        "native_tokens_prompt": call.prompt_tokens,
        "native_tokens_reasoning": call.reasoning_tokens,
        "tokens_completion": call.completion_tokens,
        "tokens_prompt": call.prompt_tokens,
        "num_fetches": None,
        "num_input_audio_prompt": None,
        "num_media_completion": None,
        "num_media_prompt": None,
        "num_search_results": None,
        "origin": "",
        "preset_id": None,
        "provider_name": call.model.partition("/")[0],
        "provider_responses": None,
        "response_cache_source_id": None,
        "router": None,
        "service_tier": None,
        "session_id": body.get("session_id"),
        "streamed": call.streamed,
        "total_cost": total,
        "upstream_inference_cost": billed if call.is_byok else None,
        "usage": total,
        "user_agent": call.headers.get("user-agent"),
        "web_search_engine": None,
        "workspace_id": None,
    }
