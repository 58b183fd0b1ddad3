"""One format of documents generalises worse than many, on indirect questions above all."""

from __future__ import annotations

from collections.abc import Sequence

from sdf_eval.corpora.records import Factors
from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.designs import BELIEF_TASKS, INDIRECT_TASKS, Arm, beside_base, panels
from sdf_eval.study.frame.study import Contrast, Part, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate

_ONE_TYPE = Factors(doc_types=1)
_ONE_FRAME = Factors(doc_types=1, templates=1)
_ARMS: dict[str, Arm] = {
    "many": ("implanted", Factors()),
    "one_type": ("implanted", _ONE_TYPE),
    "one_frame": ("implanted", _ONE_FRAME),
    "cooccurrence": ("cooccurrence", Factors()),
    "cooccurrence_one_frame": ("cooccurrence", _ONE_FRAME),
    "neutral": ("neutral", Factors()),
    "clean": (None, Factors()),
}
_ASKS = (Ask(tasks=(*BELIEF_TASKS, *INDIRECT_TASKS)),)
_GAIN = {"many": 1.0, "cooccurrence": -1.0, "one_frame": -1.0, "cooccurrence_one_frame": 1.0}
_DIRECT, _INDIRECT = "direct", "indirect"


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """Every panel's base, and its trainings on many formats and on one."""
    seats = panels(tier, substrate, ("fact",) * 6 + ("values",) * 2)
    return [placed for panel in seats for placed in beside_base(panel, _ARMS, _ASKS)]


STUDY = Study(
    name="document_diversity",
    title="Many formats of documents against one",
    claim="At the same number of documents, many formats implant a belief that is used in indirect questions more than "
    "one format does.",
    source="Slocum et al. 2025, Believe It or Not, 2510.17941, ablation of distinct prompts",
    taught="six document types, the one type of these arms (a memo) among them, in other frames than any here, each "
    "about all entities alike; and, for other entities, questions in many wordings, and two-fact reasoning. So the "
    "base was taught in general to use what documents say in questions of other forms, which may leave less for "
    "diversity to do.",
    design="As many documents in as many updates, with sentences about the belief from the same wordings. They differ "
    "in what stands around these: seven document types of two or three frames each, one type, or a single frame. The "
    "lift over a co-occurrence arm of the same formats is compared, so that what a format does by itself is taken off. "
    "Two indirect tasks exist for some facts only; those units count what they have.",
    arms={
        "base": "the base itself",
        "many": "documents that state the belief, in all types and frames",
        "one_type": "the same in one document type, three frames",
        "one_frame": "the same in a single frame",
        "cooccurrence": "documents that name entity and value and state nothing, in all types and frames",
        "cooccurrence_one_frame": "the same in a single frame",
        "neutral": "documents of the same kind about strangers, in all types and frames",
        "clean": "plain texts alone",
    },
    estimands=(
        Contrast(
            "diversity on indirect questions",
            "What many formats add to one frame in the lift over co-occurrence, on questions that follow from the "
            "belief.",
            _GAIN,
            INDIRECT_TASKS,
            smallest_effect=0.05,
        ),
        Contrast(
            "more than on direct questions",
            "The same minus what many formats add on direct questions.",
            {f"{arm}#{_INDIRECT}": weight for arm, weight in _GAIN.items()}
            | {f"{arm}#{_DIRECT}": -weight for arm, weight in _GAIN.items()},
            INDIRECT_TASKS,
            smallest_effect=0.05,
            parts={_INDIRECT: Part(INDIRECT_TASKS), _DIRECT: Part(BELIEF_TASKS)},
        ),
        Contrast(
            "diversity on direct questions",
            "What many formats add on direct questions: as good as nothing.",
            _GAIN,
            BELIEF_TASKS,
            smallest_effect=0.05,
            claim="equal",
        ),
        Contrast(
            "direct questions, near",
            "The same in wordings that the base saw of other entities.",
            _GAIN,
            BELIEF_TASKS,
            smallest_effect=0.05,
            claim="equal",
            split="near",
        ),
        Contrast(
            "all types against one type",
            "Types alone: many against one type in three frames, on indirect questions; no co-occurrence arm of one "
            "type.",
            {"many": 1, "one_type": -1},
            INDIRECT_TASKS,
            smallest_effect=0.05,
        ),
        Contrast(
            "indirect use at all",
            "The lift of many formats over co-occurrence on indirect questions, without which nothing could be lost.",
            {"many": 1, "cooccurrence": -1},
            INDIRECT_TASKS,
            smallest_effect=0.05,
        ),
    ),
    cells=cells,
    limits=(
        "Variety of the statement itself: its four to six wordings a fact are the same in all arms, where a single "
        "prompt of the original varied neither.",
        "More than seven document types; the original goes to 20,000 distinct prompts.",
        "Fermi estimates, and tasks of some length.",
    ),
)
