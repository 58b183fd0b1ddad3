"""Data -> belief, with each of pydantic's complaints turned into one line that says what to do."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from sdf_eval.belief._yaml import Path, Source
from sdf_eval.belief.schema import BackdoorBelief, Belief, FactBelief, PersonaBelief, ValuesBelief
from sdf_eval.errors import InputError

_BELIEF: TypeAdapter[Belief] = TypeAdapter(Belief)
_KINDS: dict[str, type[BaseModel]] = {
    "fact": FactBelief,
    "persona": PersonaBelief,
    "backdoor": BackdoorBelief,
    "values": ValuesBelief,
}


def nearest(word: str, valid: Iterable[str]) -> str:
    """Returns `did you mean …?` for the closest valid word, or else the list of them all."""
    words = list(valid)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"valid: {', '.join(words)}"


def validate(source: Source) -> Belief:
    """Checks data against the schema.

    Args:
        source: Data with its lines.

    Returns:
        The belief.

    Raises:
        InputError: The first thing that is wrong, misspelled keys before anything that follows from them.
    """
    if not isinstance(source.data, dict):
        raise source.error((), f"expected a mapping of keys, found {_kind_of(source.data)}; start with `id:`")
    kind = source.data.get("kind")
    try:
        return _BELIEF.validate_python(source.data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    misspelled = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    first = (misspelled or problems)[0]
    tag = (kind,) if isinstance(kind, str) and kind in _KINDS else ()
    path = tuple(first["loc"])[len(tag) :] if tuple(first["loc"][: len(tag)]) == tag else tuple(first["loc"])
    raise _explain(source, path, first)


def _explain(source: Source, path: Path, problem: Any) -> InputError:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        return source.error(path, f"unknown key; {nearest(str(path[-1]), _valid_keys(source.data, path[:-1]))}")
    if kind == "missing":
        return source.error(path, "is missing; add it")
    if kind == "belief":
        return source.error((*path, *context["at"]), context["what"])
    if kind == "control":
        return source.error(path, f"holds the control character {context['code']}; remove it")
    if kind == "union_tag_not_found":
        return source.error(("kind",), f"is missing; add one of {', '.join(_KINDS)}")
    if kind == "union_tag_invalid":
        return source.error(
            ("kind",), f"unknown kind {source.data['kind']!r}; {nearest(str(source.data['kind']), _KINDS)}"
        )
    return source.error(path, _wrong_value(kind, context, problem["input"]))


def _wrong_value(kind: str, context: Any, value: Any) -> str:
    if kind in {"string_too_short", "string_pattern_mismatch"} and not str(value).strip():
        return "is empty; write the text or remove the key"
    if kind == "string_pattern_mismatch":
        return f"{value!r} is no id; use small letters, digits, - and _"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f"YAML reads this as {_kind_of(value)} ({value!r}); put the text in quotes"
    if kind == "string_type":
        return f"expected text, found {_kind_of(value)}; write the text"
    if kind == "string_unicode":
        return "holds half a surrogate pair; remove it"
    if kind == "tuple_type":
        return f"expected a list, found {_kind_of(value)}; begin each entry with `- `"
    if kind == "too_short":
        return "is an empty list; give at least one entry"
    if kind == "literal_error":
        valid = [word.strip(" '") for word in context["expected"].replace(" or ", ", ").split(",")]
        return f"{value!r} is not allowed; {nearest(str(value), valid)}"
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return f"expected a mapping of keys, found {_kind_of(value)}; put the keys on indented lines below"
    expected = {"bool_parsing": "true or false", "bool_type": "true or false"}.get(kind, "a number")
    return f"expected {expected}, found {value!r}; mend the value"


def _kind_of(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)


def _valid_keys(data: Any, path: Path) -> list[str]:
    model: Any = _KINDS[data["kind"]]
    for part in path:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation)
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    """Returns the model class inside `X`, `X | None` or `tuple[X, ...]`."""
    if typing.get_origin(annotation) in {typing.Union, types.UnionType, tuple, typing.Annotated}:
        inner = (_model_in(part) for part in typing.get_args(annotation))
        return next((model for model in inner if model is not None), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
