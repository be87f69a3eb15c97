"""A scripted OpenRouter on loopback: real limits, real price list, scripted answers, and every way to fail.

`ScriptedOpenRouter` is the whole of it; `refusals` and `traps` are what its `script()` takes. One call passes
through `ask` (what OpenRouter checks itself), `routing` (which model serves it), `generation` (what comes
out and what it costs) and `playback` (how it reaches the client); `books` remembers it.
"""

from __future__ import annotations

from playground.openrouter import refusals, tokens, traps
from playground.openrouter.app import ScriptedOpenRouter
from playground.openrouter.behaviour import Behaviour, UsageShape
from playground.openrouter.books import Call, Outcome
from playground.openrouter.refusals import Reply

__all__ = [
    "Behaviour",
    "Call",
    "Outcome",
    "Reply",
    "ScriptedOpenRouter",
    "UsageShape",
    "refusals",
    "tokens",
    "traps",
]
