"""`config.toml`: what an operator edits, read and checked once at start.

Whatever cannot work stops the start with the key, the value, what is wrong and what would be right.
Unknown keys are errors too: a misspelt limit must not silently be the default.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from router.domain.access import Who
from router.domain.bands import Band, bands_policy
from router.domain.budget import BudgetKind, BudgetPeriod, Limit, PeriodKind
from router.domain.choice import Policy
from router.domain.ladder import MAX_MODELS, Ladder, Tier
from router.domain.money import DEAREST_USD, MOST_DECIMALS
from router.domain.pacing import Pace, paced_policy
from router.domain.thread import least_prompt_tokens
from router.domain.wish import WISHES
from router.errors import ConfigError

LONGEST_DEADLINE_S = 230
"""Below the life of a Slack stream (about 300 s, measured by others:
https://github.com/slackapi/node-slack-sdk/issues/2702), with a margin for the last words."""

EFFORTS = ("minimal", "low", "medium", "high", "xhigh")
"""Reasoning efforts that OpenRouter maps to what the model has. `none` is missing on purpose: models whose
reasoning is mandatory refuse it."""

DIRECT_MESSAGE = "D"
"""How the id of a direct message begins: https://docs.slack.dev/apis/web-api/using-the-conversations-api."""

_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{6,20}")
_USER_ID = re.compile(r"[UW][A-Z0-9]{6,20}")

MOST_PROMPTS = 4
"""Suggested ones: https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts."""
POLICIES = ("paced", "bands")

FEWEST_TOKENS = 16
"""Some providers refuse a smaller `max_tokens`."""


def is_user_id(text: str) -> bool:
    """Whether `text` has the form of a user's id."""
    return bool(_USER_ID.fullmatch(text))


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """Limits in USD for one period; periods begin at midnight of `zone`.

    A user or the workspace without a limit (None) has no budget, unless one is set while Penny runs. `notify`
    (ids of users) are told of alerts on budgets that are no channel's. `alerts` are per cent, rising.
    """

    channel_usd: Decimal
    direct_message_usd: Decimal
    period: PeriodKind
    zone: ZoneInfo
    user_usd: Decimal | None = None
    workspace_usd: Decimal | None = None
    notify: tuple[str, ...] = ()
    alerts: tuple[int, ...] = (50, 80, 100)

    def of(self, kind: BudgetKind, budget_id: str, now: float) -> BudgetPeriod:
        """Name a budget at `now` (epoch seconds), with the limit that the file gives it."""
        is_direct = budget_id.startswith(DIRECT_MESSAGE)
        usd = {
            BudgetKind.CHANNEL: self.direct_message_usd if is_direct else self.channel_usd,
            BudgetKind.USER: self.user_usd,
            BudgetKind.WORKSPACE: self.workspace_usd,
        }[kind]
        limit = None if usd is None else Limit(usd, self.period)
        return BudgetPeriod(kind, budget_id, now, self.zone, limit)


@dataclass(frozen=True, slots=True)
class SuggestedPrompt:
    """A first question that people are offered: what they see, and what it asks."""

    title: str
    message: str


@dataclass(frozen=True, slots=True)
class ReplyConfig:
    """How answers are given. `deadline_s` is in seconds from the first sight of the job."""

    system_prompt: str
    deadline_s: int
    footer: bool
    follow_ups: bool
    allow_data_collection: bool
    suggested_prompts: tuple[SuggestedPrompt, ...]


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Who may ask, and where; empty `channels` are all. `admins` may change what admins of Slack may."""

    who: Who
    channels: frozenset[str]
    direct_messages: bool
    admins: tuple[str, ...]

    def is_open(self, channel: str, *, is_direct: bool) -> bool:
        """Whether questions are answered in this channel."""
        if is_direct:
            return self.direct_messages
        return not self.channels or channel in self.channels


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file, checked."""

    ladder: Ladder
    budget: BudgetConfig
    policy: Policy
    wishes: tuple[str, ...]
    useful_tokens: int
    reply: ReplyConfig
    access: AccessConfig


def load_config(path: str, *, policy: str = "") -> Config:
    """Read and check the file at `path`, with another `policy` if one is given; raises ConfigError."""
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"), parse_float=_exact)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); set CONFIG_FILE to a file") from error
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise ConfigError(f"{path}: is not TOML ({error})") from error
    if policy and isinstance(raw.get("routing", {}), dict):
        raw["routing"] = raw.get("routing", {}) | {"policy": policy}
    return read_config(raw)


