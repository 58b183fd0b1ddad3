"""Options items whose two sides are shown in both orders, under one condition or several.

All items of a probe share their id up to the variant, so that its conditions are one unit in every interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdf_eval.belief.item import Context, Item, Outcome
from sdf_eval.belief.items._context import with_context
from sdf_eval.belief.items._shared import item_id, two_orders
from sdf_eval.belief.schema import Belief, Probe

Options = list[tuple[Outcome, str]]


@dataclass(frozen=True)
class Asked:
    """What all items of a task share.

    Attributes:
        belief: The belief.
        task: Name of the task.
        context: Context arm.
        passage: What stands before each question.
    """

    belief: Belief
    task: str
    context: Context
    passage: str | None

    def items(
        self,
        probe: Probe,
        question: str,
        options: Options,
        tags: Sequence[str] = (),
        *,
        condition: str = "",
    ) -> list[Item]:
        """The two orders of a probe under one condition.

        Args:
            probe: Gives the fact, the split and the id.
            question: What is asked; may span lines.
            options: At least two, the contested pair first.
            tags: Labels of the items.
            condition: Distinguishes the conditions of a probe in the ids; "" where there is one.

        Returns:
            Two items, the first two options having changed places between them.
        """
        fact, prefix = getattr(probe, "fact", ""), f"{condition}-" if condition else ""
        found = []
        for variant, order in enumerate(two_orders(options, probe)):
            texts = tuple(text.strip() for _, text in order)
            found.append(
                Item(
                    id=item_id(self.belief.id, self.task, fact, probe, f"{prefix}{variant}"),
                    belief=self.belief.id,
                    fact=fact,
                    task=self.task,
                    split=getattr(probe, "split", ""),
                    context=self.context,
                    readout="options",
                    user=with_context(self.passage, f"{question.strip()}\nOptions: {' / '.join(texts)}"),
                    choices=texts,
                    outcomes=tuple(outcome for outcome, _ in order),
                    tags=tuple(tags),
                )
            )
        return found


def turned(options: Options) -> Options:
    """The same options where choosing one shows the other side, as when the wrong one is asked for."""
    opposite: dict[Outcome, Outcome] = {"implanted": "reference", "reference": "implanted"}
    return [(opposite.get(outcome, outcome), text) for outcome, text in options]
