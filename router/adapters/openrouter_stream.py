"""A completion while it comes in: events are taken, text is handed out, the end is judged.

Keeps the promise that once text was handed out the end is a completion and never an exception. What comes is
looked at field by field: what is absent or of the wrong type is passed over, with an oddity where it matters.
https://openrouter.ai/docs/api_reference/streaming
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from router.adapters.error_reply import error_in
from router.adapters.openrouter_errors import EMPTY_REPLY, NO_CONTENT, classify_event, failed_by, priced
from router.domain.completion import Completion, Finish, Usage, exact_json, read_name, read_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.errors import CallFailed

DONE = "[DONE]"
"""The data of a stream's last event."""

_GENERATION_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_FINISHES = {f.value: f for f in (Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER, Finish.TOOL_CALLS)}


class IncomingCompletion:
    """A completion while it comes in."""

    def __init__(
        self,
        on_generation: Callable[[str], None],
        on_text: Callable[[str], None],
        on_reasoning: Callable[[], None],
    ) -> None:
        self._on_generation = on_generation
        self._on_text = on_text
        self._on_reasoning = on_reasoning
        self._generation_id = self._model = self._provider = ""
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._error: dict[str, Any] | None = None
        self._oddities: dict[str, None] = {}
        self.is_done = self._was_heard = self._has_text = False

    def identify(self, generation_id: str) -> None:
        """Take the generation's id, and tell it once; the first that is known counts."""
        if generation_id and not self._generation_id:
            self._generation_id = generation_id
            self._on_generation(generation_id)

    def take(self, data: str) -> None:
        """Take the data of one event."""
        if data == DONE:
            self.is_done = True
            return
        event = exact_json(data)
        if not isinstance(event, dict):
            self._note("unreadable_event")
            return
        self._was_heard = True
        self.identify(safe_id(event.get("id")))
        self._model = read_name(event.get("model")) or self._model
        self._provider = read_name(event.get("provider")) or self._provider
        if self._error is None and error_in(event) is not None:
            self._error = event
        usage, oddities = read_usage(event.get("usage"))
        if usage is not None:
            self._usage = usage
            self._note(*oddities)
        self._take_choice(_first(event.get("choices")))

    def _take_choice(self, choice: dict[str, Any]) -> None:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason != "error":
            self._finish = _FINISHES.get(reason, Finish.STOP)
            self._note(*(() if reason in _FINISHES else ("unknown_finish_reason",)))
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return
        text = delta.get("content") or delta.get("refusal")
        if isinstance(text, str) and text:
            self._has_text = True
            self._on_text(text)
        elif text:
            self._note("unreadable_content")
        if delta.get("reasoning") or delta.get("reasoning_details"):
            self._on_reasoning()

    def completion(self, interrupted: Finish | None, now: float, models: tuple[str, ...]) -> Completion:
        """Say how it ended. Raises CallFailed when it failed before any text."""
        finish = self._broken(now, models) or self._finish or interrupted or self._unfinished()
        if self._usage is None and finish is not interrupted:
            self._note("no_usage")
        return Completion(
            generation_id=self._generation_id,
            model=self._model,
            provider=self._provider,
            finish=finish,
            usage=self._usage,
            oddities=tuple(self._oddities),
        )

    def _broken(self, now: float, models: tuple[str, ...]) -> Finish | None:
        if self._error is None:
            return None
        if self._has_text:
            return Finish.ERROR
        raise self._failed(classify_event(self._error, now, models))

    def _unfinished(self) -> Finish:
        """Judge a stream that ended without saying why."""
        if not self._was_heard:
            raise self._failed(failed_by(EMPTY_REPLY, 200))
        if not self.is_done:
            return Finish.CUT
        if not self._has_text:
            raise self._failed(failed_by(NO_CONTENT if self._usage else EMPTY_REPLY, 200))
        self._note("no_finish_reason")
        return Finish.STOP

    def _note(self, *oddities: str) -> None:
        self._oddities.update(dict.fromkeys(oddities))

    def _failed(self, failure: CallFailed) -> CallFailed:
        return replace(priced(failure, self._usage), generation_id=self._generation_id)


def _first(choices: Any) -> dict[str, Any]:
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def safe_id(value: Any) -> str:
    """Read a generation's id; empty unless it is one that may stand in a table, an address and a log."""
    return value if isinstance(value, str) and _GENERATION_ID.fullmatch(value) else ""