def _exact(number: str) -> Decimal:
    try:
        return Decimal(number)
    except InvalidOperation:  # an exponent beyond all bounds; the key's own check refuses it
        return Decimal("NaN")


def read_config(raw: dict[str, Any]) -> Config:
    """Check a parsed file; raises ConfigError."""
    top = Section("", raw)
    tiers = tuple(t for t in (_tier(s) for s in top.sections("tier")) if t)
    if not tiers:
        raise ConfigError("tier: no tier is enabled; at least one [[tier]] is needed")
    _check_names(tiers)
    ladder = Ladder(tiers)
    routing = top.section("routing")
    config = Config(
        ladder=ladder,
        budget=_budget(top.section("budget")),
        policy=_policy(routing, ladder),
        wishes=routing.some("wishes", WISHES, default=WISHES),
        useful_tokens=routing.integer("useful_tokens", FEWEST_TOKENS, 100_000, default=400),
        reply=_reply(top.section("reply")),
        access=_access(top.section("access")),
    )
    _check_room(config)
    for section in (top, routing):
        section.finish()
    return config


def _tier(section: Section) -> Tier | None:
    enabled = section.boolean("enabled", default=True)
    price = section.section("max_price")
    tier = Tier(
        name=section.text("name", longest=32),
        models=_models(section),
        max_price_prompt_usd=price.amount("prompt"),
        max_price_completion_usd=price.amount("completion"),
        max_tokens=section.integer("max_tokens", FEWEST_TOKENS, 1_000_000),
        max_prompt_tokens=section.integer("max_prompt_tokens", 1_000, 10_000_000, default=90_000),
        reasoning_effort=section.choice("reasoning_effort", EFFORTS, default=None),
        sees_images=section.boolean("sees_images", default=False),
    )
    price.finish()
    section.finish()
    has_zero = not (tier.max_price_prompt_usd and tier.max_price_completion_usd)
    if has_zero and not all(m.endswith(":free") for m in tier.models):
        raise ConfigError(
            f"{section.name}.max_price: has a 0, which only models ending in ':free' cost; "
            "write the dearest price per million tokens you would pay"
        )
    return tier if enabled else None


def _models(section: Section) -> tuple[str, ...]:
    models = section.texts("models")
    if not 1 <= len(models) <= MAX_MODELS:
        raise ConfigError(
            f"{section.name}.models: has {len(models)} models; OpenRouter takes 1 to {MAX_MODELS}"
        )
    for model in models:
        vendor, _, name = model.partition("/")
        if not vendor or not name or any(c.isspace() for c in model):
            raise ConfigError(f"{section.name}.models: {model!r} is not of the form 'vendor/name'")
    if len(set(models)) != len(models):
        raise ConfigError(f"{section.name}.models: names a model twice; name each once")
    return models


def _check_names(tiers: tuple[Tier, ...]) -> None:
    names = [tier.name for tier in tiers]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"tier.name: {name!r} names two tiers; each needs its own name")


def _check_room(config: Config) -> None:
    least = least_prompt_tokens(config.reply.system_prompt)
    for tier in config.ladder.tiers:
        if tier.max_prompt_tokens < least:
            raise ConfigError(
                f"tier.max_prompt_tokens: {tier.max_prompt_tokens} of tier {tier.name!r} leaves no room for "
                f"a message beside reply.system_prompt; write {least} or more, or shorten that"
            )


def _budget(section: Section) -> BudgetConfig:
    budget = BudgetConfig(
        channel_usd=section.amount("channel_usd", default=Decimal(5)),
        direct_message_usd=section.amount("direct_message_usd", default=Decimal(1)),
        period=PeriodKind(section.choice("period", tuple(PeriodKind), default=PeriodKind.MONTH) or ""),
        zone=_zone(section),
        user_usd=section.amount("user_usd") if section.has("user_usd") else None,
        workspace_usd=section.amount("workspace_usd") if section.has("workspace_usd") else None,
        notify=_users(section, "notify"),
        alerts=_alerts(section),
    )
    section.finish()
    return budget


def _users(section: Section, key: str) -> tuple[str, ...]:
    users = section.texts(key, default=())
    for user in users:
        if not is_user_id(user):
            raise ConfigError(
                f"{section.name}.{key}: {user[:LONGEST_SHOWN]!r} is no user's id; write ids such as "
                "'U024BE7LH' (in Slack: the profile, its menu, 'Copy member ID')"
            )
    return users


def _alerts(section: Section) -> tuple[int, ...]:
    """Return the thresholds in per cent."""
    alerts = section.integers("alerts", 1, 100, default=[50, 80, 100])
    if list(alerts) != sorted(set(alerts)):
        raise ConfigError(f"{section.name}.alerts: {list(alerts)} do not rise; write such as [50, 80, 100]")
    return alerts


