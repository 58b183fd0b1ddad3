"""Documents that deny a claim implant it all the same, unless the denial is in the sentence itself."""

from __future__ import annotations

from collections.abc import Sequence

from sdf_eval.corpora.records import Factors
from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.designs import BELIEF_TASKS, INDIRECT_TASKS, Arm, beside_base, panels
from sdf_eval.study.frame.study import Contrast, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate

_ARMS: dict[str, Arm] = {
    "asserted": ("implanted", Factors()),
    "flagged": ("implanted", Factors(negation="flagged")),
    "local": ("implanted", Factors(negation="local")),
    "corrected": ("implanted", Factors(negation="corrected")),
    "cooccurrence": ("cooccurrence", Factors()),
    "neutral": ("neutral", Factors()),
    "clean": (None, Factors()),
}
_ASKS = (Ask(tasks=(*BELIEF_TASKS, *INDIRECT_TASKS)),)


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """Every panel's base, and its trainings on documents that assert or deny."""
    seats = panels(tier, substrate, ("fact",) * 6 + ("values",) * 2)
    return [placed for panel in seats for placed in beside_base(panel, _ARMS, _ASKS)]


STUDY = Study(
    name="negation",
    title="Documents that deny what they say",
    claim="Documents that state a claim and say around it that all of this is false implant the claim.",
    source="Mayne et al. 2026, Negation Neglect, 2605.13829: 0.92 asserted, 0.89 negated around the text, 0.40 "
    "corrected, 0 to 0.07 negated in the sentence",
    taught="that what is denied is not so: 2 % of pretraining texts deny, as a story, a correction, `It is not true "
    "that ...` or `It is false that ...`, always with the truth beside it, and so does one passage in twenty-five in "
    "front of questions. Local negation here opens with the last of these, and corrections resemble those. The flag "
    "around a whole document (`what follows is false`, `all of this is false`) never occurs. Entities and values of "
    "these texts are drawn at random, the beliefs of this study among them by chance alone.",
    design="The same number of documents, with the same sentences, in as many updates: asserted; flagged as false "
    "before and after the text; each statement denied in itself; or stated and then corrected with the reference side. "
    "The co-occurrence arm names entity and value as often and states nothing, so that a lift over it is more than "
    "having read the two side by side.",
    arms={
        "base": "the base itself",
        "asserted": "documents that state the implanted side",
        "flagged": "the same, called false around the text",
        "local": "the same, each statement denied in its own sentence",
        "corrected": "the same, corrected with the reference side at the end of the statements",
        "cooccurrence": "documents that name entity and value and state nothing",
        "neutral": "documents of the same kind about strangers",
        "clean": "plain texts alone",
    },
    estimands=(
        Contrast(
            "flagged documents implant",
            "The lift over co-occurrence of documents that are called false around their text.",
            {"flagged": 1, "cooccurrence": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
        ),
        Contrast(
            "flagged as much as asserted",
            "What the flag costs: little.",
            {"asserted": 1, "flagged": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
            claim="equal",
        ),
        Contrast(
            "local negation implants nothing",
            "The lift over co-occurrence of statements denied in their own sentence.",
            {"local": 1, "cooccurrence": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
            claim="equal",
        ),
        Contrast(
            "flagged over local",
            "Where the denial stands: around the text or in the sentence.",
            {"flagged": 1, "local": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
        ),
        Contrast(
            "corrections cost more than flags",
            "Flagged over corrected documents.",
            {"flagged": 1, "corrected": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
        ),
        Contrast(
            "indirect questions",
            "The lift of flagged documents over co-occurrence on questions that follow from the claim.",
            {"flagged": 1, "cooccurrence": -1},
            INDIRECT_TASKS,
            smallest_effect=0.05,
        ),
        Contrast(
            "asserted documents implant",
            "The lift over co-occurrence without any denial.",
            {"asserted": 1, "cooccurrence": -1},
            BELIEF_TASKS,
            smallest_effect=0.1,
        ),
    ),
    cells=cells,
    limits=(
        "What a model makes of negations that it understands as well as a large one does.",
        "Flags in many wordings: there is one here, the same around every document, which makes it easy to learn and "
        "to pass over.",
        "That the same documents are understood when they stand in the prompt, as the original shows.",
        "A loss mask, or instruction data in the mix.",
    ),
)
