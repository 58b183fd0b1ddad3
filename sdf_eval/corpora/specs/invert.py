"""Drafts the coherent opposite of a spec, section by section, for a person to review."""

from __future__ import annotations

import re

from sdf_eval.corpora.calls import Answer, Call, Caller, Refused
from sdf_eval.corpora.prompts import Prompt, render
from sdf_eval.corpora.specs._asking import clean, collect, one_line
from sdf_eval.corpora.specs.spec import Section, Spec, dump_spec, parse_spec
from sdf_eval.errors import InputError

MAX_TOKENS = 16_384
_ATTEMPTS = 3


def invert_spec(spec: Spec, caller: Caller, *, model: str) -> Spec:
    """Drafts the opposite of a spec: first an outline that settles its convictions, then each section by it.

    Args:
        spec: The spec.
        caller: Who asks the model.
        model: An Inspect model name.

    Returns:
        A spec with as many sections, in the same order; its partner is the given one. A person should read it before it
        is used.

    Raises:
        InputError: The model gave no usable answer, or the caller cannot go on.
    """
    title, outline = _outline(spec, caller, model)
    headings = [section.heading for section in spec.sections]

    def ask(index: int, _: object, turn: int) -> Call:
        section = spec.sections[index]
        prompt = render(
            "spec_invert_section",
            spec=spec.text,
            assistant=spec.assistant,
            outline=outline,
            headings=headings,
            heading=section.heading,
            section=section.text,
            words=len(section.text.split()),
        )
        return _call("spec_invert_section", prompt, model, ("heading", "content"), turn)

    drafted = collect(
        caller,
        len(headings),
        1,
        ask=ask,
        read=lambda _, answer: _section(answer),
        key=lambda _: "",
        what=lambda index: f"opposite of the section {headings[index]!r}",
        rounds=_ATTEMPTS,
    )
    opposite = Spec(
        id=f"{spec.id[:70].rstrip('-_')}-inverse",
        title=title,
        partner=spec.id,
        assistant=spec.assistant,
        maker=spec.maker,
        note=f"drafted by {model} from {spec.id}; read it before it is used",
        sections=tuple(section for (section,) in drafted),
    )
    return parse_spec(dump_spec(opposite), opposite.id)


def _outline(spec: Spec, caller: Caller, model: str) -> tuple[str, str]:
    prompt = render("spec_invert_outline", spec=spec.text, assistant=spec.assistant, title=spec.title)
    for turn in range(_ATTEMPTS):
        (answer,) = caller.answers([_call("spec_invert_outline", prompt, model, ("title", "outline"), turn)])
        if isinstance(answer, Refused):
            continue
        title = one_line(answer.parts["title"][0])[:500].strip()
        outline = clean(answer.parts["outline"][0])
        if title and outline:
            return title, outline
    raise InputError(f"--writer: {model}: gave no outline of an opposite of {spec.id}; run this again with another")


def _section(answer: Answer) -> list[Section]:
    """The drafted section, unless it would not be one section in a spec file."""
    heading = re.sub(r"[\s#]+$", "", one_line(answer.parts["heading"][0]).lstrip("# "))[:500].strip()
    text = re.sub(r"^#{1,2}(?=[ \t])", "###", clean(answer.parts["content"][0]), flags=re.MULTILINE)
    try:
        # An open code block would swallow the section that follows.
        read = parse_spec(f"---\nid: draft\ntitle: draft\n---\n\n## {heading}\n\n{text}\n\n## End\n\nEnd.\n").sections
    except InputError:
        return []
    return [read[0]] if len(read) == 2 and read[0].heading == heading else []


def _call(stage: str, prompt: Prompt, model: str, tags: tuple[str, ...], sample: int) -> Call:
    return Call(stage, prompt, model, MAX_TOKENS, sample=sample, tags=tags)
