"""A fake Slack behind real HTTP, with a clock that stands still until it is moved."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from playground.clock import ManualClock
from playground.serving import serve
from playground.slack.directory import ADA, PENNY, TEAM
from playground.slack.web_api import slack_app
from playground.slack.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playground.slack.request import Outgoing

START = 1_780_000_000.0
GENERAL = "C0GENERAL1"
ASK_PENNY = "C0ASKPENNY"
LEADS = "C0LEADS001"
PARTNER = "C0PARTNER1"
ADA_DM = "D0ADA00001"
GRACE_DM = "D0GRACE001"

TLS = ssl.create_default_context()
"""Never used on loopback, but a client makes one of its own otherwise, and that takes longer than a test."""

MENTION = f"<@{PENNY.id}>"
RECIPIENT = {"recipient_user_id": ADA.id, "recipient_team_id": TEAM.id}


@dataclass(frozen=True, slots=True)
class SlackWire:
    """The workspace, its clock, a client with Penny's token, and what the app was sent."""

    workspace: Workspace
    clock: ManualClock
    client: httpx.Client
    sent: list[Outgoing]

    def post(self, method: str, **args: Any) -> httpx.Response:
        """Call a Web API method with a JSON body."""
        return self.client.post(f"/api/{method}", json=args)

    def call(self, method: str, **args: Any) -> dict[str, Any]:
        """Call a Web API method and return what it answers, refusals included."""
        answer: dict[str, Any] = self.post(method, **args).json()
        return answer

    def read(self, method: str, **args: Any) -> dict[str, Any]:
        """Call a method that takes no JSON, with a form."""
        answer: dict[str, Any] = self.client.post(f"/api/{method}", data=args).json()
        return answer

    def error(self, method: str, **args: Any) -> str:
        """Call a Web API method that must be refused, and return the code."""
        answer = self.call(method, **args)
        assert answer["ok"] is False, answer
        return str(answer["error"])

    def ok(self, method: str, **args: Any) -> dict[str, Any]:
        """Call a Web API method that must work."""
        answer = self.call(method, **args)
        assert answer["ok"] is True, answer
        return answer

    def ask(self, channel: str = ADA_DM, text: str = "why?", user: str = "ada") -> str:
        """Let a person post; return the ts."""
        return self.workspace.post_as_user(channel, user, text)

    def start(self, channel: str = ADA_DM, **args: Any) -> str:
        """Start a streamed reply to a new message of Ada's; return its ts."""
        asked = self.ask(channel)
        return str(self.ok("chat.startStream", channel=channel, thread_ts=asked, **(RECIPIENT | args))["ts"])

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the events that the app was sent, of one type if that is given."""
        events = [one.content["event"] for one in self.sent if "event" in one.content]
        return [event for event in events if kind in {None, event["type"]}]


@contextlib.contextmanager
def slack_wire() -> Iterator[SlackWire]:
    """Serve a workspace of its own while the block runs."""
    clock = ManualClock(START)
    workspace = Workspace(clock)
    sent: list[Outgoing] = []
    workspace.board.on_outgoing(sent.append)
    with serve(slack_app(workspace)) as served:
        workspace.response_urls.base = served.url
        headers = {"Authorization": f"Bearer {workspace.bot_token}"}
        with httpx.Client(base_url=served.url, headers=headers, verify=TLS) as client:
            yield SlackWire(workspace, clock, client, sent)
