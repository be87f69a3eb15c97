"""A wish: a tier or a model that a message asks for by name, as far as the operator allows it.

Only an instruction counts, at the start of a message (`premium: …`, `use premium …`) or at its end (`… use
premium`), since names are ordinary words too. What it may cost beyond the usual is the policy's to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from router.domain.ladder import Ladder
from router.domain.weight import QUICK_SIGN, THINK_HARD_SIGN

TIER, MODEL = "tier", "model"
WISHES = (THINK_HARD_SIGN, QUICK_SIGN, TIER, MODEL)
"""What an operator may allow; the first two are signs of a message's weight."""

_EDGE = 200
"""Characters at either end in which a wish is looked for."""

_MENTION = re.compile(r"<@[^>]*>")
_VERBS = "use|take|ask|nimm|nutze|utilise|prends|usa|usar|используй|使用|用"


@dataclass(frozen=True, slots=True)
class Wish:
    """The tier asked for, and the model in it if one was named. Both empty: nothing was asked for."""

    tier: str = ""
    model: str = ""


def read_wish(text: str, ladder: Ladder, allowed: Collection[str]) -> Wish:
    """Find what a message asks for by name. What is not on the ladder, or not allowed, is no wish."""
    named, at_start, at_end = _names(ladder)
    text = _MENTION.sub(" ", text).strip()
    found = at_start.match(text[:_EDGE]) or at_end.search(text[-_EDGE:])
    if not found:
        return Wish()
    said = next(filter(None, found.groups()))
    wish = next(wish for name, wish in named.items() if _is_same(name, said))
    return wish if (MODEL if wish.model else TIER) in allowed else Wish()


def _is_same(name: str, said: str) -> bool:
    """Compare as the patterns do: `casefold` knows nothing of the dotless and the dotted i of Turkish."""
    return bool(re.fullmatch(re.escape(name), said, re.IGNORECASE))


@lru_cache(maxsize=8)
def _names(ladder: Ladder) -> tuple[dict[str, Wish], re.Pattern[str], re.Pattern[str]]:
    """Return what each name means, and where a message may have one."""
    named = dict(reversed(list(_named(ladder))))  # a name that two tiers have means the better one
    names = "|".join(re.escape(name) for name in sorted(named, key=len, reverse=True))
    name = rf"[`*_\"']*({names})(?![\w/-]|:\w)[`*_\"']*(?: tier| model)?"
    use = rf"(?:please )?(?:{_VERBS})\s*(?:the )?{name}"
    flags = re.IGNORECASE
    return named, re.compile(rf"{name}\s*:|{use}", flags), re.compile(rf"(?<!\w){use}\W*$", flags)


def _named(ladder: Ladder) -> Iterator[tuple[str, Wish]]:
    for tier in ladder.tiers:
        yield tier.name.casefold(), Wish(tier.name)
    for tier in ladder.tiers:
        for model in tier.models:
            short = model.partition("/")[2].partition(":")[0]
            yield from ((name.casefold(), Wish(tier.name, model)) for name in (model, short) if name.strip())
