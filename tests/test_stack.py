"""serverless.yml keeps its promises, and the local AWS gets the same queues and tables."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from playground.stack import create_stack, read_stack
from router.config import LONGEST_DEADLINE_S
from router.delivered import MAX_RECEIVES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playground.aws import LocalAws

STACK = read_stack("test")
RESOURCES: dict[str, Any] = STACK["resources"]["Resources"]
FUNCTIONS: dict[str, Any] = STACK["functions"]
ROLES = {function: RESOURCES[definition["role"]] for function, definition in FUNCTIONS.items()}
TABLES = ("StateTable", "UsageTable")

MARGIN_S = 20
"""What a worker needs after the deadline to settle, to say so and to let go."""


def properties(resource: str) -> dict[str, Any]:
    """Return the properties of one resource."""
    found: dict[str, Any] = RESOURCES[resource]["Properties"]
    return found


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a role allows, one statement each."""
    return [s for policy in role["Properties"]["Policies"] for s in policy["PolicyDocument"]["Statement"]]


def listed(value: Any) -> list[Any]:
    """Write one or many as many."""
    return value if isinstance(value, list) else [value]


def allowed_to(function: str) -> set[str]:
    """Name every action that a function may do."""
    return {action for statement in statements(ROLES[function]) for action in listed(statement["Action"])}


def words_in(value: Any) -> Iterator[str]:
    """Yield every text in a value, whatever it is nested in."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from words_in(part)


def test_each_time_limit_holds_the_one_before() -> None:
    """The longest answer fits into its function, and the function into the job's visibility."""
    timeout = FUNCTIONS["answer"]["timeout"]

    assert timeout >= LONGEST_DEADLINE_S + MARGIN_S
    assert properties("JobQueue")["VisibilityTimeout"] >= timeout + MARGIN_S
    assert timeout <= 900, "Lambda ends a function after 15 minutes"


