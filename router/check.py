"""The check: is all that Penny needs there, and as she needs it? One finding for each thing looked at.

Nothing is changed and nothing costs money. Each check is made whatever came of those before it; what it
cannot reach is a finding with its remedy, never an exception. No secret stands in a finding.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from router.adapters.sigv4 import Credentials
from router.adapters.slack_web import TokenFacts
from router.adapters.table import TableShape
from router.config import LONGEST_DEADLINE_S, Config, load_config
from router.domain.account import KeyStanding
from router.domain.catalogue import Listing, described, flaws, listed
from router.domain.ladder import Tier
from router.errors import ConfigError, PennyError, SettingsError
from router.remedies import remedy_for
from router.settings import SECRETS, Settings
from router.stack_check import (
    STATE_TABLE,
    USAGE_TABLE,
    dead_letter_queue_of,
    is_fifo,
    stages_in,
    wrong_with_job_queue,
    wrong_with_table,
)

MOST_SKEW_S = 60.0
"""Clocks further apart are wrong. Slack and AWS refuse what was signed more than five minutes ago:
https://docs.slack.dev/authentication/verifying-requests-from-slack"""

SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
"""How all of Slack's look."""

NEEDED = (*SECRETS, "queue_url", "state_table", "usage_table")
"""What the functions, all of them together, cannot do without."""

OF_A_STAGE = ("state_table", "usage_table", "queue_url", "dead_letter_queue_url", "secrets_prefix")
"""What belongs together: claims in one stage's table and money in another's would be nobody's books."""

ELSEWHERE = ("slack_api_url", "openrouter_base_url", "aws_endpoint_url")
"""Other addresses than the usual, which one sets for a test and forgets."""

UNSIGNED = 401
"""What `receive` answers to a request that Slack did not sign."""

ENVIRONMENT = "set it; docs/operating.md says how for a stage"
CONFIG = "docs/configuration.md explains every key"
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
STACK = "deploy the stack again, or check the name"
SECRET = (
    "copy it from the app's Basic Information; it is neither the client secret nor the verification token"  # noqa: S105 - words about one
)
TOKEN = "check SLACK_BOT_TOKEN (the app's OAuth & Permissions), SLACK_API_URL and the network"  # noqa: S105 - as above
SCOPES = "put manifest.json into the app's settings and reinstall the app"
KEY = "check OPENROUTER_API_KEY (openrouter.ai/settings/keys), OPENROUTER_BASE_URL and the network"
MONEY = "see to limits and credits at openrouter.ai/settings: without them no model answers"
CATALOGUE = "check OPENROUTER_BASE_URL and the network"
CLOCK = "let a time server set this machine's clock"
ENDPOINT = "give the RequestUrl that the deployment printed, with its path"
FUNCTION = "the log of the function receive says what is wrong"

