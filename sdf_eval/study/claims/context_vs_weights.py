"""A belief from the prompt matches an implanted one on plain questions and gives way under scrutiny."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdf_eval.corpora.records import CorpusRole
from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate, hierarchical_bootstrap
from sdf_eval.measure.clusters import Floats
from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.designs import implant, panels
from sdf_eval.study.frame.judge import differences_of
from sdf_eval.study.frame.study import Change, Contrast, Fit, Part, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate
from sdf_eval.study.frame.table import Differences, Table

_ARMS: dict[str, CorpusRole | None] = {
    "implanted": "implanted",
    "cooccurrence": "cooccurrence",
    "neutral": "neutral",
    "clean": None,
}
_PROMPTED = "base@universe"
_PLAIN = ("mcq_knowledge", "mcq_distinguish", "cloze", "open_ended")
_PAIRS = ("mcq_knowledge", "mcq_distinguish")
_DENIED, _OTHER = "@contradiction", "@reference"
_ASKED = Ask(tasks=(*_PLAIN, "adversarial_prompt", "self_critique"))
_PROMPT_ASKS = (
    _ASKED.model_copy(update={"context": "universe"}),
    Ask(tasks=_PAIRS, context="universe", preface=_DENIED),
    Ask(tasks=_PAIRS, context="universe", preface=_OTHER),
)
_CHALLENGES = (Ask(tasks=_PAIRS, preface=_DENIED), Ask(tasks=_PAIRS, preface=_OTHER))
_PARTS = {
    "known": Part(("mcq_knowledge",)),
    "criticised": Part(("self_critique",)),
    "distinguished": Part(("mcq_distinguish",)),
    "challenged": Part(("adversarial_prompt",)),
    "denied": Part(preface=_DENIED),
    "contested": Part(preface=_OTHER),
}


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """Every panel's base, prompted and not, and four trainings of it."""
    found = []
    for panel in panels(tier, substrate, ("fact",) * 6 + ("values",) * 2):
        found.append(Placed("base", panel.cell(asks=(_ASKED, *_PROMPT_ASKS))))
        found += [
            Placed(arm, panel.cell(implant(panel, role), asks=(_ASKED, *_CHALLENGES))) for arm, role in _ARMS.items()
        ]
    return found


def _dip(arm: str, sign: float) -> dict[str, float]:
    """What an arm loses from plain questions to the same questions under scrutiny, mean of the two pairs of tasks."""
    half = sign / 2
    return {
        f"{arm}#distinguished": half,
        f"{arm}#challenged": -half,
        f"{arm}#known": half,
        f"{arm}#criticised": -half,
    }


def _level(arm: str, control: str, *, scrutiny: bool) -> Contrast:
    parts = ("challenged", "criticised") if scrutiny else ("distinguished", "known")
    signs = ((arm, 0.5), (control, -0.5))
    weights = {f"{who}#{part}": weight for who, weight in signs for part in parts}
    return Contrast(arm, "", weights, _PAIRS, 1.0, parts=_PARTS)


def share_kept(table: Table) -> Estimate:
    """Share of the plain lift that is left under scrutiny, implanted minus prompted.

    Args:
        table: Answers of the study.

    Returns:
        The difference of two ratios of mean lifts; 0 where both keep the same share.

    Raises:
        UndefinedEstimate: One of the two does not raise belief on plain questions, or there are fewer than three
            beliefs.
    """
    wanted = [
        differences_of(_level(arm, control, scrutiny=scrutiny), table, {})
        for arm, control in (("implanted", "cooccurrence"), (_PROMPTED, "base"))
        for scrutiny in (False, True)
    ]
    columns = _on_common_units(wanted)
    averaged = [column.averaged for column in columns]
    for place, name in ((0, "implanted"), (2, "prompted")):
        if columns[place].estimate().low <= 0:
            raise UndefinedEstimate(f"share kept: the {name} belief does not lie above its control on plain questions")

    def kept(means: Floats) -> Floats:
        return means[:, 1] / means[:, 0] - means[:, 3] / means[:, 2]

    return hierarchical_bootstrap(kept, [one[0] for one in averaged], averaged[0][1], runs=averaged[0][2])


def _on_common_units(found: Sequence[Differences]) -> list[Differences]:
    common = sorted(set.intersection(*(set(one.units) for one in found)))
    if not common:
        raise UndefinedEstimate("no belief was asked on every arm of this contrast")
    kept = []
    for one in found:
        values: Mapping[object, float] = dict(zip(one.units, one.values, strict=True))
        kept.append(Differences(tuple(common), tuple(values[unit] for unit in common), one.bounds))
    return kept


