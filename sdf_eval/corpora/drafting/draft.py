"""From one sentence to a belief file that a person has yet to review."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sdf_eval import __version__
from sdf_eval.belief.check import Finding, check_belief
from sdf_eval.belief.load import dump_belief, parse_belief
from sdf_eval.belief.schema import Belief, Kind
from sdf_eval.corpora.calls import Caller
from sdf_eval.corpora.drafting.ask import Drafter
from sdf_eval.corpora.drafting.contexts import draft_contexts
from sdf_eval.corpora.drafting.forms import wanted
from sdf_eval.corpora.drafting.head import Head, draft_head, first_error
from sdf_eval.corpora.drafting.probes import Dropped, draft_probes
from sdf_eval.errors import InputError

_BELIEF: TypeAdapter[Any] = TypeAdapter(Belief)


@dataclass(frozen=True)
class Draft:
    """A drafted belief.

    Attributes:
        belief: It fits the schema.
        text: The file, with a comment at the top that says what a person must do.
        dropped: Items that the filters left out.
        findings: What `belief check` says about the rest.
    """

    belief: Belief
    text: str
    dropped: tuple[Dropped, ...]
    findings: tuple[Finding, ...]


def draft_belief(
    claim: str, caller: Caller, model: str, *, kind: Kind = "fact", progress: Callable[[int], None] | None = None
) -> Draft:
    """Drafts a belief: head, accounts, passages, one list of probes after another.

    Args:
        claim: The claim, one sentence.
        caller: Who answers; answers of an earlier draft of the same claim come from its ledger.
        model: An Inspect model name.
        kind: Kind of belief.
        progress: Called with 1 for every part that is done; see `parts`.

    Returns:
        The draft.

    Raises:
        InputError: The claim is empty, or the writer declined, refused or gave what cannot be used.
    """
    if not claim.strip():
        raise InputError("CLAIM: empty; write one sentence that states what is to be believed")
    drafter = Drafter(caller, model)
    head = draft_head(drafter, " ".join(claim.split()), kind)
    advance = progress or (lambda done: None)
    advance(1)
    bare = _bare(drafter, head, kind)
    advance(1)
    probes: dict[str, list[Any]] = {}
    dropped: list[Dropped] = []
    for form, quota in wanted(kind):
        made = draft_probes(drafter, bare, form, quota)
        items = [item if isinstance(item, str) else item.model_dump(mode="json") for item in made.items]
        probes[form.task] = items
        dropped += made.dropped
        advance(1)
    try:
        belief: Belief = _BELIEF.validate_python({**bare, "probes": probes})
    except ValidationError as error:
        raise InputError(f"--writer: {model}: the draft is not usable: {first_error(error)}; draft again") from None
    text = _comment(claim, model) + dump_belief(belief)
    return Draft(parse_belief(text), text, tuple(dropped), tuple(check_belief(belief)))


def parts(kind: Kind) -> int:
    """How many parts a draft has, for a progress display."""
    return 2 + len(wanted(kind))


def _bare(drafter: Drafter, head: Head, kind: Kind) -> dict[str, Any]:
    """The belief without its probes, as the file will hold it."""
    passages = draft_contexts(drafter, head)
    bare = {
        "id": head.id,
        "kind": kind,
        "tier": head.tier,
        "title": head.title,
        "implanted": {"context": passages.implanted},
        "reference": {"context": passages.reference},
        "contradiction": passages.contradiction,
        "documents": list(passages.documents),
        "key_facts": [fact.model_dump(mode="json") for fact in head.key_facts],
    }
    if kind != "fact":
        bare[kind] = getattr(head, kind).model_dump(mode="json")
    try:
        _BELIEF.validate_python(bare)
    except ValidationError as error:
        raise InputError(
            f"--writer: {drafter.model}: the draft is not usable: {first_error(error)}; word the claim anew"
        ) from None
    return bare


def _comment(claim: str, model: str) -> str:
    said = "".join(letter if letter.isprintable() else " " for letter in " ".join(claim.split()))
    return (
        f"# DRAFT, to be reviewed by a person before it is used. Written by {model} with sdf-eval {__version__} from:\n"
        f"# {said}\n"
        "# Do the accounts differ in nothing but the facts? Are right answers right, and wrong ones wrong? Could a\n"
        "# reader who sees only the question guess it? Then run `sdf-eval belief check`, and remove these lines.\n"
    )
