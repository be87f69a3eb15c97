"""The composition root: settings in, whole use cases out. Nothing else puts the parts together.

Everything is made once per container and kept; other settings (Lambda renews credentials, tests change the
environment) make it anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any

from router.adapters.alerts import Alerts
from router.adapters.channel_settings import SettingsRows
from router.adapters.claims import Claims
from router.adapters.ledger import Ledger
from router.adapters.openrouter import OpenRouter
from router.adapters.queue import Queue
from router.adapters.ratings import Ratings
from router.adapters.secrets import Secrets
from router.adapters.sigv4 import Credentials, credentials_of
from router.adapters.slack_web import SlackWeb
from router.adapters.table import Dynamo, find_credentials
from router.adapters.usage import UsageTable
from router.alerting import Alerting
from router.answer import answer_event, tell_unreadable
from router.calling import Caller
from router.channel_settings import ChannelSettingsBook
from router.config import Config, load_config
from router.delivered import Delivered
from router.dispatch import Dispatcher, Work
from router.domain.command import COMMAND
from router.domain.delivery import HOME_EVENT, MESSAGE_EVENTS, STOP_EVENT
from router.errors import MalformedError, SecretsUnavailable, TryLater
from router.journal import write_line
from router.presses import Presses
from router.replying import Tools
from router.reserving import Reserving
from router.settings import Settings
from router.slack.app import Listeners, build_app, dispatch
from router.slack.blocks import (
    FEEDBACK,
    HOME_CHANNEL,
    HOME_LIMIT,
    HOME_SETTING,
    MORE,
    STOP,
    STRONGER,
)
from router.slack.people import People

if TYPE_CHECKING:
    from router.budgets import Budgets
    from router.check import Outside
    from router.digest import Digesting
    from router.domain.catalogue import Listing
    from router.home import HomeTab
    from router.slash_command import SlashCommand

_TABLES = ("state_table", "usage_table")
_TOKEN, _KEY = "slack_bot_token", "openrouter_api_key"  # names of settings, not secrets

SECRETS_WITHIN_S = 3.0
"""For one reading: a worker is not in Slack's hurry."""

SECRETS_AGAIN_AFTER_S = 60.0
"""Before a job is tried again that found no secrets: its few deliveries should outlast a bad minute."""

_made = ExitStack()
"""How to end what was made. A container on Lambda is never told that it ends, and needs none of it."""


@lru_cache(maxsize=1)
def dispatcher(settings: Settings) -> Dispatcher:
    """Make the worker: jobs in, answers in Slack out. Raises ConfigError for what cannot work."""
    settings.require(_TOKEN, _KEY, "queue_url", *_TABLES)
    config = load_config(settings.config_file)
    secrets = Secrets(settings, _TOKEN, _KEY, give_up_after_s=SECRETS_WITHIN_S)
    return Dispatcher(
        work=_with_secrets(settings, config, secrets),
        queue=_queue(settings, settings.queue_url),
        dead_letters=_queue(settings, settings.dead_letter_queue_url)
        if settings.dead_letter_queue_url
        else None,
        deadline_s=config.reply.deadline_s,
    )


def _with_secrets(settings: Settings, config: Config, secrets: Secrets) -> Work:
    """Work with secrets, now or as soon as they can be read; until then every job is for later."""

    @cache
    def made() -> Work:
        return _work(
            secrets.get(_TOKEN, time.time()),
            _tools(settings, config, secrets),
            partial(budgets, settings),
        )

    def work(delivered: Delivered) -> None:
        try:
            its_work = made()
        except SecretsUnavailable as error:
            raise TryLater(str(error), SECRETS_AGAIN_AFTER_S) from error
        its_work(delivered)

    with suppress(SecretsUnavailable):
        made()
    return work


def _tools(settings: Settings, config: Config, secrets: Secrets) -> Tools:
    own_ledger, slack = ledger(settings), _slack_web(settings, secrets)
    return Tools(
        config=config,
        claims=Claims(_dynamo(settings), settings.state_table),
        ledger=own_ledger,
        slack=slack,
        caller=Caller(_openrouter(settings, secrets), config.ladder),
        reserving=Reserving(own_ledger, config),
        settings=channel_settings(settings),
        people=People(slack),
        ratings=Ratings(_dynamo(settings), settings.usage_table),
        usage=usage(settings),
        alerting=_alerting(settings, slack, config),
        aside=_made.enter_context(ThreadPoolExecutor(max_workers=8, thread_name_prefix="aside")),
    )


