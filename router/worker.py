"""The composition of the worker: everything that works off jobs, from Bolt's listeners to the last tool."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from router import wiring
from router.adapters.claims import Claims
from router.adapters.ratings import Ratings
from router.adapters.secrets import Secrets
from router.answer import answer_event, tell_unreadable
from router.calling import Caller
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
    from router.home import HomeTab
    from router.slash_command import SlashCommand

SECRETS_AGAIN_AFTER_S = 60.0
"""Before a job is tried again that found no secrets: its few deliveries should outlast a bad minute."""


@wiring.once
def dispatcher(settings: Settings) -> Dispatcher:
    """Make the worker: jobs in, answers in Slack out. Raises ConfigError for what cannot work."""
    settings.require(wiring.TOKEN, wiring.KEY, "queue_url", *wiring.TABLES)
    config = load_config(settings.config_file)
    secrets = Secrets(settings, wiring.TOKEN, wiring.KEY, give_up_after_s=wiring.SECRETS_WITHIN_S)
    return Dispatcher(
        work=_with_secrets(settings, config, secrets),
        queue=wiring.queue(settings, settings.queue_url),
        dead_letters=wiring.queue(settings, settings.dead_letter_queue_url)
        if settings.dead_letter_queue_url
        else None,
        deadline_s=config.reply.deadline_s,
    )


def _with_secrets(settings: Settings, config: Config, secrets: Secrets) -> Work:
    """Work with secrets, now or as soon as they can be read; until then every job is for later."""

    @cache
    def made() -> Work:
        return _work(
            secrets.get(wiring.TOKEN, time.time()),
            tools_for(settings, config, secrets),
            partial(wiring.budgets, settings),
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


def tools_for(settings: Settings, config: Config, secrets: Secrets) -> Tools:
    """Make what a worker has at hand. Raises what reading the secrets raises."""
    own_ledger, slack = wiring.ledger(settings), wiring.slack_web_by(settings, secrets)
    return Tools(
        config=config,
        claims=Claims(wiring.dynamo(settings), settings.state_table),
        ledger=own_ledger,
        slack=slack,
        caller=Caller(wiring.openrouter_by(settings, secrets), config.ladder),
        reserving=Reserving(own_ledger, config),
        settings=wiring.channel_settings(settings),
        people=People(slack),
        ratings=Ratings(wiring.dynamo(settings), settings.usage_table),
        usage=wiring.usage(settings),
        alerting=wiring.alerting_by(settings, slack, config),
        aside=wiring.made.enter_context(ThreadPoolExecutor(max_workers=8, thread_name_prefix="aside")),
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
