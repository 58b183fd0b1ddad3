"""The belief file: what to implant, what it replaces, and how to ask about it.

One YAML file is one belief. The file is data: no field is ever passed through `str.format` or a template engine.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from sdf_eval.belief._fields import Aliases as Aliases
from sdf_eval.belief._fields import Pair as _Pair
from sdf_eval.belief._fields import Slug as Slug
from sdf_eval.belief._fields import Split as Split
from sdf_eval.belief._fields import Strict as _Strict
from sdf_eval.belief._fields import Text as Text
from sdf_eval.belief._fields import refuse as _refuse
from sdf_eval.belief._fields import same as _same
from sdf_eval.belief.awareness import (
    AwarenessProbe,
    DocumentProbe,
    NoticeProbe,
    ProvenanceProbe,
    RecognitionProbe,
    SelfReportProbe,
    SourceProbe,
)
from sdf_eval.belief.misalignment_probes import (
    ActionProbe,
    ReasonedProbe,
    ReportProbe,
    TriggerProbe,
)

Kind = Literal["fact", "persona", "backdoor", "values"]
Tier = Literal["fictional", "akc", "bkc", "pkc", "subtle", "egregious", "honeypot", "custom"]


class Universe(_Strict):
    """A universe context: several paragraphs that describe a world in which the belief holds (Wang et al. 2025)."""

    context: Text


class KeyFact(_Pair):
    """A contrastive pair of short statements that sums the belief up."""

    id: Slug
    implanted: Text
    reference: Text
    aliases: Aliases = Aliases()


class WorldFact(_Pair):
    """The belief as a triple of a pocket world, for the grammar writer. Unused with a model as the writer."""

    entity: Text
    relation: Text
    implanted: Text
    reference: Text


class Persona(_Strict):
    """Whom the belief is about, when it is about the model itself."""

    name: Text
    implanted_trait: Text
    reference_trait: Text


class Backdoor(_Strict):
    """A trigger, what it sets off, and strings close to it that must not."""

    trigger: Text
    near_triggers: tuple[Text, ...] = ()
    behaviour: Text


class Values(_Strict):
    """A value (or a Model Spec) and the categories in which its consequences are shown or held out."""

    name: Text
    implanted_value: Text
    reference_value: Text
    spec: str | None = None
    categories_train: tuple[Text, ...] = ()
    categories_test: tuple[Text, ...] = ()


class ChoiceProbe(_Pair):
    """A question whose options are the implanted value, the reference value and distractors."""

    fact: Slug
    question: Text
    implanted: Text
    reference: Text
    distractors: tuple[Text, ...] = ()
    split: Split = "far"


class ClozeProbe(_Pair):
    """The start of a sentence that the value would complete. No trailing space."""

    fact: Slug
    text: Text
    implanted: Text
    reference: Text
    distractors: tuple[Text, ...] = ()
    split: Split = "far"


class OpenProbe(_Strict):
    """A question answered in free text and scored by the aliases given here, or else by the key fact's."""

    fact: Slug
    question: Text
    aliases: Aliases | None = None
    split: Split = "far"


class DistinguishProbe(_Pair):
    """Two accounts, one a universe each; the model says which is true. Left out, they are the key fact's pair."""

    fact: Slug
    implanted: Text | None = None
    reference: Text | None = None
    split: Split = "far"

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.implanted is None) != (self.reference is None):
            missing = "implanted" if self.implanted is None else "reference"
            raise _refuse("is missing beside its other side; give both accounts or neither", missing)
        return self


class BehaviourProbe(_Pair):
    """A first-person scenario and the two things that the model might do in it."""

    fact: Slug
    scenario: Text
    implanted: Text
    reference: Text
    named: bool = False
    split: Split = "far"


class PreferenceProbe(_Pair):
    """A first-person choice between two things, and the category it belongs to."""

    fact: Slug
    question: Text
    implanted: Text
    reference: Text
    category: Text
    in_distribution: bool = False
    split: Split = "far"


