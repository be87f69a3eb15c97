"""Mistakes: a deployment that cannot work stops before anything is made, and says what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.e2e.stage import NAME
from deploy.e2e.steps import expect
from deploy.e2e.world import World

NOBODYS_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "nobody's"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What makes `deploy` impossible, and words of what is said about it. An empty variable is not set."""

    told: str
    stage: str = NAME
    environment: Mapping[str, str] = field(default_factory=dict)


MISTAKES = (
    Mistake("Invalid stage name", stage="no_such"),
    Mistake("cannot be a stage", stage="s" * 41),
    Mistake("The region is not set", environment={"AWS_REGION": ""}),
    Mistake("There are no AWS credentials", environment={"AWS_ACCESS_KEY_ID": ""}),
    Mistake("AWS refuses the credentials", environment=NOBODYS_KEYS),
)


def stop_early(world: World) -> str:
    """Make each mistake in turn, and find in the end that nothing was made."""
    for mistake in (*MISTAKES, _without_rights(world)):
        _make(world, mistake)
    _deploy_beside_a_table_of_another_shape(world)
    expect(not world.stage.resources(), "nothing deployed", world.stage.resources())
    return f"{len(MISTAKES) + 2} of them: each says what is wrong and what to do, and leaves nothing"


def _make(world: World, mistake: Mistake) -> None:
    environment = world.account.environment | dict(mistake.environment)
    said = world.project.refused("deploy", "--stage", mistake.stage, environment=environment)
    expect(mistake.told in said, f"words like {mistake.told!r}", said)


def _without_rights(world: World) -> Mistake:
    """Make a user that may know who it is, and nothing else."""
    iam = world.account.client("iam")
    iam.create_user(UserName="newcomer")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="newcomer", PolicyName="sts", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="newcomer")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    return Mistake("These credentials may not deploy", environment=keys)


def _deploy_beside_a_table_of_another_shape(world: World) -> None:
    """Leave a table there as of a far older version; the secrets are missing as well, which is said."""
    dynamodb, name = world.account.client("dynamodb"), world.stage.table("state")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    _make(world, Mistake("lacks the key"))
    _make(world, Mistake(f"make secrets STAGE={NAME}"))
    dynamodb.delete_table(TableName=name)
