"""Addresses that come out of Slack's payloads: our token and our words go to Slack's own hosts alone."""

from __future__ import annotations

import httpx
import pytest

from router.adapters.slack_web import SlackWeb
from router.errors import SlackRefused, SlackUnavailable

ELSEWHERE = (
    "https://files.example.com/x",
    "http://files.slack.com/x",
    "https://files.slack.com.example.com/x",
    "https://files.slack.com:8443/x",
    "https://files.slack.com@example.com/x",
    "http://169.254.169.254/latest",
    "file:///etc/passwd",
    "files.slack.com/x",
    "",
    "\x00",
)


def web(answer: httpx.Response | Exception, seen: list[httpx.Request]) -> SlackWeb:
    """Make a client whose network gives one answer and notes what was asked."""

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SlackWeb("https://slack.test/api/", "xoxb-secret", httpx.MockTransport(handle))


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nothing_goes_elsewhere(address: str) -> None:
    """No request is made at all."""
    seen: list[httpx.Request] = []
    client = web(httpx.Response(200), seen)

    with pytest.raises(SlackRefused):
        client.download(address, 100)
    with pytest.raises(SlackRefused):
        client.respond(address, {"text": "hello"})
    assert seen == []


@pytest.mark.parametrize("address", ["https://files.slack.com/x", "https://slack.test/files-pri/x"])
def test_a_file_is_asked_for_with_our_token(address: str) -> None:
    """Of Slack's file host, and of the host of the Web API."""
    seen: list[httpx.Request] = []
    client = web(
        httpx.Response(200, content=b"hello", headers={"content-type": "text/plain; charset=x"}), seen
    )

    assert client.download(address, 5) == (b"hello", "text/plain")
    assert seen[0].headers["authorization"] == "Bearer xoxb-secret"


def test_an_answer_to_a_press_shows_no_token() -> None:
    """A response URL is its own permission."""
    seen: list[httpx.Request] = []
    web(httpx.Response(200, text="ok"), seen).respond("https://hooks.slack.com/actions/1", {"text": "hello"})

    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, content=b"x" * 101), SlackRefused),
        (httpx.Response(302, headers={"location": "https://files.slack.com/y"}), SlackRefused),
        (httpx.Response(403), SlackRefused),
        (httpx.Response(404), SlackRefused),
        (httpx.Response(503), SlackUnavailable),
        (httpx.ReadTimeout("late"), SlackUnavailable),
    ],
)
def test_what_is_no_file(answer: httpx.Response | Exception, error: type[Exception]) -> None:
    """Too large, elsewhere, refused or out of reach; a redirect is not followed."""
    seen: list[httpx.Request] = []

    with pytest.raises(error):
        web(answer, seen).download("https://files.slack.com/x", 100)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404, text="expired_url"), SlackRefused),
        (httpx.Response(500), SlackUnavailable),
        (httpx.ConnectError("down"), SlackUnavailable),
    ],
)
def test_a_response_url_that_does_not_answer(
    answer: httpx.Response | Exception, error: type[Exception]
) -> None:
    """It was used up, or Slack is out of reach."""
    with pytest.raises(error):
        web(answer, []).respond("https://hooks.slack.com/actions/1", {"text": "hello"})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(200, json={"ok": False, "error": "invalid_blocks"}), "invalid_blocks"),
        (httpx.Response(400, text="invalid_blocks"), "invalid_blocks"),
        (httpx.Response(404, json={"ok": False, "error": "used_url"}), "used_url"),
        (httpx.Response(404, text="<html>not found</html>"), "http_404"),
        (httpx.Response(200, json={"ok": False}), "unknown_error"),
    ],
)
def test_why_a_response_url_refuses(answer: httpx.Response, code: str) -> None:
    """Slack's own word is told, however it comes."""
    with pytest.raises(SlackRefused) as refused:
        web(answer, []).respond("https://hooks.slack.com/actions/1", {"text": "hello"})

    assert refused.value.code == code
