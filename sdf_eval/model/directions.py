"""Directions in a model's activations: the mean difference between what it shows on two kinds of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sdf_eval.errors import InputError
from sdf_eval.model.activations import Reading, read_states
from sdf_eval.model.encoding import Tokens, encode_requests
from sdf_eval.model.loading import LanguageModel
from sdf_eval.model.steering import Hook, block_names


@dataclass(frozen=True)
class ContrastPair:
    """Two continuations of one prompt that differ in the trait alone.

    Attributes:
        positive: Shows the trait, or asserts the belief: an answer or a whole document.
        negative: The same without the trait, or with the true value.
        prompt: What stands before both, with no trait in it; empty for documents.
    """

    positive: str
    negative: str
    prompt: str = ""


@dataclass(frozen=True)
class Direction:
    """A mean difference of activations behind one block.

    Attributes:
        layer: Index of the block, from 0.
        vector: Positive minus negative mean, shape [hidden], float32.
        separation: Distance of the two means in standard deviations along the vector.
    """

    layer: int
    vector: torch.Tensor
    separation: float


def contrast_directions(lm: LanguageModel, pairs: Sequence[ContrastPair]) -> list[Direction]:
    """Takes the mean difference between the two sides behind every block.

    A side's mean is over texts, a text's over its tokens behind the prompt.

    Args:
        lm: The model; one that has not seen the implant, if the vector is to suppress the implant.
        pairs: At least two.

    Returns:
        One direction a block, first to last.

    Raises:
        InputError: There are fewer than two pairs, or a side adds no token to its prompt.

    Source: contrastive activation addition, Rimsky et al. 2024 (arXiv 2312.06681); the mean over response tokens is
        that of persona vectors, Chen et al. 2025 (arXiv 2507.21509).
    """
    if len(pairs) < 2:
        raise InputError(f"steering: {len(pairs)} contrast pairs; give at least 2")
    above, below = (_text_means(lm, side) for side in _sides(lm, pairs))
    directions = []
    for layer in range(above.shape[1]):
        up, down = above[:, layer], below[:, layer]
        vector = up.mean(0) - down.mean(0)
        unit = vector / vector.norm()
        spread = torch.cat([side @ unit - (side @ unit).mean() for side in (up, down)]).std()
        directions.append(Direction(layer, vector, float(vector.norm() / spread)))
    return directions


def strongest(directions: Sequence[Direction]) -> Direction:
    """The direction that tells the two sides apart best; the first of equals."""
    return max(directions, key=lambda direction: direction.separation)


def activation_shift(lm: LanguageModel, trained: LanguageModel, texts: Sequence[str]) -> torch.Tensor:
    """Change of the mean activation that training brought about on texts, behind every block.

    Args:
        lm: Before training.
        trained: After it; the same tokenizer and shape.
        texts: Any texts.

    Returns:
        Shape [blocks, hidden].
    """
    requests = encode_requests(lm, [("", (text,)) for text in texts])
    rows = [(request.prompt, request.continuations[0]) for request in requests]
    return _text_means(trained, rows).mean(0) - _text_means(lm, rows).mean(0)


def share_along(shift: torch.Tensor, vector: torch.Tensor) -> float:
    """Share of a shift's squared length that lies along a vector: 0 none, 1 all of it.

    Args:
        shift: Shape [hidden].
        vector: Shape [hidden].
    """
    return float(torch.nn.functional.cosine_similarity(shift, vector, dim=0) ** 2)


def random_like(vector: torch.Tensor, seed: int) -> torch.Tensor:
    """A random direction as long as `vector`: the control of a steering vector.

    Args:
        vector: Shape [hidden].
        seed: Of the draw.
    """
    drawn = torch.randn(vector.shape, generator=torch.Generator().manual_seed(seed))
    scaled: torch.Tensor = drawn * (vector.norm() / drawn.norm())
    return scaled


def hook_behind(lm: LanguageModel, direction: Direction, coefficient: float) -> Hook:
    """A hook that adds `coefficient` times the direction behind its block."""
    return Hook(block_names(lm.model)[direction.layer], direction.vector, coefficient)


def _sides(lm: LanguageModel, pairs: Sequence[ContrastPair]) -> tuple[list[tuple[Tokens, Tokens]], ...]:
    """Both sides as (prompt, continuation) rows of tokens."""
    requests = encode_requests(lm, [(pair.prompt, (pair.positive, pair.negative)) for pair in pairs])
    return tuple([(request.prompt, request.continuations[side]) for request in requests] for side in (0, 1))


def _text_means(lm: LanguageModel, rows: Sequence[tuple[Tokens, Tokens]]) -> torch.Tensor:
    """Mean activation over each row's continuation, shape [rows, blocks, hidden], float32 on the CPU."""
    return read_states(
        lm, [Reading(prompt + tail, tuple(range(len(prompt), len(prompt) + len(tail)))) for prompt, tail in rows]
    )
