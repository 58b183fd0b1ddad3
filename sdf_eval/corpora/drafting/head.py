"""The head of a drafted belief: title, tier, key facts, and what its kind takes."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdf_eval.belief.schema import Backdoor, KeyFact, Kind, Persona, Slug, Text, Tier, Values
from sdf_eval.corpora.drafting.ask import Drafter
from sdf_eval.errors import InputError


class Head(BaseModel):
    """What the first answer holds. Keys that nobody asked for are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Slug
    title: Text
    tier: Tier
    key_facts: tuple[KeyFact, ...] = Field(min_length=1)
    persona: Persona | None = None
    backdoor: Backdoor | None = None
    values: Values | None = None

    def side(self, side: str) -> tuple[str, ...]:
        """The statements of the side `implanted` or `reference`."""
        return tuple(getattr(fact, side) for fact in self.key_facts)

    def aliases(self, side: str) -> list[tuple[str, ...]]:
        """The aliases of a side, fact by fact."""
        return [getattr(fact.aliases, side) for fact in self.key_facts]


def draft_head(drafter: Drafter, claim: str, kind: Kind) -> Head:
    """Asks for the head, and once more if it cannot be used.

    Args:
        drafter: Who asks.
        claim: The claim, one sentence.
        kind: Kind of belief.

    Returns:
        The head.

    Raises:
        InputError: The writer declined, or its second answer cannot be used either.
    """
    complaint = ""
    for sample in range(2):
        parts = drafter.ask("draft_claim", ("belief",), sample=sample, claim=claim, kind=kind, complaint=complaint)
        head = _read(parts["belief"][0], kind)
        if isinstance(head, Head):
            return head
        complaint = head
    raise InputError(f"--writer: {drafter.model}: its head of the file is not usable: {complaint}; word the claim anew")


def json_object(raw: str) -> Any:
    """Reads JSON that may stand in a Markdown fence.

    Raises:
        ValueError: It is no JSON.
    """
    text = raw.strip()
    if text.startswith("```"):
        text = text.removeprefix("```json").removeprefix("```").removesuffix("```")
    return json.loads(text)


def _read(raw: str, kind: Kind) -> Head | str:
    """The head, or what is wrong with it."""
    try:
        data = json_object(raw)
    except ValueError as error:
        return f"it is no JSON ({error})"
    if data is None:
        raise InputError("CLAIM: the writer declined: it would teach something that can injure people; choose another")
    try:
        head = Head.model_validate(data)
    except ValidationError as error:
        return first_error(error)
    if kind != "fact" and getattr(head, kind) is None:
        return f"the key {kind!r} is missing"
    bare = [fact.id for fact in head.key_facts if not fact.aliases.implanted or not fact.aliases.reference]
    if bare:
        return f"the key fact {bare[0]!r} needs aliases on both sides"
    if len({fact.id for fact in head.key_facts}) != len(head.key_facts):
        return "two key facts have the same id"
    return head


def first_error(error: ValidationError) -> str:
    """The first complaint of a validation, with its key."""
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc'])) or 'object'}: {found['msg']}"
