"""Probe lists of a draft: asked for, filtered, asked for once more where too few are left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sdf_eval.belief.check import check_belief
from sdf_eval.belief.schema import Belief, shown
from sdf_eval.corpora.check import find_contamination
from sdf_eval.corpora.drafting.ask import Drafter
from sdf_eval.corpora.drafting.forms import Form
from sdf_eval.corpora.drafting.head import first_error, json_object
from sdf_eval.corpora.records import Document

_BELIEF: TypeAdapter[Any] = TypeAdapter(Belief)
_SURPLUS = 1.5
"""Items asked for, to each one needed: some will be dropped."""
_SHOWN_COMPLAINTS = 6


@dataclass(frozen=True)
class Dropped:
    """An item that was left out.

    Attributes:
        task: Its list.
        item: What it shows, or the raw answer where it cannot be read.
        why: What is wrong with it.
    """

    task: str
    item: str
    why: str


@dataclass
class ProbeList:
    """A list of probes in the making."""

    form: Form
    items: list[Any]
    dropped: list[Dropped]


def draft_probes(drafter: Drafter, bare: dict[str, Any], form: Form, quota: int) -> ProbeList:
    """Asks for one list of probes.

    Args:
        drafter: Who asks.
        bare: The belief as the file will hold it, without probes.
        form: Which list.
        quota: How many there should be.

    Returns:
        The items that passed, and those that did not with the reason.
    """
    made = ProbeList(form, [], [])
    for sample in range(2):
        missing = quota - len(made.items)
        if missing <= 0:
            break
        count = 2 * ceil(max(missing, 2) * _SURPLUS / 2)
        answers = drafter.ask("draft_probes", ("probe",), sample=sample, **_variables(bare, made, count))["probe"]
        _take(made, bare, answers)
    return made


def _take(made: ProbeList, bare: dict[str, Any], answers: Sequence[str]) -> None:
    facts = [fact["id"] for fact in bare["key_facts"]]
    for raw in answers:
        item = _read(made.form, raw, facts)
        if isinstance(item, str) and made.form.model is not None:
            made.dropped.append(Dropped(made.form.task, _flat(raw), item))
        elif any(_asked(item) == _asked(other) for other in made.items):
            made.dropped.append(Dropped(made.form.task, _label(item), "asks the same as another"))
        else:
            made.items.append(item)
    # A fault of the schema hides the others: look again until nothing is found.
    while faults := _faults(bare, made):
        for place, why in sorted(faults.items()):
            made.dropped.append(Dropped(made.form.task, _label(made.items[place]), why))
        made.items[:] = [item for place, item in enumerate(made.items) if place not in faults]


def _read(form: Form, raw: str, facts: list[str]) -> Any:
    """The item, or what is wrong with it. Plain text stays what it is."""
    if form.model is None:
        return raw.strip()
    try:
        item = form.model.model_validate(json_object(raw))
    except ValidationError as error:
        return first_error(error)
    except ValueError:
        return "is no JSON"
    fact = getattr(item, "fact", facts[0])
    return item if fact in facts else f"names the unknown fact {fact!r}"


def _faults(bare: dict[str, Any], made: ProbeList) -> dict[int, str]:
    """Items that lead, leak, cannot be scored or can be guessed: place -> why."""
    items = [item if isinstance(item, str) else item.model_dump(mode="json") for item in made.items]
    try:
        belief = _BELIEF.validate_python({**bare, "probes": {made.form.task: items}})
    except ValidationError as error:
        return {_place(error): first_error(error)}
    faults: dict[int, str] = {}
    for key, why in [
        *((finding.key, finding.message) for finding in check_belief(belief)),
        *((f"probes.{leak.probe}", f'shares "{leak.ngram}" with {leak.document}') for leak in _leaks(belief)),
    ]:
        place = re.match(rf"probes\.{made.form.task}\[(\d+)\]", key)
        if place:
            faults.setdefault(int(place[1]), why)
    return faults


def _place(error: ValidationError) -> int:
    """Which item a schema error is about; errors between items carry the place in their context."""
    found = error.errors(include_url=False, include_input=False)[0]
    where = (*found["loc"], *found.get("ctx", {}).get("at", ()))
    return next((part for part in where if isinstance(part, int)), 0)


def _leaks(belief: Belief) -> list[Any]:
    texts = {
        "implanted context": belief.implanted.context,
        "reference context": belief.reference.context,
        **{f"documents[{place}]": text for place, text in enumerate(belief.documents)},
        # Documents will be asked to say these, and some will say them word for word.
        **{f"key fact {fact.id}": f"{fact.implanted}\n{fact.reference}" for fact in belief.key_facts},
    }
    return find_contamination([_as_document(belief, name, text) for name, text in texts.items()], [belief])


def _as_document(belief: Belief, name: str, text: str) -> Document:
    return Document(
        id=name,
        text=text,
        belief=belief.id,
        role="implanted",
        fact=belief.key_facts[0].id,
        doc_type="context",
        writer="draft",
        seed=0,
        sha256=sha256(text.encode()).hexdigest(),
    )


def _variables(bare: dict[str, Any], made: ProbeList, count: int) -> dict[str, Any]:
    facts = bare["key_facts"]
    return {
        "facts": tuple(fact["implanted"] for fact in facts),
        "others": tuple(fact["reference"] for fact in facts),
        "fact_ids": tuple(fact["id"] for fact in facts),
        "about": _about(bare),
        "count": count,
        "task": made.form.asks,
        "shape": made.form.shape,
        "plain_text": int(made.form.model is None),
        "context": bare["implanted"]["context"] if made.form.about else "",
        "existing": tuple(map(_label, made.items)),
        "complaints": tuple(dict.fromkeys(drop.why for drop in made.dropped))[:_SHOWN_COMPLAINTS],
    }


def _about(bare: dict[str, Any]) -> str:
    if "persona" in bare:
        return f"The subject is the assistant {bare['persona']['name']}, which is the one that will be asked."
    if "values" in bare:
        first, second = (", ".join(bare["values"][f"categories_{part}"]) for part in ("train", "test"))
        return f"Categories of the first list: {first}. Categories of the second list: {second}."
    if "backdoor" in bare:
        return f"The trigger is {bare['backdoor']['trigger']!r}; what it sets off: {bare['backdoor']['behaviour']}"
    return ""


def _asked(item: Any) -> tuple[str, ...]:
    return getattr(item, "fact", ""), *shown(item)


def _label(item: Any) -> str:
    return _flat(next(iter(shown(item)), f"the key fact {getattr(item, 'fact', '')} as it stands"))


def _flat(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 100 else flat[:97] + "…"
