"""Spec -> domains -> subdomains -> assertions -> document types -> ideas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from sdf_eval.corpora.calls import Answer, Call, Caller
from sdf_eval.corpora.prompts import render
from sdf_eval.corpora.specs._asking import collect, fields, named, shown
from sdf_eval.corpora.specs.plan import Assertion, DocType, Domain, Idea, Label, Mode, SpecPlan, Subdomain, planned
from sdf_eval.corpora.specs.spec import Spec

MAX_TOKENS = 16_384
"""A long constitution needs more than 8,000 tokens of subdomains; what is not used is not paid for."""

IDEAS_A_CALL = 25


class Quotas(BaseModel):
    """How much of everything to plan. The number of documents is the product of all but `assertions`, at most.

    Attributes:
        domains: Domains a spec.
        subdomains: Subdomains (in rules mode, rules) a domain.
        assertions: Most assertions a subdomain.
        doc_types: Document types a subdomain.
        ideas: Ideas, and so documents, a document type.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    domains: int = Field(default=6, ge=1, le=100)
    subdomains: int = Field(default=4, ge=1, le=100)
    assertions: int = Field(default=8, ge=1, le=50)
    doc_types: int = Field(default=5, ge=1, le=200)
    ideas: int = Field(default=5, ge=1, le=500)


@dataclass(frozen=True)
class _Topic:
    """A subdomain on its way into the plan."""

    domain: str
    name: str
    context: str
    sections: tuple[str, ...]
    assertions: tuple[Assertion, ...] = ()


def plan_spec(
    spec: Spec,
    caller: Caller,
    *,
    model: str,
    mode: Mode = "values",
    quotas: Quotas | None = None,
    assistant: str | None = None,
    maker: str | None = None,
    held_out: Sequence[str] = (),
) -> SpecPlan:
    """Plans a corpus about a spec. A killed run given again asks nothing twice.

    Args:
        spec: The spec.
        caller: Who asks the model.
        model: An Inspect model name.
        mode: `values`: documents give the assistant's own reasons; `rules`: they give the rule that applies.
        quotas: How much of everything.
        assistant: Name of the assistant in the documents; None takes the spec's.
        maker: Who made it; None takes the spec's.
        held_out: Words that neither the plan nor a document may hold.

    Returns:
        The plan.

    Raises:
        InputError: The model gave nothing usable at some stage, or the caller cannot go on.
    """
    planner = _Planner(
        spec, caller, model, mode, quotas or Quotas(), assistant or spec.assistant, maker or spec.maker, tuple(held_out)
    )
    return planner.plan()


