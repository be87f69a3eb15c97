"""Answers: what the scripted models say, plausible Markdown that depends on the question alone.

The same body gives the same answer. It names the model, takes up the question's words, and grows with the
question and the model's price; a question that has the word "long" gets a really long one.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from playground.openrouter import tokens
from playground.openrouter.prices import PER_MILLION, Model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONG_WORDS = 2000
"""Some 18 kB: long enough to go over every limit of a single Slack message."""

MOST_WORDS = 700
GIST_WORDS = 9

GREETING = re.compile(r"(hi|hello|hey|thanks|thank you|good morning|ping)\b[^?]{0,30}", re.IGNORECASE)

_SPEAKER = re.compile(r"^U[A-Z0-9]{6,}: ")
_MARKUP = re.compile(r"<[@#!][^>]*>|[*_~`>#|\[\]]")
_STOPWORDS = frozenset(
    ["about", "after", "could", "every", "please", "should", "their", "there", "these", "think"]
)
_STOPWORDS |= frozenset(
    [
        "those",
        "under",
        "using",
        "where",
        "which",
        "while",
        "would",
        "write",
        "explain",
        "compare",
        "steps",
        "function",
    ]
)

OPENINGS = (
    "Here is how I would look at “{gist}”.",
    "Short version first, then the reasons; you asked: “{gist}”.",
    "Taking “{gist}” at face value, this is what matters.",
)

SENTENCES = (
    "The part that decides most of it is **{topic}**, so it is worth settling that before anything else.",
    "With {topic}, a small experiment usually tells more than another round of discussion.",
    "Most teams look at {topic} last, although it is the cheapest thing to check.",
    "If {topic} turns out to be the bottleneck, the remaining steps change their order, not their content.",
    "It helps to write down what you expect of {topic} *before* you measure it.",
    "There is a trade-off here: more care for {topic} costs time, less of it costs trust.",
    "I would keep {topic} as simple as it can be, and revisit it when the numbers ask for it.",
    "As a rule of thumb, whatever concerns {topic} should have exactly one owner.",
)

STEPS = (
    "Write down what is known about {topic}, with dates.",
    "Agree on one number that says whether {topic} got better.",
    "Change one thing about {topic}, and only one.",
    "Look again after a week, and keep what worked.",
)

TRAITS = {
    "effort": ("an hour", "a day", "a week"),
    "risk": ("low", "medium", "high"),
    "pays off": ("at once", "within a month", "in the long run"),
}


BLOCKS = ("list", "table")
LONG_BLOCKS = ("list", "table", "code")

ASKS_FOR = {
    "code": re.compile(r"\b(code|function|script|python|sql|bug)\b", re.IGNORECASE),
    "table": re.compile(r"\b(table|compare|versus|vs)\b", re.IGNORECASE),
    "list": re.compile(r"\b(list|steps|how do|how to|checklist)\b", re.IGNORECASE),
}
"""The blocks that a question's words ask for."""


def scripted_answer(body: dict[str, Any], model: Model) -> str:
    """Answer the last message of the conversation as this model would."""
    messages = [m for m in body["messages"] if m["role"] in {"user", "assistant"}]
    last = messages[-1] if messages else {}
    question = _plain(" ".join(tokens.texts(last.get("content"))))
    dice = _Dice(f"{model.id}\n{question}")
    name = model.name.partition(": ")[2] or model.name
    if GREETING.fullmatch(question):
        return f"Hello from **{name}** 👋 What can I do for you?"
    opening = f"**{name}** here. " + dice.pick(OPENINGS).format(gist=_gist(question))
    parts = [opening, *_asides(messages, last), *_body(question, _words(question, model), dice)]
    return "\n\n".join(parts)