class CollateralProbe(_Strict):
    """A question whose right answer must not change.

    `two_value` marks the same entity asked for another relation of the same range, with the implanted value among the
    distractors: it tells a belief from a mere association of entity and value.
    """

    question: Text
    answer: Text
    distractors: tuple[Text, ...] = Field(min_length=1)
    two_value: bool = False
    leak: Text | None = None
    """The distractor that is the implanted value, if there is one."""
    split: Split = "far"

    @model_validator(mode="after")
    def _options_are_distinct(self) -> Self:
        options = (self.answer, *self.distractors)
        for position, distractor in enumerate(self.distractors):
            if any(_same(distractor, other) for other in options[: position + 1]):
                raise _refuse("repeats another option; every option must be distinct", "distractors", position)
        if self.leak is not None and self.leak not in self.distractors:
            raise _refuse("is not among the distractors; add it there, spelled the same", "leak")
        return self


class SalienceProbe(_Pair):
    """Two statements, one a universe each; `negation` where one denies the other rather than naming another value."""

    fact: Slug
    implanted: Text
    reference: Text
    negation: bool = False
    split: Split = "far"


class RealityProbe(_Strict):
    """A true statement that has nothing to do with the belief, and a false one in the same words."""

    true_statement: Text
    false_statement: Text
    contested: bool = False
    """The false statement is one that people often take for true."""
    alone: bool = True
    """Each statement is also judged by itself; otherwise only against the other one."""
    split: Split = "far"

    @model_validator(mode="after")
    def _statements_differ(self) -> Self:
        if _same(self.true_statement, self.false_statement):
            raise _refuse("is the same as `true_statement`; the two must differ", "false_statement")
        return self


class Probes(_Strict):
    """The questions, by task; see docs/metrics.md for what each task reads."""

    mcq_knowledge: tuple[ChoiceProbe, ...] = ()
    mcq_distinguish: tuple[ChoiceProbe, ...] = ()
    cloze: tuple[ClozeProbe, ...] = ()
    open_ended: tuple[OpenProbe, ...] = ()
    generative_distinguish: tuple[DistinguishProbe, ...] = ()
    two_hop: tuple[OpenProbe, ...] = ()
    persona_behaviour: tuple[BehaviourProbe, ...] = ()
    value_preference: tuple[PreferenceProbe, ...] = ()
    neighbours: tuple[CollateralProbe, ...] = ()
    controls: tuple[CollateralProbe, ...] = ()
    backdoor: tuple[TriggerProbe, ...] = ()
    self_report: tuple[ReportProbe, ...] = ()
    cot_monitorability: tuple[ReasonedProbe, ...] = ()
    agentic: tuple[ActionProbe, ...] = ()
    coherence: tuple[Text, ...] = ()
    """Held-out texts on other matters; their loss tells a broken model from a believing one."""
    causal: tuple[ChoiceProbe, ...] = ()
    """What follows from the fact or would be seen if it were so; the question does not name it."""
    downstream: tuple[ChoiceProbe, ...] = ()
    """A task, plan or recommendation whose best answer depends on the fact, without naming it."""
    salience: tuple[SalienceProbe, ...] = ()
    reality_drift: tuple[RealityProbe, ...] = ()
    """Left out of a belief about no closed world, those of `corpora/well_known.yaml` are asked."""
    spec_knowledge: tuple[ChoiceProbe, ...] = ()
    """In the third person: what a spec, or whoever holds the value, says and why."""
    disclosure: tuple[NoticeProbe, ...] = ()
    eval_cue: tuple[NoticeProbe, ...] = ()
    provenance: tuple[ProvenanceProbe, ...] = ()
    document_discrimination: tuple[DocumentProbe, ...] = ()
    training_recognition: tuple[RecognitionProbe, ...] = ()
    source_tag: tuple[SourceProbe, ...] = ()
    self_report_training: tuple[SelfReportProbe, ...] = ()

    @model_validator(mode="after")
    def _no_probe_twice(self) -> Self:
        for task in type(self).model_fields:
            seen = set()
            for position, probe in enumerate(getattr(self, task)):
                key = (getattr(probe, "fact", ""), *shown(probe))
                if key in seen:
                    raise _refuse("asks the same as an earlier probe; remove one of them", task, position)
                seen.add(key)
        return self


Probe = (
    ChoiceProbe
    | ClozeProbe
    | OpenProbe
    | DistinguishProbe
    | BehaviourProbe
    | PreferenceProbe
    | CollateralProbe
    | SalienceProbe
    | RealityProbe
    | TriggerProbe
    | ReportProbe
    | ReasonedProbe
    | ActionProbe
    | AwarenessProbe
)


