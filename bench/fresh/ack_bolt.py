"""Acknowledge one event by Bolt's lazy listener on Lambda: it invokes its own function once more.

As its users have it, but that nobody is asked who the token belongs to, which would cost a call to Slack.
https://docs.slack.dev/tools/bolt-python/concepts/lazy-listeners
"""

import json
import os
import sys
from types import SimpleNamespace
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult

TEAM, BOT = "T0TEAM0001", "U0PENNY001"


def authorize() -> AuthorizeResult:
    """Know the only installation."""
    return AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_user_id=BOT, bot_token="xoxb-1")  # noqa: S106 - no secret


def answer() -> None:
    """Be there; it would run in the next invocation."""


app = App(
    process_before_response=True,
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    authorize=authorize,
)
app.event("message")(ack=answer, lazy=[answer])
where = SimpleNamespace(function_name="bot", invoked_function_arn="arn:aws:lambda:us-east-1:0:function:bot")
answer_lambda: Any = SlackRequestHandler(app=app).handle
status = answer_lambda(json.load(sys.stdin), where)["statusCode"]
sys.stdout.write(f"{status}\n")
