"""The environment, read in one place: one field of `Settings` each.

Nothing else in Penny reads environment variables. A missing variable is an error of the function that
needs it, so `receive` starts without OpenRouter's key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from router.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = ("slack_signing_secret", "slack_bot_token", "openrouter_api_key")
"""The fields that may stand in SSM instead, each as a parameter under `secrets_prefix`."""

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib would cost every first ack 2 ms
CONFIG_BESIDE_HANDLER = f"{os.path.dirname(_HERE)}/config.toml"  # noqa: PTH120 - as above
"""Default of CONFIG_FILE."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every environment variable that Penny knows; the field's name in capitals is the variable's.

    What stands under a field, and who needs it, is printed into the documentation.
    """

    slack_signing_secret: str = ""
    """Proves that a request is Slack's: the app's *Basic Information*. Needed by: receive,
    check."""
    slack_bot_token: str = ""
    """Lets Penny read and post (`xoxb-…`): the app's *OAuth & Permissions*. Needed by: answer,
    digest, reconcile (for alerts), check, report and budget (to find a channel by its name)."""
    openrouter_api_key: str = ""
    """Pays for the models. Needed by: answer, reconcile, check."""
    secrets_prefix: str = ""
    """Where in SSM those of the three above stand that are not set, such as `/penny/dev`: each function reads
    the ones that it needs. Needed by: receive, answer, reconcile, digest (once deployed)."""
    queue_url: str = ""
    """The FIFO queue that jobs go through. Needed by: receive, answer, check."""
    dead_letter_queue_url: str = ""
    """Where a job that no one can process is parked with its reason. Needed by: answer (optional)."""
    state_table: str = ""
    """Claims, budgets, limits, reservations. Needed by: answer, reconcile, digest, check, budget."""
    usage_table: str = ""
    """Usage records and rollups. Needed by: answer, reconcile, digest, report, check,
    budget."""
    slack_api_url: str = "https://slack.com/api/"
    """Slack's Web API. Needed by: answer, digest, reconcile, check, report and budget (to find a channel
    by its name)."""
    openrouter_base_url: str = "https://openrouter.ai/api/v1"
    """OpenRouter's API. Needed by: answer, reconcile, check."""
    config_file: str = CONFIG_BESIDE_HANDLER
    """What an operator edits. Needed by: answer, digest, reconcile, check, budget, report (for the time zone
    of the present month)."""
    aws_endpoint_url: str = ""
    """Another address for all calls to AWS, such as that of a local AWS. Needed by: all (optional)."""
    aws_region: str = ""
    """Where the queues and tables are; Lambda sets it. Needed by: all."""
    aws_default_region: str = ""
    """The same, as a shell often has it. Needed by: all (where AWS_REGION is not set)."""
    aws_access_key_id: str = ""
    """Who calls AWS; Lambda sets it and the two below. Needed by: all."""
    aws_secret_access_key: str = ""
    """Signs the calls to AWS. Needed by: all."""
    aws_session_token: str = ""
    """Goes along with temporary keys. Needed by: all (with temporary keys)."""
    aws_lambda_function_name: str = ""
    """Which function this is; Lambda sets it. Needed by: receive (optional: to read its secret as it
    starts)."""

    def __repr__(self) -> str:
        """Names only: a traceback with locals must not show a secret."""
        return f"Settings({', '.join(f.name for f in fields(self) if getattr(self, f.name))})"

    @property
    def region(self) -> str:
        """The AWS region; Lambda sets AWS_REGION, a shell often only AWS_DEFAULT_REGION."""
        return self.aws_region or self.aws_default_region

    def require(self, *names: str) -> None:
        """Raise SettingsError that lists every one of `names` (field names) that is not set.

        A secret that stands in SSM is set; whether it is there shows when it is read.
        """
        elsewhere = SECRETS if self.secrets_prefix else ()
        missing = [name.upper() for name in names if not getattr(self, name) and name not in elsewhere]
        if missing:
            raise SettingsError(f"not set in the environment: {', '.join(missing)}")


def settings_from(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment. An empty variable counts as not set."""
    known = {f.name: environ.get(f.name.upper(), "").strip() for f in fields(Settings)}
    return Settings(**{name: value for name, value in known.items() if value})
