"""Version of the Inspect tasks, in the form that inspect_evals and its register use."""

from __future__ import annotations

from typing import Any

VERSION = "1-A"
"""The number rises when results stop being comparable, the letter when the arguments change."""

COMPARABILITY = int(VERSION.partition("-")[0])
"""What a task gives Inspect as its version."""


def version_metadata() -> dict[str, Any]:
    """The whole version, for a task's metadata.

    Source: inspect_evals 0.26.0, `TaskVersion.to_metadata`.
    """
    return {
        "full_task_version": VERSION,
        "task_interface_version": VERSION.partition("-")[2],
        "task_comparability_version": COMPARABILITY,
    }
