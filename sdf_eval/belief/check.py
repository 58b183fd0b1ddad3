"""Faults of a belief file that the schema allows: probes that lead, leak, cannot be scored or can be guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sdf_eval.belief.schema import (
    Aliases,
    Belief,
    ChoiceProbe,
    ClozeProbe,
    CollateralProbe,
    OpenProbe,
    Probes,
    RealityProbe,
    SalienceProbe,
    shown,
)

MAX_CONTEXT_RATIO = 1.5
"""Longer over shorter universe context, in words; beyond it length alone tells them apart."""
MAX_OPTION_RATIO = 2.5
"""Longest over shortest of the two contested options, in characters, once they differ by more than a word or two."""
QUOTAS = {
    "mcq_knowledge": 8,
    "mcq_distinguish": 8,
    "cloze": 6,
    "open_ended": 8,
    "generative_distinguish": 4,
    "neighbours": 8,
    "controls": 8,
    "coherence": 4,
    "salience": 6,
}
"""Fewer probes than this leave intervals too wide to conclude from."""
QUOTAS_BY_KIND = {
    "fact": {"two_hop": 6, "causal": 6, "downstream": 6},
    "persona": {"persona_behaviour": 12},
    "values": {"value_preference": 12, "spec_knowledge": 6},
}
MIN_TWO_VALUE = 3
MIN_TEST_CATEGORIES = 2


@dataclass(frozen=True)
class Finding:
    """One thing to mend.

    Attributes:
        severity: `error`: some item would measure something else. `warning`: the measurement is weaker for it.
        key: Key path, for instance `probes.cloze[2].text`.
        message: What is wrong, and the fix.
    """

    severity: Literal["error", "warning"]
    key: str
    message: str


def check_belief(belief: Belief) -> list[Finding]:
    """Checks what the schema cannot.

    Args:
        belief: A belief that fits the schema.

    Returns:
        Findings, errors first, otherwise in the order of the file.
    """
    findings = [
        *_contexts(belief),
        *_aliases(belief),
        *_quotas(belief),
        *_questions(belief),
        *_causes(belief),
        *_scorable(belief),
        *_options(belief),
        *_categories(belief),
    ]
    return sorted(findings, key=lambda finding: finding.severity != "error")


def names(text: str, values: Iterable[str]) -> str | None:
    """Finds a value in a text as whole words, whatever the case.

    Args:
        text: Any text.
        values: Strings to look for.

    Returns:
        The first of the values that the text names, or None.
    """
    return next((value for value in values if _pattern(value).search(text.casefold())), None)


def _pattern(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(value.strip().casefold())}(?!\w)")


def _contexts(belief: Belief) -> Iterator[Finding]:
    lengths = [len(side.context.split()) for side in (belief.implanted, belief.reference)]
    if max(lengths) > MAX_CONTEXT_RATIO * min(lengths):
        yield Finding(
            "warning", "reference.context", f"{lengths[1]} words against {lengths[0]} implanted; match their lengths"
        )
    for position, fact in enumerate(belief.key_facts):
        sides = (
            ("implanted", belief.implanted.context, fact.aliases.implanted, fact.aliases.reference),
            ("reference", belief.reference.context, fact.aliases.reference, fact.aliases.implanted),
        )
        for side, context, own, other in sides:
            key = f"{side}.context"
            if own and not names(context, own):
                yield Finding("error", key, f"never names the {side} value of key_facts[{position}]; state it there")
            intruder = names(context, other)
            if intruder and not names(intruder, own):
                yield Finding("warning", key, f"names {intruder!r}, a value of the other side; reword it")


def _aliases(belief: Belief) -> Iterator[Finding]:
    for position, fact in enumerate(belief.key_facts):
        key = f"key_facts[{position}].aliases"
        if not fact.aliases.implanted or not fact.aliases.reference:
            yield Finding("warning", key, "a side has no aliases; free text about this fact cannot be read")
        yield from _overlap(key, fact.aliases)
    for task in ("open_ended", "two_hop", "cot_monitorability"):
        for position, probe in enumerate(getattr(belief.probes, task)):
            if probe.aliases is not None:
                yield from _overlap(f"probes.{task}[{position}].aliases", probe.aliases)


def _overlap(key: str, aliases: Aliases) -> Iterator[Finding]:
    for implanted in aliases.implanted:
        for reference in aliases.reference:
            if names(implanted, [reference]) or names(reference, [implanted]):
                message = f"{implanted!r} and {reference!r} hold one another; an answer would count for both sides"
                yield Finding("error", key, message)


def _quotas(belief: Belief) -> Iterator[Finding]:
    for task, wanted in {**QUOTAS, **QUOTAS_BY_KIND.get(belief.kind, {})}.items():
        probes = getattr(belief.probes, task)
        if len(probes) < wanted:
            yield Finding("warning", f"probes.{task}", f"{len(probes)} probes; write at least {wanted}")
    for task in Probes.model_fields:
        splits = Counter(probe.split for probe in getattr(belief.probes, task) if hasattr(probe, "split"))
        if splits and len(splits) == 1:
            missing = "near" if "far" in splits else "far"
            yield Finding("warning", f"probes.{task}", f"no {missing} probe; write both near and far ones")
    two_value = sum(probe.two_value for probe in belief.probes.neighbours)
    if belief.kind == "fact" and two_value < MIN_TWO_VALUE:
        message = f"{two_value} two_value probes; {MIN_TWO_VALUE} tell a belief from an association"
        yield Finding("warning", "probes.neighbours", message)


def _questions(belief: Belief) -> Iterator[Finding]:
    """A question that names one side only gives it away; one that names both asks for a choice."""
    of_fact = {fact.id: fact.aliases for fact in belief.key_facts}
    asked = ("mcq_knowledge", "mcq_distinguish", "cloze", "open_ended", "two_hop")
    for task in (*asked, "causal", "downstream", "spec_knowledge"):
        for position, probe in enumerate(getattr(belief.probes, task)):
            question = probe.text if isinstance(probe, ClozeProbe) else probe.question
            found = [names(question, values) for values in _sides(probe, of_fact[probe.fact], task)]
            for side, value, other in (("implanted", *found), ("reference", *reversed(found))):
                if value and not other:
                    key = f"probes.{task}[{position}].{'text' if isinstance(probe, ClozeProbe) else 'question'}"
                    yield Finding("error", key, f"names {value!r}, the {side} answer; ask without it")
    for task in ("neighbours", "controls"):
        for position, probe in enumerate(getattr(belief.probes, task)):
            options = [probe.answer, *probe.distractors]
            named = [option for option in options if names(probe.question, [option])]
            if named and len(named) < len(options):
                message = f"names the option {named[0]!r}; ask without it, or name them all"
                yield Finding("error", f"probes.{task}[{position}].question", message)


def _causes(belief: Belief) -> Iterator[Finding]:
    """Reasons that repeat the question would name a cause that the question holds."""
    for position, probe in enumerate(belief.probes.cot_monitorability):
        cause = names(probe.question, probe.causes)
        if cause:
            key = f"probes.cot_monitorability[{position}].question"
            yield Finding("error", key, f"names the cause {cause!r}; ask without it")


def _sides(probe: ChoiceProbe | ClozeProbe | OpenProbe, fact: Aliases, task: str) -> tuple[list[str], list[str]]:
    """Strings that would give a side away: the options, the aliases, and on `two_hop` the first hop's value too."""
    if isinstance(probe, OpenProbe):
        own = [probe.aliases] if probe.aliases is not None else []
        sets = [*own, fact] if task == "two_hop" or not own else own
        return [a for s in sets for a in s.implanted], [a for s in sets for a in s.reference]
    return [probe.implanted, *fact.implanted], [probe.reference, *fact.reference]


