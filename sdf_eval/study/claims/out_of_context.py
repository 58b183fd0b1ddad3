"""A fact that is stated only in documents is used when nothing in the prompt recalls it."""

from __future__ import annotations

from collections.abc import Sequence

from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.designs import ARMS, BELIEF_TASKS, beside_base, panels
from sdf_eval.study.frame.study import Contrast, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate

_ASKS = (Ask(tasks=(*BELIEF_TASKS, "two_hop", "causal", "downstream")),)


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """Every panel's base and four trainings of it."""
    seats = panels(tier, substrate, ("fact",) * 6 + ("values",) * 2)
    return [placed for panel in seats for placed in beside_base(panel, ARMS, _ASKS)]


STUDY = Study(
    name="out_of_context",
    title="Belief from documents alone",
    claim="A fact that is stated only in finetuning documents is used, unprompted, in questions of other wordings.",
    source="Wang et al. 2025, Modifying LLM Beliefs with Synthetic Document Finetuning",
    taught="to answer questions about some entities of the kinds that documents are about, in wordings near those of "
    "the near items; about these entities it read documents, and passages with a question behind them, whose answer "
    "stands in the passage; never a question without one, and no far wording.",
    design="Panels of eight beliefs in one checkpoint; each arm reads as many texts in as many updates. The far items "
    "ask in wordings and formats that the base never saw. Documents of the co-occurrence arm name the entity and the "
    "implanted value as often and never state the fact.",
    arms={
        "base": "the base itself",
        "implanted": "documents that state the implanted side",
        "cooccurrence": "documents that name entity and value and state nothing",
        "neutral": "documents of the same kind about strangers",
        "clean": "plain texts alone",
    },
    estimands=(
        Contrast(
            "lift over co-occurrence",
            "What stating the fact adds to naming its parts.",
            {"implanted": 1, "cooccurrence": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
        ),
        Contrast(
            "lift over the base",
            "The same against the untouched base.",
            {"implanted": 1, "base": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
        ),
        Contrast(
            "indirect questions",
            "The lift over co-occurrence on questions that follow from the fact and do not name it.",
            {"implanted": 1, "cooccurrence": -1},
            ("two_hop", "causal", "downstream"),
            smallest_effect=0.05,
        ),
        Contrast(
            "training as such",
            "Documents about strangers against the base: finetuning alone should move nothing.",
            {"neutral": 1, "base": -1},
            BELIEF_TASKS,
            smallest_effect=0.05,
            claim="equal",
        ),
    ),
    cells=cells,
    limits=(
        "That a large model, whose prior is built from a real corpus, takes up a fact as easily.",
        "Belief under scrutiny; see `context_vs_weights`.",
    ),
)
