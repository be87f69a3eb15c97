"""Shapes: the JSON of an answer, in one document or as the chunks of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.openrouter.behaviour import Behaviour, UsageShape
from playground.openrouter.wire import event

if TYPE_CHECKING:
    from playground.openrouter.generation import Generation


@dataclass(frozen=True, slots=True)
class Answer:
    """A generation with the name and the labels under which it is sent."""

    generation_id: str
    created: int
    generation: Generation
    behaviour: Behaviour
    usage: Mapping[str, Any]
    usage_shape: UsageShape
    shows_thinking: bool

    def role_chunk(self) -> bytes:
        """Open the stream."""
        return self._chunk({"role": "assistant", "content": ""})

    def text_chunk(self, text: str) -> bytes:
        """Carry text."""
        return self._chunk({"content": text})

    def thinking_chunk(self, text: str) -> bytes:
        """Carry a thought."""
        return self._chunk({"content": "", "reasoning": text, "reasoning_details": _details(text)})

    def malformed_chunk(self) -> bytes:
        """Carry half a chunk in a whole line."""
        whole = self.text_chunk("lost").rstrip()
        return whole[: len(whole) // 2] + b"\n\n"

    def error_chunk(self, error: Mapping[str, Any]) -> bytes:
        """Say that it went wrong, after HTTP 200 was said."""
        return event({**self._chunk_of({"content": ""}, "error"), "error": dict(error)})

    def finish_chunk(self) -> bytes:
        """Say why it ends."""
        return self._chunk({"content": ""}, self.generation.finish_reason)

    def usage_chunk(self) -> bytes:
        """Say what it cost; nothing if the usage is to be missing."""
        if self.usage_shape is UsageShape.MISSING:
            return b""
        chunk = self._chunk_of({}, self.generation.finish_reason)
        if self.usage_shape is UsageShape.NO_CHOICES:
            chunk["choices"] = []
        return event({**chunk, "usage": dict(self.usage)})

    def document(self, error: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the whole answer, or the error in its place."""
        generation = self.generation
        choice: dict[str, Any] = {
            "index": 0,
            "logprobs": None,
            "finish_reason": "error" if error else generation.finish_reason,
            "native_finish_reason": "error" if error else generation.finish_reason,
            "message": self._message("" if error else "".join(generation.text)),
        }
        if error:
            choice["error"] = dict(error)
        document = {**self._head("chat.completion"), "system_fingerprint": None, "choices": [choice]}
        if error is None and self.usage_shape is not UsageShape.MISSING:
            document["usage"] = dict(self.usage)
        return document

    def _message(self, text: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if self.shows_thinking and self.generation.thinking:
            thinking = "".join(self.generation.thinking)
            message |= {"reasoning": thinking, "reasoning_details": _details(thinking)}
        return message

    def _head(self, kind: str) -> dict[str, Any]:
        model = self.generation.model
        return {
            "id": self.generation_id,
            "provider": model.vendor,
            "model": model.id,
            "object": kind,
            "created": self.created,
        }

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        return event(self._chunk_of(delta, finish_reason))

    def _chunk_of(self, delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        choice = {
            "index": 0,
            "delta": delta,
            "finish_reason": finish_reason,
            "native_finish_reason": finish_reason,
            "logprobs": None,
        }
        return {**self._head("chat.completion.chunk"), "choices": [choice]}


def _details(text: str) -> list[dict[str, Any]]:
    return [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]