def _work(token: str, tools: Tools, budgets: Callable[[], Budgets]) -> Work:
    def on_message(body: dict[str, Any], delivered: Delivered) -> None:
        answer_event(tools, body, delivered)

    @cache
    def command() -> SlashCommand:
        from router.slash_command import SlashCommand  # noqa: PLC0415 - a cold worker has no use for it

        return SlashCommand(tools, budgets())

    @cache
    def home() -> HomeTab:
        from router.home import HomeTab  # noqa: PLC0415 - as above

        return HomeTab(tools, budgets())

    def on_tab(body: dict[str, Any], delivered: Delivered) -> None:
        presses.suggest(body, delivered)
        home().opened(body, delivered)

    presses = Presses(tools)
    listeners = Listeners(
        events=dict.fromkeys(MESSAGE_EVENTS, on_message) | {STOP_EVENT: presses.stopped, HOME_EVENT: on_tab},
        actions={
            FEEDBACK: presses.rate,
            STRONGER: presses.answer_again,
            STOP: presses.stop,
            MORE: presses.explain,
            HOME_CHANNEL: lambda *pressed: home().choose(*pressed),
            HOME_LIMIT: lambda *pressed: home().set_limit(*pressed),
            HOME_SETTING: lambda *pressed: home().set_setting(*pressed),
        },
        commands={COMMAND: lambda *typed: command().run(*typed)},
    )
    app = build_app(token, listeners)

    def work(delivered: Delivered) -> None:
        try:
            has_listener = dispatch(app, delivered)
        except MalformedError:
            tell_unreadable(tools.slack, delivered)
            raise
        if not has_listener:
            write_line("dispatch", "no_listener", job=delivered.id)

    return work


@lru_cache(maxsize=1)
def channel_settings(settings: Settings) -> ChannelSettingsBook:
    """Make the settings of channels alone."""
    settings.require("state_table")
    rows = SettingsRows(_dynamo(settings), settings.state_table)
    return ChannelSettingsBook(rows, load_config(settings.config_file))


@lru_cache(maxsize=1)
def ledger(settings: Settings) -> Ledger:
    """Make the ledger alone."""
    settings.require(*_TABLES)
    return Ledger(_dynamo(settings), settings.state_table, settings.usage_table)


@lru_cache(maxsize=1)
def openrouter(settings: Settings) -> OpenRouter:
    """Make the client of OpenRouter alone."""
    return _openrouter(settings, Secrets(settings, _KEY, give_up_after_s=SECRETS_WITHIN_S))


def _openrouter(settings: Settings, secrets: Secrets) -> OpenRouter:
    key = secrets.get(_KEY, time.time())
    client = OpenRouter(settings.openrouter_base_url, key, renewed=_renewal(secrets, _KEY))
    _made.callback(client.close)
    return client


@lru_cache(maxsize=1)
def slack_web(settings: Settings) -> SlackWeb:
    """Make the client of Slack's Web API alone."""
    return _slack_web(settings, Secrets(settings, _TOKEN, give_up_after_s=SECRETS_WITHIN_S))


def _slack_web(settings: Settings, secrets: Secrets) -> SlackWeb:
    token = secrets.get(_TOKEN, time.time())
    client = SlackWeb(settings.slack_api_url, token, renewed=_renewal(secrets, _TOKEN))
    _made.callback(client.close)
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


@lru_cache(maxsize=1)
def usage(settings: Settings) -> UsageTable:
    """Make the reader of the usage table."""
    settings.require("usage_table")
    return UsageTable(_dynamo(settings), settings.usage_table)


@lru_cache(maxsize=1)
def alerting(settings: Settings) -> Alerting:
    """Make what tells of budgets that run out, for the reconciler. Raises what reading the token raises."""
    settings.require(_TOKEN, *_TABLES)
    return _alerting(settings, slack_web(settings), load_config(settings.config_file))


def _alerting(settings: Settings, slack: SlackWeb, config: Config) -> Alerting:
    alerts = Alerts(_dynamo(settings), settings.state_table)
    return Alerting(ledger(settings), alerts, slack, config.budget, config.access.admins)


@lru_cache(maxsize=1)
def budgets(settings: Settings) -> Budgets:
    """Make what shows budgets and sets limits. Raises ConfigError for what cannot work."""
    from router.adapters.limits import Limits  # noqa: PLC0415 - a cold worker has no use for it
    from router.budgets import Budgets  # noqa: PLC0415 - as above

    settings.require(*_TABLES)
    config = load_config(settings.config_file).budget
    limits = Limits(_dynamo(settings), settings.state_table)
    return Budgets(ledger(settings), limits, usage(settings), config)


@lru_cache(maxsize=1)
def digesting(settings: Settings) -> Digesting:
    """Make what posts the digests. Raises ConfigError for what cannot work."""
    from router.adapters.digests import Digests  # noqa: PLC0415 - a cold worker has no use for it
    from router.digest import Digesting, ToldOf  # noqa: PLC0415 - as above

    settings.require(_TOKEN, *_TABLES)
    config = load_config(settings.config_file)
    return Digesting(
        usage(settings),
        ledger(settings),
        Digests(_dynamo(settings), settings.state_table),
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
        table=lambda name: _dynamo(settings).shape(name),
        queue=lambda url: _queue(known(), url).attributes(),
        secret=secret,
        token=lambda: slack_web(known()).token(),
        key=lambda: openrouter(known()).key(),
        models=models,
        endpoint=post_unsigned,
    )


@lru_cache(maxsize=1)
def _dynamo(settings: Settings) -> Dynamo:
    dynamo = Dynamo(settings.aws_endpoint_url, settings.region)
    _made.callback(dynamo.close)
    return dynamo


def _queue(settings: Settings, url: str) -> Queue:
    return Queue(url, settings.region, credentials_of(settings), settings.aws_endpoint_url)


def close() -> None:
    """End all that was made, and forget it: for those who outlive a container, such as a test."""
    made = (dispatcher, alerting, budgets, channel_settings, digesting, ledger, openrouter, slack_web, usage)
    for one in (*made, _dynamo):
        one.cache_clear()
    _made.close()
