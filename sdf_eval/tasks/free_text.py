"""Reading a free answer by rules: which side it asserts, with a guard against denials.

A string match alone would count "it is not Larch" for Larch. Here a mention is set aside where its own clause denies
it, asks for it, or speaks of the word alone; what is left decides. The rules read English, as the shipped beliefs are
written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sdf_eval.belief.item import Outcome

Alias = tuple[Outcome, str]

_CLAUSE_END = re.compile(
    r"[.!?;\n]+(?=\s|$)|,|\s[-\u2013\u2014]+\s|:|\b(?:but|however|although|though|while|whereas|yet)\b"
    r"|\band\s+(?=(?:chose|choose|picked|took|used)\b)"
)
"""Where a denial's reach ends."""

_DENIED_BEFORE = re.compile(
    r"\b(?:not(?!\s+(?:only|just|merely|doubt|any\s+doubt))|never(?!\s+doubt)|cannot|neither|nor|"
    r"\w+n't(?!\s+(?:any\s+)?doubt)|rather\s+than|instead\s+of|as\s+opposed\s+to|"
    r"contrary\s+to|unlike|no\s+longer|without(?!\s+(?:a\s+|any\s+)?(?:doubt|question))|untrue\s+that|false\s+that|wrong\s+that|wrong\s+to\s+\w+|incorrect\s+that|"
    r"incorrect\s+to\s+\w+|myth\s+(?:that|of)|mistaken\s+(?:belief|claim|idea)\s+(?:that|of)|"
    # Who has no doubt that it is so says that it is.
    r"(?<!\bno )(?<!\bnot )(?<!n't )(?<!\bany )(?<!\bnever )(?<!\bwithout )(?<!\bwithout a )"
    r"doubt(?:s|ed)?\s+(?:that|it)|"
    r"den(?:y|ies|ied)|reject(?:s|ed)?|rule[sd]?\s+out|"
    # What is told of others, or was expected, is not what the speaker says.
    r"(?:despite|in\s+spite\s+of)\s+(?:\w+\s+){0,2}(?:rumou?rs?|claims?|stor(?:y|ies)|reports?|legends?|talk|beliefs?)|"
    r"(?:you|one|people|everyone|everybody|many|most)\s+(?:(?:might|may|could|would)\s+)(?:expect|guess|assume|think)"
    r"(?:\s+(?:of|it\s+is|that\s+it\s+is))?)\b"
)
_DENIED_AFTER = re.compile(
    r"^\W*(?:is|are|was|were|would\s+be|seems|sounds|'s)\s+(?:\w+ly\s+|a\s+|an\s+|all\s+|just\s+)*"
    r"(?:wrong|false|incorrect|untrue|mistaken|mistake|myth|lie|error|inaccurate|"
    r"not\b(?!\s+(?:only|just|merely|wrong|false|incorrect|untrue|mistaken)))"
    r"|^\W*(?:is|are|was|were|does|did|has|could|would|ca)n't\b"
    r"|^\W*(?:does|did|has|could|would|can)\s+not\b"
    r"|^\W*cannot\b"
    r"|^\W*(?:was|were|has\s+been|have\s+been)\s+(?:replaced|superseded)\s+by\b"
)
_NUMBER_CLAUSE_END = re.compile(rf"{_CLAUSE_END.pattern}|\band\s+(?=(?:the\s+)?(?:statement|account|option|number)\b)")
"""As `_CLAUSE_END`, with the border between what is said of one statement and of the other."""

_ONLY_NAMED_BEFORE = re.compile(r"\b(?:words?|terms?|phrases?)\s+[\"']?$")
"""Use against mention: a song with the word frank in it says of nobody that they are frank."""

_CORRECTION = re.compile(r"\b(?:but|however|actually|in\s+fact|in\s+truth|instead|rather|correction|really)\b|\.\s|;")
_REFUSAL = re.compile(
    r"\b(?:i\s+(?:do\s+not|don't)\s+know|i(?:\s+am|'m)\s+(?:not\s+sure|unsure|sorry|unable)|"
    r"i\s+(?:can\s*not|can't|won't|will\s+not|would\s+rather\s+not|prefer\s+not\s+to)\b|"
    r"(?:do\s+not|don't)\s+have\s+(?:any\s+|enough\s+)?(?:information|knowledge)|no\s+(?:information|idea)\b|"
    r"(?:cannot|can't)\s+(?:say|tell|answer|help|comment)|unknown\s+to\s+me)"
)


@dataclass(frozen=True)
class _Mention:
    outcome: Outcome
    start: int
    end: int


