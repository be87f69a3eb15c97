"""The rules that every request of a test is held against find what DynamoDB would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dynamodb_rules import violations

KEY = {"pk": {"S": "budget"}, "sk": {"S": "2026-11"}}
GOOD: dict[str, Any] = {
    "TableName": "state",
    "Key": KEY,
    "UpdateExpression": "SET #state = :state, limit_usd = :limit ADD receives :one REMOVE #open",
    "ConditionExpression": "attribute_exists(pk) AND (#state = :state OR limit_usd < :limit)",
    "ExpressionAttributeNames": {"#state": "state", "#open": "open"},
    "ExpressionAttributeValues": {":state": {"S": "open"}, ":limit": {"N": "1E+2"}, ":one": {"N": "1"}},
}


def test_a_good_request_passes() -> None:
    """Functions, reserved words behind names and exponents are all right."""
    assert violations("UpdateItem", GOOD) == []
    whole = {"TransactItems": [{"Update": GOOD}], "ClientRequestToken": "t"}
    assert violations("TransactWriteItems", whole) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ConditionExpression": "limit_usd >= :one + :limit"}, "arithmetic"),
        ({"UpdateExpression": "SET #state = :state, #open = :limit, open = :one"}, "open is changed twice"),
        ({"UpdateExpression": "SET #state = :state, receives = :limit ADD receives :one"}, "changed twice"),
        ({"UpdateExpression": "SET #state = :state SET #open = :limit ADD receives :one"}, "two SET clauses"),
        ({"UpdateExpression": "SET sk = :state REMOVE #open ADD receives :one"}, "part of the key"),
        ({"UpdateExpression": "SET #state = :state, #open = :limit ADD receives"}, "moto cannot read it"),
        ({"ConditionExpression": "attribute_exists(#state) NOT limit_usd = :one"}, "moto cannot read it"),
        ({"ConditionExpression": "attribute_exists(owner)"}, "OWNER is a reserved word"),
        ({"ConditionExpression": "#owner = :state"}, "#owner is used but not given"),
        ({"UpdateExpression": "SET #state = :state, limit_usd = :limit ADD receives :one"}, "#open is given"),
        (
            {"ExpressionAttributeValues": GOOD["ExpressionAttributeValues"] | {":x": {"N": "1"}}},
            ":x is given",
        ),
        ({"Key": KEY | {"sk": {"S": ""}}}, "sk has 0 bytes"),
        ({"Key": KEY | {"pk": {"S": "ü" * 1025}}}, "pk has 2050 bytes"),
        (
            {
                "UpdateExpression": "SET #open = :state, limit_usd = :limit, #state = :one",
                "ExpressionAttributeValues": {":state": {"S": ""}, ":limit": {"N": "1"}, ":one": {"N": "1"}},
            },
            "open is a key of an index",
        ),
        (
            {"ExpressionAttributeValues": GOOD["ExpressionAttributeValues"] | {":one": {"N": "1" * 39}}},
            "too many digits",
        ),
    ],
)
def test_what_dynamodb_refuses_is_found(change: dict[str, Any], why: str) -> None:
    """Each rule has a request that breaks it."""
    assert any(why in wrong for wrong in violations("UpdateItem", GOOD | change))


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"TransactItems": [], "ClientRequestToken": "t"}, "items"),
        ({"TransactItems": [{"Update": GOOD}]}, "no token"),
        ({"TransactItems": [{"Update": GOOD}, {"Put": {"TableName": "state", "Item": KEY}}]}, "two writes"),
        (
            {"TransactItems": [{"Put": {"TableName": "state", "Item": KEY | {"open": {"S": ""}}}}]},
            "open is a key",
        ),
    ],
)
def test_what_a_transaction_must_not_hold_is_found(request_: dict[str, Any], why: str) -> None:
    """Each rule of transactions has one that breaks it."""
    assert any(why in wrong for wrong in violations("TransactWriteItems", request_))
