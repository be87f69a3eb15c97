"""Blocks: what Block Kit refuses, as seen through chat.postMessage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.slack_wire import GENERAL, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

Block = dict[str, Any]


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


def plain(text: str = "x") -> Block:
    """Make a plain text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Block:
    """Make a mrkdwn text object."""
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x") -> Block:
    """Make a section."""
    return {"type": "section", "text": mrkdwn(text)}


def button(**fields: Any) -> Block:
    """Make a button."""
    return {"type": "button", "text": plain("Press"), "action_id": "press", **fields}


def feedback(**fields: Any) -> Block:
    """Make a pair of feedback buttons."""
    half = {"text": plain("Good"), "value": "good"}
    return {"type": "feedback_buttons", "positive_button": half, "negative_button": half, **fields}


def actions(*elements: Any) -> Block:
    """Make an actions block."""
    return {"type": "actions", "elements": list(elements)}


def context_actions(*elements: Any) -> Block:
    """Make a context_actions block."""
    return {"type": "context_actions", "elements": list(elements)}


def table(rows: int, columns: int, text: str = "x", **fields: Any) -> Block:
    """Make a table."""
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text}] * columns] * rows, **fields}


def data_table(rows: int = 2, columns: int = 2, **fields: Any) -> Block:
    """Make a data table."""
    return table(rows, columns) | {"type": "data_table", "caption": "Spent"} | fields


def pie(*segments: Block, **fields: Any) -> Block:
    """Make a pie chart."""
    chart = {"type": "pie", "segments": list(segments)}
    return {"type": "data_visualization", "title": "Spent", "chart": chart, **fields}


def segment(label: str = "ask-penny", value: Any = 1) -> Block:
    """Make a segment of a pie, or a point of a series."""
    return {"label": label, "value": value}


def bars(categories: list[str], series: int = 1, **point: Any) -> Block:
    """Make a bar chart with a point for each category in each series."""
    data = [segment(category) | point for category in categories]
    made = [{"name": f"series {number}", "data": data} for number in range(series)]
    chart = {"type": "bar", "series": made, "axis_config": {"categories": categories}}
    return {"type": "data_visualization", "title": "Spent", "chart": chart}


ACCEPTED: dict[str, list[Block]] = {
    "fifty blocks": [{"type": "divider"}] * 50,
    "a section of 3,000 characters": [section("x" * 3000)],
    "a section of fields": [{"type": "section", "fields": [mrkdwn("x" * 2000)] * 6}],
    "a section with a button": [section() | {"accessory": button()}],
    "a header of 150 characters": [{"type": "header", "text": plain("x" * 150)}],
    "a context of ten": [{"type": "context", "elements": [mrkdwn()] * 10}],
    "25 buttons": [actions(*[button()] * 25)],
    "a confirmed danger": [actions(button(style="danger", value="x" * 2000, confirm={"title": plain()}))],
    "an overflow menu": [actions({"type": "overflow", "options": [{"text": plain(), "value": "a"}] * 5})],
    "feedback and trash": [
        context_actions(feedback(), {"type": "icon_button", "icon": "trash", "text": plain("Delete")})
    ],
    "a table of 100 rows": [table(100, 2)],
    "a row of 20 cells": [table(2, 20)],
    "a table with a number": [
        {"type": "table", "rows": [[{"type": "raw_number", "text": "$1", "value": 1}]]}
    ],
    "a data table of 101 rows": [data_table(101, page_size=100)],
    "two charts": [pie(segment()), bars(["Mon", "Tue"])],
    "rich text": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}],
    "an image": [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}],
}

