"""Access: who a person is to this workspace, and whether someone like them may ask."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Standing(StrEnum):
    """What a person is here. https://docs.slack.dev/reference/objects/user-object."""

    MEMBER = "member"
    GUEST = "guest"
    STRANGER = "stranger"
    """Of another company, in a channel that is shared with it (Slack Connect)."""
    GONE = "gone"
    """Their account was deactivated."""
    UNKNOWN = "unknown"
    """Slack does not tell us: the app may not read profiles."""


class Who(StrEnum):
    """Who may ask; each lets in all that the one before does."""

    NOBODY = "nobody"
    MEMBERS = "members"
    GUESTS = "guests"
    EVERYONE = "everyone"


_LETS_IN = {
    Who.NOBODY: frozenset[Standing](),
    Who.MEMBERS: frozenset({Standing.MEMBER}),
    Who.GUESTS: frozenset({Standing.MEMBER, Standing.GUEST}),
    Who.EVERYONE: frozenset({Standing.MEMBER, Standing.GUEST, Standing.STRANGER}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who someone is to us. `is_admin` includes owners of the workspace."""

    id: str
    standing: Standing
    is_admin: bool = False


def may_ask(who: Who, standing: Standing) -> bool:
    """Whether someone of this standing may ask where `who` may."""
    return standing in _LETS_IN[who]


def read_person(raw: Any, user: str, team: str) -> Person:
    """Read the `user` of `users.info`; `team` is our workspace.

    What it does not say makes nobody a member or an admin. Slack's `is_stranger` is false for someone whom we
    share a channel with, so it is their workspace that tells.
    """
    fields = raw if isinstance(raw, dict) else {}
    standing = _standing(fields, team)
    is_admin = fields.get("is_admin") is True or fields.get("is_owner") is True
    return Person(user, standing, is_admin and standing is Standing.MEMBER)


def _standing(fields: dict[str, Any], team: str) -> Standing:
    if not isinstance(fields.get("team_id"), str):
        return Standing.UNKNOWN
    if fields.get("deleted") is True:
        return Standing.GONE
    if fields.get("is_stranger") is True or team not in _teams(fields):
        return Standing.STRANGER
    is_guest = fields.get("is_restricted") is True or fields.get("is_ultra_restricted") is True
    return Standing.GUEST if is_guest else Standing.MEMBER


def _teams(fields: dict[str, Any]) -> list[Any]:
    """List the workspaces of a person; an organisation (Enterprise Grid) has several."""
    enterprise = fields.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, dict) else None
    return [fields["team_id"], *(teams if isinstance(teams, list) else [])]
