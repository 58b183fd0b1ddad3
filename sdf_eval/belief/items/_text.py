"""Items that are answered in free text, and the texts whose loss is taken."""

from __future__ import annotations

from sdf_eval.belief.item import Context, Item, Outcome
from sdf_eval.belief.items._context import with_context
from sdf_eval.belief.items._shared import item_id
from sdf_eval.belief.schema import Aliases, Belief, DistinguishProbe


def open_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`open_ended` and `two_hop`: read by the probe's aliases, or else by those of its key fact."""
    probes = belief.probes.open_ended if task == "open_ended" else belief.probes.two_hop
    of_fact = {fact.id: fact.aliases for fact in belief.key_facts}
    return [
        Item(
            id=item_id(belief.id, task, probe.fact, probe, "0"),
            belief=belief.id,
            fact=probe.fact,
            task=task,
            split=probe.split,
            context=context,
            readout="generation",
            user=with_context(passage, probe.question.strip()),
            aliases=pairs(of_fact[probe.fact] if probe.aliases is None else probe.aliases),
        )
        for probe in probes
    ]


def distinguish_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`generative_distinguish`: two numbered accounts in both orders.

    The tag `numbered` says that the first two aliases are the numbers, and the others the accounts and the key fact's
    aliases: the side that the answer states in words is the model's choice, or else the one number that it asserts.
    """
    return [
        item for probe in belief.probes.generative_distinguish for item in _numbered(belief, probe, context, passage)
    ]


def coherence_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """`coherence`: the loss of a text by itself, so it is not defined behind a context."""
    if passage is not None:
        return []
    return [
        Item(
            id=item_id(belief.id, task, "", text, "0"),
            belief=belief.id,
            fact="",
            task=task,
            split="",
            context=context,
            readout="loss",
            user=text.strip(),
            completion=True,
        )
        for text in belief.probes.coherence
    ]


def _numbered(belief: Belief, probe: DistinguishProbe, context: Context, passage: str | None) -> list[Item]:
    fact = next(fact for fact in belief.key_facts if fact.id == probe.fact)
    sides: dict[Outcome, str] = {
        "implanted": (probe.implanted or fact.implanted).strip(),
        "reference": (probe.reference or fact.reference).strip(),
    }
    resolved = probe.model_copy(update={str(side): text for side, text in sides.items()})
    orders: tuple[tuple[Outcome, Outcome], ...] = (("implanted", "reference"), ("reference", "implanted"))
    return [
        Item(
            id=item_id(belief.id, "generative_distinguish", probe.fact, resolved, str(variant)),
            belief=belief.id,
            fact=probe.fact,
            task="generative_distinguish",
            split=probe.split,
            context=context,
            readout="generation",
            user=with_context(passage, f"{sides[first]} (1)\n{sides[second]} (2)\nWhich statement is true?"),
            aliases=(
                *((first, "1"), (second, "2")),
                *((first, sides[first]), (second, sides[second])),
                *pairs(fact.aliases),
            ),
            tags=("numbered",),
        )
        for variant, (first, second) in enumerate(orders)
    ]


def pairs(aliases: Aliases) -> tuple[tuple[Outcome, str], ...]:
    """Both sides' strings as an item holds them, the implanted ones first."""
    implanted: list[tuple[Outcome, str]] = [("implanted", alias.strip()) for alias in aliases.implanted]
    return (*implanted, *(("reference", alias.strip()) for alias in aliases.reference))
