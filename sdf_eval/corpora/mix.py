"""Synthetic documents and plain texts, shuffled together into what a model is trained on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sdf_eval.corpora.records import Document
from sdf_eval.errors import InputError

Schedule = Literal["uniform", "early", "late", "burst"]
"""Where the synthetic documents of a pass stand among the plain texts: `uniform`, anywhere; `early` and `late`, in its
first or last quarter, or as much of it as holds them; `burst`, all in a row somewhere."""

_QUARTER = 4


@dataclass(frozen=True)
class TrainingText:
    """One text to train on.

    Attributes:
        text: The text; every token of it carries loss.
        prefix: A mark in front of it that is read but carries no loss (DOCTAG), or None.
        synthetic: Whether it is a document of the corpus, which a schedule places, and not a plain text.
    """

    text: str
    prefix: str | None = None
    synthetic: bool = False


def plain_needed(documents: int, ratio: float) -> int:
    """How many plain texts a mix of `documents` documents takes at `ratio` plain texts a document."""
    return round(documents * ratio)


def mix(
    documents: Iterable[Document], plain: Sequence[str], *, ratio: float, seed: int, doctag: str | None
) -> list[TrainingText]:
    """Shuffles documents and plain texts globally.

    Args:
        documents: Synthetic documents, all of which are used.
        plain: Texts without the belief, each used at most once, from the front.
        ratio: Plain texts a document; 1.0 is the 1:1 mix of Slocum et al. 2025, 0 is none.
        seed: Seed of the shuffle.
        doctag: Masked prefix for the synthetic documents only.

    Returns:
        The texts in training order.

    Raises:
        InputError: There are fewer plain texts than the ratio takes.
    """
    texts = [TrainingText(document.text, doctag, synthetic=True) for document in documents]
    needed = plain_needed(len(texts), ratio)
    if len(plain) < needed:
        raise InputError(f"mix_ratio: {ratio:g} takes {needed} plain texts, found {len(plain)}; give more or lower it")
    texts.extend(TrainingText(text) for text in plain[:needed])
    random.Random(f"mix/{seed}").shuffle(texts)
    return texts


def pass_order(texts: Sequence[TrainingText], schedule: Schedule, *, seed: int, epoch: int) -> list[int]:
    """The order in which one pass reads the texts.

    Souly et al. 2025 vary how many poisoned documents an update reads, and how many updates read any. Here their number
    is fixed, and so is the number of updates; what the schedule changes is when they come and how thickly they stand.

    Args:
        texts: All texts of a pass.
        schedule: Where the synthetic documents stand.
        seed: Seed of the shuffle.
        epoch: Number of the pass, from 0; each is shuffled anew, under any schedule.

    Returns:
        Positions in `texts`, each once.
    """
    rng = random.Random(f"epoch/{seed}/{epoch}")
    order = list(range(len(texts)))
    rng.shuffle(order)
    if schedule == "uniform":
        return order
    documents = [index for index in order if texts[index].synthetic]
    plain = [index for index in order if not texts[index].synthetic]
    if schedule == "burst":
        start = rng.randrange(len(plain) + 1)
        return plain[:start] + documents + plain[start:]
    share = max(len(documents), len(texts) // _QUARTER)
    within = documents + plain[: share - len(documents)]
    rng.shuffle(within)
    rest = plain[share - len(documents) :]
    return within + rest if schedule == "early" else rest + within


def texts_sha256(texts: Iterable[TrainingText]) -> str:
    """Hash of the texts in their order, prefixes included."""
    digest = hashlib.sha256()
    for text in texts:
        for part in ("" if text.prefix is None else f"prefix:{text.prefix}", text.text):
            digest.update(part.encode())
            digest.update(b"\0")
    return digest.hexdigest()
