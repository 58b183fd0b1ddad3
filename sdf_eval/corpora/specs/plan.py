"""The plan of a spec corpus: a YAML file that a person reads and edits before any document is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sdf_eval.belief import _yaml
from sdf_eval.corpora.specs._reading import validated
from sdf_eval.corpora.specs.spec import Spec
from sdf_eval.errors import InputError

MOST_BYTES = 256 * 2**20

Mode = Literal["values", "rules"]
"""`values`: documents show the assistant acting from reasons that are its own. `rules`: from the rule that applies."""

Label = Literal["behavior", "value", "preference", "belief", "tone", "rule"]

Line = Annotated[str, StringConstraints(pattern=r"\S", max_length=2000)]
Text = Annotated[str, StringConstraints(pattern=r"\S")]

_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assertion(_Model):
    """One thing that the spec says about the assistant.

    Attributes:
        name: A few words, unique within its subdomain.
        label: What kind of thing it is.
        text: The assertion, one sentence.
        why: The reason that the spec gives for it, if any.
    """

    name: Line
    label: Label
    text: Line
    why: str = ""


class Idea(_Model):
    """One document to be written.

    Attributes:
        name: A few words, unique within its document type.
        text: Who writes what to whom, and about which situation. It takes no side, so that a mirror can share it.
    """

    name: Line
    text: Line


class DocType(_Model):
    """A kind of document, and the ideas for documents of this kind."""

    name: Line
    description: str = ""
    ideas: tuple[Idea, ...] = Field(min_length=1)


class Subdomain(_Model):
    """A topic within a domain.

    Attributes:
        name: A few words, unique within its domain.
        context: What the topic is about; takes no side.
        sections: Headings of the spec's sections that bear on it.
        assertions: What those sections say about it.
        doc_types: Kinds of document about it.
    """

    name: Line
    context: str = ""
    sections: tuple[str, ...] = Field(min_length=1)
    assertions: tuple[Assertion, ...] = Field(min_length=1)
    doc_types: tuple[DocType, ...] = Field(min_length=1)


class Domain(_Model):
    """A broad area that the spec speaks about."""

    name: Line
    description: str = ""
    subdomains: tuple[Subdomain, ...] = Field(min_length=1)


class PlannedSpec(_Model):
    """The spec inside a plan: the plan alone is enough to write the documents."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")
    title: Line
    partner: str | None = None
    sha256: str
    headings: tuple[str, ...] = Field(min_length=1)
    text: Text


class SpecPlan(_Model):
    """What will be written from a spec.

    Attributes:
        spec: The spec.
        mode: How documents give reasons.
        assistant: The name under which the documents speak of the assistant.
        maker: Who made it, in the documents.
        held_out: Words that no document may hold, such as the categories on which the model will be tested.
        mirror_of: Id of the spec whose plan this one mirrors: all but the assertions is equal.
        writer: Model that drafted the plan.
        domains: Everything else.
    """

    spec: PlannedSpec
    mode: Mode = "values"
    assistant: Line = "the assistant"
    maker: Line = "its makers"
    held_out: tuple[Line, ...] = ()
    mirror_of: str | None = None
    writer: str = ""
    domains: tuple[Domain, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique_and_sections_known(self) -> SpecPlan:
        _unique(("domains",), self.domains)
        for d, domain in enumerate(self.domains):
            _unique(("domains", d, "subdomains"), domain.subdomains)
            for s, subdomain in enumerate(domain.subdomains):
                at = ("domains", d, "subdomains", s)
                _unique((*at, "assertions"), subdomain.assertions)
                _unique((*at, "doc_types"), subdomain.doc_types)
                for place, heading in enumerate(subdomain.sections):
                    if heading not in self.spec.headings:
                        raise _wrong((*at, "sections", place), f"{heading!r} is no heading of the spec; mend it")
                for t, doc_type in enumerate(subdomain.doc_types):
                    _unique((*at, "doc_types", t, "ideas"), doc_type.ideas)
        return self

    @property
    def documents(self) -> int:
        """How many documents the plan has ideas for."""
        return sum(1 for _ in self.slots())

    def slots(self) -> Iterator[Slot]:
        """One entry a document, in the order of the file."""
        for d, domain in enumerate(self.domains, 1):
            for s, subdomain in enumerate(domain.subdomains, 1):
                for t, doc_type in enumerate(subdomain.doc_types, 1):
                    for i, idea in enumerate(doc_type.ideas, 1):
                        yield Slot(f"d{d:02}-s{s:02}-t{t:02}-i{i:03}", domain, subdomain, doc_type, idea)


@dataclass(frozen=True)
class Slot:
    """The place of one document in a plan; a plan and its mirror have the same slots."""

    id: str
    domain: Domain
    subdomain: Subdomain
    doc_type: DocType
    idea: Idea


def planned(spec: Spec) -> PlannedSpec:
    """The spec as a plan keeps it."""
    return PlannedSpec(
        id=spec.id,
        title=spec.title,
        partner=spec.partner,
        sha256=spec.sha256,
        headings=tuple(section.heading for section in spec.sections),
        text=spec.text,
    )


def load_plan(path: str | Path) -> SpecPlan:
    """Reads a plan, edited or not.

    Args:
        path: The YAML file.

    Returns:
        The plan.

    Raises:
        InputError: It cannot be read or is no plan; the message names file, line, key and fix.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: is larger than {MOST_BYTES // 2**20} MB; part the plan into several")
        raw = file.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}; name a plan file") from None
    return parse_plan(raw, str(path))


def parse_plan(raw: bytes | str, name: str = "<plan>") -> SpecPlan:
    """Reads a plan that is already in memory. Raises like `load_plan`."""
    return validated(SpecPlan, _yaml.parse(name, raw.encode() if isinstance(raw, str) else raw))


def dump_plan(plan: SpecPlan) -> str:
    """YAML that reads back as an equal plan, after a few lines for the person who edits it."""
    data = plan.model_dump(mode="json", exclude_defaults=True)
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return (
        f"# {plan.documents} documents: one for each idea. Edit, add or remove whatever is below `domains:`, then\n"
        "# sdf-eval spec write THIS_FILE --writer MODEL --out DIR\n" + text
    )


class _Dumper(_SafeDumper):  # type: ignore[misc]
    """libyaml's dumper where there is one: the one in Python takes a minute for a large plan."""

    def ignore_aliases(self, data: Any) -> bool:
        """Nothing is an anchor: plans are read without them."""
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    # A block is for texts in which nothing can be lost; libyaml chooses for all others.
    block = "\n" in text and all(line == line.strip() and line.isprintable() for line in text.split("\n"))
    quoted = not block and not all(letter.isprintable() for letter in text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if block else '"' if quoted else None)


_Dumper.add_representer(str, _represent_text)


def _unique(at: tuple[str | int, ...], named: Sequence[Any]) -> None:
    seen: set[str] = set()
    for place, entry in enumerate(named):
        key = " ".join(entry.name.casefold().split())
        if key in seen:
            raise _wrong((*at, place, "name"), f"the name {entry.name!r} stands twice; rename or remove one")
        seen.add(key)


def _wrong(at: tuple[str | int, ...], what: str) -> PydanticCustomError:
    # Pydantic fills in braces, which a name may hold.
    return PydanticCustomError("names", "{what}", {"at": at, "what": what})
