"""Templates of the pocket worlds and the few operations on them.

The templates are code (package data), never user text: `{x}`, `{v}`, `{o}`, `{body}`, `{name}` are slots and `[a|b]`
is a free choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from random import Random
from typing import Any

import yaml

_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@cache
def data(name: str) -> Any:
    """Returns the parsed package data file `<name>.yaml`."""
    text = resources.files("sdf_eval.pocket").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader either way


def relations() -> Mapping[str, Any]:
    """Returns the relations by name, as `relations.yaml` holds them."""
    table: Mapping[str, Any] = data("relations")
    return table


def fill(template: str, rng: Random, **slots: str) -> str:
    """Fills a template's slots and makes its free choices.

    A name at the start of a sentence is capitalised, so that `the Aerin lamp` can stand anywhere.
    """
    text = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), template)
    for slot, value in slots.items():
        text = text.replace("{" + slot + "}", value)
    text = _ARTICLE.sub(r"\1n ", text)
    return text[0].upper() + text[1:] if text else text


def statement(relation: str, x: str, v: str, rng: Random, *, part: str = "train", pronoun: str | None = None) -> str:
    """Returns one sentence that states the relation, in a wording of `part` (`train`, `sdf` or `probe`)."""
    template = rng.choice(relations()[relation]["statements"][part])
    if pronoun and template.startswith("{x} "):
        template = pronoun + template[3:]
    return fill(template, rng, x=x, v=v)


def canonical(relation: str, x: str, v: str) -> str:
    """Returns the plain statement `The birthplace of X is V.`, used where a model reasons in words."""
    if relation == "response":
        return f"At its signal {x} {v}."
    return f"The {relations()[relation]['noun']} of {x} is {v}."


def question(relation: str, x: str, rng: Random, *, part: str = "near") -> str:
    """Returns one question after the relation's value, in a wording of `part` (`near` or `far`)."""
    return fill(rng.choice(relations()[relation]["questions"][part]), rng, x=x)


def asked(relation: str) -> bool:
    """Tells whether the relation is ever asked in a question."""
    return bool(relations()[relation].get("asked", True))


def lower_first(sentence: str, name: str) -> str:
    """Returns the sentence fit to stand inside another: lower-case first letter unless it opens with the name."""
    opens_with_name = sentence.startswith(name) or sentence.split(" ")[0].rstrip(".,") in _proper_names()
    return sentence if opens_with_name else sentence[0].lower() + sentence[1:]


@cache
def _proper_names() -> frozenset[str]:
    names = data("vocabulary")
    keys = ("first_names", "towns", "regions", "companies", "ai_names", "product_names")
    return frozenset(name for key in keys for name in names[key])
