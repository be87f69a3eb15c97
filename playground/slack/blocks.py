"""Blocks: what Slack accepts as the `blocks` of a message or of a home tab.

`require_valid` refuses what Slack refuses, with Slack's code. Parts of blocks are checked in
`block_elements`, tables and charts in `block_tables`.
Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from playground.slack.block_elements import (
    ACTIONS,
    CONTEXT_ACTIONS,
    FIELD_CHARS,
    ID_CHARS,
    SECTION_CHARS,
    URL_CHARS,
    check_element,
    check_items,
    check_optional,
    check_plain,
    check_string,
    check_text,
    complaint,
)
from playground.slack.block_tables import (
    CHARTS_PER_MESSAGE,
    check_data_table,
    check_data_visualization,
    check_table,
)
from playground.slack.refusal import Refused
from playground.slack.visible import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]

MESSAGE_BLOCKS = 50
HOME_BLOCKS = 100
HEADER_CHARS = 150
MARKDOWN_CHARS = 12_000
"""All `markdown` blocks of one payload together, not each."""
ALL_BLOCKS_CHARS = 13_200
"""Measured, undocumented: https://github.com/slackapi/bolt-js/issues/2509"""
FIELDS = 10
ACTION_ELEMENTS = 25
CONTEXT_ELEMENTS = 10
CONTEXT_ACTION_ELEMENTS = 5
RICH_TEXT_ELEMENTS = 1000
"""Not a documented limit; a bound against nonsense."""


def require_valid(blocks: Any, *, home: bool = False) -> list[Json]:
    """Return the blocks, each with a `block_id`, if a message (or the home tab) may carry them.

    Raises Refused otherwise.
    """
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    complaints = list(_complaints(blocks, home=home))
    if complaints:
        raise Refused("invalid_blocks", *complaints)
    if sum(block["type"] == "table" for block in blocks) > 1:
        raise Refused("invalid_attachments", "[ERROR] only_one_table_allowed")
    if not home and len(text_of(blocks)) > ALL_BLOCKS_CHARS:
        raise Refused("msg_blocks_too_long")
    return [block | {"block_id": block.get("block_id") or secrets.token_hex(3)} for block in blocks]


def _complaints(blocks: list[Any], *, home: bool) -> Iterator[str]:
    yield from check_items(blocks, "/blocks", HOME_BLOCKS if home else MESSAGE_BLOCKS, least=0)
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        at = f"/blocks/{index}"
        yield from _block(block, at, MODAL_ONLY if not home else MODAL_ONLY | MESSAGES_ONLY)
        name = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(name, str) and name in seen:
            yield complaint(f"block_id is not unique: {name}", f"{at}/block_id")
        seen.add(str(name))
    yield from _totals([block for block in blocks if isinstance(block, dict)])


