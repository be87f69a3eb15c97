"""Stream: a message that an app writes bit by bit, with the limits that Slack puts on it.

A stream is single-mode: its first content decides between `markdown_text` and `chunks`. It dies five
minutes after its start, active or not, and refuses everything once its content has reached about 11 kB; what
was written stays. The last two are measured, not documented:
https://github.com/slackapi/python-slack-sdk/issues/1859, https://github.com/CopilotKit/CopilotKit/issues/6244
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from playground.slack.blocks import MARKDOWN_CHARS, MESSAGE_BLOCKS, require_valid
from playground.slack.refusal import Refused
from playground.slack.visible import text_of

Json = dict[str, Any]

LIFE_S = 300.0
WHOLE_BYTES = 11_000
"""UTF-8, over all calls; details and output of a task count twice."""

TASK_STATES = frozenset({"pending", "in_progress", "complete", "error"})
TITLE_CHARS = 256


class State(StrEnum):
    """How far a stream is; only a live one takes more."""

    LIVE = "live"
    ENDED = "ended"
    STOPPED_BY_USER = "stopped_by_user"
    EXPIRED = "expired"


class Mode(StrEnum):
    """What a stream consists of."""

    TEXT = "markdown_text"
    CHUNKS = "chunks"


@dataclass(frozen=True, slots=True)
class Content:
    """What one call adds, checked: chunks in Slack's form, and the mode in which they came."""

    mode: Mode
    chunks: tuple[Json, ...]

    @property
    def weight(self) -> int:
        """Bytes as Slack counts them."""
        return sum(_weight(chunk) for chunk in self.chunks)


def read_content(markdown_text: str, chunks: list[Any] | None) -> Content | None:
    """Check what a call wants to add; None if it adds nothing. Raises Refused."""
    if markdown_text and chunks is not None:
        raise Refused("cannot_provide_both_markdown_text_and_chunks")
    if chunks is not None:
        checked = tuple(_chunk(chunk) for chunk in chunks)
        if sum(len(chunk.get("text", "")) for chunk in checked) > MARKDOWN_CHARS:
            raise Refused("msg_too_long")
        return Content(Mode.CHUNKS, checked) if checked else None
    if len(markdown_text) > MARKDOWN_CHARS:
        raise Refused("msg_too_long")
    return Content(Mode.TEXT, ({"type": "markdown_text", "text": markdown_text},)) if markdown_text else None


def _chunk(chunk: Any) -> Json:
    kind = chunk.get("type") if isinstance(chunk, dict) else None
    if kind == "markdown_text" and isinstance(chunk.get("text"), str):
        return dict(chunk)
    if kind == "task_update" and _is_task(chunk):
        return dict(chunk)
    if kind == "plan_update" and _is_title(chunk.get("title")):
        return dict(chunk)
    if kind == "blocks":
        return {"type": "blocks", "blocks": require_valid(chunk.get("blocks"))}
    raise Refused("invalid_chunks")


def _is_task(chunk: Json) -> bool:
    texts = (chunk.get("details", ""), chunk.get("output", ""))
    return (
        isinstance(chunk.get("id"), str)
        and _is_title(chunk.get("title"))
        and chunk.get("status", "pending") in TASK_STATES
        and all(isinstance(text, str) for text in texts)
    )


def _is_title(title: Any) -> bool:
    return isinstance(title, str) and 0 < len(title) <= TITLE_CHARS


def _weight(chunk: Json) -> int:
    if chunk["type"] == "blocks":
        return len(text_of(chunk["blocks"]).encode())
    once = chunk.get("text", "") + chunk.get("title", "")
    twice = chunk.get("details", "") + chunk.get("output", "")
    return len(once.encode()) + 2 * len(twice.encode())


@dataclass(slots=True)
class Stream:
    """The written part of a streamed message and whether it may grow."""

    started_at: float
    state: State = State.LIVE
    mode: Mode | None = None
    is_full: bool = False
    _chunks: list[Json] = field(default_factory=list)
    _weight: int = 0

    @property
    def is_live(self) -> bool:
        """Whether it still takes content."""
        return self.state is State.LIVE

    def has_run_out(self, now: float) -> bool:
        """Whether its five minutes are over."""
        return now - self.started_at >= LIFE_S

    def add(self, content: Content | None) -> None:
        """Append what a call brought. Raises Refused; then nothing was added."""
        self.require_live()
        if content is None:
            return
        if self.mode not in {None, content.mode}:
            raise Refused("streaming_mode_mismatch")
        if self._weight + content.weight > WHOLE_BYTES:
            self.is_full = True
        if self.is_full:
            raise Refused("msg_too_long")
        if self._blocks_with(content) > MESSAGE_BLOCKS:
            raise Refused("msg_blocks_too_long")
        self.mode = content.mode
        self._weight += content.weight
        self._chunks += content.chunks

    def require_live(self) -> None:
        """Raise Refused with the reason for which it takes nothing more."""
        if self.state is State.STOPPED_BY_USER:
            raise Refused("stopped_by_user")
        if not self.is_live:
            raise Refused("message_not_in_streaming_state")

    @property
    def text(self) -> str:
        """All Markdown that was written."""
        return "".join(chunk["text"] for chunk in self._chunks if chunk["type"] == "markdown_text")

    def blocks(self) -> list[Json]:
        """Return what people see: runs of text, tasks in their last state, blocks, in order of appearance."""
        shown: list[Json] = []
        tasks: dict[str, Json] = {}
        for chunk in self._chunks:
            if chunk["type"] == "markdown_text":
                _write(shown, chunk["text"])
            elif chunk["type"] == "blocks":
                shown += chunk["blocks"]
            else:
                _show_task(shown, tasks, chunk)
        return shown

    def _blocks_with(self, content: Content) -> int:
        chunks = [*self._chunks, *content.chunks]
        return sum(len(chunk["blocks"]) for chunk in chunks if chunk["type"] == "blocks")


def _write(shown: list[Json], text: str) -> None:
    if shown and shown[-1]["type"] == "markdown":
        shown[-1] = {"type": "markdown", "text": shown[-1]["text"] + text}
    else:
        shown.append({"type": "markdown", "text": text})


def _show_task(shown: list[Json], tasks: dict[str, Json], chunk: Json) -> None:
    """Change the card of a task (by its id) or of the plan in place, or add it."""
    key = chunk.get("id", "") if chunk["type"] == "task_update" else "plan"
    fields = {name: value for name, value in chunk.items() if name not in {"type", "id"}}
    if key in tasks:
        tasks[key].update(fields)
        return
    kind = "plan" if key == "plan" else "task_card"
    tasks[key] = {"type": kind, **({"task_id": key} if kind == "task_card" else {}), **fields}
    shown.append(tasks[key])
