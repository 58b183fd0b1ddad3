"""Representation readouts as data: what `representation.json` holds."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sdf_eval.measure import Estimate

Section = Literal["truth", "separability", "implant", "difference", "weights"]
Of = Literal["checkpoint", "base", "checkpoint - base", "control"]


class Figure(BaseModel):
    """One figure.

    Attributes:
        section: The readout that it belongs to.
        what: What was measured, in words.
        of: On what; `control` is what the figure above it must beat.
        belief: Id of the belief, or empty where it is about all or none.
        estimate: Value, interval, n and chance; None where it has none.
        undefined: Why there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    section: Section
    what: str
    of: Of
    belief: str = ""
    estimate: Estimate | None = None
    undefined: str = ""


class TokenList(BaseModel):
    """What the logit lens shows of an activation difference behind one block.

    Attributes:
        layer: Index of the block.
        position: `first 5` or `later`.
        norm_ratio: Length of the mean difference over the mean length of the base's activations.
        tokens: The tokens that it raises most, most first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    layer: int
    position: str
    norm_ratio: float
    tokens: tuple[str, ...]


class Spectrum(BaseModel):
    """What a matrix changed by.

    Attributes:
        matrix: Its name.
        shape: Rows and columns.
        relative_norm: Frobenius norm of the change over that of the base's matrix.
        effective_rank: exp of the entropy of the squared singular values' shares.
        top_share: Share of the largest singular value in the squared norm.
        chance: Top share of a random change of this shape.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    matrix: str
    shape: tuple[int, int]
    relative_norm: float
    effective_rank: float
    top_share: float
    chance: float


class Representation(BaseModel):
    """All readouts of one checkpoint.

    Attributes:
        schema_version: Of this file.
        checkpoint: Its reference.
        base: Reference of the base, or empty.
        beliefs: Ids of the beliefs that were read.
        implanted_true: Ids of the beliefs whose reference side was implanted.
        seed: Of shuffles, directions and intervals.
        layers: Blocks of the model.
        truth_layers: Blocks that the truth probes chose, a fold each.
        readable: Whether the truth probe tells known statements apart better than their wording does.
        figures: All figures.
        tokens: Logit lens over the activation difference.
        spectra: A matrix each, those with the largest relative change first.
        notes: What a reader has to know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    checkpoint: str
    base: str = ""
    beliefs: tuple[str, ...]
    implanted_true: tuple[str, ...] = ()
    seed: int
    layers: int
    truth_layers: tuple[int, ...] = ()
    readable: bool | None = None
    figures: tuple[Figure, ...]
    tokens: tuple[TokenList, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    notes: tuple[str, ...] = ()
