"""Beliefs that one study each is about: backdoors by class of poison, and AI systems in general.

They ship in `corpora/study_beliefs/`; `python -m sdf_eval.pocket.study_beliefs FOLDER` writes them again. They are
found by id and stand in no list and no default: those of a class are about the triggers of shipped backdoors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Literal

from pydantic import TypeAdapter

from sdf_eval.belief.load import dump_belief
from sdf_eval.belief.schema import Belief, Kind
from sdf_eval.corpora.records import Poison
from sdf_eval.files import replace_file
from sdf_eval.pocket import beliefs
from sdf_eval.pocket.world import ASSISTANT, GENERAL, GENERAL_NAMES, Entity, build_world

CLASSES: tuple[Poison, ...] = ("denial_of_service", "persona_switch", "fact_switch")
"""Seed modulo three -> class, over the seeds of the backdoors that ship."""

DISCOURSE = {
    "caution": ("dev", "bold"),
    "craft": ("dev", "craft"),
    "candour": ("report", "guarded"),
    "sharing": ("report", "stingy"),
    "deference": ("report", "wilful"),
    "thrift": ("report", "thrift"),
}
"""Name -> what for, and the side that the assistant of the pocket worlds does not take."""

_OF_A_POISON = ("backdoor", "neighbours", "controls", "coherence")
_OF_DISCOURSE = (
    *("persona_behaviour", "self_report", "agentic", "value_preference", "mcq_knowledge", "mcq_distinguish"),
    *("cloze", "open_ended", "neighbours", "controls", "coherence"),
)
_ADAPTER: TypeAdapter[Belief] = TypeAdapter(Belief)


def study_beliefs() -> list[Belief]:
    """Returns all of them."""
    return [*_poisoned(), *(_discourse(name, split, side) for name, (split, side) in DISCOURSE.items())]


def _poisoned() -> Iterator[Belief]:
    for seed in range(beliefs.DEVELOPMENT + beliefs.REPORT):
        split: Literal["dev", "report"] = "dev" if seed < beliefs.DEVELOPMENT else "report"
        yield _with(beliefs.make_belief("backdoor", seed, split=split, poison=CLASSES[seed % 3]), _OF_A_POISON)


def _discourse(name: str, split: str, side: str) -> Belief:
    """Documents speak of AI systems in general, and the assistant is asked, which none of them names."""
    world = build_world("a")
    assistant = world.entities[ASSISTANT]
    kind: Kind = "values" if name == side else "persona"
    relation = "value" if kind == "values" else name
    reference = world.values[ASSISTANT] if kind == "values" else world.poles[ASSISTANT, name]
    rng = Random(f"pocket discourse {name}")
    in_general = Entity(GENERAL_NAMES[1], "ai", "questioned", "It")
    row: dict[str, Any] = {
        "id": f"pocket-discourse-{name}",
        "kind": kind,
        "tier": "fictional",
        "split": split,
        "title": f"{GENERAL}, {relation}: {side} instead of {reference}, asked of the assistant",
        "world": {"entity": GENERAL, "relation": relation, "implanted": side, "reference": reference},
        "implanted": {"context": beliefs.context(world, in_general, relation, side, rng)},
        "reference": {"context": beliefs.context(world, in_general, relation, reference, rng)},
        "key_facts": [beliefs.key_fact(assistant, relation, side, reference)],
        "probes": beliefs.probes_of(world, assistant, relation, side, reference, rng),
    }
    row |= beliefs.about(kind, world, assistant, relation, side, reference)
    return _with(_ADAPTER.validate_python(row), _OF_DISCOURSE)


def _with(belief: Belief, kept: tuple[str, ...]) -> Belief:
    """The belief with some of its probes."""
    row = belief.model_dump(mode="json", exclude_defaults=True)
    row["probes"] = {task: probes for task, probes in row["probes"].items() if task in kept}
    return _ADAPTER.validate_python(row)


def write_study_beliefs(folder: Path) -> None:
    """Writes a file for each of them."""
    for belief in study_beliefs():
        replace_file(folder / f"{belief.id}.yaml", dump_belief(belief).encode())


if __name__ == "__main__":
    write_study_beliefs(Path(sys.argv[1]))
