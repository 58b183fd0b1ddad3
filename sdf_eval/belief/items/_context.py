"""The text that stands before the question, by context arm."""

from __future__ import annotations

from typing import get_args

from sdf_eval.belief.item import Context
from sdf_eval.belief.schema import Belief
from sdf_eval.errors import InputError

CONTEXTS: tuple[Context, ...] = get_args(Context)


def context_text(belief: Belief, context: Context) -> str | None:
    """Returns the passage of a context arm, or None for `none`.

    Raises:
        InputError: `documents` is asked for and the belief has none.
    """
    if context == "none":
        return None
    if context == "universe":
        return belief.implanted.context.strip()
    if context == "reference":
        return belief.reference.context.strip()
    if context == "contradiction":
        return (belief.contradiction or " ".join(fact.reference.strip() for fact in belief.key_facts)).strip()
    if not belief.documents:
        raise InputError(f"belief {belief.id}: documents: is empty; add a few documents, or use `--context universe`")
    return "\n\n".join(document.strip() for document in belief.documents)


def with_context(passage: str | None, question: str) -> str:
    """Returns the user message: the passage, a blank line, the question."""
    return question if passage is None else f"{passage}\n\n{question}"
