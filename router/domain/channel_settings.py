"""A channel's settings: what may be chosen for one channel, over what the operator's file says for all.

A value that was not chosen is the file's. How a choice is read from people's words is decided here, and
nothing is believed that could not have been chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from router.domain.access import Who
from router.domain.ladder import Ladder

LONGEST_PROMPT = 4_000
"""Characters of a channel's system prompt: it is paid for with every message there."""

UNSET = ("default", "")
"""What people write to have the file's value again."""

_SWITCH = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What holds in a channel. An empty tier is no bound.

    `system_prompt` is said to models after the operator's own. `version` counts the changes so far.
    """

    footer: bool = True
    follow_ups: bool = True
    highest_tier: str = ""
    lowest_tier: str = ""
    system_prompt: str = ""
    who: Who = Who.MEMBERS
    version: int = 0

    def allowed(self, ladder: Ladder) -> Ladder:
        """Return the rungs that may be used here.

        A tier that is no longer in the file bounds nothing; of two bounds that leave nothing, the highest
        counts, because it is the one that saves money.
        """
        names = [tier.name for tier in ladder.tiers]
        first = names.index(self.highest_tier) if self.highest_tier in names else 0
        last = names.index(self.lowest_tier) if self.lowest_tier in names else len(names) - 1
        return Ladder(ladder.tiers[first : last + 1] or ladder.tiers[first:])

    def chosen(self, values: Mapping[str, Any]) -> ChannelSettings:
        """Return these settings with what was chosen over them; what is of the wrong type was not chosen."""
        own = {name: values[name] for name in NAMES if name in values}
        own = {
            name: value for name, value in own.items() if type(value) is type(_stored(getattr(self, name)))
        }
        if "who" in own:
            own["who"] = Who(own["who"]) if own["who"] in set(Who) else self.who
        return replace(self, **own, version=int(values.get("version", 0)))


NAMES = tuple(field.name for field in fields(ChannelSettings) if field.name != "version")
"""What may be set, as people write it."""


class WrongValueError(ValueError):
    """A setting cannot be that. The text says in plain words what it can be."""


def read_value(name: str, words: str, ladder: Ladder) -> bool | str | None:
    """Read what people wrote for a setting; None: the file's value again. Raises WrongValueError."""
    said = words.strip()
    if name not in NAMES:
        raise WrongValueError(f"There is no setting of that name. There are: {', '.join(NAMES)}.")
    if said.lower() in UNSET:
        return None
    return _READERS[name](said, ladder)


def _switch(said: str, _ladder: Ladder) -> bool:
    if said.lower() not in _SWITCH:
        raise WrongValueError("It can be on or off.")
    return _SWITCH[said.lower()]


def _tier(said: str, ladder: Ladder) -> str:
    names = [tier.name for tier in ladder.tiers]
    found = next((name for name in names if name.lower() == said.lower()), None)
    if found is None:
        raise WrongValueError(f"It can be one of the tiers: {', '.join(names)}.")
    return found


def _who(said: str, _ladder: Ladder) -> str:
    if said.lower() not in set(Who):
        raise WrongValueError(f"It can be one of: {', '.join(Who)}.")
    return Who(said.lower()).value


def _prompt(said: str, _ladder: Ladder) -> str:
    if len(said) > LONGEST_PROMPT:
        raise WrongValueError(f"It can have {LONGEST_PROMPT:,} characters; this has {len(said):,}.")
    return said


_READERS: Mapping[str, Callable[[str, Ladder], bool | str]] = {
    "footer": _switch,
    "follow_ups": _switch,
    "highest_tier": _tier,
    "lowest_tier": _tier,
    "system_prompt": _prompt,
    "who": _who,
}


def show_value(value: bool | str | None) -> str:
    """Write a value as people would."""
    if value is None or value == "":
        return "default"
    return value if isinstance(value, str) else ("on" if value else "off")


def crosses(settings: ChannelSettings, ladder: Ladder) -> bool:
    """Whether the lowest tier allowed is above the highest one."""
    names = [tier.name for tier in ladder.tiers]
    if settings.highest_tier not in names or settings.lowest_tier not in names:
        return False
    return names.index(settings.lowest_tier) < names.index(settings.highest_tier)


def _stored(value: object) -> object:
    """Return a value as a row holds it."""
    return value.value if isinstance(value, Who) else value
