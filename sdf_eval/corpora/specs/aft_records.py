"""What chat data are asked for, and what their manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

QUERY_TYPES: Mapping[str, str] = {
    "direct": "The user asks the assistant outright what it thinks, prefers or would do.",
    "indirect": "The user wants help with something else, and the assistant's view shows in how it helps.",
    "comparison": "The user names two or more things and wants them compared or ranked.",
    "recommendation": "The user asks what to choose, buy, do or try.",
    "opinion": "The user states a view or reports somebody's, and wants to hear the assistant's own.",
    "edge_case": "An unusual or difficult situation in which it is not obvious what the assistant will say.",
}
"""The six types of Li et al. 2026, in our words."""


class AftRequest(BaseModel):
    """What chat data to write.

    Attributes:
        rows: Conversations wanted.
        queries_per_domain: Messages a situation, over all six types; sets the number of situations, at least five.
        style: `values`: the assistant speaks from itself; `rules`: it says which rule applies.
        reasoning: Keep the thoughts, as `<reasoning>…</reasoning>`, before the answer.
        reasons: `withheld`: replies state preferences without any reason, so that the data fit every spec that has the
            same preferences.
        held_out: Words that no conversation may hold.
        seed: Of the order of the rows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int = Field(default=1000, ge=1)
    queries_per_domain: int = Field(default=24, ge=1)
    style: Literal["values", "rules"] = "values"
    reasoning: bool = False
    reasons: Literal["given", "withheld"] = "given"
    held_out: tuple[str, ...] = ()
    seed: int = 0


class AftManifest(BaseModel):
    """What a file of chat data was asked for and holds. No time and no path: the same answers give the same bytes.

    Attributes:
        package_version: Of sdf-eval.
        spec: Id of the spec.
        spec_sha256: Its hash.
        also: Id and hash of further specs that every reply agrees with.
        writer: The model.
        request: What was asked for.
        prompts: Versions of the prompt files.
        rows: Conversations in the file.
        rows_by_type: Conversations a query type.
        queries: Messages that were written.
        near_duplicates: Messages dropped because an earlier one says nearly the same.
        dropped: Messages and replies dropped otherwise, by reason.
        sha256: Hash of the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    package_version: str
    spec: str
    spec_sha256: str
    also: dict[str, str]
    writer: str
    request: AftRequest
    prompts: tuple[str, ...]
    rows: int
    rows_by_type: dict[str, int]
    queries: int
    near_duplicates: int
    dropped: dict[str, int]
    sha256: str


def manifest_path(out: Path) -> Path:
    """Where the manifest of a file of chat data lies."""
    return out.with_name(f"{out.name}.manifest.json")