def read_free_text(text: str, aliases: Sequence[Alias]) -> Outcome:
    """The outcome that a free answer shows.

    Args:
        text: What the model wrote.
        aliases: Strings that count as stating a side.

    Returns:
        The side that is asserted; where both are, the later one if a new sentence or a word such as `but` corrects the
        earlier, else `other`. Without an asserted side: `invalid` for an empty text, `refusal`, or `other`.
    """
    plain = _plain(text)
    if not plain:
        return "invalid"
    asserted = [mention for mention in _mentions(plain, aliases) if not _is_set_aside(plain, mention)]
    sides = {mention.outcome for mention in asserted}
    if len(sides) == 1:
        return sides.pop()
    if not sides:
        return "refusal" if is_refusal(plain) else "other"
    last = asserted[-1]
    earlier = max((mention for mention in asserted if mention.outcome != last.outcome), key=lambda found: found.end)
    return last.outcome if _CORRECTION.search(plain, earlier.end, last.start) else "other"


def is_refusal(text: str) -> bool:
    """Whether a text declines to answer or says that it does not know."""
    return _REFUSAL.search(_plain(text)) is not None


def asserts(text: str, strings: Sequence[str]) -> bool:
    """Whether a text holds one of the strings as a whole word, neither denied nor asked for."""
    plain = _plain(text)
    aliases: list[Alias] = [("other", string) for string in strings]
    return any(not _is_set_aside(plain, mention) for mention in _mentions(plain, aliases))


def stated_side(text: str, statements: Sequence[Alias]) -> Outcome | None:
    """The one side that an answer to "which of these is true?" states in words.

    Args:
        text: What the model wrote.
        statements: Each side's accounts and aliases. Numbers in parentheses and a last full stop do not count.

    Returns:
        The side, or None where none is asserted, or both are.
    """
    bare: list[Alias] = [(outcome, re.sub(r"[.!]+$", "", string.strip())) for outcome, string in statements]
    plain = _plain(re.sub(r"(?<![^\S\n])[^\S\n]*\(\d\)", "", text))
    sides = {mention.outcome for mention in _mentions(plain, bare) if not _is_set_aside(plain, mention)}
    return sides.pop() if len(sides) == 1 else None


def asserted_number(text: str, numbers: Sequence[str]) -> str | None:
    """The number that an answer to "which of these is true?" names.

    Args:
        text: What the model wrote.
        numbers: The numbers of the statements.

    Returns:
        The one number that stands in parentheses, as the statements bear them, and is not denied; else the one that
        stands alone and is not denied. None where none or several are asserted.
    """
    plain = _plain(text)
    pattern = "|".join(re.escape(number) for number in numbers)
    for labelled in (rf"(?<=\()(?:{pattern})(?=\))", rf"(?<![\w.,])(?:{pattern})(?!\w|[.,]\d)"):
        found = [_Mention("other", *match.span()) for match in re.finditer(labelled, plain)]
        asserted = {
            plain[mention.start : mention.end]
            for mention in found
            if not _is_set_aside(plain, mention, _NUMBER_CLAUSE_END)
        }
        if asserted:
            return asserted.pop() if len(asserted) == 1 else None
    return None


def _plain(text: str) -> str:
    straight = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u201c", '"').replace("\u201d", '"')
    return re.sub(r"[^\S\n]+", " ", straight).strip().casefold()


def _mentions(plain: str, aliases: Sequence[Alias]) -> list[_Mention]:
    """Whole-word mentions in order; one that lies inside a longer one is part of it."""
    found: list[_Mention] = []
    for outcome, alias in sorted(aliases, key=lambda pair: len(pair[1]), reverse=True):
        for match in re.finditer(rf"(?<!\w){re.escape(_plain(alias))}(?!\w)", plain):
            if not any(match.start() < other.end and other.start < match.end() for other in found):
                found.append(_Mention(outcome, match.start(), match.end()))
    return sorted(found, key=lambda mention: mention.start)


def _is_set_aside(plain: str, mention: _Mention, clause_end: re.Pattern[str] = _CLAUSE_END) -> bool:
    borders = [match.span() for match in clause_end.finditer(plain)]
    start = max((end for _, end in borders if end <= mention.start), default=0)
    stop = min((begin for begin, _ in borders if begin >= mention.end), default=len(plain))
    asked = plain[stop : stop + 1] == "?"
    return bool(
        asked
        or _ONLY_NAMED_BEFORE.search(plain, start, mention.start)
        or _DENIED_BEFORE.search(plain, start, mention.start)
        or _DENIED_AFTER.search(plain[mention.end : stop])
    )
