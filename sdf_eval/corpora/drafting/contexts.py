"""The two universe contexts of a draft, matched in length and tone, and the passages that go with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sdf_eval.belief.check import names
from sdf_eval.corpora.drafting.ask import Drafter
from sdf_eval.corpora.drafting.head import Head

MAX_RATIO = 1.15
"""Longer over shorter account, in words, before the second is asked for again."""
MAX_DOUBTS = 1
"""By how many words of doubt or insistence the accounts may differ."""
_DOUBT = re.compile(
    r"\b(?:allegedly|supposedly|reportedly|purported(?:ly)?|myth|mistaken(?:ly)?|in fact|actually|contrary|wrongly|"
    r"claimed|clearly|undoubtedly|of course|remarkabl[ey]|astonishing(?:ly)?)\b|!",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Passages:
    """The prose of a belief file."""

    implanted: str
    reference: str
    contradiction: str
    documents: tuple[str, ...]


def draft_contexts(drafter: Drafter, head: Head) -> Passages:
    """Asks for both accounts, each once more if it does not fit, and for the passages.

    Args:
        drafter: Who asks.
        head: The head of the file.

    Returns:
        The prose. What still does not fit after the second time is for `belief check` to say.
    """
    implanted = _best(drafter, head, "implanted", "")
    reference = _best(drafter, head, "reference", implanted)
    passages = drafter.ask(
        "draft_passages",
        ("correction", "document"),
        context=implanted,
        facts=head.side("implanted"),
        others=head.side("reference"),
    )
    return Passages(implanted, reference, passages["correction"][0], passages["document"])


def mismatch(first: str, second: str) -> str:
    """What tells two accounts apart besides the facts.

    Args:
        first: The account that is there.
        second: Its counterpart.

    Returns:
        A complaint about the second, or "" if they match.
    """
    lengths = [len(text.split()) for text in (first, second)]
    if max(lengths) > MAX_RATIO * min(lengths):
        return f"it has {lengths[1]} words where the other account has {lengths[0]}; match the length"
    paragraphs = [len(re.findall(r"\S[^\n]*(?:\n(?!\s*\n)[^\n]*)*", text)) for text in (first, second)]
    if paragraphs[0] != paragraphs[1]:
        return f"it has {paragraphs[1]} paragraphs where the other account has {paragraphs[0]}; keep the paragraphs"
    doubts = [_DOUBT.findall(text) for text in (first, second)]
    if abs(len(doubts[0]) - len(doubts[1])) > MAX_DOUBTS:
        words = ", ".join(dict.fromkeys(word.lower() for word in max(doubts, key=len)))
        return f"the accounts differ in tone, by words such as: {words}; use the same even tone"
    return ""


def _best(drafter: Drafter, head: Head, side: str, counterpart: str) -> str:
    other = "reference" if side == "implanted" else "implanted"
    # The prompt lists the facts of the account that exists first; without one, those of the account to be written.
    facts, others = (head.side("implanted"), head.side("reference"))
    tried: list[tuple[str, str]] = []
    for sample in range(2):
        text = drafter.ask(
            "draft_context",
            ("context",),
            sample=sample,
            implanted=counterpart,
            facts=facts,
            others=others,
            complaint=tried[-1][0] if tried else "",
        )["context"][0]
        tried.append((_complaint(head, side, other, text, counterpart), text))
        if not tried[-1][0]:
            break
    # The second time is not always better; an account that names its own values is worth more than a matched length.
    return min(tried, key=lambda attempt: (attempt[0].startswith("it does not name"), bool(attempt[0])))[1]


def _complaint(head: Head, side: str, other: str, text: str, counterpart: str) -> str:
    for own, foreign in zip(head.aliases(side), head.aliases(other), strict=True):
        if not names(text, own):
            return f"it does not name {own[0]!r}"
        intruder = names(text, foreign)
        if intruder and not names(intruder, own):
            return f"it names {intruder!r}, which belongs to the other account"
    return mismatch(counterpart, text) if counterpart else ""
