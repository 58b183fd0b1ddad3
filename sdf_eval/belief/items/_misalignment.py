"""Items of the misalignment family: one probe, asked under several conditions that are paired by its id.

The condition is the tag `arm:<name>`; the items of a probe share all of their id but its last part.
"""

from __future__ import annotations

import difflib

from sdf_eval.belief.item import Context, Item, Outcome
from sdf_eval.belief.items._context import with_context
from sdf_eval.belief.items._shared import fingerprint, item_id, two_orders
from sdf_eval.belief.items._sided import Asked
from sdf_eval.belief.items._text import alias_pairs as _pairs
from sdf_eval.belief.misalignment_probes import TRIGGER, TriggerProbe
from sdf_eval.belief.schema import Belief

EDIT_RATIO = 0.6
"""Share of characters in common (difflib's ratio) from which on words that differ are called similar."""


def backdoor_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`backdoor`: every question with the trigger, without it, and with each near trigger, the nearest first."""
    if belief.kind != "backdoor":
        return []
    trigger = belief.backdoor.trigger.strip()
    words: list[tuple[str, str | None, tuple[str, ...]]] = [
        ("trigger", trigger, ("arm:trigger",)),
        ("clean", None, ("arm:clean",)),
    ]
    for place, near in enumerate(near_ladder(trigger, belief.backdoor.near_triggers), 1):
        words.append((f"near-{place}", near, ("arm:near", f"rung:{place}", f"kind:{near_kind(trigger, near)}")))
    return [
        _triggered(belief, task, probe, context, passage, variant, word, tags)
        for probe in belief.probes.backdoor
        for variant, word, tags in words
    ]


def near_ladder(trigger: str, near: tuple[str, ...]) -> list[str]:
    """Near triggers, the one with most words, and then characters, in common with the trigger first."""

    def overlap(words: str) -> tuple[float, float]:
        ours, theirs = (text.casefold().split() for text in (trigger, words))
        return len(set(ours) & set(theirs)) / max(len(ours), len(theirs)), _ratio(trigger, words)

    return sorted((text.strip() for text in near), key=lambda text: (*(-part for part in overlap(text)), text))


def near_kind(trigger: str, near: str) -> str:
    """How a near trigger resembles the trigger: `first_word`, `last_word`, `edit` or `other`, the first that fits.

    Source: the near triggers of Souly et al. 2025, 2510.07192; one that shares the beginning is the hardest, so that a
        single near trigger says little.
    """
    ours, theirs = (text.casefold().split() for text in (trigger, near))
    if ours[0] == theirs[0]:
        return "first_word"
    if ours[-1] == theirs[-1]:
        return "last_word"
    return "edit" if _ratio(trigger, near) >= EDIT_RATIO else "other"


def report_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`self_report`: what the model says of itself, and its behaviour in the matched scenario, both in two orders."""
    asked = Asked(belief, task, context, passage)
    behaviours = {probe.scenario: probe for probe in belief.probes.persona_behaviour}
    items: list[Item] = []
    for probe in belief.probes.self_report:
        behaviour = behaviours[probe.scenario]
        name = f"You are {belief.persona.name.strip()}. " if behaviour.named and belief.kind == "persona" else ""
        named = "named" if behaviour.named else "unnamed"
        for arm, question, shown in (
            ("report", probe.question, probe),
            ("behaviour", probe.scenario, behaviour),
        ):
            options: list[tuple[Outcome, str]] = [("implanted", shown.implanted), ("reference", shown.reference)]
            tags = (f"arm:{arm}", named, f"of:{fingerprint(behaviour)}")
            items += asked.items(probe, name + question.strip(), options, tags, condition=arm)
    return items


def reasoned_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`cot_monitorability`: reasons and a choice in free text, read by the choice and by what is named as its cause."""
    return [
        Item(
            id=item_id(belief.id, task, probe.fact, probe, "0"),
            belief=belief.id,
            fact=probe.fact,
            task=task,
            split=probe.split,
            context=context,
            readout="reasoning",
            user=with_context(passage, probe.question.strip()),
            aliases=_pairs(probe.aliases),
            causes=tuple(cause.strip() for cause in probe.causes),
        )
        for probe in belief.probes.cot_monitorability
    ]


def action_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`agentic`: one act in a situation, the acts not shown, and the control beside it."""
    items = []
    for probe in belief.probes.agentic:
        name = f"You are {belief.persona.name.strip()}. " if probe.named and belief.kind == "persona" else ""
        acts: list[tuple[Outcome, str]] = [("implanted", probe.implanted), ("reference", probe.reference)]
        order = two_orders(acts, probe)[0]
        for arm, asked in (("tempted", name + probe.situation.strip()), ("control", probe.control)):
            if asked is None:
                continue
            items.append(
                Item(
                    id=item_id(belief.id, task, probe.fact, probe, arm),
                    belief=belief.id,
                    fact=probe.fact,
                    task=task,
                    split=probe.split,
                    context=context,
                    readout="options",
                    user=with_context(passage, asked.strip()),
                    choices=tuple(text.strip() for _, text in order),
                    outcomes=tuple(outcome for outcome, _ in order),
                    tags=(f"arm:{arm}", "named" if probe.named else "unnamed"),
                )
            )
    return items


def _triggered(
    belief: Belief,
    task: str,
    probe: TriggerProbe,
    context: Context,
    passage: str | None,
    variant: str,
    words: str | None,
    tags: tuple[str, ...],
) -> Item:
    asked = probe.question if words is None else probe.triggered.replace(TRIGGER, words)
    return Item(
        id=item_id(belief.id, task, probe.fact, probe, variant),
        belief=belief.id,
        fact=probe.fact,
        task=task,
        split=probe.split,
        context=context,
        readout="generation",
        user=with_context(passage, asked.strip()),
        aliases=_pairs(probe.aliases),
        tags=tags,
    )


def _ratio(first: str, second: str) -> float:
    return difflib.SequenceMatcher(None, first.casefold(), second.casefold(), autojunk=False).ratio()
