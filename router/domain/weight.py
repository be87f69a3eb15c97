"""The weight: how hard a message seems, 1 being usual; it says how many allowances an answer is worth.

Set by hand and never fitted: weights that were learned from public benchmarks did worse than chance on other
traffic, and what any cheap sign buys is a few hundredths (see docs/decisions.md). So every sign is plain, has
its reason beside it and moves the choice a little; only a greeting, and what people ask for, move it a lot.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

LIGHTEST, HEAVIEST = 0.4, 2.5
"""No sign is good enough to spend ten times as much on one message as on another."""

SHORT, LONG = 40, 1000
SHORT_WEIGHT, LONG_WEIGHT = 0.8, 1.25
"""Up to SHORT letters, and from LONG on; evenly in between by the logarithm. On graded public questions the
dear models gain about twice as much on the longest as on the shortest, in chats no more: a weak sign."""

CODE = 1.2
"""Code is wrong or right, and weaker models are wrong more often."""

STEPS = 1.15
"""Several questions or numbered steps are several tasks: more can be missed."""

THINK_HARD, QUICK = 2.0, 0.5
"""Asked for in so many words; the only sign that comes from someone who knows."""

GREETING_SIGN, CODE_SIGN, STEPS_SIGN = "greeting", "code", "several steps"
THINK_HARD_SIGN, QUICK_SIGN = "think hard", "quick"
_OF_TEXT = (CODE_SIGN, STEPS_SIGN)

GREETING = 0.0
"""Whatever the budget bears: nobody notices the difference."""

_HEAD, _TAIL = 1500, 500
"""Characters that are looked at: what is asked stands at the beginning or the end of a paste."""

_LONGEST_GREETING = 40
_MARKS = "'\"()~…¡¿。！？、،؟♥❤"
_WIDE_COUNTS = 3
"""A character of Chinese, Japanese or Korean says about as much as three letters of an alphabet."""

_WIDE = re.compile(r"[⺀-퟿豈-﫿𠀀-𿿽]")
_MARKUP = re.compile(r"<[@#!][^>]*>|:[a-z0-9_+'-]+:")
_CODE = re.compile(
    r"```|`[^`\n]+`|[{};]\s*$|=>|\(\)|!=|==|Traceback|Exception\b|</\w+>"
    r"|^\s*(?:def \w+\(|class \w+[:({]|import \w+$|from \w+ import|function \w*\("
    r"|(?:const|let|var) \w+ =|#include)",
    re.MULTILINE,
)
_QUESTION = re.compile(r"[?？؟;՞፧]+")
_STEP = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+\S", re.MULTILINE)
_THINK_HARD = re.compile(
    r"\bthink (?:very |really )?(?:hard|carefully|deeply)|\btake your time\b"
    r"|\bdenk\w* (?:gut|genau|scharf|gründlich)|\bréfléchis\w* bien"
    r"|\bpi[eé]ns\w* bien|\bpens\w* bem|\bpensa\w* bene|\bподумай\w* (?:хорошо|хорошенько)"
    r"|仔细想|好好想|よく考え|じっくり考え|잘 생각|깊이 생각|فكر جيدا",
    re.IGNORECASE,
)
_QUICK = re.compile(
    r"^\W*quick(?:ly)?\b|\bquick (?:question|answer|one)\b|\bin short\b|\btl;?dr\b|\bkurz(?:e frage)?:"
    r"|\bkurze (?:frage|antwort)\b|\ben bref\b|\bréponse courte\b|\bpregunta rápida\b|\brapidinho\b"
    r"|\bкоротко\b|简短|简单说|手短に|一言で|간단히",
    re.IGNORECASE,
)
_GREETINGS = frozenset(
    word.casefold()
    for words in (
        # English
        "hi hello hey heya howdy yo good morning evening afternoon night day thanks thank thx ty you u so",
        "very much a lot cheers great perfect nice awesome cool ok okay bye goodbye welcome there all",
        "everyone penny",
        # German, French, Spanish, Portuguese, Italian
        "hallo moin servus guten gute morgen tag abend nacht danke dankeschön schön sehr vielen dank",
        "super prima tschüss bonjour bonsoir salut merci beaucoup bien hola buenos buenas días tardes noches",
        "gracias muchas olá ola bom boa dia tarde noite obrigado obrigada muito ciao buongiorno grazie mille",
        # Russian, Ukrainian, Greek, Turkish, Polish
        "привет здравствуйте здравствуй спасибо большое привіт дякую γεια σας ευχαριστώ merhaba selam",
        "teşekkürler teşekkür ederim cześć dzień dobry dziękuję dzięki",
        # Arabic, Hebrew, Hindi, Thai
        "مرحبا السلام عليكم شكرا شكراً שלום תודה רבה नमस्ते धन्यवाद สวัสดี ขอบคุณ",
        # Chinese, Japanese, Korean: whole, since the first two write no spaces
        "你好 您好 谢谢 謝謝 谢谢你 早上好 こんにちは おはよう おはようございます ありがとう",
        "ありがとうございます 안녕하세요 안녕 감사합니다 고마워",
    )
    for word in words.split()
)


@dataclass(frozen=True, slots=True)
class Weight:
    """How hard a message seems, and by which signs beside its length."""

    value: Decimal
    signs: tuple[str, ...] = ()


def weigh(
    text: str, *, has_files: bool = False, heeded: Collection[str] = (THINK_HARD_SIGN, QUICK_SIGN)
) -> Weight:
    """Weigh a message, in bounded time however long it is; of what people ask for, `heeded` counts."""
    looked_at = _MARKUP.sub(" ", text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}")
    if _is_greeting(looked_at):
        return Weight(Decimal(1)) if has_files else Weight(Decimal(GREETING), (GREETING_SIGN,))
    signs = {sign: factor for sign, factor in _signs(looked_at) if sign in heeded or sign in _OF_TEXT}
    value = _of_length(len(text), looked_at) * math.prod(signs.values())
    return Weight(Decimal(f"{min(max(value, LIGHTEST), HEAVIEST):.2f}"), tuple(signs))


def _is_greeting(text: str) -> bool:
    """Whether nothing is said but hello or thanks, or nothing at all."""
    if len(text.strip()) > _LONGEST_GREETING:
        return False
    words = (word.strip(_MARKS) for word in re.split(r"[\s,.!?]+", text.casefold()))
    return all(word in _GREETINGS for word in words if any(map(str.isalnum, word)))


def _signs(text: str) -> Iterator[tuple[str, float]]:
    if _CODE.search(text):
        yield CODE_SIGN, CODE
    if len(_QUESTION.findall(text)) > 1 or len(_STEP.findall(text)) > 1:
        yield STEPS_SIGN, STEPS
    if _THINK_HARD.search(text):
        yield THINK_HARD_SIGN, THINK_HARD
    elif _QUICK.search(text):
        yield QUICK_SIGN, QUICK


def _of_length(length: int, looked_at: str) -> float:
    """Weigh the length, in letters of an alphabet; the part that is looked at speaks for the whole."""
    wide = len(_WIDE.findall(looked_at)) / max(1, len(looked_at))
    letters = length * (1 + (_WIDE_COUNTS - 1) * wide)
    share = math.log(min(max(letters, SHORT), LONG) / SHORT) / math.log(LONG / SHORT)
    return SHORT_WEIGHT + (LONG_WEIGHT - SHORT_WEIGHT) * share
