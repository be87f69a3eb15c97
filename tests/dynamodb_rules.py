"""DynamoDB's own rules for requests, held against every request of a test.

Local DynamoDBs let through what the real one refuses: arithmetic in conditions, one attribute set twice,
names that are reserved, values that no expression uses. What moto's parsers do not read is wrong, too. Rules:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore import handlers
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined] # untyped
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

RESERVED = {str(word).upper() for word in ReservedKeywords.get_reserved_keywords()}
SYNTAX = {"SET", "ADD", "REMOVE", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}
FUNCTIONS = {
    *("attribute_exists", "attribute_not_exists", "attribute_type"),
    *("begins_with", "contains", "size", "if_not_exists", "list_append"),
}
CONDITIONS = ("ConditionExpression", "KeyConditionExpression", "FilterExpression")
EXPRESSIONS = ("UpdateExpression", "ProjectionExpression", *CONDITIONS)
INDEX_KEYS = {"open", "rollup_month", "rollup_of"}
MOST_DIGITS = 38
MOST_ITEMS = 100
LONGEST_KEY = {"pk": 2048, "sk": 1024}
"""In bytes."""

Part = dict[str, Any]


@contextlib.contextmanager
def checked_session(**hooks: Callable[..., Any]) -> Iterator[None]:
    """Let clients that are made in this block check every request, and call `hooks` (`before_send=`)."""
    ours = {"before-call": _check_call} | {event.replace("_", "-"): hook for event, hook in hooks.items()}
    all_hooks = [*handlers.BUILTIN_HANDLERS, *((f"{event}.dynamodb", hook) for event, hook in ours.items())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setattr(handlers, "BUILTIN_HANDLERS", all_hooks)
        yield


def _check_call(params: Part, model: Any, **_: Any) -> None:
    """Check a request as botocore is about to send it; registered for `before-call.dynamodb`."""
    wrong = violations(model.name, json.loads(params["body"]))
    assert not wrong, f"{model.name}: DynamoDB would refuse this: {'; '.join(wrong)}"


def violations(operation: str, request: Part) -> list[str]:
    """Return why DynamoDB would refuse the request; nothing when it would not."""
    parts = [request]
    if operation == "TransactWriteItems":
        parts = [part for item in request["TransactItems"] for part in item.values()]
    found = [wrong for part in parts for wrong in _wrong_with(part)]
    if operation == "TransactWriteItems":
        found += _wrong_with_transaction(request, parts)
    return found


def _wrong_with_transaction(request: Part, parts: list[Part]) -> Iterator[str]:
    if not 1 <= len(parts) <= MOST_ITEMS:
        yield f"{len(parts)} items"
    rows = Counter(json.dumps([part["TableName"], _key(part)], sort_keys=True) for part in parts)
    yield from (f"two writes of one row: {row}" for row, times in rows.items() if times > 1)
    if not request.get("ClientRequestToken"):
        yield "no token: a repeated request would be a second one"


def _key(part: Part) -> Part:
    whole = part.get("Key") or part["Item"]
    return {name: whole[name] for name in LONGEST_KEY}


def _wrong_with(part: Part) -> Iterator[str]:
    for sign, given in (
        ("#", part.get("ExpressionAttributeNames", {})),
        (":", part.get("ExpressionAttributeValues", {})),
    ):
        used = {word for name in EXPRESSIONS for word in re.findall(rf"{sign}\w+", part.get(name, ""))}
        yield from (f"{word} is used but not given" for word in used - set(given))
        yield from (f"{word} is given but not used" for word in set(given) - used)
    for name in EXPRESSIONS:
        yield from (f"{word} is a reserved word" for word in _bare_names(part.get(name, "")) & RESERVED)
    for name in CONDITIONS:
        if re.search(r"[-+*/]", part.get(name, "")):
            yield f"arithmetic in {name}"
    update, condition = (part.get(name, "") for name in ("UpdateExpression", "ConditionExpression"))
    names = tuple(part.get("ExpressionAttributeNames", {}).items())
    yield from _unread_by_moto(update, condition, names, tuple(part.get("ExpressionAttributeValues", {})))
    yield from _wrong_with_update(part)
    yield from _wrong_with_keys(part)
    yield from (f"the number {n} has too many digits" for n in _numbers(part) if _digits(n) > MOST_DIGITS)


@functools.cache
def _unread_by_moto(
    update: str, condition: str, names: tuple[tuple[str, str], ...], values: tuple[str, ...]
) -> tuple[str, ...]:
    """Let moto's parsers, which are stricter than the local DynamoDB's, read what changes a row."""
    try:
        if update:
            UpdateExpressionParser.make(update)
        get_filter_expression(condition, dict(names), {value: {"S": ""} for value in values})
    except (LookupError, ValueError, MockValidationException) as error:
        return (f"moto cannot read it: {error}",)
    return ()


def _bare_names(expression: str) -> set[str]:
    words = re.findall(r"(?<![#:\w])[A-Za-z_]\w*", expression)
    return {word.upper() for word in words if word not in FUNCTIONS and word.upper() not in SYNTAX}


def _wrong_with_update(part: Part) -> Iterator[str]:
    clauses = re.split(r"\b(SET|ADD|REMOVE|DELETE)\b", part.get("UpdateExpression", ""))
    names = Counter(clauses[1::2])
    yield from (f"two {name} clauses" for name, times in names.items() if times > 1)
    given = part.get("ExpressionAttributeNames", {})
    targets = [
        (given.get(action.split()[0], action.split()[0]), action)
        for clause in clauses[2::2]
        for action in clause.split(",")
    ]
    twice = Counter(target for target, _ in targets)
    yield from (f"{target} is changed twice" for target, times in twice.items() if times > 1)
    yield from (f"{target} is a part of the key" for target, _ in targets if target in LONGEST_KEY)
    values = part.get("ExpressionAttributeValues", {})
    for target, action in targets:
        if target in INDEX_KEYS and values.get(action.split()[-1]) == {"S": ""}:
            yield f"{target} is a key of an index and must not be empty"


def _wrong_with_keys(part: Part) -> Iterator[str]:
    for whole in filter(None, (part.get("Key"), part.get("Item"))):
        for name, longest in LONGEST_KEY.items():
            length = len(whole.get(name, {}).get("S", "").encode())
            if not 1 <= length <= longest:
                yield f"{name} has {length} bytes"
    for name in INDEX_KEYS & set(part.get("Item", ())):
        if part["Item"][name] == {"S": ""}:
            yield f"{name} is a key of an index and must not be empty"


def _numbers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "N" and isinstance(inner, str):
                yield inner
            else:
                yield from _numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)


def _digits(number: str) -> int:
    return len("".join(map(str, Decimal(number).as_tuple().digits)).strip("0"))