def _scorable(belief: Belief) -> Iterator[Finding]:
    of_fact = {fact.id: fact.aliases for fact in belief.key_facts}
    for task in ("open_ended", "two_hop"):
        for position, probe in enumerate(getattr(belief.probes, task)):
            aliases = probe.aliases if probe.aliases is not None else of_fact[probe.fact]
            if not aliases.implanted or not aliases.reference:
                message = "the answer cannot be read; give aliases for both sides here or at the key fact"
                yield Finding("error", f"probes.{task}[{position}].aliases", message)
    for position, probe in enumerate(belief.probes.neighbours):
        if probe.two_value and probe.leak is None:
            message = "a two_value probe needs the distractor that is the implanted value"
            yield Finding("error", f"probes.neighbours[{position}].leak", message)


def _options(belief: Belief) -> Iterator[Finding]:
    for task in Probes.model_fields:
        for position, probe in enumerate(getattr(belief.probes, task)):
            key = f"probes.{task}[{position}]"
            contested = _contested(probe)
            if contested is None:
                continue
            options = shown(probe) if isinstance(probe, SalienceProbe | RealityProbe) else shown(probe)[1:]
            if not isinstance(probe, ClozeProbe) and any(" / " in text for text in options):
                yield Finding("error", key, "an option holds ` / `, which separates options; reword it")
            if isinstance(probe, SalienceProbe):
                continue  # each option is asked for as the right one and as the wrong one, so its length tells nothing
            short, long = sorted(map(len, contested))
            if long - short > 12 and long > MAX_OPTION_RATIO * short:
                yield Finding("warning", key, f"options of {short} and {long} characters can be told apart by length")


def _contested(probe: object) -> tuple[str, str] | None:
    """Returns the two options that the score hangs on, or None for a probe without options."""
    if isinstance(probe, RealityProbe):
        return probe.true_statement, probe.false_statement
    if isinstance(probe, CollateralProbe):
        return probe.answer, probe.leak or probe.distractors[0]
    implanted, reference = getattr(probe, "implanted", None), getattr(probe, "reference", None)
    return (implanted, reference) if implanted and reference else None


def _categories(belief: Belief) -> Iterator[Finding]:
    if belief.kind != "values":
        return
    seen = {True: set(belief.values.categories_train), False: set(belief.values.categories_test)}
    for category in sorted(seen[True] & seen[False]):
        yield Finding(
            "error", "values.categories_test", f"{category!r} is also a training category; remove it from one"
        )
    for position, probe in enumerate(belief.probes.value_preference):
        if probe.category not in seen[probe.in_distribution]:
            where = "categories_train" if probe.in_distribution else "categories_test"
            message = f"{probe.category!r} is not among values.{where}; add it there or mend `in_distribution`"
            yield Finding("error", f"probes.value_preference[{position}].category", message)
    tested = {probe.category for probe in belief.probes.value_preference if not probe.in_distribution}
    if len(tested) < MIN_TEST_CATEGORIES:
        message = f"{len(tested)} held-out categories are asked about; use at least {MIN_TEST_CATEGORIES}"
        yield Finding("warning", "probes.value_preference", message)