def _totals(blocks: list[Json]) -> Iterator[str]:
    markdown = sum(len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown")
    if markdown > MARKDOWN_CHARS:
        yield complaint(
            f"markdown blocks must have less than {MARKDOWN_CHARS + 1} characters together", "/blocks"
        )
    charts = sum(block.get("type") == "data_visualization" for block in blocks)
    if charts > CHARTS_PER_MESSAGE:
        yield complaint(f"no more than {CHARTS_PER_MESSAGE} data_visualization blocks allowed", "/blocks")


def _block(block: Any, at: str, elsewhere: frozenset[str]) -> Iterator[str]:
    if not isinstance(block, dict):
        yield complaint("must be an object", at)
        return
    kind = block.get("type")
    if kind not in BLOCKS or kind in elsewhere:
        yield complaint(f"unsupported type: {kind}", f"{at}/type")
        return
    yield from check_optional(block, "block_id", at, ID_CHARS)
    yield from BLOCKS[str(kind)](block, at)


def _section(block: Json, at: str) -> Iterator[str]:
    text, fields = block.get("text"), block.get("fields")
    if text is None and fields is None:
        yield complaint("missing required field: text or fields", at)
    if text is not None:
        yield from check_text(text, f"{at}/text", SECTION_CHARS)
    if fields is not None:
        yield from check_items(fields, f"{at}/fields", FIELDS)
        for index, one in enumerate(fields if isinstance(fields, list) else []):
            yield from check_text(one, f"{at}/fields/{index}", FIELD_CHARS)
    accessory = block.get("accessory")
    if isinstance(accessory, dict) and accessory.get("type") == "image":
        yield from _image(accessory, f"{at}/accessory")
    elif accessory is not None:
        yield from check_element(accessory, f"{at}/accessory", ACTIONS)


def _header(block: Json, at: str) -> Iterator[str]:
    yield from check_plain(block.get("text"), f"{at}/text", HEADER_CHARS)


def _divider(_block: Json, _at: str) -> Iterator[str]:
    yield from ()


def _image(block: Json, at: str) -> Iterator[str]:
    if "slack_file" not in block:
        yield from check_string(block.get("image_url"), f"{at}/image_url", URL_CHARS)
    yield from check_string(block.get("alt_text"), f"{at}/alt_text", FIELD_CHARS)


def _actions(block: Json, at: str) -> Iterator[str]:
    yield from _elements(block, at, ACTION_ELEMENTS, ACTIONS)


def _context_actions(block: Json, at: str) -> Iterator[str]:
    yield from _elements(block, at, CONTEXT_ACTION_ELEMENTS, CONTEXT_ACTIONS)


def _elements(block: Json, at: str, most: int, allowed: frozenset[str]) -> Iterator[str]:
    elements = block.get("elements")
    yield from check_items(elements, f"{at}/elements", most)
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        yield from check_element(element, f"{at}/elements/{index}", allowed)


def _context(block: Json, at: str) -> Iterator[str]:
    elements = block.get("elements")
    yield from check_items(elements, f"{at}/elements", CONTEXT_ELEMENTS)
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        where = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image(element, where)
        else:
            yield from check_text(element, where, SECTION_CHARS)


def _markdown(block: Json, at: str) -> Iterator[str]:
    yield from check_string(block.get("text"), f"{at}/text", MARKDOWN_CHARS)


def _rich_text(block: Json, at: str) -> Iterator[str]:
    yield from check_items(block.get("elements"), f"{at}/elements", RICH_TEXT_ELEMENTS)


def _input(block: Json, at: str) -> Iterator[str]:
    yield from check_plain(block.get("label"), f"{at}/label", FIELD_CHARS)
    yield from check_element(block.get("element"), f"{at}/element", ACTIONS - {"button", "overflow"})


def _with_fields(*names: str) -> Callable[[Json, str], Iterator[str]]:
    """Return the check of a block of which only the presence of its required fields is looked at."""

    def check(block: Json, at: str) -> Iterator[str]:
        for name in names:
            if not block.get(name):
                yield complaint(f"missing required field: {name}", at)

    return check


BLOCKS: dict[str, Callable[[Json, str], Iterator[str]]] = {
    "actions": _actions,
    "alert": _with_fields("text"),
    "card": _with_fields(),
    "carousel": _with_fields("elements"),
    "container": _with_fields("title", "child_blocks"),
    "context": _context,
    "context_actions": _context_actions,
    "data_table": check_data_table,
    "data_visualization": check_data_visualization,
    "divider": _divider,
    "header": _header,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "plan": _with_fields("title"),
    "rich_text": _rich_text,
    "section": _section,
    "table": check_table,
    "task_card": _with_fields("task_id", "title"),
    "video": _with_fields("alt_text", "title", "thumbnail_url", "video_url"),
}
MODAL_ONLY = frozenset({"alert"})
MESSAGES_ONLY = frozenset(
    {
        "container",
        "context_actions",
        "data_table",
        "data_visualization",
        "markdown",
        "plan",
        "table",
        "task_card",
    }
)
"""Blocks that a home tab does not take. https://docs.slack.dev/reference/block-kit/blocks"""
