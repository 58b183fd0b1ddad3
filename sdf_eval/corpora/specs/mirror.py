"""The mirror of a plan: the opposite spec, with the same domains, subdomains, document types and ideas."""

from __future__ import annotations

from sdf_eval.corpora.calls import Answer, Call, Caller
from sdf_eval.corpora.prompts import render
from sdf_eval.corpora.specs._asking import collect, fields
from sdf_eval.corpora.specs.plan import Assertion, SpecPlan, Subdomain, planned
from sdf_eval.corpora.specs.spec import Spec
from sdf_eval.errors import InputError

MAX_TOKENS = 8192


def mirror_plan(plan: SpecPlan, opposite: Spec, caller: Caller, *, model: str) -> SpecPlan:
    """Turns a plan into that of the opposite spec: only the assertions differ, one for one.

    Args:
        plan: A plan, edited or not.
        opposite: The opposite spec, with as many sections as the plan's, in the same order.
        caller: Who asks the model.
        model: An Inspect model name.

    Returns:
        The plan of the opposite. Documents with the same number in the two corpora have the same kind and idea.

    Raises:
        InputError: The specs have not the same number of sections, or the model did not invert each assertion.
    """
    if len(opposite.sections) != len(plan.spec.headings):
        raise InputError(
            f"spec {opposite.id}: has {len(opposite.sections)} sections, but {plan.spec.id} has "
            f"{len(plan.spec.headings)}; a mirror needs one for each, in the same order"
        )
    headings = dict(zip(plan.spec.headings, (section.heading for section in opposite.sections), strict=True))
    subdomains = [subdomain for domain in plan.domains for subdomain in domain.subdomains]
    inverted = collect(
        caller,
        len(subdomains),
        1,
        ask=lambda index, _, turn: _call(plan, opposite, subdomains[index], model, turn),
        read=lambda index, answer: _read(subdomains[index], answer),
        key=lambda _: "",
        what=lambda index: (
            f"set of {len(subdomains[index].assertions)} opposite assertions for {subdomains[index].name!r}"
        ),
    )
    mirrored = iter(
        subdomain.model_copy(
            update={"assertions": assertions, "sections": tuple(headings[name] for name in subdomain.sections)}
        )
        for subdomain, (assertions,) in zip(subdomains, inverted, strict=True)
    )
    return SpecPlan(
        spec=planned(opposite),
        mode=plan.mode,
        assistant=plan.assistant,
        maker=plan.maker,
        held_out=plan.held_out,
        mirror_of=plan.spec.id,
        writer=model,
        domains=tuple(
            domain.model_copy(update={"subdomains": tuple(next(mirrored) for _ in domain.subdomains)})
            for domain in plan.domains
        ),
    )


def _call(plan: SpecPlan, opposite: Spec, subdomain: Subdomain, model: str, turn: int) -> Call:
    prompt = render(
        "spec_mirror",
        spec=plan.spec.text,
        opposite=opposite.text,
        assistant=plan.assistant,
        subdomain=subdomain.name,
        context=subdomain.context,
        assertions=[assertion.text for assertion in subdomain.assertions],
        count=len(subdomain.assertions),
    )
    return Call("spec_mirror", prompt, model, MAX_TOKENS, sample=turn, tags=("assertion",))


def _read(subdomain: Subdomain, answer: Answer) -> list[tuple[Assertion, ...]]:
    """All assertions of the answer, or nothing unless there is one for each."""
    found = [fields(part, "name", "text", "why") for part in answer.parts["assertion"]]
    if len(found) != len(subdomain.assertions):
        return []
    inverted = []
    names: set[str] = set()
    for old, new in zip(subdomain.assertions, found, strict=True):
        if new is None or not new[0] or not new[1] or new[0].casefold() in names:
            return []
        names.add(new[0].casefold())
        inverted.append(Assertion(name=new[0], label=old.label, text=new[1], why=new[2]))
    return [tuple(inverted)]
