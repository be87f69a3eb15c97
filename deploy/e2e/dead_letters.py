"""Dead letters: a job that cannot be done now is parked with its reason, and one command moves it back."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.e2e.outside import CHANNEL
from deploy.e2e.stage import NAME
from deploy.e2e.steps import expect, wait_until
from deploy.e2e.world import World
from router.adapters.claims import claim_key
from router.adapters.table import ROW_VERSION

PARKED_WITHIN_S = 180.0
"""Three deliveries, ten seconds apart, and a busy machine."""


@dataclass(frozen=True, slots=True)
class InTheWay:
    """A row that a newer release wrote, as after one was taken back: until it is gone, its message waits."""

    world: World
    ts: str

    @property
    def key(self) -> dict[str, dict[str, str]]:
        """The key of the message's claim."""
        return {name: {"S": value} for name, value in claim_key(CHANNEL, self.ts).items()}

    def put(self) -> None:
        """Put it in the way."""
        item = {**self.key, "v": {"N": str(ROW_VERSION + 1)}, "phase": {"S": "claimed"}}
        dynamodb = self.world.account.client("dynamodb")
        dynamodb.put_item(TableName=self.world.stage.table("state"), Item=item)

    def take_away(self) -> None:
        """Take it out of the way."""
        dynamodb = self.world.account.client("dynamodb")
        dynamodb.delete_item(TableName=self.world.stage.table("state"), Key=self.key)


def ask_in_vain(world: World) -> InTheWay:
    """Ask what cannot be answered for now; its job is parked half a minute later."""
    world.outside.delivery.paused = True
    in_the_way = InTheWay(world, world.outside.ask("can you read what a newer release wrote?"))
    in_the_way.put()
    world.outside.delivery.resume()
    return in_the_way


def are_parked(world: World) -> str:
    """Wait until the job is parked, and find its reason in the list of dead letters."""
    wait_until(lambda: world.stage.messages("dead-letters"), "a dead letter", PARKED_WITHIN_S)
    listed = redrive(world, "--dry-run")
    expect("row version" in listed, "the reason in the list of dead letters", listed)
    expect(world.stage.messages("dead-letters") == 1, "a dry run to move nothing", listed)
    return listed.strip().splitlines()[0]


def are_redriven(world: World, in_the_way: InTheWay) -> str:
    """Mend what was wrong, move the dead letter back, and find the message answered."""
    in_the_way.take_away()
    moved = redrive(world)
    world.outside.answer(in_the_way.ts)
    world.stage.wait_until_worked_off()
    left = world.stage.messages("dead-letters")
    expect(left == 0, "no dead letters", left)
    return moved.strip().splitlines()[-1]


def redrive(world: World, *options: str) -> str:
    """Run `make redrive`."""
    words = ("deploy.redrive", "--stage", NAME, *options)
    return world.project.python(*words, environment=world.account.environment)
