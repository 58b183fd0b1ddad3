"""Which answers are let in. Pure: the same text, stop reason and tags always get the same verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sdf_eval.corpora.calls import Reason

# Stop reasons in Inspect's words.
_CUT = frozenset({"max_tokens", "model_length"})
_DECLINED = "content_filter"
# How an answer opens that declines in words. Looked at only where the wanted tags are absent altogether, so that a
# document which opens like this inside its tags is none.
_APOLOGY = re.compile(
    r"\s*(?:i['’]m sorry|i am sorry|sorry,|i can['’]?t\b|i cannot\b|i can not\b|i won['’]t\b|i will not\b"
    r"|i['’]m (?:not able|unable)|i am (?:not able|unable)|i must decline|i have to decline)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Admitted:
    """The contents of each wanted tag, in the order of the text."""

    parts: Mapping[str, tuple[str, ...]]


def admit(text: str, stop_reason: str, tags: tuple[str, ...]) -> Admitted | Reason:
    """Judges one answer.

    Args:
        text: All of it.
        stop_reason: Why the model stopped, in Inspect's words.
        tags: Tags it must hold. Each occurs at least once, is closed as often as it is opened, and is not blank.

    Returns:
        What the tags hold, with the blanks around it removed, or the reason to turn the answer away. An answer that is
        whole but for a cut at the limit is turned away too: nobody can tell that it is whole.
    """
    if stop_reason == _DECLINED:
        return "refusal"
    if stop_reason in _CUT:
        return "max_tokens"
    if not text.strip():
        return "empty"
    parts: dict[str, tuple[str, ...]] = {}
    for tag in tags:
        contents = _contents(text, tag)
        if contents is None:
            wanted = any(f"<{tag}>" in text or f"</{tag}>" in text for tag in tags)
            return "refusal" if not wanted and _APOLOGY.match(text) else "unclosed_tag"
        if not all(contents):
            return "empty"
        parts[tag] = contents
    return Admitted(MappingProxyType(parts))


def _contents(text: str, tag: str) -> tuple[str, ...] | None:
    """What stands between the marks of a tag, or None where they do not alternate: open, close, open, close."""
    marks = list(re.finditer(rf"<(/?){re.escape(tag)}>", text))
    if not marks or len(marks) % 2 or any(bool(mark[1]) != bool(place % 2) for place, mark in enumerate(marks)):
        return None
    return tuple(
        text[opened.end() : closed.start()].strip() for opened, closed in zip(marks[::2], marks[1::2], strict=True)
    )
