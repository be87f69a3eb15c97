"""Roles: what policies grant, one permission at a time, held against what was really used. No I/O."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
"""An IAM policy document."""

WRITES_ITS_LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
"""https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""

WORKS_OFF_A_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """That a function may do one thing with one resource (an ARN)."""

    function: str
    action: str
    resource: str

    def __str__(self) -> str:
        """Name it without the account."""
        return f"{self.function}: {self.action} on {self.resource.split(':', 5)[-1]}"


def granted(function: str, document: Document) -> Iterator[Permission]:
    """Yield every permission of a function's policy document."""
    for statement in _statements(document):
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Permission(function, action, resource)


def without(document: Document, permission: Permission) -> Document:
    """Return the document less one permission."""
    rest = copy.deepcopy(document)
    rest["Statement"] = [part for s in _statements(document) for part in _split(s, permission)]
    return rest


def _split(statement: dict[str, Any], permission: Permission) -> Iterator[dict[str, Any]]:
    """Yield what is left of a statement: the other actions, and the action on the other resources."""
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    if permission.action not in actions or permission.resource not in resources:
        yield statement
        return
    if others := [action for action in actions if action != permission.action]:
        yield statement | {"Action": others}
    if elsewhere := [resource for resource in resources if resource != permission.resource]:
        yield statement | {"Action": permission.action, "Resource": elsewhere}


def needed_by_lambda(function: str, log: str, queue: str | None) -> set[Permission]:
    """Return what Lambda itself does in a function's name: its log, and the queue that it works off.

    No code of ours does this, and a local AWS asks no one for it.
    """
    needed = {Permission(function, action, log) for action in WRITES_ITS_LOG}
    return needed | {Permission(function, action, queue) for action in WORKS_OFF_A_QUEUE if queue}


def complaints(
    grants: Iterable[Permission], used: Iterable[Permission], by_lambda: Iterable[Permission]
) -> list[str]:
    """Say of each permission that no one needs, and of each that is needed and missing, that it is so."""
    have, need = set(grants), set(used) | set(by_lambda)
    too_much = [f"granted and never used: {permission}" for permission in sorted(have - need)]
    return too_much + [f"needed and not granted: {permission}" for permission in sorted(need - have)]


def _statements(document: Document) -> list[dict[str, Any]]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
