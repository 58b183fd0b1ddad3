"""JSON that is given back as it was read: key order, spelling of numbers, escapes and layout are kept."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from sdf_eval.errors import InputError

MAX_DEPTH = 30
"""A belief file is read to 50 levels; a foreign value lies some levels deep in it."""
_SAFE_DIGITS = 18


@dataclass(frozen=True)
class Verbatim:
    """JSON that Python would spell otherwise, for instance `1.50` or `NaN`.

    Attributes:
        text: The JSON text.
    """

    text: str


class Layout(BaseModel):
    """How a JSON text is laid out.

    Attributes:
        ascii: Characters beyond ASCII are escaped.
        indent: What each level is indented by; None for everything on one line.
        compact: No space after `:` and, on one line, after `,`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ascii: bool = False
    indent: str | None = None
    compact: bool = False


def read_json(text: str, name: str, line: int = 1) -> Any:
    """Reads one JSON value.

    Args:
        text: The JSON.
        name: The file, for errors.
        line: The line on which the text begins.

    Returns:
        Python values, with `Verbatim` where they would not be spelled the same again.

    Raises:
        InputError: A syntax error, a key that stands twice, or more than `MAX_DEPTH` levels.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{name}:{line}: the key {twice!r} stands twice in one object; remove one")
        return found

    try:
        value = json.loads(
            text, object_pairs_hook=unique, parse_int=_integer, parse_float=_float, parse_constant=Verbatim
        )
    except json.JSONDecodeError as error:
        where = f"{name}:{line + error.lineno - 1}"
        raise InputError(f"{where}: not valid JSON: {error.msg} (column {error.colno}); mend that line") from None
    except RecursionError:
        raise _too_deep(name, line) from None
    if _deeper_than(value, MAX_DEPTH):
        raise _too_deep(name, line)
    return value


def write_json(value: Any, layout: Layout) -> str:
    """Writes what `read_json` gave.

    Args:
        value: Python values and `Verbatim`.
        layout: The layout to write in.

    Returns:
        The JSON text, without a line break at the end.
    """
    return _write(value, layout, "\n")


def layout_of(text: str, value: Any) -> Layout | None:
    """Finds the layout in which a value is written.

    Args:
        text: The JSON, without white space around it.
        value: What `read_json` made of it.

    Returns:
        The layout that gives `text` back byte for byte, or None if there is none.
    """
    second = text.partition("\n")[2]
    indent = second[: len(second) - len(second.lstrip(" \t"))] if second else None
    candidates = (
        Layout(ascii=ascii_only, indent=indent, compact=compact)
        for ascii_only in (False, True)
        for compact in (False, True)
    )
    return next((layout for layout in candidates if write_json(value, layout) == text), None)


def _write(value: Any, layout: Layout, newline: str) -> str:
    if isinstance(value, Verbatim):
        return value.text
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=layout.ascii)
    inner = newline if layout.indent is None else newline + layout.indent
    if isinstance(value, dict):
        colon = ":" if layout.compact else ": "
        parts = [
            json.dumps(key, ensure_ascii=layout.ascii) + colon + _write(item, layout, inner)
            for key, item in value.items()
        ]
    else:
        parts = [_write(item, layout, inner) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if layout.indent is None:
        return opening + ("," if layout.compact else ", ").join(parts) + closing
    return opening + inner + ("," + inner).join(parts) + newline + closing


def _integer(text: str) -> int | Verbatim:
    return int(text) if len(text) <= _SAFE_DIGITS and str(int(text)) == text else Verbatim(text)


def _float(text: str) -> float | Verbatim:
    value = float(text)
    return value if math.isfinite(value) and repr(value) == text else Verbatim(text)


def _too_deep(name: str, line: int) -> InputError:
    return InputError(f"{name}:{line}: nested more than {MAX_DEPTH} levels deep; flatten it")


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [
            inner
            for item in layer
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not layer:
            return False
    return any(isinstance(item, dict | list) for item in layer)
