"""Table: every Web API method the fake knows, and whether it takes JSON.

Methods that Slack's reference lists as GET read no JSON body: their arguments come in the query or a form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from playground.slack.methods import chat, conversations, streaming, surfaces

if TYPE_CHECKING:
    from playground.slack.arguments import Arguments
    from playground.slack.workspace import Workspace

Method = Callable[["Workspace", "Arguments"], dict[str, Any]]

METHODS: dict[str, Method] = {
    "agents.sessions.setStatus": surfaces.set_session_status,
    "assistant.threads.setStatus": surfaces.set_status,
    "assistant.threads.setSuggestedPrompts": surfaces.set_suggested_prompts,
    "auth.test": surfaces.auth_test,
    "chat.appendStream": streaming.append,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.startStream": streaming.start,
    "chat.stopStream": streaming.stop,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.list": conversations.list_channels,
    "conversations.open": conversations.open_conversation,
    "conversations.replies": conversations.replies,
    "reactions.add": surfaces.add_reaction,
    "users.info": surfaces.users_info,
    "views.publish": surfaces.publish_view,
}

FORM_ONLY = frozenset(
    {
        "chat.getPermalink",
        "conversations.history",
        "conversations.info",
        "conversations.list",
        "conversations.replies",
        "users.info",
    }
)