def test_a_poisonous_job_is_parked_and_kept() -> None:
    """After the receives that the worker counts, a job waits 14 days in a FIFO dead-letter queue."""
    redrive = properties("JobQueue")["RedrivePolicy"]

    assert redrive["maxReceiveCount"] == MAX_RECEIVES
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert properties("DeadLetterQueue")["FifoQueue"] is True
    assert properties("DeadLetterQueue")["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_threads_do_not_wait_for_each_other() -> None:
    """Jobs come one by one from a queue whose order and throughput are each thread's own."""
    (event,) = FUNCTIONS["answer"]["events"]

    assert properties("JobQueue")["FifoThroughputLimit"] == "perMessageGroupId"
    assert properties("JobQueue")["DeduplicationScope"] == "messageGroup"
    assert event["sqs"]["batchSize"] == 1
    assert event["sqs"]["functionResponseType"] == "ReportBatchItemFailures"


def test_receive_can_neither_post_nor_spend() -> None:
    """What the internet reaches may read the signing secret and send to the queue, nothing else."""
    assert allowed_to("receive") == {
        "ssm:GetParameters",
        "sqs:SendMessage",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    (secret,) = [s["Resource"] for s in statements(ROLES["receive"]) if s["Action"] == "ssm:GetParameters"]
    assert str(secret["Fn::Sub"]).endswith(":parameter/penny/test/SLACK_SIGNING_SECRET")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_reaches_beyond_its_own_resources(function: str) -> None:
    """Every permission names its actions and its resources in full."""
    for statement in statements(ROLES[function]):
        assert not [word for word in words_in(statement) if "*" in word]


def test_every_function_has_a_role_of_its_own() -> None:
    """No two functions share a role, so that none can do what another needs."""
    roles = [definition["role"] for definition in FUNCTIONS.values()]

    assert len(set(roles)) == len(roles)


def test_usage_records_cannot_be_deleted() -> None:
    """No deployed function may delete an item of either table: what was spent stays written."""
    actions = {action for function in FUNCTIONS for action in allowed_to(function)}

    assert "dynamodb:PutItem" in actions
    assert not {action for action in actions if "Delete" in action and action.startswith("dynamodb:")}


def test_no_secret_stands_in_the_environment() -> None:
    """Functions are told where their secrets are, never what they are."""
    variables = {name for function in FUNCTIONS.values() for name in function["environment"]}

    assert "SECRETS_PREFIX" in variables
    assert not {name for name in variables if name.endswith(("_SECRET", "_TOKEN", "_KEY"))}


@pytest.mark.parametrize("table", TABLES)
def test_tables_survive_the_stack_and_a_mistake(table: str) -> None:
    """A table is kept when the stack goes, under a fixed name, and can be restored to any second."""
    assert RESOURCES[table]["DeletionPolicy"] == "Retain"
    assert RESOURCES[table]["UpdateReplacePolicy"] == "Retain"
    assert properties(table)["TableName"].endswith("-test")
    assert properties(table)["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties(table)["SSESpecification"] == {"SSEEnabled": True}
    assert properties(table)["BillingMode"] == "PAY_PER_REQUEST"


def test_only_state_expires() -> None:
    """Claims go away by themselves; usage never does."""
    assert properties("StateTable")["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert "TimeToLiveSpecification" not in properties("UsageTable")


def test_a_stage_is_in_every_name() -> None:
    """Two stages in one account share no queue, no table and no secret."""
    one, other = ({*words_in(read_stack(stage))} for stage in ("blue", "green"))

    assert {word for word in one if "blue" in word}
    assert not {word for word in one & other if word.startswith(("penny-", "/penny/"))}


@pytest.fixture
def sqs(aws: LocalAws) -> Any:
    """Speak to the local queues."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("sqs", endpoint_url=aws.url, region_name=aws.region, **keys)


@pytest.fixture
def dynamodb(aws: LocalAws) -> Any:
    """Speak to the local tables."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("dynamodb", endpoint_url=aws.url, region_name=aws.region, **keys)


@pytest.fixture
def stage() -> str:
    """Name a stage that no other test uses."""
    return f"stack-{uuid.uuid4().hex[:8]}"


def test_the_local_queues_are_the_deployed_ones(aws: LocalAws, sqs: Any, stage: str) -> None:
    """A job sent to the local queue meets the visibility, the order and the dead-letter rule of the file."""
    names = create_stack(aws.url, stage)

    queue, dead = (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for url in (names.queue_url, names.dead_letter_queue_url)
    )

    assert queue["FifoQueue"] == dead["FifoQueue"] == "true"
    assert int(queue["VisibilityTimeout"]) == properties("JobQueue")["VisibilityTimeout"]
    assert int(dead["MessageRetentionPeriod"]) == properties("DeadLetterQueue")["MessageRetentionPeriod"]
    assert dead["QueueArn"] in queue["RedrivePolicy"]


@pytest.mark.parametrize("table", TABLES)
def test_the_local_tables_are_the_deployed_ones(aws: LocalAws, dynamodb: Any, stage: str, table: str) -> None:
    """The local table has the keys, the index and the expiry of the file."""
    names = create_stack(aws.url, stage)
    name = names.state_table if table == "StateTable" else names.usage_table

    found = dynamodb.describe_table(TableName=name)["Table"]
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]

    wanted = properties(table)
    assert found["KeySchema"] == wanted["KeySchema"]
    assert [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in found["GlobalSecondaryIndexes"]
    ] == wanted["GlobalSecondaryIndexes"]
    assert expiry.get("AttributeName") == wanted.get("TimeToLiveSpecification", {}).get("AttributeName")


def test_creating_the_stack_again_changes_nothing(aws: LocalAws, dynamodb: Any, stage: str) -> None:
    """A second call returns the same names, and what was written stays."""
    names = create_stack(aws.url, stage)
    item = {"pk": {"S": "budget"}, "sk": {"S": "2026-11"}}
    dynamodb.put_item(TableName=names.state_table, Item=item)

    again = create_stack(aws.url, stage)

    assert again == names
    assert dynamodb.get_item(TableName=names.state_table, Key=item)["Item"] == item
