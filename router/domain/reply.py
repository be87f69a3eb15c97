"""The reply: how a model's text is made safe and cut for Slack.

Keeps the promise that model output cannot call a whole channel, and that a cut never leaves a code fence
open.
"""

from __future__ import annotations

import re

PART_BYTES = 9_000
"""A streamed message is refused for ever past about 10.6 kB of UTF-8, measured by others
(https://github.com/CopilotKit/CopilotKit/issues/6063); this leaves room."""

MARKDOWN_CHARS = 12_000
"""Most characters all Markdown blocks of one message may have: https://docs.slack.dev/reference/block-kit."""

_WHOM = r"(?:channel|group|here|everyone|subteam\^[A-Z0-9]+)"  # `group` is an old name of `channel`
_BROADCAST = re.compile(rf"<!({_WHOM})(?:\|([^<>]{{0,80}}))?>", re.IGNORECASE)
_WITH_LONG_LABEL = re.compile(rf"<(?=!{_WHOM}\|[^<>]{{81}})", re.IGNORECASE)  # not waited for to its end
_MAY_BECOME_BROADCAST = re.compile(
    r"<(?:!(?:[a-z]{0,9}|subteam\^[A-Z0-9]*)(?:\|[^<>]{0,80})?)?\Z", re.IGNORECASE
)
_NO_BREAK = "\u2060"  # word joiner: invisible, and no client reads a mention across it
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HALF_CHARACTER = re.compile(r"[\ud800-\udbff]\Z")

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,32}(?!`)|~{3,32}(?!~))(?P<language>[^\n`]*)$", re.MULTILINE
)  # in a list it is indented; nobody means more than 32 of them
_FENCE_ROOM = 33  # bytes for closing a fence at a cut: a line's end and the longest mark


class Defuser:
    """Takes the power out of broadcast mentions, also when they come in pieces."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what is safe to show now; an unfinished mention or character at the end is held back."""
        text = self._held + text
        half = _HALF_CHARACTER.search(text)
        text = _mended(text[: half.start()] if half else text)
        unfinished = _MAY_BECOME_BROADCAST.search(text)
        at = unfinished.start() if unfinished else len(text)
        self._held = text[at:] + (half[0] if half else "")
        return defuse(text[:at])

    def rest(self) -> str:
        """Return what was held back; call once, at the end."""
        held, self._held = self._held, ""
        return defuse(held)


def defuse(text: str) -> str:
    """Turn `<!channel>` and its like into words that notify nobody; dates and links stay as they are.

    Halves of characters, which JSON can hold and UTF-8 cannot, are joined, or replaced if they are alone.
    """
    text = _WITH_LONG_LABEL.sub(f"<{_NO_BREAK}", _mended(text))
    return _BROADCAST.sub(lambda m: f"@{_NO_BREAK}{(m[2] or m[1]).lstrip('@')}", text)


def _mended(text: str) -> str:
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def cut_part(text: str, max_bytes: int = PART_BYTES, fixed: int = 0) -> tuple[str, str]:
    """Cut `text` into a part of at most `max_bytes` of UTF-8 and the rest, which is empty if all fits.

    Cuts at a paragraph, line or word where one is near the end; a code fence that is open at the cut is
    closed in the part and opened again, in its language, in the rest. The first `fixed` characters are
    shown already and stay in the part: they are a whole part that was returned before. Line ends at the cut
    are dropped. A part has room for some hundred bytes at least.
    """
    if len(f"{text}{_closing(text)}".encode()) <= max_bytes:
        return text, ""
    at = _good_cut(text.encode()[: max_bytes - _FENCE_ROOM].decode(errors="ignore"), fixed)
    head, rest = text[:at], text[at:].lstrip("\n")
    fence = open_fence(head)
    if fence is None or not rest:
        return head, rest
    mark, language = fence
    return f"{head}{_closing(head)}", f"{mark}{language}\n{rest}"


def _good_cut(head: str, fixed: int) -> int:
    for separator in ("\n\n", "\n", " "):
        at = head.rfind(separator)
        if at >= max(fixed, len(head) // 2, 1):
            return at + len(separator)
    return max(fixed, len(head))


def _closing(text: str) -> str:
    """Return what closes the code fence that is open at the end of `text`."""
    fence = open_fence(text)
    if fence is None:
        return ""
    return fence[0] if text.endswith("\n") else f"\n{fence[0]}"


def open_fence(text: str) -> tuple[str, str] | None:
    """Return mark and language of the code fence that is open at the end of `text`, if one is."""
    opened: tuple[str, str] | None = None
    for fence in _FENCE.finditer(text):
        mark, language = fence["mark"], fence["language"].strip()
        if opened is None:
            opened = (mark, language[:32])
        elif mark[0] == opened[0][0] and len(mark) >= len(opened[0]) and not language:
            opened = None
    return opened
