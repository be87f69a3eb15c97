"""Message: one post as Slack stores it, and the forms in which Slack shows it to apps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playground.slack.visible import live_mentions, live_mentions_in, rich_text, text_of

if TYPE_CHECKING:
    from playground.slack.directory import User
    from playground.slack.stream import Stream

Json = dict[str, Any]


@dataclass(slots=True)
class Message:
    """A post. `thread_ts` is its thread's root, None for a root; `blocks` are those an app sent.

    What people see is the blocks, and only where there are none the `text`; a stream's content comes first.
    """

    channel: str
    ts: str
    author: User
    text: str = ""
    thread_ts: str | None = None
    parent_user: str = ""
    subtype: str | None = None
    client_msg_id: str = ""
    blocks: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    edited: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    stream: Stream | None = None

    @property
    def is_root(self) -> bool:
        """Whether it stands in the channel itself, not inside a thread."""
        return self.thread_ts is None

    @property
    def thread(self) -> str:
        """The ts of its thread's root; its own if it is one."""
        return self.thread_ts or self.ts

    @property
    def is_streaming(self) -> bool:
        """Whether an app is still writing it."""
        return self.stream is not None and self.stream.is_live

    @property
    def shown_blocks(self) -> list[Json]:
        """The blocks that people see, streamed content first."""
        return [*(self.stream.blocks() if self.stream else []), *self.blocks]

    @property
    def visible_text(self) -> str:
        """The whole text that people see."""
        return text_of(self.shown_blocks) if self.shown_blocks else self.text

    @property
    def live_mentions(self) -> list[str]:
        """The mass mentions in it that ring; also those of a text that only notifications show."""
        return live_mentions(self.text) + live_mentions_in(self.shown_blocks)

    def wire(self) -> Json:
        """Return the message object of `conversations.replies` and of events, less its thread's counters."""
        shape: Json = {
            "type": "message",
            "subtype": self.subtype,
            "user": self.author.id,
            "text": self._fallback_text(),
            "ts": self.ts,
            "team": self.author.team,
            "client_msg_id": self.client_msg_id,
            "blocks": self.shown_blocks or self._typed_blocks(),
            "files": self.files,
            "attachments": self.attachments,
            "metadata": self.metadata,
            "edited": self.edited,
            "thread_ts": self.thread_ts,
            "parent_user_id": self.parent_user,
            "reactions": [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ],
        }
        return {
            name: value for name, value in (shape | self._bot_fields()).items() if value or name == "text"
        }

    def _fallback_text(self) -> str:
        if self.text:
            return self.text
        return self.stream.text if self.stream and self.stream.text else text_of(self.blocks)

    def _typed_blocks(self) -> list[Json]:
        return [] if self.author.is_bot else rich_text(self.text)

    def _bot_fields(self) -> Json:
        if not self.author.is_bot:
            return {}
        author = self.author
        profile = {
            "id": author.bot_id,
            "app_id": author.app_id,
            "name": author.real_name,
            "team_id": author.team,
        }
        streaming = (
            {"streaming_state": "in_progress" if self.is_streaming else "completed"} if self.stream else {}
        )
        return {"bot_id": author.bot_id, "app_id": author.app_id, "bot_profile": profile, **streaming}
