"""Packaging: the same bytes every time, and a template that breaks no rule; without any credentials."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.check_template import PACKAGED
from deploy.e2e.account import NO_OTHER_ACCOUNT
from deploy.e2e.project import Project
from deploy.e2e.stage import NAME
from deploy.e2e.steps import expect
from deploy.e2e.world import World
from deploy.package import ARTIFACT, ROOT

LARGEST_BYTES = 4_000_000

CFN_LINT = Path(sys.executable).parent / "cfn-lint"
LINT_OPTIONS = ("--ignore-checks", "W3005", "--regions", "us-east-1")
"""W3005: the framework writes down dependencies that CloudFormation sees by itself."""


def comes_out_the_same(world: World) -> str:
    """Package here, with what was fetched before, and in another folder, with everything fetched anew."""
    printed = Project(ROOT).python("deploy.package")
    world.project.python("deploy.package")
    here, there = ARTIFACT.read_bytes(), _packaged(world)
    expect(here == there, f"the same {len(here):,} bytes", f"{len(there):,} bytes that differ")
    expect(len(here) < LARGEST_BYTES, f"less than {LARGEST_BYTES:,} bytes", f"{len(here):,}")
    return printed.strip()


def breaks_no_rule(world: World) -> str:
    """Package with the framework, and hold its template to CloudFormation's rules and ours."""
    world.project.serverless("package", "--stage", NAME, environment=NO_OTHER_ACCOUNT)
    expect(_packaged(world) == ARTIFACT.read_bytes(), "the framework to make the same package", "another")
    template = world.project.folder / PACKAGED
    world.project.run(str(CFN_LINT), *LINT_OPTIONS, "--", str(template))
    return "cfn-lint has no complaint; " + world.project.python("deploy.check_template").strip()


def _packaged(world: World) -> bytes:
    return (world.project.folder / ARTIFACT.relative_to(ROOT)).read_bytes()