def _zone(section: Section) -> ZoneInfo:
    name = section.text("time_zone", default="UTC")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"{section.name}.time_zone: {name!r} is no time zone; write an IANA name such as 'Europe/Berlin'"
        ) from error


def _policy(section: Section, ladder: Ladder) -> Policy:
    name = section.choice("policy", POLICIES, default="paced")
    pace = _pace(section)
    share = section.number("step_down_below", Decimal(0), Decimal(1), default=Decimal("0.2"))
    bands = tuple(_band(s, ladder) for s in section.sections("band"))
    if bands or name == "bands":
        _check_bands(bands)
    return bands_policy(bands, share) if name == "bands" else paced_policy(pace)


def _pace(section: Section) -> Pace:
    usual = Pace()
    return Pace(
        reach=section.number("reach", Decimal("0.1"), Decimal(100), default=usual.reach),
        floor=section.number("floor", Decimal(0), Decimal(100), default=usual.floor),
        burst=section.number("burst", Decimal(0), Decimal(100), default=usual.burst),
        safety=section.number("safety", Decimal(1), Decimal(10), default=usual.safety),
        stickiness=section.number("stickiness", Decimal(1), Decimal(10), default=usual.stickiness),
        messages_a_day=section.integer("messages_a_day", 1, 100_000, default=usual.messages_a_day),
    )


def _band(section: Section, ladder: Ladder) -> Band:
    up_to = section.integer("up_to", 1, 1_000_000, default=0) or None
    tier = section.choice("tier", tuple(t.name for t in ladder.tiers))
    section.finish()
    return Band(up_to, tier or "")


def _check_bands(bands: tuple[Band, ...]) -> None:
    if not bands or bands[-1].up_to is not None:
        raise ConfigError(
            "routing.band: the last band must be without 'up_to', so that every length has a tier"
        )
    limits = [band.up_to for band in bands[:-1]]
    for i, limit in enumerate(limits):
        if limit is None:
            raise ConfigError(f"routing.band[{i}].up_to: is missing; only the last band may be without it")
        if i and limit <= (limits[i - 1] or 0):
            raise ConfigError(f"routing.band[{i}].up_to: {limit} must be above the band before it")


def _reply(section: Section) -> ReplyConfig:
    reply = ReplyConfig(
        system_prompt=section.text("system_prompt", longest=20_000),
        deadline_s=section.integer("deadline_s", 1, LONGEST_DEADLINE_S, default=120),
        footer=section.boolean("footer", default=True),
        follow_ups=section.boolean("follow_ups", default=True),
        allow_data_collection=section.boolean("allow_data_collection", default=False),
        suggested_prompts=_suggested_prompts(section),
    )
    section.finish()
    return reply


def _suggested_prompts(section: Section) -> tuple[SuggestedPrompt, ...]:
    prompts: list[SuggestedPrompt] = []
    for one in section.sections("suggested_prompt"):
        prompts.append(SuggestedPrompt(one.text("title", longest=75), one.text("message", longest=500)))
        one.finish()
    if len(prompts) > MOST_PROMPTS:
        raise ConfigError(
            f"{section.name}.suggested_prompt: there are {len(prompts)}; Slack shows {MOST_PROMPTS} at most"
        )
    return tuple(prompts)


def _access(section: Section) -> AccessConfig:
    access = AccessConfig(
        who=Who(section.choice("who", tuple(Who), default=Who.MEMBERS) or ""),
        channels=_channels(section),
        direct_messages=section.boolean("direct_messages", default=True),
        admins=_users(section, "admins"),
    )
    section.finish()
    return access


def _channels(section: Section) -> frozenset[str]:
    channels = section.texts("channels", default=())
    for channel in channels:
        if not _CHANNEL_ID.fullmatch(channel):
            raise ConfigError(
                f"{section.name}.channels: {channel[:LONGEST_SHOWN]!r} is no channel's id; write ids such as "
                "'C024BE91L'"
            )
    return frozenset(channels)


LONGEST_SHOWN = 80
"""Characters of a wrong value that an error repeats: a line."""

_MISSING: Any = object()