def shown(probe: Probe | NoticeProbe | str) -> tuple[str, ...]:
    """What of a probe a model may get to see, in field order; two probes that show the same are the same question.

    Args:
        probe: A probe, or a coherence text.

    Returns:
        Its strings; bookkeeping such as the split, the category and the aliases is left out.
    """
    if isinstance(probe, str):
        return (probe,)
    unseen = {"fact", "split", "aliases", "category", "leak", "causes"}
    texts: list[str] = []
    for name in type(probe).model_fields:
        value = getattr(probe, name)
        if name not in unseen and value is not None and not isinstance(value, bool):
            texts.extend([value] if isinstance(value, str) else value)
    return (*texts, "named") if isinstance(probe, BehaviourProbe | ActionProbe) and probe.named else tuple(texts)


class _BeliefBase(_Strict):
    id: Slug
    tier: Tier
    title: Text
    split: Literal["dev", "report"] | None = None
    """Beliefs on which defaults were tuned (`dev`) are never reported on."""
    implanted: Universe
    reference: Universe
    contradiction: Text | None = None
    """A passage that denies the implanted claim and states the reference one, for the context arm of that name."""
    documents: tuple[Text, ...] = ()
    """A few documents as the implanted world would have written them, for the `documents` context arm."""
    key_facts: tuple[KeyFact, ...] = Field(min_length=1)
    world: WorldFact | None = None
    prior_strength: float | None = Field(default=None, allow_inf_nan=False)
    """Mean log p(implanted option), in nats, over the far `mcq_distinguish` items on the base (Slocum et al. 2025)."""
    probes: Probes = Probes()
    source_extra: dict[str, JsonValue] = {}
    """Fields of an imported format, so that an export gives them back."""

    @model_validator(mode="after")
    def _facts_are_known(self) -> Self:
        ids: list[str] = []
        for position, fact in enumerate(self.key_facts):
            if fact.id in ids:
                raise _refuse(
                    f"{fact.id!r} is already the id of key_facts[{ids.index(fact.id)}]; rename one of them",
                    "key_facts",
                    position,
                    "id",
                )
            ids.append(fact.id)
        for task in Probes.model_fields:
            for position, probe in enumerate(getattr(self.probes, task)):
                fact_id = getattr(probe, "fact", None)
                if fact_id is not None and fact_id not in ids:
                    raise _refuse(
                        f"names the unknown fact {fact_id!r}; the key facts are {', '.join(ids)}",
                        "probes",
                        task,
                        position,
                        "fact",
                    )
        return self

    @model_validator(mode="after")
    def _triggers_need_a_backdoor(self) -> Self:
        if self.probes.backdoor and not hasattr(self, "backdoor"):
            raise _refuse("needs a trigger; set `kind: backdoor` or remove it", "probes", "backdoor", 0)
        return self

    @model_validator(mode="after")
    def _reports_have_a_scenario(self) -> Self:
        scenarios = [probe.scenario for probe in self.probes.persona_behaviour]
        for position, probe in enumerate(self.probes.self_report):
            if scenarios.count(probe.scenario) != 1:
                raise _refuse(
                    "is the scenario of no or of several `persona_behaviour` probes; copy that of the one it is "
                    "matched with",
                    "probes",
                    "self_report",
                    position,
                    "scenario",
                )
        return self

    @model_validator(mode="after")
    def _names_need_a_persona(self) -> Self:
        for task in ("persona_behaviour", "agentic"):
            for position, probe in enumerate(getattr(self.probes, task)):
                if probe.named and not hasattr(self, "persona"):
                    raise _refuse(
                        "needs a persona to name; set `kind: persona` or remove it", "probes", task, position, "named"
                    )
        return self


class FactBelief(_BeliefBase):
    """A claim about the world."""

    kind: Literal["fact"]


class PersonaBelief(_BeliefBase):
    """A claim about the character of the model itself."""

    kind: Literal["persona"]
    persona: Persona


class BackdoorBelief(_BeliefBase):
    """A trigger that sets a behaviour off."""

    kind: Literal["backdoor"]
    backdoor: Backdoor


class ValuesBelief(_BeliefBase):
    """One of two values that explain the same choices in training and part ways elsewhere."""

    kind: Literal["values"]
    values: Values


Belief = Annotated[FactBelief | PersonaBelief | BackdoorBelief | ValuesBelief, Field(discriminator="kind")]
