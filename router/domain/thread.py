"""A thread's posts, and the prompt that is made of them: this thread only, newest kept.

Other people's and other bots' words are told apart by who says them; our own are the assistant's. A file
that cannot be read is named where it hangs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from router.domain.attachment import Attachment
from router.domain.estimate import (
    TOKENS_PER_IMAGE,
    TOKENS_PER_MESSAGE,
    TOKENS_PER_REQUEST,
    content_token_bound,
    text_token_bound,
)
from router.domain.message import File, Message, Ts, UserId, read_files

_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|([^>]*))?>")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


LEAST_ROOM = 500
"""Prompt tokens that the system prompt must leave for the message: enough for its head and tail."""

NO_WORDS = "(mentions you without a word: say what helps this thread most)"
"""What a model is told of a bare mention."""

_MIDDLE_LEFT_OUT = "\n[… the middle was too long and is left out …]\n"


class Author(StrEnum):
    """Who says a post, as far as the prompt cares."""

    US = "us"
    PERSON = "person"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Post:
    """One post of a thread. `name` is a user id for people, a display name for other bots."""

    ts: Ts
    author: Author
    name: str
    text: str
    files: tuple[File, ...] = ()
    answers: str = ""
    """Of our own: the ts of the message that it answers; empty while it is being written."""
    is_complete: bool = False
    """Of our own: whether the answer ends with it, so that nothing is missing."""
    again: str = ""
    """Of our own: the tier that answered once more; empty for the message's first answer."""
    tier: str = ""
    """Of our own: which tier gave the answer, where that is known."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent: chat messages, how many older posts were left out, and the files that were not read."""

    messages: tuple[dict[str, Any], ...]
    tokens: int
    left_out: int
    unread: tuple[str, ...]
    last_tier: str = ""
    """Which tier answered last in this thread, if it is known."""


def read_post(raw: dict[str, Any], our_user: UserId, mark: str) -> Post | None:
    """Read a message of `conversations.replies`; None for what nobody said (joins, deleted roots).

    `mark` is the type of the metadata that our replies carry.
    """
    ts = raw.get("ts")
    if not isinstance(ts, str) or raw.get("subtype") in ("tombstone", "channel_join", "group_join"):
        return None
    text, blocks = raw.get("text"), raw.get("blocks")
    blocks = [b for b in blocks if isinstance(b, dict)] if isinstance(blocks, list) else []
    author = _author(raw, our_user)
    metadata = raw.get("metadata") if author is Author.US else None
    answers, is_complete, tier, again = _read_mark(metadata, mark)
    return Post(
        ts=Ts(ts),
        author=author,
        name=_name(raw, author),
        text=_markdown_of(blocks) or (text if isinstance(text, str) else ""),
        files=read_files(raw.get("files")),
        answers=answers,
        is_complete=is_complete,
        again=again,
        tier=tier,
    )


def _markdown_of(blocks: list[dict[str, Any]]) -> str:
    """Join the Markdown blocks of an answer: there `text` is only its notification."""
    texts = (b.get("text") for b in blocks if b.get("type") == "markdown")
    return "\n".join(t for t in texts if isinstance(t, str))


def _read_mark(metadata: Any, mark: str) -> tuple[str, bool, str, str]:
    """Return which message a part answers, if the answer ends with it, its tier, and that of a second answer.

    Metadata may hold anything: what is not a mark of ours says nothing.
    """
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    if not isinstance(payload, dict) or metadata.get("event_type") != mark:
        return "", False, "", ""
    named = [payload.get(name) for name in ("message_ts", "tier", "again")]
    ts, tier, again = (name if isinstance(name, str) else "" for name in named)
    return (ts, payload.get("complete") is True, tier, again) if ts else ("", False, "", "")


def _author(raw: dict[str, Any], our_user: UserId) -> Author:
    if raw.get("user") == our_user:
        return Author.US
    return Author.BOT if raw.get("bot_id") or raw.get("subtype") == "bot_message" else Author.PERSON


def _name(raw: dict[str, Any], author: Author) -> str:
    """Name who says it: apps choose their display names, people cannot borrow one."""
    profile = raw.get("bot_profile")
    shown = (raw.get("username"), profile.get("name") if isinstance(profile, dict) else None)
    names = (*(shown if author is Author.BOT else ()), raw.get("user"))
    return next((n[:80] for n in names if isinstance(n, str) and n), "someone")


def least_prompt_tokens(system: str) -> int:
    """Return the smallest `max_prompt_tokens` with which a message has room beside the system prompt."""
    return TOKENS_PER_REQUEST + _cost(system) + LEAST_ROOM


def system_prompt_for(operators: str, channels: str, max_prompt_tokens: int) -> str:
    """Return the operator's system prompt and, as far as there is room, the channel's own."""
    room = max_prompt_tokens - least_prompt_tokens(f"{operators}\n\n")
    if not channels or room <= text_token_bound(_MIDDLE_LEFT_OUT):
        return operators
    return f"{operators}\n\n{_cut_middle(channels, room)}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model is shown of files, by their ids; images only if it sees."""

    attachments: Mapping[str, Attachment] = field(default_factory=dict)
    sees_images: bool = False

    def text_of(self, file: File) -> str:
        """Return a file's text; empty if it has none that was read."""
        found = self.attachments.get(file.id)
        return found.text if found else ""

    def image_of(self, file: File) -> str:
        """Return a file's image; empty if it has none that was read, or that could be seen."""
        found = self.attachments.get(file.id)
        return found.image if found and self.sees_images else ""

    def has_read(self, file: File) -> bool:
        """Whether the model is shown anything of it."""
        return bool(self.text_of(file) or self.image_of(file))


