"""Access: who someone is, as Slack tells it, and whom each choice lets in."""

from __future__ import annotations

from typing import Any

import pytest

from router.domain.access import Standing, Who, may_ask, read_person

HOME = "T0HOME0001"


@pytest.mark.parametrize(
    ("fields", "standing"),
    [
        ({}, Standing.MEMBER),
        ({"is_restricted": True}, Standing.GUEST),
        ({"is_ultra_restricted": True}, Standing.GUEST),
        ({"team_id": "T0FAR"}, Standing.STRANGER),
        ({"team_id": "T0FAR", "is_admin": True}, Standing.STRANGER),
        ({"is_stranger": True}, Standing.STRANGER),
        ({"team_id": "T0SISTER", "enterprise_user": {"teams": [HOME, "T0SISTER"]}}, Standing.MEMBER),
        ({"team_id": "T0FAR", "enterprise_user": {"teams": ["T0FAR"]}}, Standing.STRANGER),
        ({"team_id": "T0FAR", "enterprise_user": 7}, Standing.STRANGER),
        ({"deleted": True}, Standing.GONE),
        ({"team_id": 7}, Standing.UNKNOWN),
    ],
)
def test_standing(fields: dict[str, Any], standing: Standing) -> None:
    """By workspace, account and kind of account."""
    assert read_person({"team_id": HOME} | fields, "U0ADA", HOME).standing is standing


@pytest.mark.parametrize("raw", [None, 7, [], "x", {}])
def test_who_is_not_told(raw: Any) -> None:
    """Nothing makes nobody a member, nor an admin."""
    person = read_person(raw, "U0ADA", HOME)

    assert (person.standing, person.is_admin) == (Standing.UNKNOWN, False)


def test_admins_are_members() -> None:
    """An owner is one; an admin of another company is none of ours."""
    assert read_person({"team_id": HOME, "is_owner": True}, "U0ADA", HOME).is_admin
    assert read_person({"team_id": HOME, "is_admin": True}, "U0ADA", HOME).is_admin
    assert not read_person({"team_id": "T0FAR", "is_admin": True}, "U0ADA", HOME).is_admin
    assert not read_person({"team_id": HOME, "is_admin": "yes"}, "U0ADA", HOME).is_admin


def test_each_choice_lets_in_more() -> None:
    """None lets in those who are gone or unknown."""
    let_in = [{standing for standing in Standing if may_ask(who, standing)} for who in Who]

    assert let_in == [
        set(),
        {Standing.MEMBER},
        {Standing.MEMBER, Standing.GUEST},
        {Standing.MEMBER, Standing.GUEST, Standing.STRANGER},
    ]
