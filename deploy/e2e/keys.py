"""Keys: Slack's and OpenRouter's secrets, kept in SSM by `make secrets`, and changed without a deployment."""

from __future__ import annotations

from deploy.e2e.conversation import is_answered
from deploy.e2e.stage import NAME
from deploy.e2e.world import World


def are_kept(world: World) -> str:
    """Keep the three secrets in SSM, as an operator does."""
    stdin = "\n".join(f"{name}={value}" for name, value in world.outside.secrets.items())
    words = ("deploy.secrets", "--stage", NAME)
    printed = world.project.python(*words, environment=world.account.environment, stdin=stdin)
    return ", ".join(" ".join(line.split()) for line in printed.splitlines() if line.startswith("  "))


def are_changed(world: World) -> str:
    """Change all three at Slack and OpenRouter, then in SSM, and be answered by what is deployed."""
    world.outside.change_secrets()
    kept = are_kept(world)
    is_answered(world)
    return kept
