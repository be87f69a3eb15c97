"""The composition root: settings in, whole use cases out; the worker's is `worker`. No other makes the parts.

Everything is made once per container and kept; other settings (Lambda renews credentials, tests change the
environment) make it anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeVar

from router.adapters.alerts import Alerts
from router.adapters.channel_settings import SettingsRows
from router.adapters.ledger import Ledger
from router.adapters.openrouter import OpenRouter
from router.adapters.queue import Queue
from router.adapters.secrets import Secrets
from router.adapters.sigv4 import Credentials, credentials_of
from router.adapters.slack_web import SlackWeb
from router.adapters.table import Dynamo, find_credentials
from router.adapters.usage import UsageTable
from router.alerting import Alerting
from router.channel_settings import ChannelSettingsBook
from router.config import Config, load_config
from router.errors import SecretsUnavailable
from router.journal import write_line
from router.settings import Settings

if TYPE_CHECKING:
    from router.budgets import Budgets
    from router.check import Outside
    from router.digest import Digesting
    from router.domain.catalogue import Listing

TABLES = ("state_table", "usage_table")
TOKEN, KEY = "slack_bot_token", "openrouter_api_key"  # names of settings, not secrets
_Made = TypeVar("_Made")

SECRETS_WITHIN_S = 3.0
"""For one reading: a worker is not in Slack's hurry."""

made = ExitStack()
"""How to end what was made. A container on Lambda is never told that it ends, and needs none of it."""

_forget: list[Callable[[], None]] = []


def once(make: Callable[[Settings], _Made]) -> Callable[[Settings], _Made]:
    """Let `make` make one for the same settings, and remember it until `close`."""
    remembering = lru_cache(maxsize=1)(make)
    _forget.append(remembering.cache_clear)
    return remembering


@once
def channel_settings(settings: Settings) -> ChannelSettingsBook:
    """Make the settings of channels alone."""
    settings.require("state_table")
    rows = SettingsRows(dynamo(settings), settings.state_table)
    return ChannelSettingsBook(rows, load_config(settings.config_file))


@once
def ledger(settings: Settings) -> Ledger:
    """Make the ledger alone."""
    settings.require(*TABLES)
    return Ledger(dynamo(settings), settings.state_table, settings.usage_table)


@once
def openrouter(settings: Settings) -> OpenRouter:
    """Make the client of OpenRouter alone."""
    return openrouter_by(settings, Secrets(settings, KEY, give_up_after_s=SECRETS_WITHIN_S))


def openrouter_by(settings: Settings, secrets: Secrets) -> OpenRouter:
    """Make the client of OpenRouter with a secret that is read with others."""
    key = secrets.get(KEY, time.time())
    client = OpenRouter(settings.openrouter_base_url, key, renewed=_renewal(secrets, KEY))
    made.callback(client.close)
    return client


@once
def slack_web(settings: Settings) -> SlackWeb:
    """Make the client of Slack's Web API alone."""
    return slack_web_by(settings, Secrets(settings, TOKEN, give_up_after_s=SECRETS_WITHIN_S))


def slack_web_by(settings: Settings, secrets: Secrets) -> SlackWeb:
    """Make the client of Slack's Web API with a secret that is read with others."""
    token = secrets.get(TOKEN, time.time())
    client = SlackWeb(settings.slack_api_url, token, renewed=_renewal(secrets, TOKEN))
    made.callback(client.close)
    return client


def _renewal(secrets: Secrets, name: str) -> Callable[[str], str]:
    """Make what a client asks when its secret was refused: which one to use instead, or the same."""

    def renewed(refused: str) -> str:
        try:
            newest = secrets.renewed(name, refused, time.time())
        except SecretsUnavailable as error:
            write_line("secrets", "unavailable", reason=str(error))
            return refused
        if newest != refused:
            write_line("secrets", "renewed", secret=name.upper())
        return newest

    return renewed


@once
def usage(settings: Settings) -> UsageTable:
    """Make the reader of the usage table."""
    settings.require("usage_table")
    return UsageTable(dynamo(settings), settings.usage_table)


@once
def alerting(settings: Settings) -> Alerting:
    """Make what tells of budgets that run out, for the reconciler. Raises what reading the token raises."""
    settings.require(TOKEN, *TABLES)
    return alerting_by(settings, slack_web(settings), load_config(settings.config_file))


def alerting_by(settings: Settings, slack: SlackWeb, config: Config) -> Alerting:
    """Make what tells of budgets that run out, with a client that is there already."""
    alerts = Alerts(dynamo(settings), settings.state_table)
    return Alerting(ledger(settings), alerts, slack, config.budget, config.access.admins)


@once
def budgets(settings: Settings) -> Budgets:
    """Make what shows budgets and sets limits. Raises ConfigError for what cannot work."""
    from router.adapters.limits import Limits  # noqa: PLC0415 - a cold worker has no use for it
    from router.budgets import Budgets  # noqa: PLC0415 - as above

    settings.require(*TABLES)
    config = load_config(settings.config_file).budget
    limits = Limits(dynamo(settings), settings.state_table)
    return Budgets(ledger(settings), limits, usage(settings), config)


@once
def digesting(settings: Settings) -> Digesting:
    """Make what posts the digests. Raises ConfigError for what cannot work."""
    from router.adapters.digests import Digests  # noqa: PLC0415 - a cold worker has no use for it
    from router.digest import Digesting, ToldOf  # noqa: PLC0415 - as above

    settings.require(TOKEN, *TABLES)
    config = load_config(settings.config_file)
    return Digesting(
        usage(settings),
        ledger(settings),
        Digests(dynamo(settings), settings.state_table),
        slack_web(settings),
        ToldOf(config.budget, config.ladder.tiers[0]),
    )


def outside(settings: Settings) -> Outside:
    """Make what the check asks the outside world by; each part when it is asked for."""
    from router.adapters.endpoint import post_unsigned  # noqa: PLC0415 - a cold worker has no use for it
    from router.check import Outside  # noqa: PLC0415 - as above

    @cache
    def credentials() -> tuple[Credentials, str] | None:
        return find_credentials(settings.region)

    @cache
    def known() -> Settings:
        """Know the credentials from wherever AWS tools find them: queues and SSM are called by hand."""
        keys, _ = credentials() or (credentials_of(settings), "")
        return replace(
            settings,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
        )

    def secret(name: str) -> str:
        return Secrets(known(), name, give_up_after_s=SECRETS_WITHIN_S).get(name, time.time())

    def models() -> dict[str, Listing]:
        with closing(OpenRouter(settings.openrouter_base_url, "none")) as anyone:
            return anyone.models()

    return Outside(
        credentials=credentials,
        table=lambda name: dynamo(settings).shape(name),
        queue=lambda url: queue(known(), url).attributes(),
        secret=secret,
        token=lambda: slack_web(known()).token(),
        key=lambda: openrouter(known()).key(),
        models=models,
        endpoint=post_unsigned,
    )


@once
def dynamo(settings: Settings) -> Dynamo:
    """Make what all tables are reached through."""
    tables = Dynamo(settings.aws_endpoint_url, settings.region)
    made.callback(tables.close)
    return tables


def queue(settings: Settings, url: str) -> Queue:
    """Make one queue."""
    return Queue(url, settings.region, credentials_of(settings), settings.aws_endpoint_url)


def close() -> None:
    """End all that was made, and forget it: for those who outlive a container, such as a test."""
    for forget in _forget:
        forget()
    made.close()
