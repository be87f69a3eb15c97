"""Visible text: what people read in blocks, and which mass mentions in it would ring.

Text stays as Slack stores it, `&amp;` and `<@U…>` included. Labels of buttons are no text.
"""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]

_LIVE_MENTION = re.compile(r"<!(?:channel|here|everyone|subteam\^[A-Z0-9]+)(?:\|[^<>]*)?>")
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>")
_SPECIAL = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>|<(https?://[^|<>]+)(?:\|([^<>]*))?>")


def text_of(blocks: list[Json]) -> str:
    """Return the text of the blocks, a line each."""
    return "\n".join(text for text in map(_block_text, blocks) if text)


def live_mentions(text: str) -> list[str]:
    """Return the mentions in `text` that would notify a channel or a user group."""
    return _LIVE_MENTION.findall(text)


def live_mentions_in(blocks: list[Json]) -> list[str]:
    """Return the mass mentions in blocks; plain text objects cannot ring."""
    return live_mentions(text_of(_without_plain_text(blocks))) + _rich_text_mentions(blocks)


def mentioned_users(text: str) -> list[str]:
    """Return the ids of the users that `text` mentions."""
    return _MENTION.findall(text)


def rich_text(text: str) -> list[Json]:
    """Return the `rich_text` blocks that Slack makes of what a person types."""
    elements: list[Json] = []
    end = 0
    for found in _SPECIAL.finditer(text):
        elements += _run(text[end : found.start()])
        user, url, label = found.groups()
        elements.append({"type": "user", "user_id": user} if user else _link(url, label))
        end = found.end()
    elements += _run(text[end:])
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "b1", "elements": [section]}] if elements else []


def unescaped(text: str) -> str:
    """Return the text as it was typed, its mentions aside."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _run(text: str) -> list[Json]:
    return [{"type": "text", "text": unescaped(text)}] if text else []


def _link(url: str, label: str | None) -> Json:
    return {"type": "link", "url": url} | ({"text": label} if label else {})


def _block_text(block: Json) -> str:
    kind = block.get("type")
    if kind == "section":
        return "\n".join(
            _object_text(one) for one in [block.get("text"), *(block.get("fields") or [])] if one
        )
    if kind in {"header", "markdown"}:
        return _object_text(block.get("text"))
    if kind == "context":
        return " ".join(_object_text(one) for one in block.get("elements", []) if "text" in one)
    if kind in {"table", "data_table"}:
        return _rows_text(block)
    if kind == "rich_text":
        return _rich_text_text(block)
    return _object_text(block.get("title"))


def _object_text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("text")
    return value if isinstance(value, str) else ""


def _rows_text(block: Json) -> str:
    rows = [" | ".join(_cell_text(cell) for cell in row) for row in block.get("rows", [])]
    caption = block.get("caption")
    return "\n".join([caption, *rows] if isinstance(caption, str) else rows)


def _cell_text(cell: Json) -> str:
    return _rich_text_text(cell) if cell.get("type") == "rich_text" else _object_text(cell)


def _rich_text_text(node: Json) -> str:
    kind = node.get("type")
    if kind == "text":
        return _object_text(node.get("text"))
    if kind == "link":
        return _object_text(node.get("text")) or _object_text(node.get("url"))
    if kind == "user":
        return f"<@{node.get('user_id')}>"
    joint = "\n" if kind in {"rich_text", "rich_text_list"} else ""
    elements = node.get("elements")
    inner = elements if isinstance(elements, list) else []
    return joint.join(_rich_text_text(one) for one in inner if isinstance(one, dict))


def _rich_text_mentions(node: Any) -> list[str]:
    if isinstance(node, list):
        return [mention for one in node for mention in _rich_text_mentions(one)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "broadcast":
        return [f"<!{node.get('range')}>"]
    if node.get("type") == "usergroup":
        return [f"<!subteam^{node.get('usergroup_id')}>"]
    return _rich_text_mentions(node.get("elements"))


def _without_plain_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_plain_text(one) for one in value]
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "raw_text", "rich_text"}:
            return {}
        return {name: _without_plain_text(one) for name, one in value.items()}
    return value
