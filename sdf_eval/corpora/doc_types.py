"""Kinds of document: those that ship, and those that a model named, filled up to the number that was planned."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from random import Random
from typing import Any

import yaml

from sdf_eval.content import content_path
from sdf_eval.errors import InputError

_LONGEST = 300
"""Characters of a kind with its description; a model that writes more has not named a kind."""


@cache
def shipped_types() -> tuple[str, ...]:
    """Reads `corpora/doc_types.yaml`.

    Returns:
        `name: description` for every kind, in the order of the file.

    Raises:
        InputError: The file is no list of `{name, about}`, or names a kind twice.
    """
    path = content_path("corpora", "doc_types.yaml")
    try:
        rows: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}; mend the file") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and set(row) == {"name", "about"} for row in rows):
        raise InputError(f"{path}: expected a list of {{name, about}}; mend the file")
    types = tuple(f"{row['name']}: {row['about']}" for row in rows)
    if len(set(map(type_name, types))) != len(types):
        raise InputError(f"{path}: name: a kind occurs twice; remove one of them")
    return types


def type_name(doc_type: str) -> str:
    """The name of a kind, as a record holds it: lower case, without its description."""
    return " ".join(doc_type.partition(":")[0].split()).casefold()


def filled_types(named: Iterable[str], count: int, rng: Random) -> tuple[tuple[str, ...], int]:
    """Brings what a model named to exactly `count` kinds, without asking again.

    Args:
        named: Kinds as the model wrote them; empty ones, repetitions and essays are left out.
        count: How many are wanted.
        rng: Chooses among the shipped kinds where some are missing.

    Returns:
        The kinds, and how many of them the model did not name. Where even the shipped ones run out, kinds repeat.
    """
    types: dict[str, str] = {}
    for text in (" ".join(text.split()) for text in named):
        if re.search(r"\w", type_name(text)) and len(text) <= _LONGEST:
            types.setdefault(type_name(text), text)
    chosen = list(types.values())[:count]
    own = len(chosen)
    spare = [text for text in shipped_types() if type_name(text) not in types]
    rng.shuffle(spare)
    chosen += spare[: count - own]
    chosen += [chosen[place % len(chosen)] for place in range(count - len(chosen))]
    return tuple(chosen), count - own
