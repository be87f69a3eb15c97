"""Uploads, as an app gets to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.slack_wire import ADA_DM, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = {"name": "chart.png", "mimetype": "image/png", "content": b"\x89PNG"}


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace whose files are served there, too, to an app that may read them."""
    with slack_wire() as wire:
        wire.workspace.scopes |= {"files:read"}
        wire.workspace.files.base = str(wire.client.base_url).rstrip("/")
        yield wire


def share(slack: SlackWire, file: dict[str, Any]) -> dict[str, Any]:
    """Upload a file and return it as the app is told of it."""
    ts = slack.workspace.post_as_user(ADA_DM, "ada", "", files=[file])
    told: dict[str, Any] = slack.read("conversations.replies", channel=ADA_DM, ts=ts)["messages"][0]["files"][
        0
    ]
    return told


def test_a_file_is_handed_to_the_apps_token(slack: SlackWire) -> None:
    """Its bytes, type and size, as the file object says; an image has renditions."""
    told = share(slack, CHART)
    assert (told["size"], told["filetype"], told["mode"]) == (4, "png", "hosted")
    for url in (told["url_private"], told["thumb_720"]):
        answer = slack.client.get(url)
        assert (answer.status_code, answer.content) == (200, CHART["content"])
        assert answer.headers["content-type"] == "image/png"
    assert "thumb_720" not in share(slack, {"name": "notes.txt", "mimetype": "text/plain", "content": b"x"})


def test_without_the_scope_or_token_there_is_only_a_page(slack: SlackWire) -> None:
    """A redirect to the sign-in page, which itself says 200: a file must not be taken for it."""
    url = share(slack, CHART)["url_private"]
    for headers in ({"Authorization": "Bearer xoxb-other"}, {"Authorization": ""}):
        assert slack.client.get(url, headers=headers).status_code == 302
    page = slack.client.get(url, headers={"Authorization": ""}, follow_redirects=True)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    slack.workspace.scopes -= {"files:read"}
    assert slack.client.get(url).status_code == 302


def test_an_unknown_file_is_not_found(slack: SlackWire) -> None:
    """Also for those who may read."""
    assert slack.client.get("/files-pri/T1-F0/x.png").status_code == 404
