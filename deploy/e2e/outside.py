"""Outside: the playground's Slack and OpenRouter on loopback, and the people who post.

Slack delivers signed requests to whatever endpoint was deployed last, with its own patience and retries.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.e2e.steps import wait_until
from playground.clock import SystemClock
from playground.openrouter import ScriptedOpenRouter
from playground.serving import serve
from playground.slack.delivery import Delivery
from playground.slack.endpoint import Reply, Send, endpoint_at
from playground.slack.message import Message
from playground.slack.request import Outgoing, SlackRequest
from playground.slack.web_api import slack_app
from playground.slack.workspace import Workspace
from router.domain.command import COMMAND
from router.slack.blocks import FOOTER_BLOCK, MORE

CHANNEL = "C0GENERAL1"
ANSWER = "Forty-two."

ANSWERED_WITHIN_S = 120.0
"""A cold start and a few calls on loopback take a second or two; this is for a busy machine."""


@dataclass
class Outside:
    """Slack, OpenRouter, and a person in a channel. `send` is where Slack's requests go."""

    slack: Workspace
    openrouter: ScriptedOpenRouter
    slack_api_url: str
    openrouter_base_url: str
    delivery: Delivery = field(init=False)
    send: Send | None = None
    asked: Counter[str] = field(default_factory=Counter)
    """How many questions were asked in each thread."""

    def __post_init__(self) -> None:
        self.delivery = Delivery(self.slack, self._send, self.slack.clock)

    def _send(self, request: SlackRequest) -> int | Reply:
        if self.send is None:
            raise ConnectionError("nothing is deployed yet")
        return self.send(request)

    @property
    def environment(self) -> dict[str, str]:
        """What the shell that deploys has set, so that the functions call these and not the real ones."""
        return {"SLACK_API_URL": self.slack_api_url, "OPENROUTER_BASE_URL": self.openrouter_base_url}

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets that Slack and OpenRouter go by now."""
        (key,) = self.openrouter.api_keys
        return {
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "OPENROUTER_API_KEY": key,
        }

    @property
    def billed_calls(self) -> int:
        """How many calls OpenRouter has billed."""
        return sum(call.billed for call in self.openrouter.calls)

    def change_secrets(self) -> None:
        """Have Slack and OpenRouter go by new secrets and refuse the old ones."""
        self.slack.signing_secret, self.slack.bot_token, key = new_secrets()
        self.openrouter.api_keys = frozenset([key])

    @contextlib.contextmanager
    def delivering_to(self, url: str) -> Iterator[None]:
        """Have Slack deliver to `url` while the block runs."""
        with endpoint_at(url) as self.send:
            yield

    def ask(self, text: str, thread: str | None = None) -> str:
        """Post a question to Penny in the channel and return its ts."""
        ts = self.slack.post_as_user(CHANNEL, "ada", f"<@{self.slack.bot_user}> {text}", thread, [])
        self.asked[thread or ts] += 1
        return ts

    def ask_why(self, reply: Message) -> Outgoing:
        """Make what Slack sends when someone asks by the menu under a reply why its model was chosen."""
        elements = [one for block in reply.blocks for one in block.get("elements", ())]
        (menu,) = [one for one in elements if one.get("action_id") == MORE]
        return self.slack.block_action(CHANNEL, reply.ts, MORE, menu["options"][0]["value"])

    def command(self, words: str) -> Outgoing:
        """Make what Slack sends when someone types our command in the channel."""
        return self.slack.slash_command(COMMAND, words, channel=CHANNEL)

    def home(self) -> str:
        """Return the hash of the home tab that was published last; empty when none was."""
        return "".join(str(view["hash"]) for view in self.slack.homes.values())

    def whispers(self) -> list[str]:
        """Return what was shown to one person alone."""
        return [str(shown["text"]) for shown in self.slack.ephemerals]

    def replies(self, thread: str, after: str = "") -> list[Message]:
        """Return what Penny said in a thread."""
        return [m for m in self.slack.replies_by_bot(CHANNEL, thread) if m.ts > after]

    def digests(self) -> list[Message]:
        """Return the digests that Penny posted in the channel."""
        return [post for post in self._posts() if post.metadata]

    def alerts(self) -> list[Message]:
        """Return what Penny posted in the channel of how its money goes."""
        return [post for post in self._posts() if not post.metadata]

    def _posts(self) -> list[Message]:
        return [m for m in self.slack.board.store.in_channel(CHANNEL) if m.author == self.slack.directory.bot]

    def answer(self, thread: str, after: str = "") -> Message:
        """Wait for an answer in a thread that is complete, which its footer says."""
        return wait_until(
            lambda: next(iter(self.answers(thread, after)), None),
            "an answer with its footer in the thread",
            ANSWERED_WITHIN_S,
        )

    def answers(self, thread: str, after: str = "") -> list[Message]:
        """Return the answers in a thread that are complete, which their footer says; notices have none."""
        return [m for m in self.replies(thread, after) if footer_of(m)]


def footer_of(message: Message) -> str:
    """Return the text of a reply's footer; empty if it has none yet."""
    blocks: list[dict[str, Any]] = [b for b in message.blocks if b.get("block_id") == FOOTER_BLOCK]
    return str(blocks[0]["elements"][0]["text"]) if blocks else ""


def new_secrets() -> tuple[str, str, str]:
    """Make a signing secret, a bot token and a key, each of the form of the real one."""
    return secrets.token_hex(16), f"xoxb-{secrets.token_hex(12)}", f"sk-or-v1-{secrets.token_hex(32)}"


@contextlib.contextmanager
def open_outside() -> Iterator[Outside]:
    """Serve Slack and OpenRouter while the block runs."""
    clock = SystemClock()
    signing_secret, token, key = new_secrets()
    slack = Workspace(clock, signing_secret, token)
    openrouter = ScriptedOpenRouter(clock, generation_delay_s=0, api_keys=[key], answer=ANSWER)
    with serve(slack_app(slack)) as slack_server, serve(openrouter.app) as openrouter_server:
        slack.response_urls.base = slack_server.url
        outside = Outside(slack, openrouter, f"{slack_server.url}/api/", f"{openrouter_server.url}/api/v1")
        with outside.delivery:
            yield outside
