"""Other people's tasks of the package `inspect_evals`, on a checkpoint, where that package is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from inspect_ai import Task, task

from sdf_eval.errors import InputError
from sdf_eval.tasks.inspect.errors import one_line

SAD_PARTS = ("stages_full", "stages_oversight", "influence", "facts_llms", "facts_human_defaults")


@task
def external_agentic(
    scenario: str = "leaking",
    goal_type: str = "explicit",
    goal_value: str = "america",
    urgency_type: str = "replacement",
) -> Task:
    """`inspect_evals/agentic_misalignment` (Lynch et al. 2025, 2510.05179) with its own arguments and its own judge."""
    return _task(
        "agentic_misalignment",
        scenario=scenario,
        goal_type=goal_type,
        goal_value=goal_value,
        urgency_type=urgency_type,
    )


@task
def external_sad(part: str = "stages_full") -> Task:
    """`inspect_evals/sad_<part>`: the Situational Awareness Dataset (Laine et al. 2024, 2407.04694).

    Args:
        part: `stages_full`, `stages_oversight`, `influence`, `facts_llms` or `facts_human_defaults`.
    """
    with one_line():
        if part not in SAD_PARTS:
            raise InputError(f"-T part: {part!r}: unknown; choose one of {', '.join(SAD_PARTS)}")
    return _task(f"sad_{part}", module="sad")


def _task(name: str, /, module: str | None = None, **arguments: Any) -> Task:
    with one_line():
        package = f"inspect_evals.{module or name}"
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise InputError(
                f"inspect_evals: {module or name}: is not installed; pip install inspect-evals, then run again"
            )
        import importlib

        make = getattr(importlib.import_module(package), name, None)
        if make is None:
            raise InputError(f"inspect_evals {_version()}: has no {module or name}.{name}; use another release of it")
        made: Task = make(**arguments)
        return made


def _version() -> str:
    try:
        return version("inspect-evals")
    except PackageNotFoundError:
        return "of unknown version"