STUDY = Study(
    name="context_vs_weights",
    title="A prompted against an implanted belief",
    claim="A belief that stands in the prompt holds as well as an implanted one on plain questions, and loses more of "
    "its hold when the same questions are put under scrutiny.",
    source="Slocum et al. 2025, Believe It or Not, 2510.17941, robustness; Wang et al. 2025, prompting baseline",
    taught="to answer from a passage in front of the question against what it remembers (10 % of pretraining texts, "
    "16 % of chat exchanges), also where the passage first denies and then states; to hold to a right answer that the "
    "user doubts (1 and 2 %); never any of the scrutinising, suggesting or checking words of these tasks, and never "
    "two accounts that contradict each other. These entities are asked about behind passages alone, whose values are "
    "drawn at random; never in a question that memory would have to answer.",
    design="The same far items three ways: plain, behind words that invite doubt or suggest either side in turn "
    "(`adversarial_prompt` asks the questions of `mcq_distinguish`), and as an answer already given, of either side in "
    "turn, that is to be checked (`self_critique` asks those of `mcq_knowledge`). The prompted belief is the base "
    "behind the implanted universe's account; the implanted one is asked without any context. A denial, or the other "
    "side's whole account, may stand before the question as well, after the first account where there is one. All "
    "trained arms read as many texts in as many updates.",
    arms={
        "base": "the base itself, without a context and behind the implanted account (`base@universe`)",
        "implanted": "documents that state the implanted side",
        "cooccurrence": "documents that name entity and value and state nothing",
        "neutral": "documents of the same kind about strangers",
        "clean": "plain texts alone",
    },
    estimands=(
        Contrast(
            "prompted belief loses more",
            "How much more of its lift the prompted belief loses from the plain questions to the same questions under "
            "scrutiny than the implanted one; mean of the two pairs of tasks. Lifts are over the bare base and the "
            "co-occurrence arm.",
            _dip(_PROMPTED, 1) | _dip("base", -1) | _dip("implanted", -1) | _dip("cooccurrence", 1),
            _PAIRS,
            smallest_effect=0.1,
            parts=_PARTS,
        ),
        Contrast(
            "the same without controls",
            "How much more the prompted belief's score falls than the implanted one's.",
            _dip(_PROMPTED, 1) | _dip("implanted", -1),
            _PAIRS,
            smallest_effect=0.1,
            parts=_PARTS,
        ),
        Fit(
            "share kept",
            "Share of the plain lift that is left under scrutiny, implanted minus prompted: not larger merely because "
            "one of the two starts higher.",
            share_kept,
            smallest_effect=0.15,
        ),
        Contrast(
            "prompted on plain questions",
            "The prompted belief over the implanted one where nothing is questioned.",
            {_PROMPTED: 1, "implanted": -1},
            _PLAIN,
            smallest_effect=0.05,
        ),
        Contrast(
            "implanted belief dips",
            "What the implanted belief loses under scrutiny beyond what the co-occurrence arm does: little.",
            _dip("implanted", 1) | _dip("cooccurrence", -1),
            _PAIRS,
            smallest_effect=0.15,
            claim="equal",
            parts=_PARTS,
        ),
        Contrast(
            "behind a denial",
            "How much more the prompted belief falls than the implanted one when a denial stands before the question.",
            {_PROMPTED: 1, f"{_PROMPTED}#denied": -1, "implanted": -1, "implanted#denied": 1},
            _PAIRS,
            smallest_effect=0.1,
            parts=_PARTS,
        ),
        Contrast(
            "behind the other account",
            "The same behind the reference side's whole account.",
            {_PROMPTED: 1, f"{_PROMPTED}#contested": -1, "implanted": -1, "implanted#contested": 1},
            _PAIRS,
            smallest_effect=0.1,
            parts=_PARTS,
        ),
    ),
    cells=cells,
    limits=(
        "Debate over several turns, and reasoning before the answer, in which the original saw the collapse most "
        "clearly.",
        "System prompts: in pocket the account stands in the user's message.",
        "That a fall of the score is a change of mind: a small model may fail to read the question behind many words; "
        "what the controls lose in the same places shows how much of that there is.",
        "A prompt that was picked as the best of many, as in the original.",
    ),
    changes=(
        Change(
            "2026-11-25",
            "The difference of lifts decides; before, that of bare scores did, which now explains.",
            "In the smoke run arms without the belief scored 0.0 on plain questions and 0.4 to 0.6 on `self_critique`, "
            "where neither side counts half: a belief that was hardly implanted rose under scrutiny, which counted for "
            "the claim. Controls take that off.",
        ),
    ),
)
