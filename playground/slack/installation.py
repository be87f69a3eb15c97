"""Installation: Penny's place in the fake Slack: token, secret and limits, what it called and published.

Here is also what a test may let go wrong for it: refusals, archived channels, a revoked token.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.slack.board import Board
from playground.slack.directory import Directory
from playground.slack.faults import Faults
from playground.slack.files import Files
from playground.slack.limits import RateLimits
from playground.slack.request import Outgoing, SlackRequest, sign
from playground.slack.response_urls import ResponseUrls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playground.clock import Clock
    from playground.slack.board import Broadcast

Json = dict[str, Any]

SIGNING_SECRET = "706c617967726f756e64206f6e6c7921"
"""Of the form of Slack's own: 32 hexadecimal digits."""

BOT_TOKEN = "xoxb-playground"

MANIFEST = Path(__file__).resolve().parents[2] / "manifest.json"


@cache
def manifest() -> Json:
    """Return what the app was made from."""
    read: Json = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return read


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API: `error` is empty if it worked; `status` is HTTP's, 0 if none was sent."""

    method: str
    args: Json
    status: int
    error: str
    at: float


class Installation:
    """An app, Penny, installed into a workspace."""

    def __init__(self, clock: Clock, signing_secret: str, bot_token: str) -> None:
        self.clock = clock
        self.signing_secret = signing_secret
        self.bot_token = bot_token
        self.scopes = frozenset(manifest()["oauth_config"]["scopes"]["bot"])
        """What Slack says that the token may do. Methods do not ask for it."""
        self.is_token_revoked = False
        self.directory = Directory()
        self.board = Board(clock, self.directory)
        self.limits = RateLimits(clock)
        self.faults = Faults()
        self.response_urls = ResponseUrls(clock)
        self.calls: list[Call] = []
        features = manifest()["features"]
        self.commands: dict[str, Json] = {one["command"]: one for one in features.get("slash_commands", [])}
        """The slash commands that the app registered, by their name with the slash."""
        self.has_home_tab = bool(features.get("app_home", {}).get("home_tab_enabled"))
        self.first_prompts: list[Json] = features.get("agent_view", {}).get("suggested_prompts", [])
        """What the agent view offers where the app has not set other prompts."""
        self.files = Files()
        self.homes: dict[str, Json] = {}
        self.prompts: dict[str, list[Json]] = {}
        self.sessions: dict[tuple[str, str], str] = {}
        """What `agents.sessions.setStatus` and streams said last, by channel and thread."""

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return self.directory.team.id

    @property
    def bot_user(self) -> str:
        """The id of Penny's user."""
        return self.directory.bot.id

    @property
    def broadcasts(self) -> list[Broadcast]:
        """Every mass mention by Penny that rang."""
        return self.board.broadcasts

    @property
    def ephemerals(self) -> list[Json]:
        """Everything that was shown to one person only."""
        return self.board.ephemerals

    def sign(self, outgoing: Outgoing, headers: Mapping[str, str] | None = None) -> SlackRequest:
        """Return the signed request for a body, at the clock's time."""
        return sign(outgoing, self.signing_secret, self.clock.now(), headers)

    def set_session(self, channel: str, thread: str, status: str) -> None:
        """Say how far the app's work in a thread is; while it is `processing`, Slack offers to stop it."""
        if self.sessions.get((channel, thread)) != status:
            self.sessions[channel, thread] = status
            self.board.tell("session", {"channel": channel, "thread_ts": thread, "status": status})

    def calls_of(self, method: str) -> list[Call]:
        """Return the calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    # What goes wrong

    def fail_next(self, method: str, error: str = "internal_error", **how: Any) -> None:
        """Make the next calls of a method fail; see `Faults.fail_next`."""
        self.faults.fail_next(method, error, **how)

    @property
    def refuse_streams(self) -> bool:
        """Whether every `chat.startStream` is refused."""
        return self.faults.refuse_streams

    @refuse_streams.setter
    def refuse_streams(self, refuse: bool) -> None:
        self.faults.refuse_streams = refuse

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self.directory.channel(channel).archived = True

    def remove_bot(self, channel: str) -> None:
        """Take Penny out of a channel."""
        self.directory.channel(channel).members.discard(self.bot_user)

    def add_bot(self, channel: str) -> None:
        """Bring Penny into a channel, without a word about it."""
        self.directory.channel(channel).members.add(self.bot_user)

    def revoke_token(self) -> None:
        """Take the app's token away."""
        self.is_token_revoked = True

    def deactivate_user(self, user: str) -> None:
        """Take a person's account away."""
        self.directory.deactivate(user)