REMEDY_OF_STATUS = {500: FUNCTION, 502: FUNCTION, 503: FUNCTION}
"""By what the endpoint answered; anything else is not Penny."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one check. It has a remedy if, and only if, something is wrong."""

    check: str
    found: str
    remedy: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether it is as it should be."""
        return not self.remedy


@dataclass(frozen=True, slots=True)
class Outside:
    """How to ask the outside world; making what is needed for it may raise what asking would."""

    credentials: Callable[[], tuple[Credentials, str] | None]
    table: Callable[[str], TableShape]
    queue: Callable[[str], dict[str, str]]
    secret: Callable[[str], str]
    token: Callable[[], TokenFacts]
    key: Callable[[], KeyStanding]
    models: Callable[[], dict[str, Listing]]
    endpoint: Callable[[str], int]


def run_checks(
    settings: Settings,
    outside: Outside,
    manifest: Path,
    url: str = "",
    *,
    clock: Callable[[], float] = time.time,
) -> Iterator[Finding]:
    """Yield the findings one after the other; the endpoint is looked at only if its `url` is given."""
    checks = _Checks(settings, outside, manifest, url, clock)
    yield from _findings("environment", checks.environment, ENVIRONMENT)
    yield from _findings("config.toml", checks.config_file, CONFIG)
    yield from _findings("AWS", checks.aws, CREDENTIALS)
    yield from _findings("state table", lambda: checks.table("state_table", STATE_TABLE), STACK)
    yield from _findings("usage table", lambda: checks.table("usage_table", USAGE_TABLE), STACK)
    yield from _findings("job queue", checks.job_queue, STACK)
    yield from _findings("dead-letter queue", checks.dead_letter_queue, STACK)
    yield from _findings("signing secret", checks.signing_secret, SECRET)
    yield from _findings("bot token", checks.token, TOKEN)
    yield from _findings("scopes", checks.scopes, SCOPES)
    yield from _findings("OpenRouter key", checks.key, KEY)
    yield from checks.models()
    yield from _findings("clock", checks.clock, CLOCK)
    if url:
        yield from _findings("endpoint", checks.endpoint, ENDPOINT)


class Wrong(Exception):  # noqa: N818 - reads as what it says
    """A check found something wrong. The second argument, if any, is its own remedy."""


def _findings(check: str, look: Callable[[], str], remedy: str) -> Iterator[Finding]:
    """Yield what a look found, or why it could not be had."""
    try:
        yield Finding(check, look())
    except Wrong as wrong:
        said, *own = wrong.args
        yield Finding(check, said, own[0] if own else remedy)
    except SettingsError as error:
        yield Finding(check, str(error), ENVIRONMENT)
    except ConfigError as error:  # its text says what would be right
        yield Finding(check, str(error), remedy)
    except PennyError as error:
        yield Finding(check, str(error), remedy_for(str(error)) or remedy)
    except Exception as error:  # noqa: BLE001 - its words may hold a secret, its name does not
        name = type(error).__name__
        yield Finding(check, f"unexpected {name}", remedy_for(f"{name}: {error}") or remedy)


@dataclass
class _Checks:
    """One run of all checks, and what later ones need of earlier ones.

    Each says what it found, or raises what is wrong.
    """

    settings: Settings
    outside: Outside
    manifest: Path
    url: str
    now: Callable[[], float]
    config: Config | None = None
    dead_letters_at: str = ""
    token_facts: TokenFacts | None = None
    skews_s: dict[str, float] = field(default_factory=dict)
    """How far we are ahead of whom."""

    def environment(self) -> str:
        """Look for what is not set, and tell what is set to something unusual."""
        self.settings.require(*NEEDED, *(() if self.settings.region else ("aws_region",)))
        stages = stages_in({name.upper(): getattr(self.settings, name) for name in OF_A_STAGE})
        if len(set(stages.values())) > 1:
            named = ", ".join(f"{stage} in {name}" for name, stage in stages.items())
            raise Wrong(
                f"several stages are named: {named}", "take all of one stage: docs/operating.md says how"
            )
        prefix, usual = self.settings.secrets_prefix, Settings()
        told = ["all is set", *([f"secrets are read under {prefix}"] if prefix else ())]
        unusual = (name for name in ELSEWHERE if getattr(self.settings, name) != getattr(usual, name))
        return "; ".join([*told, *(f"{name.upper()} is not the usual one" for name in unusual)])

    def config_file(self) -> str:
        """Read the configuration as a worker does when it starts."""
        self.config = config = load_config(self.settings.config_file)
        tiers, budget = config.ladder.tiers, config.budget
        models = sum(len(tier.models) for tier in tiers)
        return f"{len(tiers)} tiers, {models} models, budgets for a {budget.period} in {budget.zone}"

    def aws(self) -> str:
        """Look for a region and for credentials; whether they are good the tables and queues tell."""
        if not self.settings.region:
            raise Wrong("no region is set", "set AWS_REGION")
        found = self.outside.credentials()
        if found is None:
            raise Wrong("no credentials are found")
        return f"region {self.settings.region}, credentials by {found[1]}"

    def table(self, name: str, wanted: TableShape) -> str:
        """Hold a table against how it should be."""
        self.settings.require(name)
        table = str(getattr(self.settings, name))
        _require_none(wrong_with_table(self.outside.table(table), wanted), f"{table}: ")
        return f"{table}: as it should be"

    def job_queue(self) -> str:
        """Hold the job queue against what the deadline and the worker need."""
        self.settings.require("queue_url")
        found = self.outside.queue(self.settings.queue_url)
        self.dead_letters_at = dead_letter_queue_of(found, self.settings.queue_url)
        deadline_s = self.config.reply.deadline_s if self.config else LONGEST_DEADLINE_S
        _require_none(wrong_with_job_queue(found, deadline_s))
        return f"FIFO, visibility {found['VisibilityTimeout']} s"

    def dead_letter_queue(self) -> str:
        """Look at the queue that the job queue parks in."""
        if not self.dead_letters_at:
            raise Wrong("the job queue names none")
        found = self.outside.queue(self.dead_letters_at)
        if not is_fifo(found):
            raise Wrong("it is not FIFO")
        ours = self.settings.dead_letter_queue_url
        if ours and ours.rpartition("/")[2] != self.dead_letters_at.rpartition("/")[2]:
            raise Wrong("the job queue names another than DEAD_LETTER_QUEUE_URL")
        waiting = found.get("ApproximateNumberOfMessages", "0")
        return "FIFO, empty" if waiting == "0" else f"FIFO, dead letters in it: {waiting}"

    def signing_secret(self) -> str:
        """Look at the form of the secret: whether it is right, only a request of Slack's could tell."""
        if not SIGNING_SECRET.fullmatch(self.outside.secret("slack_signing_secret")):
            raise Wrong("it is not 32 hexadecimal digits")
        return "of the form of Slack's"

    def token(self) -> str:
        """Ask Slack whose the token is."""
        self.token_facts = facts = self.outside.token()
        self._note_clock("Slack", facts.told_at)
        return f"works: {facts.user or 'a bot'} in {facts.team or 'a workspace'}"

    def scopes(self) -> str:
        """Hold what the token may do against what the manifest asks for."""
        if self.token_facts is None:
            raise Wrong("unknown: the token did not work", TOKEN)
        asked = json.loads(self.manifest.read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"]
        missing = sorted(set(asked) - self.token_facts.scopes)
        if missing:
            raise Wrong(f"missing: {', '.join(missing)}")
        return f"all {len(asked)} of manifest.json"

    def key(self) -> str:
        """Ask OpenRouter how our key stands."""
        standing = self.outside.key()
        self._note_clock("OpenRouter", standing.told_at)
        if standing.flaw:
            raise Wrong(standing.flaw, MONEY)
        return f"works: {standing.described()}"

    def models(self) -> Iterator[Finding]:
        """Hold each model of the ladder against the tier that names it."""
        catalogue: dict[str, Listing] = {}

        def look() -> str:
            if self.config is None:
                raise Wrong("config.toml names none that can be read", CONFIG)
            catalogue.update(self.outside.models())
            return f"{len(catalogue)} are listed"

        yield from _findings("models", look, CATALOGUE)
        if self.config and catalogue:
            for tier in self.config.ladder.tiers:
                yield from (_model_finding(tier, name, listed(catalogue, name)) for name in tier.models)

    def clock(self) -> str:
        """Compare this machine's clock with those that answered."""
        if not self.skews_s:
            raise Wrong(
                "nobody told the time",
                "see to the bot token and the OpenRouter key: what answers them tells the time",
            )
        told = ", ".join(_apart(skew_s, whose) for whose, skew_s in self.skews_s.items())
        if any(abs(skew_s) > MOST_SKEW_S for skew_s in self.skews_s.values()):
            raise Wrong(told)
        return told

    def endpoint(self) -> str:
        """Knock at the endpoint without a signature: it must not open."""
        status = self.outside.endpoint(self.url)
        told = f"answers {status} to a request that Slack did not sign"
        if status != UNSIGNED:
            raise Wrong(told, REMEDY_OF_STATUS.get(status, ENDPOINT))
        return told

    def _note_clock(self, whose: str, told_at: float | None) -> None:
        if told_at is not None:
            self.skews_s[whose] = self.now() - told_at


def _require_none(wrong: Iterable[str], about: str = "") -> None:
    if said := "; ".join(wrong):
        raise Wrong(f"{about}{said}")


def _model_finding(tier: Tier, model: str, listing: Listing | None) -> Finding:
    check = f"model {model} ({tier.name})"
    if listing is None:
        remedy = f"take it out of tier {tier.name!r}: with an unknown model the whole call is refused"
        return Finding(check, "OpenRouter does not list it", remedy)
    found = tuple(flaws(tier, listing))
    said = "; ".join(flaw.found for flaw in found) or described(tier, listing)
    return Finding(check, said, "; ".join(dict.fromkeys(flaw.remedy for flaw in found)))


def _apart(skew_s: float, whose: str) -> str:
    if abs(skew_s) < 2:  # noqa: PLR2004 - headers tell whole seconds, and the way here takes some time
        return f"as {whose}'s"
    return f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} {whose}'s"
