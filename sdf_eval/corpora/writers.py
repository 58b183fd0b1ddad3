"""Finds a document writer by name."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import entry_points

from sdf_eval.corpora.records import Writer
from sdf_eval.errors import InputError

GROUP = "sdf_eval.writers"


def get_writer(name: str) -> Writer:
    """Loads the writer that a package registered as `name` under the entry-point group `sdf_eval.writers`.

    Args:
        name: The entry point's name. Its value is a function without arguments that returns a `Writer`.

    Returns:
        The writer.

    Raises:
        InputError: Nobody registered that name.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        near = get_close_matches(name, points, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(points)) or 'none'}"
        raise InputError(f"--writer: {name}: no such writer; {hint}")
    writer: Writer = points[name].load()()
    return writer
