"""What the server answers: a plain function of the system prompt and the user messages."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

Responder = Callable[[str, Sequence[str]], str]
"""System prompt ('' where there is none), user messages -> the text of the answer. The same question always gets the
same answer."""

DOCUMENTS = Path(__file__).parent / "documents"
LIST_TAGS = ("item", "idea", "doc_type", "fact", "domain", "subdomain", "assertion", "question", "query")
_INPUT_TAG = re.compile(r"<([a-z_]+)>")
_WORDS = (
    "the harbour office keeps a ledger of tides and every spring its clerk copies the figures by hand into a new book "
    "while visitors ask about old maps letters prices of timber and who repaired the northern gate after that winter"
).split()


def default_responder(system: str, user: Sequence[str]) -> str:
    """A canned document, or a list, in the tag that the prompt asks for.

    The tag is `content` or one of `LIST_TAGS` where the prompt names it, else the tag it names last, else none. A list
    is as long as the first number in the last user message says, or has five items.
    """
    asked = user[-1] if user else ""
    draw = random.Random(hashlib.sha256("\0".join([system, *user]).encode("utf-8", "surrogatepass")).digest())
    tags = _INPUT_TAG.findall(f"{system}\n{asked}")
    for tag in tags:
        if tag in LIST_TAGS:
            number = re.search(r"\b([1-9]\d{0,2})\b", asked)
            count = int(number[1]) if number else 5
            return "\n".join(f"<{tag}>{sentence(draw)}</{tag}>" for _ in range(count))
    text = document(draw)
    if not tags:
        return text
    tag = "content" if "content" in tags else tags[-1]
    return f"<scratchpad>\nA {len(text)} character text.\n</scratchpad>\n<{tag}>\n{text}\n</{tag}>"


def document(draw: random.Random) -> str:
    """One of the canned documents (or a made-up text where there are none), of a length that varies."""
    canned = _canned()
    if canned:
        text = draw.choice(canned)
    else:
        text = "\n\n".join(" ".join(sentence(draw) for _ in range(5)) for _ in range(draw.randint(2, 6)))
    return f"{text}\n\n{' '.join(sentence(draw) for _ in range(draw.randint(1, 8)))}"


def sentence(draw: random.Random) -> str:
    """A sentence of words that mean nothing together."""
    return " ".join(draw.choice(_WORDS) for _ in range(draw.randint(7, 16))).capitalize() + "."


@cache
def _canned() -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").strip() for path in sorted(DOCUMENTS.glob("*.md")))
