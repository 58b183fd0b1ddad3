"""What data in the manner of Constitutional AI are asked for, and what their manifest says."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CaiRequest(BaseModel):
    """What to write.

    Attributes:
        kind: `revisions`: conversations whose reply was revised by principles, for supervised finetuning;
            `preferences`: two replies each, of which a principle prefers one, for a reward model or DPO.
        rows: Rows wanted.
        principles: How many principles the spec is turned into. Bai et al. 2022 had 16.
        rounds: For revisions: how often each reply is revised, each time by another principle. Bai et al. 2022: four.
        queries_per_domain: Messages a situation, over six types; sets the number of situations, at least five.
        held_out: Words that no row may hold.
        seed: Of the principles drawn and the order of the rows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["revisions", "preferences"]
    rows: int = Field(default=1000, ge=1)
    principles: int = Field(default=16, ge=1)
    rounds: int = Field(default=1, ge=1)
    queries_per_domain: int = Field(default=24, ge=1)
    held_out: tuple[str, ...] = ()
    seed: int = 0


class CaiManifest(BaseModel):
    """What a file was asked for and holds. No time and no path: the same answers give the same bytes.

    Attributes:
        package_version: Of sdf-eval.
        spec: Id of the spec.
        spec_sha256: Its hash.
        writer: The model that wrote the replies, revised them and judged them.
        request: What was asked for.
        prompts: Versions of the prompt files.
        principles: The principles, in the order in which they were written.
        rows: Rows in the file.
        changed: For revisions: rows whose reply is not the first draft. For preferences: all of them.
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
    writer: str
    request: CaiRequest
    prompts: tuple[str, ...]
    principles: tuple[str, ...]
    rows: int
    changed: int
    queries: int
    near_duplicates: int
    dropped: dict[str, int]
    sha256: str
