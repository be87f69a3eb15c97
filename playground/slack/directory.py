"""Directory: the people, bots and channels of the playground's workspace.

People's acts may name a user or channel by id or by name; the Web API takes ids alone, as Slack's does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from playground.slack.refusal import Refused

Json = dict[str, Any]


class Kind(StrEnum):
    """What Slack calls `channel_type` in its events."""

    CHANNEL = "channel"
    GROUP = "group"
    IM = "im"
    MPIM = "mpim"


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class User:
    """A person, or the user that a bot posts as (then `bot_id` and `app_id` are set)."""

    id: str
    name: str
    real_name: str
    team: str
    bot_id: str = ""
    app_id: str = ""
    is_admin: bool = False
    is_guest: bool = False
    deleted: bool = False

    @property
    def is_bot(self) -> bool:
        """Whether an app posts as this user."""
        return bool(self.bot_id)

    def wire(self) -> Json:
        """Return the `user` object of `users.info`."""
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "tz": "Europe/Berlin",
            "is_admin": self.is_admin,
            "is_owner": self.is_admin,
            "is_primary_owner": False,
            "is_restricted": self.is_guest,
            "is_ultra_restricted": False,
            "is_stranger": False,  # it is true only of those whom the app shares no channel with
            "is_bot": self.is_bot,
            "is_app_user": False,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "team": self.team,
                **({"bot_id": self.bot_id, "api_app_id": self.app_id} if self.is_bot else {}),
            },
        }


@dataclass(slots=True)
class Channel:
    """Where messages are said: a public or private channel, a direct message or a group of them."""

    id: str
    name: str
    kind: Kind
    members: set[str] = field(default_factory=set)
    archived: bool = False
    shared_with: str = ""
    """The other workspace of a Slack Connect channel."""

    @property
    def is_public(self) -> bool:
        """Whether anyone may see that it exists."""
        return self.kind is Kind.CHANNEL

    def other_member(self, user: str) -> str | None:
        """Return whom `user` talks to, in a direct message; None elsewhere."""
        if self.kind is not Kind.IM:
            return None
        return next(iter(sorted(self.members - {user})), None)

    def wire(self, viewer: str) -> Json:
        """Return the `channel` object of `conversations.info` as `viewer` gets it."""
        shape: Json = {
            "id": self.id,
            "is_channel": self.kind is Kind.CHANNEL,
            "is_group": self.kind is Kind.GROUP,
            "is_im": self.kind is Kind.IM,
            "is_mpim": self.kind is Kind.MPIM,
            "is_private": not self.is_public,
            "is_archived": self.archived,
            "is_ext_shared": bool(self.shared_with),
            "is_shared": bool(self.shared_with),
        }
        if self.kind is Kind.IM:
            return shape | {"user": self.other_member(viewer)}
        return shape | {"name": self.name, "is_member": viewer in self.members}


TEAM = Team("T0PENNY001", "Penny's Playground", "pennys-playground")
PARTNER_TEAM = Team("T0PARTNER1", "A partner company", "partner")

ADA = User("U0ADA00001", "ada", "Ada Lovelace", TEAM.id, is_admin=True)
GRACE = User("U0GRACE001", "grace", "Grace Hopper", TEAM.id)
LINUS = User("U0LINUS001", "linus", "Linus Torvalds", TEAM.id)
GUEST = User("U0GUEST001", "guest", "Gil Guest", TEAM.id, is_guest=True)
STRANGER = User("U0STRANGE1", "stranger", "Sam Stranger", PARTNER_TEAM.id)
OTHER_BOT = User("U0DEPLOY01", "deploybot", "Deploy Bot", TEAM.id, bot_id="B0DEPLOY01", app_id="A0DEPLOY01")
PENNY = User("U0PENNY001", "penny", "Penny", TEAM.id, bot_id="B0PENNY001", app_id="A0PENNY001")

_HUMANS = {ADA.id, GRACE.id, LINUS.id}


def _cast() -> list[User]:
    return [ADA, GRACE, LINUS, GUEST, STRANGER, OTHER_BOT, PENNY]


def _channels() -> list[Channel]:
    everyone = {*_HUMANS, PENNY.id, OTHER_BOT.id}
    return [
        Channel("C0GENERAL1", "general", Kind.CHANNEL, everyone | {GUEST.id}),
        Channel("C0ASKPENNY", "ask-penny", Kind.CHANNEL, everyone | {GUEST.id}),
        Channel("C0RANDOM01", "random", Kind.CHANNEL, set(everyone)),
        Channel("C0LEADS001", "leads", Kind.GROUP, {ADA.id, GRACE.id, PENNY.id}),
        Channel(
            "C0PARTNER1", "with-partner", Kind.CHANNEL, everyone | {STRANGER.id}, shared_with=PARTNER_TEAM.id
        ),
        Channel("C0GROUPDM1", "mpdm-ada--grace--penny-1", Kind.MPIM, {ADA.id, GRACE.id, PENNY.id}),
        *(_dm(user, PENNY) for user in (ADA, GRACE, LINUS, GUEST)),
    ]


def _dm(user: User, bot: User) -> Channel:
    return Channel(f"D{user.id[1:]}", user.name, Kind.IM, {user.id, bot.id})


class Directory:
    """Who is in the workspace and which channels there are; one bot of them is `bot`."""

    def __init__(self) -> None:
        self.team = TEAM
        self.bot = PENNY
        self.users = {user.id: user for user in _cast()}
        self.channels = {channel.id: channel for channel in _channels()}

    def user(self, reference: str) -> User:
        """Return the user of that id, name or @name. Raises Refused("user_not_found")."""
        name = reference.removeprefix("@")
        found = next((user for user in self.users.values() if name in {user.id, user.name}), None)
        if found is None:
            raise Refused("user_not_found")
        return found

    def channel(self, reference: str) -> Channel:
        """Return the channel of that id, name or #name. Raises Refused("channel_not_found")."""
        name = reference.removeprefix("#")
        named = (
            c for c in self.channels.values() if name == c.id or (name == c.name and c.kind is not Kind.IM)
        )
        found = next(named, None)
        if found is None:
            raise Refused("channel_not_found")
        return found

    def direct_message(self, reference: str) -> Channel:
        """Return the direct message of that user with the bot; it is opened if there is none yet."""
        user = self.user(reference)
        if user.deleted:
            raise Refused("user_disabled")
        dm = _dm(user, self.bot)
        return self.channels.setdefault(dm.id, dm)

    def has_direct_message(self, reference: str) -> bool:
        """Whether that user may talk to the bot directly: those of its own workspace may."""
        return self.user(reference).team == self.team.id

    def group_message(self, references: list[str]) -> Channel:
        """Return the group of direct messages of those users and the bot, opened if there is none yet."""
        members = {self.user(reference).id for reference in references} | {self.bot.id}
        for channel in self.channels.values():
            if channel.kind is Kind.MPIM and channel.members == members:
                return channel
        name = "--".join(sorted(self.users[member].name for member in members))
        opened = Channel(f"C0GROUPDM{len(self.channels)}", f"mpdm-{name}-1", Kind.MPIM, members)
        self.channels[opened.id] = opened
        return opened

    def deactivate(self, reference: str) -> None:
        """Take a user's account away; what they posted stays."""
        user = self.user(reference)
        self.users[user.id] = replace(user, deleted=True)
