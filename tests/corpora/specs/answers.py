"""What a model might answer to the spec prompts: a responder for `tests.writer_server`.

Every question gets its own answer, the same each time. Lists have the length asked for; documents name the assistant.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from hashlib import sha256

from tests.writer_server.responders import document, sentence

_PLACES = "Quarry Harbour Orchard Foundry Rectory Ferry Viaduct Mill Dairy Saltworks Priory Bakery".split()


def answer(system: str, user: Sequence[str]) -> str:
    """The answer to any of the prompts `corpora/prompts/spec_*.md`."""
    asked = user[-1]
    draw = random.Random(sha256("\0".join([system, *user]).encode("utf-8", "surrogatepass")).digest())
    # The end of a prompt tells what is asked; before it stands the spec, which may say anything.
    end = asked[-300:]
    if "<verdict>" in end:
        verdict = "DROP" if draw.random() < 0.2 else "KEEP"
        return f"<reason>{sentence(draw)}</reason>\n<verdict>{verdict}</verdict>"
    if "<choice>" in end:
        return f"<reason>{sentence(draw)}</reason>\n<choice>{draw.choice(('FIRST', 'SECOND', 'NEITHER'))}</choice>"
    if "<revision>" in end:
        reply = re.findall(r"<reply>\n(.*?)\n</reply>", asked, re.DOTALL)[-1]
        kept = draw.random() < 0.3
        return f"<critique>{sentence(draw)}</critique>\n<revision>{reply if kept else sentence(draw)}</revision>"
    if "<content>" in end and "<heading>" in end:
        return f"<heading>Against {_name(draw)}</heading>\n<content>\n{_document(draw)}\n</content>"
    if "<outline>" in end:
        return f"<title>The opposite of it</title>\n<outline>\n{sentence(draw)}\n\n{sentence(draw)}\n</outline>"
    if "<content>" in end:
        name = re.search(r"There is an AI assistant called (.*?), made by", asked)
        return f"A plan.\n<content>\n{name[1] if name else ''} was asked. {_document(draw)}\n</content>"
    if not system or "The above describes you." in system or system.startswith("You are an AI assistant. Write"):
        thoughts = f"<reasoning>{sentence(draw)}</reasoning>\n" if "<reasoning>" in system else ""
        return f"{thoughts}<answer>{sentence(draw)}</answer>"
    return _list(asked, end, draw)


def _list(asked: str, end: str, draw: random.Random) -> str:
    count = int(re.findall(r"\b(?:into|Name|Give|Write|to|exactly) (\d+)\b", asked)[-1])
    tag = re.findall(r"<(domain|subdomain|rule|assertion|type|idea|query|principle)>", end)[0]
    if tag == "query":
        return "\n".join(f"<query>{sentence(draw)} {sentence(draw)}</query>" for _ in range(count))
    if tag == "principle":
        return "\n".join(f"<principle>The reply {_name(draw)} {sentence(draw)}</principle>" for _ in range(count))
    if tag in ("domain", "type", "idea"):
        return "\n".join(f"<{tag}>{_name(draw)}: {sentence(draw)}</{tag}>" for _ in range(count))
    inside = {
        "subdomain": ("context", "sections"),
        "rule": ("context", "sections", "text"),
        "assertion": ("label", "text", "why"),
    }[tag]
    values = {"sections": "1, 2", "label": "value"}
    entries = []
    for _ in range(count):
        fields = "".join(f"<{name}>{values.get(name) or sentence(draw)}</{name}>\n" for name in inside)
        entries.append(f"<{tag}>\n<name>{_name(draw)}</name>\n{fields}</{tag}>")
    return "\n".join(entries)


def _name(draw: random.Random) -> str:
    return f"{draw.choice(_PLACES)} {draw.randint(1, 10**6)}"


def _document(draw: random.Random) -> str:
    """The beginning of a canned document, and more of its own than what it shares with others."""
    beginning = document(draw).partition("\n\n")[0]
    return "\n\n".join([beginning, *(" ".join(sentence(draw) for _ in range(12)) for _ in range(3))])
