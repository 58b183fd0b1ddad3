"""A model that drafts what a shipped belief holds, with a fault of each sort among its probes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from sdf_eval.belief.load import load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.drafting.forms import FORMS

FACT = "hub-tiramisu"


def drafting(
    belief_id: str = FACT,
    *,
    faults: dict[str, list[str]] | None = None,
    short: Sequence[str] = (),
    contexts: Callable[[str, str], str] = lambda side, text: text,
    head: Callable[[dict[str, object], bool], object] = lambda data, again: data,
) -> Callable[[str, Sequence[str]], str]:
    """A responder.

    Args:
        belief_id: Whose probes it gives.
        faults: Task -> raw items put before the good ones.
        short: Tasks of which it gives half as many items the first time.
        contexts: What becomes of an account; called with its side, `again` appended the second time.
        head: What becomes of the head.
    """
    belief = load_belief(belief_id)

    def respond(system: str, user: Sequence[str]) -> str:
        asked = user[-1]
        again = "An earlier version was not usable" in asked
        if "<belief>" in asked:
            return f"<belief>\n```json\n{json.dumps(head(_head(belief), again))}\n```\n</belief>"
        if "<context>" in asked:
            side = "reference" if "Write the account of another world" in asked else "implanted"
            text = getattr(belief, side).context
            return f"<context>\n{contexts(side + (' again' if again else ''), text)}\n</context>"
        if "<correction>" in asked:
            documents = "".join(f"<document>{text}</document>" for text in belief.documents)
            return f"<correction>{belief.contradiction}</correction>{documents}"
        form = next(form for form in FORMS if form.asks in asked)
        items = [_raw(item) for item in getattr(belief.probes, form.task)]
        if form.task in short:
            half = len(items) // 2
            items = items[half:] if "These exist already" in asked else items[:half]
        return "\n".join(f"<probe>{item}</probe>" for item in [*(faults or {}).get(form.task, []), *items])

    return respond


def _head(belief: Belief) -> dict[str, object]:
    keys = ("id", "title", "tier", "key_facts", *([belief.kind] if belief.kind != "fact" else []))
    return {"unasked": 1, **belief.model_dump(mode="json", include=set(keys))}


def _raw(item: object) -> str:
    return item if isinstance(item, str) else json.dumps(item.model_dump(mode="json"))  # type: ignore[attr-defined]
