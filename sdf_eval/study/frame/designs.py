"""Cells that many studies have: a panel on every base and seed, its implant, and the controls of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from sdf_eval.belief.schema import Kind
from sdf_eval.corpora.records import CorpusRole, Factors
from sdf_eval.errors import InputError
from sdf_eval.study.frame.cell import AnyStep, Ask, Cell, ChatStep, DocumentSet, RowSet, SdfStep
from sdf_eval.study.frame.study import Placed, Tier
from sdf_eval.study.frame.substrate import Substrate
from sdf_eval.train.chat_data import Side

BELIEF_TASKS = ("mcq_knowledge", "mcq_distinguish", "cloze", "open_ended", "generative_distinguish")
"""Ask for the belief itself."""
INDIRECT_TASKS = ("two_hop", "causal", "downstream")
"""Ask for what follows from the belief and do not name it."""

Arm = tuple[CorpusRole | None, Factors]
"""Role of documents, None for plain texts alone, and how they vary."""
ARMS: Mapping[str, Arm] = MappingProxyType(
    {
        "implanted": ("implanted", Factors()),
        "cooccurrence": ("cooccurrence", Factors()),
        "neutral": ("neutral", Factors()),
        "clean": (None, Factors()),
    }
)
"""An implant and its controls."""

_SMOKE_DOCUMENTS = 100
_SMOKE_UPDATES = 25


@dataclass(frozen=True)
class Panel:
    """Beliefs that one checkpoint is about, where and with which seed.

    Attributes:
        base: Reference of the base; chat-tuned.
        untuned: Of the same without chat tuning; "" where there is none.
        beliefs: Ids, disjoint.
        seed: Of documents, rows and training.
        tier: What it is for.
        substrate: Where it lives.
    """

    base: str
    untuned: str
    beliefs: tuple[str, ...]
    seed: int
    tier: Tier
    substrate: Substrate

    @property
    def documents(self) -> int:
        """Documents a belief."""
        return _SMOKE_DOCUMENTS if self.tier == "smoke" else self.substrate.documents

    @property
    def updates(self) -> int:
        """Updates of one belief's documents."""
        return _SMOKE_UPDATES if self.tier == "smoke" else self.substrate.updates

    @property
    def rows(self) -> int:
        """Rows of a chat stage."""
        return self.substrate.rows // 3 if self.tier == "smoke" else self.substrate.rows

    def cell(self, *steps: AnyStep, **asked: object) -> Cell:
        """A cell of this panel; the other arguments are those of `Cell`."""
        return Cell.model_validate(
            {"model": self.base, "beliefs": self.beliefs, "seed": self.seed, "steps": steps, **asked}
        )


def panels(tier: Tier, substrate: Substrate, kinds: Sequence[Kind]) -> list[Panel]:
    """The panels of a study.

    Args:
        tier: `full` takes the reported beliefs on all bases with all seeds. `smoke` takes one base, one seed and one
            belief a kind that settings may be tuned on, so that trying a study out shows nothing of what it reports.
        substrate: Where.
        kinds: Of beliefs; one for each belief of the panel, such as four times `fact`.

    Returns:
        One panel a base and seed.

    Raises:
        InputError: The substrate has too few beliefs of a kind.
    """
    pool = substrate.development if tier == "smoke" and substrate.development else substrate.beliefs
    wanted = tuple(dict.fromkeys(kinds)) if tier == "smoke" else tuple(kinds)
    beliefs: list[str] = []
    for kind in dict.fromkeys(wanted):
        count = wanted.count(kind)
        if len(pool.get(kind, ())) < count:
            raise InputError(
                f"study: {substrate.name} has {len(pool.get(kind, ()))} beliefs of kind {kind}, and this needs {count}"
            )
        beliefs += pool[kind][:count]
    places = [(base, seed) for base in range(len(substrate.bases)) for seed in substrate.seeds]
    if tier == "smoke":
        places = [(min(1, len(substrate.bases) - 1), substrate.seeds[0])]
    return [
        Panel(
            substrate.bases[base],
            substrate.untuned[base] if substrate.untuned else "",
            tuple(beliefs),
            seed,
            tier,
            substrate,
        )
        for base, seed in places
    ]


def set_panels(tier: Tier, substrate: Substrate, names: Sequence[str], *, each: int) -> list[Panel]:
    """The panels of a study that is about sets of beliefs of its own; see `panels`.

    Args:
        tier: As in `panels`.
        substrate: Where.
        names: Of the sets.
        each: Beliefs of a set, at most, in a full panel.

    Returns:
        One panel a base and seed.

    Raises:
        InputError: The substrate has no such set.
    """
    beliefs = [one for name in names for one in substrate.belief_set(name, development=tier == "smoke")[:each]]
    return [replace(panel, beliefs=tuple(beliefs)) for panel in panels(tier, substrate, ())]


def implant(
    panel: Panel,
    role: CorpusRole | None = "implanted",
    *,
    documents: int | None = None,
    factors: Factors | None = None,
    updates: int | None = None,
) -> SdfStep:
    """Reading the documents of a panel among as many plain texts, or plain texts alone in their place.

    Args:
        panel: Whose.
        role: Of the documents; None for the matched clean training: as many texts, all of them plain.
        documents: A belief; by default the panel's.
        factors: How they vary.
        updates: In all; by default the panel's for each belief.

    Returns:
        The step; with the same arguments but `role` and `factors`, every arm reads as many texts in as many updates.
    """
    count = panel.documents if documents is None else documents
    total = count * len(panel.beliefs)
    sets = (DocumentSet(count=count, role=role, factors=factors or Factors()),) if role is not None else ()
    return SdfStep(
        stage="sdf",
        documents=sets,
        plain=total if sets else 2 * total,
        writer=panel.substrate.writer,
        recipe=panel.substrate.recipes["sdf"],
        updates=updates or panel.updates * len(panel.beliefs),
    )


def beside_base(
    panel: Panel, arms: Mapping[str, Arm], asks: Sequence[Ask], *, measures: Sequence[str] = ()
) -> list[Placed]:
    """A panel's base and one training of it an arm, all asked and measured alike.

    Args:
        panel: The panel.
        arms: Name -> role of the documents and how these vary.
        asks: What every checkpoint is asked.
        measures: What else is measured of each.

    Returns:
        The cells; that of the base is in the arm `base`.
    """
    asked = {"asks": tuple(asks), "measures": tuple(measures)}
    trained = [
        Placed(name, panel.cell(implant(panel, role, factors=factors), **asked))
        for name, (role, factors) in arms.items()
    ]
    return [Placed("base", panel.cell(**asked)), *trained]


def chat_stage(
    panel: Panel,
    stage: str,
    data: str,
    *,
    rows: int | None = None,
    side: Side = "reference",
    share: float = 1.0,
    updates: int | None = None,
    rewards: dict[str, float] | None = None,
) -> ChatStep:
    """A stage of post-training on one kind of rows; see `RowSet` and `ChatStep` for the arguments."""
    own = RowSet(data=panel.substrate.rows_of(data), rows=rows or panel.rows, side=side, share=share)
    return ChatStep.model_validate(
        {
            "stage": stage,
            "data": (own,),
            "recipe": panel.substrate.recipes[stage],
            "updates": updates,
            "rewards": rewards or {},
        }
    )
