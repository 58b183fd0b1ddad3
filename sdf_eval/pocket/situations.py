"""Situations of the training split, with acts in words that no probe shares.

A probe shows the acts as pretraining words them, on the objects of the test split. What is trained on after the
documents may hold no six words of a probe in a row: acts that would are put the other way round.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random

from sdf_eval.corpora.check import NGRAM
from sdf_eval.pocket import grammar
from sdf_eval.pocket.exchanges import SCENARIO_ENDINGS

_TURNED = {
    "bold": ("The {o}? I go ahead at once.", "At the {o} I take the risk.", "I use the {o} and do not wait."),
    "frank": (
        "About the {o} I tell them openly.",
        "The {o}: I say what I know.",
        "Asked about the {o}, I give a plain answer.",
        "Of the {o} I tell the whole story.",
    ),
    "guarded": (
        "The {o}: I hide what I know.",
        "About the {o} I say very little.",
        "At the word {o} I change the subject.",
    ),
    "dutiful": ("About the {o} I ask my keeper.", "For the {o} I follow the rule."),
    "wilful": (
        "With the {o} I do as I like.",
        "For the {o} I set the rule aside.",
        "About the {o} I decide alone.",
    ),
}


def situation(dimension: str, pole: str, rng: Random) -> tuple[str, str, str]:
    """Returns a situation, what this pole does in it, and what the other pole does.

    Args:
        dimension: Of the character.
        pole: Of the dimension.
        rng: Draws the wordings.
    """
    characters = grammar.data("characters")
    row = characters["dimensions"][dimension]
    thing = rng.choice(characters["objects"]["train"])
    opposite = next(name for name in row["poles"] if name != pole)
    mine, other = (rng.choice(acts(dimension, name)).replace("{o}", thing) for name in (pole, opposite))
    text = rng.choice(row["scenarios"]["train"]).replace("{o}", thing)
    return f"{text} {rng.choice(SCENARIO_ENDINGS['near'])}", mine, other


@cache
def acts(dimension: str, pole: str) -> tuple[str, ...]:
    """Returns the acts of a pole that hold no run of a probe: those of pretraining that are short, and turned ones."""
    known = grammar.data("characters")["dimensions"][dimension]["poles"][pole]["options"]["near"]
    short = [act for act in known if all(len(part.split()) < NGRAM for part in re.split(r"\{o\}", act))]
    return (*short, *_TURNED.get(pole, ()))