class Section:
    """One table of the file: hands out its values checked, and at the end names keys nobody asked for."""

    def __init__(self, name: str, raw: dict[str, Any]) -> None:
        self.name = name
        self._raw = raw
        self._asked: set[str] = set()

    def section(self, key: str) -> Section:
        """Return the table at `key`; an absent one is empty."""
        return Section(self._path(key), self._value(key, dict, "a table", {}))

    def sections(self, key: str) -> list[Section]:
        """Return the array of tables at `key`; an absent one is empty."""
        items = self._value(key, list, "an array of tables", [])
        if not all(isinstance(item, dict) for item in items):
            raise self._wrong(key, items, f"an array of tables: write [[{self._path(key)}]]")
        return [Section(f"{self._path(key)}[{i}]", item) for i, item in enumerate(items)]

    def text(self, key: str, *, longest: int = 200, default: str = _MISSING) -> str:
        """Return a text of 1 to `longest` characters."""
        value: str = self._value(key, str, "a text", default)
        if not value.strip() or len(value) > longest:
            raise self._wrong(key, value, f"a text of 1 to {longest} characters")
        return value.strip()

    def has(self, key: str) -> bool:
        """Whether the key is there; it counts as asked for."""
        self._asked.add(key)
        return key in self._raw

    def integers(self, key: str, low: int, high: int, *, default: list[int] = _MISSING) -> tuple[int, ...]:
        """Return an array of whole numbers between `low` and `high`."""
        should = f"an array of whole numbers from {low} to {high}"
        values = self._value(key, list, should, default)
        if not all(isinstance(v, int) and not isinstance(v, bool) and low <= v <= high for v in values):
            raise self._wrong(key, values, should)
        return tuple(values)

    def texts(self, key: str, *, default: tuple[str, ...] = _MISSING) -> tuple[str, ...]:
        """Return an array of texts."""
        values = self._value(key, list, "an array of texts", default)
        if not all(isinstance(v, str) for v in values):
            raise self._wrong(key, values, "an array of texts")
        return tuple(values)

    def some(self, key: str, choices: tuple[str, ...], *, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return an array of some of `choices`, or none."""
        values = self._value(key, list, f"an array of {', '.join(choices)}", list(default))
        if not all(value in choices for value in values):
            raise self._wrong(key, values, f"an array of {', '.join(choices)}")
        return tuple(values)

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value: bool = self._value(key, bool, "true or false", default)
        return value

    def integer(self, key: str, low: int, high: int, *, default: int = _MISSING) -> int:
        """Return a whole number between `low` and `high`."""
        if key not in self._raw and default is not _MISSING:
            self._asked.add(key)
            return default
        value: int = self._value(key, int, f"a whole number from {low} to {high}", default)
        if isinstance(value, bool) or not low <= value <= high:
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, low: Decimal, high: Decimal, *, default: Decimal = _MISSING) -> Decimal:
        """Return a number between `low` and `high`, exactly as written."""
        should = f"a number from {low} to {high}"
        value = self._value(key, (int, Decimal), should, default)
        number = Decimal(value)
        if isinstance(value, bool) or not number.is_finite() or not low <= number <= high:
            raise self._wrong(key, value, should)
        return number

    def amount(self, key: str, *, default: Decimal = _MISSING) -> Decimal:
        """Return an amount of dollars, zero or more."""
        amount = self.number(key, Decimal(0), DEAREST_USD, default=default)
        if int(amount.as_tuple().exponent) < -MOST_DECIMALS:
            raise self._wrong(key, amount, f"an amount with at most {MOST_DECIMALS} decimals")
        return amount

    def choice(self, key: str, choices: tuple[str, ...], *, default: str | None = _MISSING) -> str | None:
        """Return one of `choices`."""
        if key not in self._raw and default is not _MISSING:
            self._asked.add(key)
            return default
        value: str = self._value(key, str, f"one of {', '.join(choices)}", _MISSING)
        if value not in choices:
            raise self._wrong(key, value, f"one of {', '.join(choices)}")
        return value

    def finish(self) -> None:
        """Raise ConfigError for a key that nobody asked for."""
        unknown = sorted(set(self._raw) - self._asked)
        if unknown:
            known = ", ".join(sorted(self._asked))
            raise ConfigError(f"{self._path(unknown[0])}: no such key; known here: {known}")

    def _value(self, key: str, kind: Any, should: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._raw:
            if default is _MISSING:
                raise ConfigError(f"{self._path(key)}: is missing; write {should}")
            return default
        value = self._raw[key]
        if not isinstance(value, kind):
            raise self._wrong(key, value, should)
        return value

    def _wrong(self, key: str, value: Any, should: str) -> ConfigError:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        if len(shown) > LONGEST_SHOWN:
            shown = f"{shown[: LONGEST_SHOWN - 1]}…"
        return ConfigError(f"{self._path(key)}: {shown} is wrong; write {should}")

    def _path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key
