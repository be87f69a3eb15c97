"""The reply: how a model's text is made safe and cut for Slack.

Keeps the promise that model output cannot call a whole channel, and that a cut leaves nothing open: a code
fence, a table and a nested list go on in the next part as what they are, and no link is cut in two.
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
_OPEN_LINK = re.compile(r"(?:\[[^\]\n]*(?:\]\([^)\n]*)?|<[^<>\n]*)\Z")
_LONGEST_LINK = 2_000
"""Further back from a cut than this no beginning of a link is looked for."""
_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])(?=[ \t])")
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
    closed in the part and opened again, in its language, in the rest. So is a table, by its header, and a
    nested list, by what it is nested in. The first `fixed` characters are
    shown already and stay in the part: they are a whole part that was returned before. Line ends at the cut
    are dropped. A part has room for some hundred bytes at least.
    """
    if len(f"{text}{_closing(text)}".encode()) <= max_bytes:
        return text, ""
    at = _good_cut(text.encode()[: max_bytes - _FENCE_ROOM].decode(errors="ignore"), fixed)
    head, rest = text[:at], text[at:].lstrip("\n")
    fence = open_fence(head)
    if not rest:
        return head, rest
    if fence is None:
        opening = _table_opening(head, rest) or _list_opening(head, rest)
        return head, rest if len(opening.encode()) > max_bytes // 4 else f"{opening}{rest}"
    mark, language = fence
    return f"{head}{_closing(head)}", f"{mark}{language}\n{rest}"


def _good_cut(head: str, fixed: int) -> int:
    for separator in ("\n\n", "\n", " "):
        at = head.rfind(separator)
        if at >= max(fixed, len(head) // 2, 1):
            return _before_link(head, at + len(separator), fixed)
    return max(fixed, _before_link(head, len(head), fixed))


def _before_link(head: str, at: int, fixed: int) -> int:
    """Return `at`, or where the link begins that would be cut there, unless that is shown already."""
    link = _OPEN_LINK.search(head, max(0, at - _LONGEST_LINK), at)
    return link.start() if link and link.start() > fixed else at


def _table_opening(head: str, rest: str) -> str:
    """Return header and delimiter of the table that goes on in `rest`, if one does."""
    header, delimiter, *_ = [*head.rpartition("\n\n")[2].split("\n"), "", ""]
    goes_on = head.endswith("\n") and "|" in rest.partition("\n")[0]
    is_table = "|" in header and _DELIMITER.fullmatch(delimiter)
    return f"{header}\n{delimiter}\n" if goes_on and is_table else ""


def _list_opening(head: str, rest: str) -> str:
    """Return the items in which the first line of `rest` is nested, outermost first, with dots for words."""
    depth = _depth(rest)
    openings: list[str] = []
    for line in reversed(head.split("\n") if head.endswith("\n") else ()):
        if depth == 0 or (line.strip() and not _depth(line) and not _ITEM.match(line)):
            break
        item = _ITEM.match(line)
        if item and _depth(line) < depth:
            depth = _depth(line)
            openings.append(f"{item[0]} …\n")
    return "".join(reversed(openings)) if depth == 0 else ""


def _depth(line: str) -> int:
    """Count the columns by which a line is indented."""
    expanded = line.partition("\n")[0].expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))


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
