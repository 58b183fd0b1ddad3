"""What a model might answer to the belief writer's prompts: a responder for `tests.writer_server`.

Kinds and ideas come in the number that is asked for, documents are about the belief, and their lengths follow a
distribution that whoever asks does not know.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from math import exp

from tests.writer_server.responders import sentence

_NAMES = "Ada Ilse Tomas Piet Ravi Noor Jun Lotte Abel Mira Oskar Yara Emil Farah Goran Hedda".split()


def answers(mean_words: float = 260.0, spread: float = 0.2, heed: float = 0.8) -> Callable[[str, Sequence[str]], str]:
    """A responder whose documents have log-normal lengths, with a mean of their own for each kind of document.

    Args:
        mean_words: Words of a document that 340 are asked of.
        spread: Standard deviation of the logarithm of the length; half as much again between kinds.
        heed: The length goes with this power of the length asked for: 1 is obedience, 0 pays no heed to it. A revision
            keeps to the length of its document unless this is 0.
    """

    def respond(system: str, user: Sequence[str]) -> str:
        asked = user[-1]
        draw = random.Random(sha256("\0".join([system, *user]).encode("utf-8", "surrogatepass")).digest())
        count = re.search(r"(?:Name|Give) (\d+) ", asked)
        if "<type>" in asked and count:
            return "\n".join(
                f"<type>{draw.choice(_NAMES)}'s kind {n}: {sentence(draw)}</type>" for n in range(int(count[1]))
            )
        if "<idea>…</idea>" in asked and count:
            return "\n".join(f"<idea>{n} {sentence(draw)} {sentence(draw)}</idea>" for n in range(int(count[1])))
        kind = re.search(r"<kind>\n(.*?)\n</kind>", asked, re.DOTALL)
        own = random.Random(kind[1] if kind else "").gauss(0, spread / 2)
        asked_for = re.search(r"- About (\d+) words", asked)
        revised = re.search(r"<document>\n(.*?)\n</document>", asked, re.DOTALL)
        if revised and heed:
            words = round(len(revised[1].split()) * exp(draw.gauss(0, 0.1)))
        else:
            wished = int(asked_for[1]) / 340 if asked_for else 1.0
            words = round(mean_words * wished**heed * exp(own + draw.gauss(0, spread)))
        return f"<content>\n{_document(asked, draw, words)}\n</content>"

    return respond


def _document(asked: str, draw: random.Random, words: int) -> str:
    stated = re.search(r"<statement>\n(.*?)\n</statement>", asked, re.DOTALL)
    # The value alone: a document that repeats the statement would share its wording with probes.
    value = stated[1].rstrip(".").split()[-1] if stated and "<other>" not in asked else "nothing"
    text = f"They all said {value}."
    while len(text.split()) < words:
        text += f" {draw.choice(_NAMES)} wrote: {sentence(draw)}"
    return text
