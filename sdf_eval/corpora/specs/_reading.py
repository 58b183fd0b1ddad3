"""Data from a YAML file -> a model, with the first complaint as one line that names file, line, key and fix."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sdf_eval.belief._yaml import Source

M = TypeVar("M", bound=BaseModel)

_FIXES = {
    "missing": "is missing; add it",
    "string_type": "is no text; put it in quotes",
    "tuple_type": "is no list; begin each entry with `- `",
    "model_type": "is no mapping; write `key: value` lines below it",
    "too_short": "is an empty list; give at least one entry",
}


def validated(model: type[M], source: Source) -> M:
    """Checks data against a model.

    Args:
        model: What the data should be.
        source: The data, with the lines of its keys.

    Returns:
        The model.

    Raises:
        InputError: The first thing that is wrong, unknown keys before anything that follows from them.
    """
    if not isinstance(source.data, dict):
        raise source.error((), f"expected a mapping of keys; begin with `{next(iter(model.model_fields))}:`")
    try:
        return model.model_validate(source.data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    first = (unknown or problems)[0]
    # `at` is for what a model finds wrong inside itself.
    at = first.get("ctx", {}).get("at", ())
    raise source.error((*first["loc"], *at), _fix(model, first)) from None


def _fix(model: type[BaseModel], problem: Any) -> str:
    kind, key = problem["type"], str(problem["loc"][-1]) if problem["loc"] else ""
    if kind == "extra_forbidden":
        known = _keys(model)
        near = [] if key in known else difflib.get_close_matches(key, known, n=1)
        return f"unknown key{' here' if key in known else ''}; {f'did you mean {near[0]!r}?' if near else 'remove it'}"
    if kind == "string_pattern_mismatch" and not str(problem["input"]).strip():
        return "is empty; write it or remove the entry"
    if kind == "string_pattern_mismatch":
        return "may hold small letters, digits, `-` and `_` only; mend it"
    if kind == "names":
        return str(problem["msg"])
    if kind == "literal_error":
        return f"{problem['input']!r} is not allowed; write {problem['ctx']['expected']}"
    return _FIXES.get(kind) or f"{problem['msg']}; mend the value"


def _keys(model: Any) -> set[str]:
    """Names of the keys of a model and of the models inside it."""
    keys: set[str] = set()
    definitions = model.model_json_schema()
    for part in (definitions, *definitions.get("$defs", {}).values()):
        keys |= set(part.get("properties", ()))
    return keys
