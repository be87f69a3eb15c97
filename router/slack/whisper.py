"""A whisper: words that only one person sees, because they asked for them or pressed something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.adapters.slack_web import SlackWeb
from router.errors import SlackRefused, SlackUnavailable
from router.journal import write_line
from router.slack.blocks import Block

BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"""What Slack says of blocks that it does not know, or not in this workspace yet."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who is to hear it and where. `response_url` reaches also channels that the bot is not in."""

    channel: str
    user: str
    thread: str = ""
    response_url: str = ""


def whisper(slack: SlackWeb, addressee: Addressee, text: str) -> bool:
    """Show `text` to one person; whether Slack took it. It never raises: a whisper is no reason to fail."""
    try:
        tell(slack, addressee, text)
    except (SlackRefused, SlackUnavailable):
        return False
    return True


def tell(slack: SlackWeb, addressee: Addressee, text: str, blocks: list[Block] | None = None) -> None:
    """Show `text`, or `blocks` that say the same, to one person.

    Raises SlackRefused and SlackUnavailable. An answer to a response URL that got lost is said once more in
    the channel: heard twice is better than not at all.
    """
    said = {"text": text, "blocks": blocks, "thread_ts": addressee.thread or None}
    said = {name: value for name, value in said.items() if value}
    if addressee.response_url:
        answer = said | {"response_type": "ephemeral", "replace_original": False}
        try:
            slack.respond(addressee.response_url, answer)
        except SlackRefused as refused:
            if refused.code in BLOCKS_REFUSED:
                raise
        except SlackUnavailable:
            pass
        else:
            return
    slack.call("chat.postEphemeral", channel=addressee.channel, user=addressee.user, **said)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to show something; `kind` names it in the journal. Without blocks the text says it all."""

    kind: str
    text: str
    blocks: list[Block] | None = None


class Forms:
    """Shows things in the richest form that the workspace takes, and remembers which it refused.

    Slack brings new blocks to one workspace after the other.
    """

    def __init__(self, slack: SlackWeb) -> None:
        self._slack = slack
        self._refused: set[str] = set()

    def tell(self, addressee: Addressee, forms: Sequence[Form]) -> None:
        """Show the first of `forms`, best first, that Slack takes. Raises as `tell` does."""
        *richer, plainest = forms
        for form in richer:
            if form.kind in self._refused:
                continue
            try:
                tell(self._slack, addressee, form.text, form.blocks)
            except SlackRefused as refused:
                if refused.code not in BLOCKS_REFUSED:
                    raise
                write_line("whisper", "form_refused", form=form.kind, reason=refused.code)
                self._refused.add(form.kind)
            else:
                return
        tell(self._slack, addressee, plainest.text, plainest.blocks)
