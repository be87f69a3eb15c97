"""Attributes beside the AWS SDK's own way of writing them, which is the oracle."""

from __future__ import annotations

from decimal import Decimal, Inexact
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from router.adapters.attributes import read, written

ROW: dict[str, Any] = {
    "pk": "budget#channel#C1",
    "v": 1,
    "spent_usd": Decimal("0.000000000001"),
    "remaining_usd": Decimal(-25),
    "estimated": False,
    "nothing": None,
    "replies": ["1.1", "1.2", []],
    "facts": {"models": ["a/b"], "bound": 900, "deep": {"empty": "", "none": {}}},
    "most_digits": Decimal("1." + "2" * 37),
}


def test_rows_are_written_and_read_as_the_sdk_does() -> None:
    """Whatever a row of ours holds is written as the SDK writes it, and comes back as the SDK reads it."""
    by_sdk = {name: TypeSerializer().serialize(value) for name, value in ROW.items()}

    assert written(ROW) == by_sdk
    assert read(by_sdk) == {name: TypeDeserializer().deserialize(value) for name, value in by_sdk.items()}
    assert read(by_sdk) == ROW


@pytest.mark.parametrize("value", [0.1, b"bytes", {1}, object(), Decimal("NaN"), Decimal("-Infinity")])
def test_what_no_row_holds_is_refused(value: object) -> None:
    """A float would be inexact, and neither bytes nor sets nor what is no number have a place in our rows."""
    with pytest.raises(TypeError, match="no attribute of a row"):
        written({"cost_usd": value})


def test_no_digit_is_lost() -> None:
    """A number of more digits than DynamoDB keeps is an error, not a rounded one."""
    with pytest.raises(Inexact):
        written({"cost_usd": Decimal("1." + "2" * 38)})


def test_types_that_others_write_are_left_as_they_are() -> None:
    """A set that someone put into a row by hand hinders no one who does not look at it."""
    assert read({"tags": {"SS": ["a"]}, "pk": {"S": "x"}}) == {"tags": ["a"], "pk": "x"}
