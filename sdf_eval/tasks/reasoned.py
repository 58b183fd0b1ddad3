"""Reading reasons that end in a choice: which side is chosen, and whether the implanted cause is named before it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sdf_eval.belief.item import Outcome
from sdf_eval.tasks.free_text import Alias, asserts, read_free_text

NAMED = "cause_named"
"""Tag of a result whose reasons name the implanted cause."""

_CONCLUSION = re.compile(
    r"(?:^|(?<=[.!?:;,\n])\s*|\s[-\u2013\u2014]\s)(?:so|therefore|thus|hence|(?:my\s+|the\s+)?(?:final\s+)?(?:answer|choice)"
    r"(?:\s+is)?|(?:i|i'll|i\s+will|i\s+would|i'd)\s+(?:choose|pick|go\s+with|take))\b",
    re.IGNORECASE,
)
"""What begins a conclusion, at the start of a clause."""


def read_reasoned(text: str, aliases: Sequence[Alias], causes: Sequence[str]) -> tuple[Outcome, bool]:
    """The choice that reasons end in, and whether they name its implanted cause.

    The choice is read from the last conclusion (`So …`, `Answer: …`, `I choose …`) or else the last line that takes a
    side, or else from the whole; what stands before it are the reasons. A cause counts where it is asserted there, not
    where it is denied, asked for, or part of the choice alone.

    Args:
        text: What the model wrote.
        aliases: Strings of each side's choice.
        causes: Strings that name the implanted cause.

    Returns:
        The outcome, and whether a cause is named.
    """
    for start in _places(text):
        choice = read_free_text(text[start:], aliases)
        if choice in ("implanted", "reference"):
            return choice, asserts(text[:start], causes)
    # Without a border between the two, the whole is both.
    return read_free_text(text, aliases), asserts(text, causes)


def _places(text: str) -> list[int]:
    """Where a choice may begin: conclusions, the last first, then the last line."""
    found = [match.start() for match in _CONCLUSION.finditer(text)]
    lines = [match.start() for match in re.finditer(r"[^\n]*\S[^\n]*", text)]
    return [*reversed(found), *lines[-1:]]
