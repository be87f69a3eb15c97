"""The stack as `serverless.yml` defines it, and its queues and tables made in a local AWS.

What runs here is what is deployed: keys, indexes, visibility and the dead-letter rule come from that file
alone. Roles and functions stay on paper; deploying them is the framework's work.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from playground.aws_json import AwsRefused, call

SERVERLESS_YML = Path(__file__).resolve().parent.parent / "serverless.yml"

VARIABLE = re.compile(r"\$\{(sls:stage|self:[\w.]+)\}")
"""The framework's variables that name things here; others (`opt:`, `env:`, AWS's own) stay as they are."""

SAME_IN_CREATE_TABLE = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
)
"""What CloudFormation and CreateTable call by one name; encryption means nothing on a laptop."""


@dataclass(frozen=True, slots=True)
class StackNames:
    """Where the stack's queues and tables are; the field's name in capitals is the environment variable."""

    queue_url: str
    dead_letter_queue_url: str
    state_table: str
    usage_table: str


def read_stack(stage: str) -> dict[str, Any]:
    """Read serverless.yml for `stage`: variables resolved, `!GetAtt a.b` as `{"Fn::GetAtt": ["a", "b"]}`."""
    document = _document()
    resolved: dict[str, Any] = _Variables(document, stage).resolve(document)
    return resolved


@cache
def _document() -> dict[str, Any]:
    """Read the file as it stands, once: that takes a tenth of a second."""
    loader = yaml.SafeLoader(SERVERLESS_YML.read_text(encoding="utf-8"))
    loader.yaml_multi_constructors = loader.yaml_multi_constructors | {"!": _intrinsic}
    document: dict[str, Any] = loader.get_single_data()
    return document


def create_stack(endpoint_url: str, stage: str = "play") -> StackNames:
    """Create serverless.yml's queues and tables at `endpoint_url`; those already there stay as they are."""
    document = _document()
    resolve = _Variables(document, stage).resolve
    queue, parking, state, usage = (
        resolve(document["resources"]["Resources"][name]["Properties"])
        for name in ("JobQueue", "DeadLetterQueue", "StateTable", "UsageTable")
    )
    dead_letter_queue_url = _create_queue(endpoint_url, parking)
    return StackNames(
        queue_url=_create_queue(endpoint_url, _parking_in(endpoint_url, dead_letter_queue_url, queue)),
        dead_letter_queue_url=dead_letter_queue_url,
        state_table=_create_table(endpoint_url, state),
        usage_table=_create_table(endpoint_url, usage),
    )


def _intrinsic(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    """Write `!Ref x` as `{"Ref": x}` and `!GetAtt a.b` as `{"Fn::GetAtt": ["a", "b"]}`."""
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(
            None, None, f"!{name} is written with one word here", node.start_mark
        )
    text = str(loader.construct_scalar(node))
    if name == "Ref":
        return {"Ref": text}
    return {f"Fn::{name}": text.split(".", 1) if name == "GetAtt" else text}


@dataclass(frozen=True, slots=True)
class _Variables:
    """The framework's `${…}` in one document."""

    document: dict[str, Any]
    stage: str

    def resolve(self, value: Any) -> Any:
        """Replace the variables in `value`, whatever it is; one that is the whole text keeps its type."""
        if isinstance(value, dict):
            return {key: self.resolve(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.resolve(part) for part in value]
        if not isinstance(value, str):
            return value
        if whole := VARIABLE.fullmatch(value):
            return self._meant_by(whole[1])
        return VARIABLE.sub(lambda found: str(self._meant_by(found[1])), value)

    def _meant_by(self, variable: str) -> Any:
        if variable == "sls:stage":
            return self.stage
        value: Any = self.document
        for key in variable.removeprefix("self:").split("."):
            value = value[key]
        return self.resolve(value)


def _parking_in(url: str, dead_letter_queue_url: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Put the dead-letter queue's real ARN where the definition refers to it."""
    found = call(
        url, "sqs", "GetQueueAttributes", QueueUrl=dead_letter_queue_url, AttributeNames=["QueueArn"]
    )
    redrive = properties["RedrivePolicy"] | {"deadLetterTargetArn": found["Attributes"]["QueueArn"]}
    return properties | {"RedrivePolicy": redrive}


def _create_queue(url: str, properties: dict[str, Any]) -> str:
    """Create one queue and return its URL; creating it again with the same attributes changes nothing."""
    attributes = {name: _attribute(value) for name, value in properties.items() if name != "QueueName"}
    made = call(url, "sqs", "CreateQueue", QueueName=properties["QueueName"], Attributes=attributes)
    return str(made["QueueUrl"])


def _attribute(value: Any) -> str:
    """Write a template's value as SQS takes it: text, booleans in lower case, objects as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _create_table(url: str, properties: dict[str, Any]) -> str:
    """Create one table, which a local AWS has at once, and return its name."""
    name: str = properties["TableName"]
    try:
        call(url, "dynamodb", "CreateTable", **{key: properties[key] for key in SAME_IN_CREATE_TABLE})
    except AwsRefused as refused:
        if refused.code != "ResourceInUseException":
            raise
        return name
    for operation, what in (
        ("UpdateTimeToLive", "TimeToLiveSpecification"),
        ("UpdateContinuousBackups", "PointInTimeRecoverySpecification"),
    ):
        if what in properties:
            call(url, "dynamodb", operation, TableName=name, **{what: properties[what]})
    return name