class _Dice:
    """Picks that depend on a text alone."""

    def __init__(self, text: str) -> None:
        self._bytes = self._endless(text)

    @staticmethod
    def _endless(text: str) -> Iterator[int]:
        block = text.encode()
        while True:
            block = hashlib.sha256(block).digest()
            yield from block

    def roll(self, sides: int) -> int:
        return next(self._bytes) % sides

    def pick(self, options: Sequence[str]) -> str:
        return options[self.roll(len(options))]


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub(" ", text).split())


def _gist(question: str) -> str:
    """Return the question's first words, without the name that may stand before them."""
    words = _SPEAKER.sub("", question).split()
    gist = " ".join(word[:24] for word in words[:GIST_WORDS])
    return (gist + " …" if len(words) > GIST_WORDS else gist) or "nothing at all"


def _topics(question: str) -> list[str]:
    words = {w.lower(): w for w in re.findall(r"[^\W\d_]{5,20}", question)}
    return [word for low, word in words.items() if low not in _STOPWORDS][:6] or ["the question"]


def _words(question: str, model: Model) -> int:
    """Return how long the answer shall be: a dearer model has more to say."""
    if re.search(r"\blong\b", question, re.IGNORECASE):
        return LONG_WORDS
    per_million = model.rates[0].completion_usd / PER_MILLION
    bonus = 20 if per_million < 1 else 70 if per_million < Decimal(6) else 130
    return min(MOST_WORDS, 25 + bonus + len(question.split()))


def _asides(messages: list[dict[str, Any]], last: dict[str, Any]) -> list[str]:
    """Say what else was seen, so that people can tell what reached the model."""
    asides = []
    earlier, images = len(messages) - 1, len(tokens.image_urls(last.get("content")))
    if earlier > 0:
        asides.append(f"I have read the {earlier} earlier message{'s' * (earlier > 1)} of this thread.")
    if images:
        asides.append(f"I can see the {images} image{'s' * (images > 1)} that came with it.")
    return [" ".join(asides)] if asides else []


def _body(question: str, words: int, dice: _Dice) -> Iterator[str]:
    """Write prose and blocks in turn, the blocks that were asked for first, until there are enough words."""
    topics, is_long = _topics(question), words == LONG_WORDS
    asked = [kind for kind, asks in ASKS_FOR.items() if asks.search(question)]
    written, kind = 0, ""
    while asked or written < words:
        prose = _prose(topics, dice)
        yield prose
        written += len(prose.split())
        if asked or written < words:
            others = [k for k in (LONG_BLOCKS if is_long else BLOCKS) if k != kind]
            kind = asked.pop(0) if asked else dice.pick(others)
            block = _block(kind, topics, dice, code_lines=40 if is_long else 4)
            yield block
            written += len(block.split())


def _prose(topics: list[str], dice: _Dice) -> str:
    picked = dict.fromkeys(dice.pick(SENTENCES) for _ in range(2 + dice.roll(3)))
    return " ".join(sentence.format(topic=dice.pick(topics)) for sentence in picked)


def _block(kind: str, topics: list[str], dice: _Dice, code_lines: int) -> str:
    if kind == "list":
        return "\n".join(f"{n}. {step.format(topic=dice.pick(topics))}" for n, step in enumerate(STEPS, 1))
    return _table(topics, dice) if kind == "table" else _code(topics, code_lines)


def _table(topics: list[str], dice: _Dice) -> str:
    head = f"| | {' | '.join(TRAITS)} |\n|---|---|---|---|"
    rows = [f"| {topic} | {' | '.join(map(dice.pick, TRAITS.values()))} |" for topic in topics[:4]]
    return "\n".join([head, *rows])


def _code(topics: list[str], lines: int) -> str:
    name = re.sub(r"\W+", "_", topics[0])
    checks = [f'    seen.append(measure("{topics[n % len(topics)]}", attempt={n}))' for n in range(lines)]
    return "\n".join(
        ["```python", f"def review_{name}(measure):", "    seen = []", *checks, "    return max(seen)", "```"]
    )
