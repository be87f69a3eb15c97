"""Surfaces beside messages: statuses, suggested prompts, agent sessions, the home tab, reactions, users."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from playground.slack.blocks import require_valid
from playground.slack.methods.places import joined_channel, named_user, open_channel
from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from playground.slack.arguments import Arguments
    from playground.slack.directory import Channel
    from playground.slack.workspace import Workspace

Json = dict[str, Any]

SESSION_STATES = frozenset({"active", "processing", "suspended", "closed"})
LOADING_MESSAGES = 10
PROMPTS = 4
VIEW_BYTES = 250_000
_EMOJI = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def auth_test(workspace: Workspace, _args: Arguments) -> Json:
    """Say whose token it is."""
    bot, team = workspace.directory.bot, workspace.directory.team
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": bot.name,
        "team_id": team.id,
        "user_id": bot.id,
        "bot_id": bot.bot_id,
        "is_enterprise_install": False,
    }


def users_info(workspace: Workspace, args: Arguments) -> Json:
    """Return what is known of a user."""
    return {"user": named_user(workspace, args.required("user")).wire()}


def add_reaction(workspace: Workspace, args: Arguments) -> Json:
    """Put an emoji under a message."""
    channel = open_channel(workspace, args.text("channel"))
    name = args.text("name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise Refused("invalid_name")
    message = workspace.board.store.find(channel.id, args.text("timestamp"))
    users = message.reactions.get(name, [])
    if workspace.bot_user in users:
        raise Refused("already_reacted")
    with workspace.board.changing(message, quietly=True):
        message.reactions[name] = [*users, workspace.bot_user]
    return {}


def set_status(workspace: Workspace, args: Arguments) -> Json:
    """Say in a thread what the app is doing; an empty status clears it."""
    channel, thread_ts = _thread(workspace, args)
    if "status" not in args.given:
        raise Refused("invalid_arguments", "[ERROR] missing required field: status")
    if len(args.items("loading_messages") or []) > LOADING_MESSAGES:
        raise Refused("invalid_arguments", f"[ERROR] no more than {LOADING_MESSAGES} items allowed")
    workspace.board.set_status(channel.id, thread_ts, args.text("status"))
    return {}


def set_suggested_prompts(workspace: Workspace, args: Arguments) -> Json:
    """Offer first questions in the app's messages tab."""
    channel = joined_channel(workspace, args.text("channel_id"))
    prompts = args.items("prompts") or []
    if not 1 <= len(prompts) <= PROMPTS or not all(_is_prompt(one) for one in prompts):
        raise Refused("invalid_arguments", f"[ERROR] prompts: 1 to {PROMPTS}, each with title and message")
    workspace.prompts[channel.id] = prompts
    workspace.board.tell("prompts", {"channel": channel.id, "prompts": prompts})
    return {}


def set_session_status(workspace: Workspace, args: Arguments) -> Json:
    """Say how far the app's work in a thread is; `processing` shows Slack's own stop button."""
    status = session_state(args.required("status"))
    channel, thread_ts = _thread(workspace, args)
    workspace.set_session(channel.id, thread_ts, status)
    return {"agent_status": status, "status": status}


def session_state(given: str) -> str:
    """Return the state of an agent session that a call names; raises Refused if there is no such state."""
    if given not in SESSION_STATES:
        raise Refused("invalid_arguments", f"[ERROR] must be one of: {', '.join(sorted(SESSION_STATES))}")
    return given


def publish_view(workspace: Workspace, args: Arguments) -> Json:
    """Publish a person's home tab."""
    user = named_user(workspace, args.required("user_id"))
    view = args.mapping("view")
    if view is None or view.get("type") != "home":
        raise Refused("invalid_arguments", "[ERROR] must be a view of type home [json-pointer:/view]")
    if len(json.dumps(view)) > VIEW_BYTES:
        raise Refused("view_too_large")
    before = workspace.homes.get(user.id)
    if args.has("hash") and before and args.text("hash") != before["hash"]:
        raise Refused("hash_conflict")
    blocks = _home_blocks(view)
    number = workspace.board.number()
    shown = view | {
        "id": before["id"] if before else f"V{number}",
        "team_id": workspace.team_id,
        "app_id": workspace.directory.bot.app_id,
        "bot_id": workspace.directory.bot.bot_id,
        "blocks": blocks,
        "hash": f"{int(workspace.clock.now())}.{number}",
        "state": {"values": {}},
    }
    workspace.homes[user.id] = shown
    workspace.board.tell("home", {"user": user.id, "view": shown})
    return {"view": shown}


def _home_blocks(view: Json) -> list[Json]:
    try:
        return require_valid(view.get("blocks"), home=True)
    except Refused as refused:
        raise Refused("invalid_arguments", *refused.details) from None


def _thread(workspace: Workspace, args: Arguments) -> tuple[Channel, str]:
    channel = joined_channel(workspace, args.text("channel_id"))
    thread_ts = args.text("thread_ts")
    if not workspace.board.store.has_thread(channel.id, thread_ts):
        raise Refused("invalid_thread_ts")
    return channel, workspace.board.store.root_of(channel.id, thread_ts)


def _is_prompt(prompt: Any) -> bool:
    return isinstance(prompt, dict) and all(
        isinstance(prompt.get(name), str) for name in ("title", "message")
    )
