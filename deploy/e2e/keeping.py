"""Keeping: tables and their rows outlive the stack, and the next one finds them; nothing else is left."""

from __future__ import annotations

from deploy.e2e import conversation
from deploy.e2e.stage import NAME, STACK
from deploy.e2e.steps import expect
from deploy.e2e.world import World

TABLES = ("state", "usage")


def is_deployed(world: World) -> str:
    """Deploy as an operator does."""
    said = world.stage.serverless("deploy")
    told = [f"{output}: " in said for output in ("RequestUrl", "AlarmTopic")]
    expect(all(told), "the endpoint's address and the alarms' topic told", said)
    return f"{len(world.stage.resources())} resources, functions {', '.join(world.stage.functions)}"


def outlives_the_stack(world: World) -> str:
    """Remove the stack, find all rows where they were, and nothing else."""
    before = {which: world.stage.rows(which) for which in TABLES}
    world.stage.serverless("remove")
    after = {which: world.stage.rows(which) for which in TABLES}
    expect(after == before, "the rows of before", after)
    left = [name for name in what_is_left(world) if not name.startswith(f"/penny/{NAME}/")]
    expect(
        left == [world.stage.table(which) for which in TABLES],
        "the tables, the secrets and nothing else",
        left,
    )
    rows = sum(map(len, after.values()))
    return f"{rows} rows in {len(TABLES)} tables are left, and the secrets; nothing else"


def is_found_again(world: World) -> str:
    """Deploy again: the stack makes no table, answers, and reports what it and the one before it spent."""
    world.stage.serverless("deploy")
    tables = world.stage.resources("AWS::DynamoDB::Table")
    expect(not tables, "no table in the new stack: AWS would refuse to create one that is there", tables)
    with world.outside.delivering_to(world.stage.endpoint):
        conversation.is_answered(world)
    return conversation.is_reported(world)


def is_gone(world: World) -> str:
    """Remove stack, tables and secrets for good, and find nothing left."""
    world.stage.serverless("remove")
    for which in TABLES:
        world.account.client("dynamodb").delete_table(TableName=world.stage.table(which))
    names = [f"/penny/{NAME}/{secret}" for secret in world.outside.secrets]
    world.account.client("ssm").delete_parameters(Names=names)
    left = what_is_left(world)
    expect(not left, "nothing left", left)
    return "nothing is left"


def what_is_left(world: World) -> list[str]:
    """Name everything of a kind that costs or keeps something."""
    client = world.account.client
    return [
        *(stack["StackName"] for stack in client("cloudformation").describe_stacks()["Stacks"]),
        *(bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]),
        *(function["FunctionName"] for function in client("lambda").list_functions()["Functions"]),
        *(api["Name"] for api in client("apigatewayv2").get_apis()["Items"]),
        *(rule["Name"] for rule in client("events").list_rules()["Rules"]),
        *client("sqs").list_queues(QueueNamePrefix=STACK.partition("-")[0]).get("QueueUrls", []),
        *(topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]),
        *(alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]),
        *(group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]),
        *(role["RoleName"] for role in client("iam").list_roles()["Roles"]),
        *(parameter["Name"] for parameter in client("ssm").describe_parameters()["Parameters"]),
        *sorted(client("dynamodb").list_tables()["TableNames"]),
    ]