NOTHING_SHOWN = Shown()


def prompt_for(
    system: str,
    posts: tuple[Post, ...],
    message: Message,
    files: tuple[File, ...],
    max_prompt_tokens: int,
    shown: Shown = NOTHING_SHOWN,
) -> Prompt:
    """Make the prompt of `message` within `max_prompt_tokens` (an upper bound, see `estimate`).

    The system prompt and the message itself always stay (a message that alone is too long loses its
    middle, and of its images those that do not fit are left out); of the earlier posts of the thread the
    newest stay. `max_prompt_tokens` must be at least `least_prompt_tokens(system)`.
    """
    room = max_prompt_tokens - TOKENS_PER_REQUEST - _cost(system)
    shown = _fitting(shown, files, room - LEAST_ROOM)
    images = _images(files, shown)
    said = _said(message.user, message.text, files, message.our_user, shown)
    asked = _cut_middle(said, room - TOKENS_PER_MESSAGE - len(images) * TOKENS_PER_IMAGE - bool(images))
    asking = {"role": "user", "content": _content(asked, images)}
    room -= _cost(asking["content"])
    earlier = [p for p in posts if _is_context(p, message) and (p.text or p.files)]
    kept: list[dict[str, Any]] = []
    for post in reversed(earlier):
        turn = _turn(post, message.our_user, shown)
        room -= _cost(turn["content"])
        if room < 0:
            break
        kept.append(turn)
    messages = ({"role": "system", "content": system}, *reversed(kept), asking)
    tokens = TOKENS_PER_REQUEST + sum(_cost(m["content"]) for m in messages)
    unread = tuple(f.name for f in files if not shown.has_read(f))
    last_tier = next((p.tier for p in reversed(posts) if p.tier and _is_context(p, message)), "")
    return Prompt(messages, tokens, len(earlier) - len(kept), unread, last_tier)


def _fitting(shown: Shown, files: tuple[File, ...], room: int) -> Shown:
    """Leave out what of the message's own images does not fit into `room` prompt tokens."""
    seen = [file.id for file in files if shown.image_of(file)]
    too_many = seen[max(0, room // TOKENS_PER_IMAGE) :]
    left = {name: one for name, one in shown.attachments.items() if name not in too_many}
    return replace(shown, attachments=left) if too_many else shown


def _images(files: tuple[File, ...], shown: Shown) -> list[str]:
    return [image for file in files if (image := shown.image_of(file))]


def _content(text: str, images: list[str]) -> str | list[dict[str, Any]]:
    """Return a chat message's content: its text, and its images after it where there are any."""
    if not images:
        return text
    seen = [{"type": "image_url", "image_url": {"url": image}} for image in images]
    return [{"type": "text", "text": text}, *seen]


def _is_context(post: Post, message: Message) -> bool:
    """Whether a post was said before `message` is answered: people's until then, and our finished answers.

    Our answer to an earlier message may be younger than the message that it now helps to answer.
    """
    return post.ts < message.ts or (post.answers not in ("", message.ts))


def _cost(content: str | list[dict[str, Any]]) -> int:
    return TOKENS_PER_MESSAGE + content_token_bound(content)


def _turn(post: Post, our_user: UserId, shown: Shown) -> dict[str, Any]:
    if post.author is Author.US:
        return {"role": "assistant", "content": _plain(post.text, our_user)}
    name = f"{post.name} (a bot)" if post.author is Author.BOT else post.name
    said = _said(name, post.text, post.files, our_user, shown)
    return {"role": "user", "content": _content(said, _images(post.files, shown))}


def _said(name: str, text: str, files: tuple[File, ...], our_user: UserId, shown: Shown) -> str:
    said = _plain(text, our_user)
    attached = "".join(_attached(file, shown) for file in files)
    return f"{name}: {said if said or files else NO_WORDS}{attached}"


def _attached(file: File, shown: Shown) -> str:
    if text := shown.text_of(file):
        return f"\n[attached: {file.name}]\n{text}\n[end of {file.name}]"
    return f"\n[attached{'' if shown.image_of(file) else ', cannot be read'}: {file.name}]"


def has_words(message: Message) -> bool:
    """Whether a message says anything beside mentioning us."""
    return bool(_plain(message.text, message.our_user))


def _plain(text: str, our_user: UserId) -> str:
    """Undo Slack's escapes; our own mention goes, others keep their id."""
    text = _MENTION.sub(lambda m: "" if m[1] == our_user else f"@{m[2] or m[1]}", text).strip()
    for escaped, plain in _ESCAPES:
        text = text.replace(escaped, plain)
    return text


def _cut_middle(text: str, max_tokens: int) -> str:
    """Keep head and tail of a text that alone is longer than there is room for."""
    if text_token_bound(text) <= max_tokens:
        return text
    note = _MIDDLE_LEFT_OUT
    half = max(0, (max_tokens - text_token_bound(note)) // 2)
    while half and text_token_bound(text[:half] + note + text[-half:]) > max_tokens:
        half = half * 3 // 4
    return text[:half] + note + (text[-half:] if half else "")
