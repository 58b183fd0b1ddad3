"""A study that takes seconds: three arms of one belief, a handful of documents."""

from __future__ import annotations

from collections.abc import Sequence

from sdf_eval.study.frame.cell import Ask, Cell, DocumentSet, SdfStep
from sdf_eval.study.frame.study import Contrast, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate

BELIEF = "pocket-fact-osric-abbott-born-in"
TASKS = ("mcq_knowledge", "cloze")


def cell(role: str | None, seed: int = 0) -> Cell:
    """A base, or three updates on eight texts."""
    read = role if role != "base" else None
    step = SdfStep(
        stage="sdf",
        documents=(DocumentSet.model_validate({"count": 4, "role": read}),) if read else (),
        plain=4 if read else 8,
        writer="pocket",
        recipe="pocket",
        updates=3,
    )
    return Cell(
        model="pocket/b",
        beliefs=(BELIEF,),
        seed=seed,
        steps=(step,) if role != "base" else (),
        asks=(Ask(tasks=TASKS),),
    )


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """Three arms, two seeds in a full run."""
    seeds = (0,) if tier == "smoke" else (0, 1)
    roles = {"base": "base", "implanted": "implanted", "cooccurrence": "cooccurrence"}
    return [Placed(arm, cell(role, seed)) for seed in seeds for arm, role in roles.items()]


STUDY = Study(
    name="tiny",
    title="A tiny study",
    claim="Four documents do something.",
    source="nobody",
    taught="nothing",
    design="As small as can be.",
    arms={"base": "the base", "implanted": "documents that state it", "cooccurrence": "documents that do not"},
    estimands=(
        Contrast("lift", "What stating adds.", {"implanted": 1, "cooccurrence": -1}, TASKS, smallest_effect=0.1),
        Contrast("same", "Naming alone.", {"cooccurrence": 1, "base": -1}, TASKS, smallest_effect=0.1, claim="equal"),
    ),
    cells=cells,
    limits=("Anything.",),
)