REFUSED: dict[str, list[Any]] = {
    "51 blocks": [{"type": "divider"}] * 51,
    "something that is no block": ["text"],
    "an unknown type": [{"type": "chart"}],
    "no type": [{"text": mrkdwn()}],
    "a type of modals": [{"type": "alert", "text": mrkdwn()}],
    "an endless block_id": [{"type": "divider", "block_id": "x" * 256}],
    "the same block_id twice": [{"type": "divider", "block_id": "a"}] * 2,
    "an empty section": [{"type": "section"}],
    "a section of 3,001 characters": [section("x" * 3001)],
    "a section without characters": [section("")],
    "text that is no text object": [{"type": "section", "text": "x"}],
    "markdown as a text object": [{"type": "section", "text": {"type": "markdown", "text": "x"}}],
    "eleven fields": [{"type": "section", "fields": [mrkdwn()] * 11}],
    "a field of 2,001 characters": [{"type": "section", "fields": [mrkdwn("x" * 2001)]}],
    "a header of 151 characters": [{"type": "header", "text": plain("x" * 151)}],
    "a header in mrkdwn": [{"type": "header", "text": mrkdwn()}],
    "an empty context": [{"type": "context", "elements": []}],
    "a context of eleven": [{"type": "context", "elements": [mrkdwn()] * 11}],
    "26 buttons": [actions(*[button()] * 26)],
    "no buttons": [actions()],
    "a button of 76 characters": [actions(button(text=plain("x" * 76)))],
    "a button without text": [actions(button(text=None))],
    "a button's value of 2,001": [actions(button(value="x" * 2001))],
    "a button's value that is a number": [actions(button(value=7))],
    "a button in green": [actions(button(style="green"))],
    "an action_id of 256": [actions(button(action_id="x" * 256))],
    "an element of no type": [actions({"text": plain()})],
    "feedback among actions": [actions(feedback())],
    "a button among context actions": [context_actions(button())],
    "six context actions": [context_actions(*[feedback()] * 6)],
    "feedback without a value": [context_actions(feedback(negative_button={"text": plain()}))],
    "half a feedback": [context_actions(feedback(positive_button=None))],
    "an icon that does not exist": [
        context_actions({"type": "icon_button", "icon": "star", "text": plain()})
    ],
    "six overflow options": [actions({"type": "overflow", "options": [{"text": plain(), "value": "a"}] * 6})],
    "an option without a value": [actions({"type": "static_select", "options": [{"text": plain()}]})],
    "an empty markdown block": [{"type": "markdown", "text": ""}],
    "an image without words": [{"type": "image", "image_url": "https://example.com/a.png"}],
    "a table of 101 rows": [table(101, 2)],
    "a row of 21 cells": [table(2, 21)],
    "a cell of no type": [{"type": "table", "rows": [[{"text": "x"}]]}],
    "a number without a value": [{"type": "table", "rows": [[{"type": "raw_number", "text": "$1"}]]}],
    "a table of 10,001 characters": [table(1, 1, "x" * 10_001)],
    "a data table without a caption": [data_table(caption=None)],
    "a data table of a header alone": [data_table(1)],
    "a data table of 102 rows": [data_table(102)],
    "a data table with a page of 101": [data_table(page_size=101)],
    "a data table with ragged rows": [
        data_table()
        | {"rows": [[{"type": "raw_text", "text": "x"}] * 2, [{"type": "raw_text", "text": "x"}]]}
    ],
    "a data table with a rich header": [
        data_table()
        | {"rows": [[{"type": "rich_text", "elements": [{}]}], [{"type": "raw_text", "text": "x"}]]}
    ],
    "three charts": [pie(segment())] * 3,
    "a chart without a title": [pie(segment(), title=None)],
    "a chart with a title of 51": [pie(segment(), title="x" * 51)],
    "a chart without a chart": [{"type": "data_visualization", "title": "x"}],
    "a chart of no kind": [{"type": "data_visualization", "title": "x", "chart": {"type": "donut"}}],
    "an empty pie": [pie()],
    "a pie of seven": [pie(*[segment()] * 7)],
    "a pie of nothing": [pie(segment(value=0))],
    "a pie of words": [pie(segment(value="1"))],
    "a label of 21 characters": [pie(segment("x" * 21))],
    "seven series": [bars(["Mon"], series=7)],
    "21 categories": [bars([f"day {number}" for number in range(21)])],
    "a point outside the categories": [bars(["Mon"], label="Tue")],
    "a task without a title": [{"type": "task_card", "task_id": "t"}],
}


@pytest.mark.parametrize("blocks", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(slack: SlackWire, blocks: list[Block]) -> None:
    """What is within the limits is posted, and every block has an id."""
    posted = slack.ok("chat.postMessage", channel=GENERAL, blocks=blocks)
    assert all(block["block_id"] for block in posted["message"]["blocks"])


@pytest.mark.parametrize("blocks", REFUSED.values(), ids=REFUSED)
def test_refused(slack: SlackWire, blocks: list[Any]) -> None:
    """What is beyond a limit is invalid_blocks, with a pointer to the place."""
    answer = slack.call("chat.postMessage", channel=GENERAL, text="fallback", blocks=blocks)
    assert answer["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks" in answer["response_metadata"]["messages"][0]


def test_blocks_must_be_a_list(slack: SlackWire) -> None:
    """Anything else is of the wrong format, in JSON and in a form."""
    assert (
        slack.error("chat.postMessage", channel=GENERAL, blocks={"type": "divider"})
        == "invalid_blocks_format"
    )
    form = slack.read("chat.postMessage", channel=GENERAL, blocks="[{")
    assert form["error"] == "invalid_blocks_format"


def test_a_message_holds_one_table(slack: SlackWire) -> None:
    """Slack calls the second one an invalid attachment."""
    assert slack.error("chat.postMessage", channel=GENERAL, blocks=[table(1, 1)] * 2) == "invalid_attachments"


def test_all_blocks_together_hold_about_13200_characters(slack: SlackWire) -> None:
    """Each section is short enough, but not all of them."""
    sections = [section("x" * 2900) for _ in range(5)]
    assert slack.error("chat.postMessage", channel=GENERAL, blocks=sections) == "msg_blocks_too_long"
    assert slack.ok("chat.postMessage", channel=GENERAL, blocks=sections[:4])


def test_where_blocks_are_only_they_are_seen(slack: SlackWire) -> None:
    """The text is for notifications; without one Slack makes it from the blocks."""
    both = slack.ok("chat.postMessage", channel=GENERAL, text="notification", blocks=[section("body")])
    assert slack.workspace.message(GENERAL, both["ts"]).visible_text == "body"
    assert both["message"]["text"] == "notification"
    blocks_only = slack.ok("chat.postMessage", channel=GENERAL, blocks=[section("body")])
    assert blocks_only["message"]["text"] == "body"