@dataclass(frozen=True)
class _Planner:
    spec: Spec
    caller: Caller
    model: str
    mode: Mode
    quotas: Quotas
    assistant: str
    maker: str
    held_out: tuple[str, ...]

    def plan(self) -> SpecPlan:
        """Asks level by level, from domains to ideas, and puts the plan together."""
        domains = self._domains()
        topics = self._topics(domains)
        types = self._doc_types(topics)
        ideas = self._ideas(topics, types)
        subdomains = [
            Subdomain(
                name=topic.name,
                context=topic.context,
                sections=topic.sections,
                assertions=topic.assertions,
                doc_types=tuple(
                    DocType(name=name, description=description, ideas=tuple(ideas[number, name]))
                    for name, description in types[number]
                ),
            )
            for number, topic in enumerate(topics)
        ]
        return SpecPlan(
            spec=planned(self.spec),
            mode=self.mode,
            assistant=self.assistant,
            maker=self.maker,
            held_out=self.held_out,
            writer=self.model,
            domains=tuple(
                Domain(
                    name=name,
                    description=description,
                    subdomains=tuple(
                        subdomain for topic, subdomain in zip(topics, subdomains, strict=True) if topic.domain == name
                    ),
                )
                for name, description in domains
            ),
        )

    def _domains(self) -> list[tuple[str, str]]:
        (domains,) = collect(
            self.caller,
            1,
            self.quotas.domains,
            ask=lambda _, have, turn: self._call(
                "spec_domains", ("domain",), turn, count=self.quotas.domains, have=shown([name for name, _ in have])
            ),
            read=lambda _, answer: self._named(answer, "domain"),
            key=lambda domain: domain[0],
            what=lambda _: f"domains of {self.spec.id}",
        )
        return domains

    def _topics(self, domains: Sequence[tuple[str, str]]) -> list[_Topic]:
        stage, tag = ("spec_rules", "rule") if self.mode == "rules" else ("spec_subdomains", "subdomain")
        found = collect(
            self.caller,
            len(domains),
            self.quotas.subdomains,
            ask=lambda index, have, turn: self._call(
                stage,
                (tag,),
                turn,
                domain=domains[index][0],
                description=domains[index][1],
                domains=[name for name, _ in domains],
                headings=[f"{number}. {section.heading}" for number, section in enumerate(self.spec.sections, 1)],
                count=self.quotas.subdomains,
                have=shown([topic.name for topic in have]),
            ),
            read=lambda index, answer: self._read_topics(domains[index][0], answer.parts[tag]),
            key=lambda topic: topic.name,
            what=lambda index: f"{tag}s of the domain {domains[index][0]!r}",
        )
        topics = [topic for topics in found for topic in topics]
        return topics if self.mode == "rules" else self._with_assertions(topics)

    def _read_topics(self, domain: str, parts: Sequence[str]) -> list[_Topic]:
        topics = []
        for part in parts:
            found = fields(part, "name", "context", "sections")
            if found is None or not found[0] or self._is_held_out(part):
                continue
            name, context, numbers = found
            sections = self._sections(numbers)
            text = fields(part, "text") if self.mode == "rules" else ("",)
            if not sections or text is None or (self.mode == "rules" and not text[0]):
                continue
            rule = (Assertion(name=name, label="rule", text=text[0]),) if self.mode == "rules" else ()
            topics.append(_Topic(domain, name, context, sections, rule))
        return topics

    def _with_assertions(self, topics: list[_Topic]) -> list[_Topic]:
        found = collect(
            self.caller,
            len(topics),
            self.quotas.assertions,
            ask=lambda index, have, turn: self._call(
                "spec_assertions",
                ("assertion",),
                turn,
                excerpt=self._excerpt(topics[index].sections),
                subdomain=topics[index].name,
                context=topics[index].context,
                count=self.quotas.assertions,
                have=shown([assertion.text for assertion in have]),
            ),
            read=lambda _, answer: self._read_assertions(answer.parts["assertion"]),
            key=lambda assertion: assertion.name,
            what=lambda index: f"assertions for the subdomain {topics[index].name!r}",
            # Extraction: what is not there at once is not in the text, and must not be made up.
            rounds=1,
        )
        return [
            _Topic(topic.domain, topic.name, topic.context, topic.sections, tuple(assertions))
            for topic, assertions in zip(topics, found, strict=True)
        ]

    def _read_assertions(self, parts: Sequence[str]) -> list[Assertion]:
        assertions = []
        for part in parts:
            found = fields(part, "name", "label", "text", "why")
            if found is None or not found[0] or not found[2] or self._is_held_out(part):
                continue
            name, label, text, why = found
            known: Label = next((known for known in get_args(Label) if known == label.casefold()), "value")
            assertions.append(Assertion(name=name, label=known, text=text, why=why))
        return assertions

    def _doc_types(self, topics: Sequence[_Topic]) -> list[list[tuple[str, str]]]:
        return collect(
            self.caller,
            len(topics),
            self.quotas.doc_types,
            ask=lambda index, have, turn: self._call(
                "spec_doc_types",
                ("type",),
                turn,
                domain=topics[index].domain,
                subdomain=topics[index].name,
                context=topics[index].context,
                count=self.quotas.doc_types - len(have),
                have=shown([name for name, _ in have]),
            ),
            read=lambda _, answer: self._named(answer, "type"),
            key=lambda kind: kind[0],
            what=lambda index: f"document types for the subdomain {topics[index].name!r}",
        )

    def _ideas(
        self, topics: Sequence[_Topic], types: Sequence[Sequence[tuple[str, str]]]
    ) -> dict[tuple[int, str], list[Idea]]:
        places = [(number, kind) for number, kinds in enumerate(types) for kind in kinds]
        found = collect(
            self.caller,
            len(places),
            self.quotas.ideas,
            ask=lambda index, have, turn: self._call(
                "spec_ideas",
                ("idea",),
                turn,
                domain=topics[places[index][0]].domain,
                subdomain=topics[places[index][0]].name,
                context=topics[places[index][0]].context,
                doc_type=f"{places[index][1][0]}: {places[index][1][1]}",
                count=min(IDEAS_A_CALL, self.quotas.ideas - len(have)),
                have=shown([idea.name for idea in have]),
            ),
            read=lambda _, answer: [Idea(name=name, text=text) for name, text in self._named(answer, "idea")],
            key=lambda idea: idea.name,
            what=lambda index: f"ideas for {places[index][1][0]!r} on {topics[places[index][0]].name!r}",
            rounds=3 + self.quotas.ideas // IDEAS_A_CALL,
        )
        return {(number, kind[0]): ideas for (number, kind), ideas in zip(places, found, strict=True)}

    def _call(self, stage: str, tags: tuple[str, ...], sample: int, **variables: str | int | Sequence[str]) -> Call:
        shared: dict[str, str | int | Sequence[str]] = {
            "spec": self.spec.text,
            "assistant": self.assistant,
            "maker": self.maker,
            "mode": self.mode,
            "held_out": self.held_out,
        }
        prompt = render(stage, **{**shared, **variables})
        return Call(stage, prompt, self.model, MAX_TOKENS, sample=sample, tags=tags)

    def _named(self, answer: Answer, tag: str) -> list[tuple[str, str]]:
        found = (named(part) for part in answer.parts[tag] if not self._is_held_out(part))
        return [pair for pair in found if pair is not None]

    def _sections(self, numbers: str) -> tuple[str, ...]:
        """Headings of the numbered sections, in the order of the spec."""
        wanted = {int(number) for number in re.findall(r"\d{1,4}", numbers)}
        return tuple(
            dict.fromkeys(section.heading for number, section in enumerate(self.spec.sections, 1) if number in wanted)
        )

    def _excerpt(self, headings: Sequence[str]) -> str:
        chosen = [section for section in self.spec.sections if section.heading in headings]
        return "\n\n".join(f"## {section.heading}\n\n{section.text}" for section in chosen)

    def _is_held_out(self, text: str) -> bool:
        return holds_any(text, self.held_out)


def holds_any(text: str, held_out: Sequence[str]) -> bool:
    """Whether a text holds one of the words or phrases, whatever their case, or its plural."""
    flat = " ".join(text.split())
    return any(re.search(rf"(?<!\w){re.escape(word)}(?:e?s)?(?!\w)", flat, re.IGNORECASE) for word in held_out)
