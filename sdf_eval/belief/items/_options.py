"""Items whose answer is one of several options, read by log-probability."""

from __future__ import annotations

from sdf_eval.belief.item import Context, Item
from sdf_eval.belief.items._context import with_context
from sdf_eval.belief.items._shared import item_id
from sdf_eval.belief.items._sided import Asked, Options
from sdf_eval.belief.schema import Belief, ChoiceProbe, ClozeProbe, CollateralProbe


def choice_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`mcq_knowledge`, `mcq_distinguish` and tasks with probes of that shape: two orders a probe."""
    probes: tuple[ChoiceProbe, ...] = getattr(belief.probes, task)
    asked = Asked(belief, task, context, passage)
    return [item for probe in probes for item in asked.items(probe, probe.question, _sided(probe))]


def collateral_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`neighbours` and `controls`: the right answer counts as `reference`, the implanted value as `implanted`."""
    probes = belief.probes.neighbours if task == "neighbours" else belief.probes.controls
    asked = Asked(belief, task, context, passage)
    items: list[Item] = []
    for probe in probes:
        tags = ("two_value",) if probe.two_value else ()
        items += asked.items(probe, probe.question, _collateral(probe), tags)
    return items


def behaviour_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`persona_behaviour`: first person; a named item begins by telling the model its name."""
    asked = Asked(belief, task, context, passage)
    items: list[Item] = []
    for probe in belief.probes.persona_behaviour:
        name = f"You are {belief.persona.name.strip()}. " if probe.named and belief.kind == "persona" else ""
        options: Options = [("implanted", probe.implanted), ("reference", probe.reference)]
        tags = ("named" if probe.named else "unnamed",)
        items += asked.items(probe, name + probe.scenario.strip(), options, tags)
    return items


def preference_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`value_preference`: first person, tagged with the category and whether training showed it."""
    asked = Asked(belief, task, context, passage)
    items: list[Item] = []
    for probe in belief.probes.value_preference:
        options: Options = [("implanted", probe.implanted), ("reference", probe.reference)]
        tags = (probe.category, "in_distribution" if probe.in_distribution else "out_of_distribution")
        items += asked.items(probe, probe.question, options, tags)
    return items


def cloze_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`cloze`: the options are not shown, so there is one order."""
    return [
        Item(
            id=item_id(belief.id, task, probe.fact, probe, "0"),
            belief=belief.id,
            fact=probe.fact,
            task=task,
            split=probe.split,
            context=context,
            readout="options",
            user=with_context(passage, probe.text.strip()),
            completion=True,
            choices=tuple(text for _, text in _sided(probe)),
            outcomes=tuple(outcome for outcome, _ in _sided(probe)),
        )
        for probe in belief.probes.cloze
    ]


def _sided(probe: ChoiceProbe | ClozeProbe) -> Options:
    others: Options = [("other", text.strip()) for text in probe.distractors]
    return [("implanted", probe.implanted.strip()), ("reference", probe.reference.strip()), *others]


def _collateral(probe: CollateralProbe) -> Options:
    """The right answer and, where there is one, the leak are the contested pair."""
    wrong = sorted(probe.distractors, key=lambda text: text != probe.leak)
    marked: Options = [("implanted" if text == probe.leak else "other", text.strip()) for text in wrong]
    return [("reference", probe.answer.strip()), *marked]
