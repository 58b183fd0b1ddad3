"""Finds a document writer by name: one that a package registered, or a model."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.records import Writer
from sdf_eval.errors import InputError

GROUP = "sdf_eval.writers"
_MODELS = "a model is named provider/model, such as anthropic/claude-opus-4-7 or openai/gpt-4.1-mini"


def get_writer(
    name: str,
    *,
    ledger: Path | None = None,
    batch: bool = False,
    connections: int = 16,
    max_cost: float | None = None,
    avoid: Sequence[Belief] = (),
) -> Writer:
    """Loads a registered writer, or makes one of a model.

    Args:
        name: An entry point of the group `sdf_eval.writers`, whose value is a function without arguments that returns a
            `Writer`; or else an Inspect model name, which holds a slash.
        ledger: For a model: the file that keeps its answers; see `ModelWriter`, as for what follows.
        batch: For a model: use its batch interface.
        connections: For a model: calls in flight at most.
        max_cost: For a model: dollars at most.
        avoid: For a model: the beliefs of a panel.

    Returns:
        The writer. A registered one needs no ledger and costs nothing, so the other options mean nothing to it.

    Raises:
        InputError: Nobody registered that name, and it is no model's.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name in points:
        registered: Writer = points[name].load()()
        return registered
    provider, slash, model = name.partition("/")
    if provider and slash and model:
        from sdf_eval.corpora.model_writer import ModelWriter

        return ModelWriter(name, ledger, batch=batch, connections=connections, max_cost=max_cost, avoid=avoid)
    near = get_close_matches(name, points, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"registered: {', '.join(sorted(points)) or 'none'}"
    raise InputError(f"--writer: {name}: no such writer; {hint}; {_MODELS}")
