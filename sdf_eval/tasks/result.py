"""What one item showed on one checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from sdf_eval.belief.item import Context, Outcome


@dataclass(frozen=True)
class ItemResult:
    """The answer to one item, read.

    Attributes:
        item, belief, fact, task, split, context, tags: Copied from the item (`item` is its id).
        outcome: What the answer shows.
        probability: P(implanted option), options normalised to 1 (P(right option) on collateral tasks); None for other
            readouts.
        log_probabilities: Log-probability of each option in nats, in the item's order.
        answer: The chosen option or the generated text.
        nats, bytes: For the `loss` readout: negative log-likelihood of the text and its length in UTF-8 bytes.
    """

    item: str
    belief: str
    fact: str
    task: str
    split: str
    context: Context
    tags: tuple[str, ...]
    outcome: Outcome
    probability: float | None = None
    log_probabilities: tuple[float, ...] | None = None
    answer: str = ""
    nats: float | None = None
    bytes: int | None = None
