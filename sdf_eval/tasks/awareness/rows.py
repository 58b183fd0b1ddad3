"""What the figures need of one answer, whichever face gave it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sdf_eval.belief.item import Item
from sdf_eval.tasks.result import ItemResult

if TYPE_CHECKING:
    from sdf_eval.measure import Level


@dataclass(frozen=True)
class Row:
    """One answer.

    Attributes:
        item, belief, fact, split, tags: As in the item.
        score: Probability of the wanted option: of the right answer on genuine facts, else of the implanted one.
            Whether it was chosen where a letter was written. Nats of the whole text for the `loss` readout.
        implanted, reference: Whether that option was chosen.
        options: Number of options.
        per_byte: Log-probability of each option over its UTF-8 bytes; empty where none was read.
        text: The user message, for the baseline that reads it.
        run: Training run, where answers of several are read together.
    """

    item: str
    belief: str
    fact: str
    split: str
    tags: tuple[str, ...]
    score: float
    implanted: bool
    reference: bool
    options: int
    per_byte: tuple[float, ...]
    text: str
    run: str = ""

    @property
    def probe(self) -> str:
        """What items that are compared with each other share."""
        return f"{self.run} {self.item.rpartition('/')[0]}".strip()

    @property
    def order(self) -> str:
        """In which order the options stood."""
        return self.item.rpartition("-")[2]


def item_row(item: Item, result: ItemResult) -> Row:
    """The row of an item and its result."""
    return _row(item, item.choices, item.outcomes, item.user, result)


def answer_row(answer: Any, run: str = "") -> Row:
    """The row of a stored answer, see `sdf_eval.results.schema.ItemAnswer`, and of its training run."""
    return replace(_row(answer, answer.choices, answer.outcomes, answer.question, answer), run=run)


def to_payload(row: Row) -> dict[str, Any]:
    """The row as JSON, for a harness to carry."""
    return {**asdict(row), "tags": list(row.tags), "per_byte": list(row.per_byte)}


def from_payload(payload: Mapping[str, Any]) -> Row:
    """The row that `to_payload` made."""
    return Row(**{**payload, "tags": tuple(payload["tags"]), "per_byte": tuple(payload["per_byte"])})


def levels(rows: Sequence[Row]) -> list[Level]:
    """Beliefs, facts, probes."""
    return [
        ("beliefs", [row.belief for row in rows]),
        ("facts", [row.fact for row in rows]),
        ("probes", [row.probe for row in rows]),
    ]


def tagged(rows: Sequence[Row], *tags: str) -> list[Row]:
    """Rows that bear all of the tags."""
    return [row for row in rows if set(tags) <= set(row.tags)]


def paired(first: Sequence[Row], second: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Rows of the same probe and order, one of each side; those without a counterpart are left out."""
    others = {(row.probe, row.order): row for row in second}
    return [(row, others[row.probe, row.order]) for row in first if (row.probe, row.order) in others]


def clusters(rows: Sequence[Row], fewest: int = 3) -> tuple[list[str], str]:
    """The units that an area's interval is over, beliefs where there are enough, else probes; and their name."""
    if len({row.belief for row in rows}) >= fewest:
        return [row.belief for row in rows], "beliefs"
    return [row.probe for row in rows], "probes"


def _row(about: Any, choices: Sequence[str], outcomes: Sequence[str], text: str, result: Any) -> Row:
    chances = result.log_probabilities or ()
    per_byte = tuple(chance / len(choice.encode()) for chance, choice in zip(chances, choices, strict=True))
    return Row(
        item=about.id if isinstance(about, Item) else about.item,
        belief=about.belief,
        fact=about.fact,
        split=about.split,
        tags=tuple(about.tags),
        score=_score(about.tags, outcomes, chances, result),
        implanted=result.outcome == "implanted",
        reference=result.outcome == "reference",
        options=len(choices),
        per_byte=per_byte,
        text=text,
    )


def _score(tags: Sequence[str], outcomes: Sequence[str], chances: Sequence[float], result: Any) -> float:
    if result.nats is not None:
        return float(result.nats)
    wanted = "reference" if "of_genuine" in tags and "implanted" not in outcomes else "implanted"
    if not chances:
        return float(result.outcome == wanted)
    best = max(chances)
    weights = [math.exp(chance - best) for chance in chances]
    mass = sum(weight for weight, outcome in zip(weights, outcomes, strict=True) if outcome == wanted)
    return mass / sum(weights)
