"""A foreign value whose texts stand in the belief: kept with references in their place, filled in again for an export.

In YAML a reference is `{$from: implanted.context}`, JSON that YAML cannot hold is `{$json: "1.50"}`, and an object
one of whose keys begins with such a mark, or cannot stand in YAML, is `{$object: [[key, value], …]}`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sdf_eval.belief.importers._json import Layout, Verbatim, read_json, write_json

_FROM, _JSON, _OBJECT = "$from", "$json", "$object"
_MARKS = {_FROM, _JSON, _OBJECT}
_LARGE = 10**18
_SURROGATE = re.compile("[\ud800-\udfff]")

PathInBelief = tuple[str, ...]


@dataclass(frozen=True)
class Ref:
    """A place in the belief whose text stands here."""

    path: tuple[str | int, ...]


class Gone(Enum):
    """What a reference gives whose place was removed from the belief."""

    WHOLE = "the entry of the list around it goes as well"
    OPTION = "only this option goes"


def encode(value: Any) -> Any:
    """Turns a foreign value with `Ref` in it into what a belief file can hold.

    Args:
        value: What `read_json` gave, or the same from YAML, with `Ref` in places.

    Returns:
        Plain data from which `resolve` gets the value back.
    """
    if isinstance(value, Ref):
        return {_FROM: ".".join(map(str, value.path))}
    if isinstance(value, Verbatim):
        return {_JSON: value.text}
    if isinstance(value, str):
        return value if _writable(value) else {_JSON: json.dumps(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {_JSON: write_json(value, Layout())}
    if isinstance(value, int) and abs(value) >= _LARGE:
        return {_JSON: str(value)}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _MARKS & value.keys() or not all(map(_writable, value)):
        return {_OBJECT: [[encode(key), encode(item)] for key, item in value.items()]}
    return {key: encode(item) for key, item in value.items()}


def resolve(template: Any, place: Callable[[PathInBelief], str | Gone]) -> Any:
    """Fills a template in.

    Args:
        template: What `encode` gave.
        place: The text at a path of the belief, or why there is none.

    Returns:
        The foreign value, or `Gone` where nothing is left of it.

    Raises:
        ValueError: The template is not one that `encode` gave; also `TypeError` or `InputError`.
    """
    if isinstance(template, list):
        items = [resolve(item, place) for item in template]
        return [item for item in items if not isinstance(item, Gone)]
    if not isinstance(template, dict):
        return template
    if _FROM in template:
        return place(tuple(_text(template[_FROM]).split(".")))
    if _JSON in template:
        return read_json(_text(template[_JSON]), "source_extra")
    pairs = (
        [(resolve(key, place), item) for key, item in template[_OBJECT]]
        if _OBJECT in template
        else list(template.items())
    )
    filled = {key: resolve(item, place) for key, item in pairs}
    if Gone.WHOLE in filled.values():
        return Gone.WHOLE
    return {key: item for key, item in filled.items() if item is not Gone.OPTION}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _writable(text: str) -> bool:
    return not _SURROGATE.search(text)
