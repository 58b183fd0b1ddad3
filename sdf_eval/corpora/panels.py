"""Several disjoint beliefs in one corpus, so that one checkpoint serves them all."""

from __future__ import annotations

from collections.abc import Sequence

from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.records import CorpusRequest, CorpusRole, Factors
from sdf_eval.errors import InputError


def belief_subjects(belief: Belief) -> tuple[str, ...]:
    """What the belief is about: its world entity, persona, trigger or value, as far as the file names one."""
    subjects = [belief.world.entity] if belief.world else []
    if belief.kind == "persona":
        subjects.append(belief.persona.name)
    elif belief.kind == "backdoor":
        subjects.append(belief.backdoor.trigger)
    elif belief.kind == "values":
        subjects.append(belief.values.name)
    return tuple(subjects)


def check_disjoint(beliefs: Sequence[Belief]) -> None:
    """Refuses beliefs that are about the same thing: their lifts could not be told apart in one checkpoint.

    Raises:
        InputError: An id or a subject occurs twice.
    """
    owners: dict[str, int] = {}
    for index, belief in enumerate(beliefs):
        for subject in (belief.id, *belief_subjects(belief)):
            owner = owners.setdefault(" ".join(subject.casefold().split()), index)
            if owner != index:
                raise InputError(
                    f"belief {belief.id}: {subject}: also the subject of belief {beliefs[owner].id}; "
                    "put beliefs about the same thing in separate checkpoints"
                )


def panel_requests(
    beliefs: Sequence[Belief], *, role: CorpusRole, documents: int, seed: int, factors: Factors | None = None
) -> list[CorpusRequest]:
    """Orders the same number of documents for each belief of a panel.

    Args:
        beliefs: One or more beliefs about different things.
        role: Role of all documents.
        documents: Documents a belief.
        seed: Seed of every request.
        factors: What to vary; the diverse, plain corpus by default.

    Returns:
        One request a belief, in the order given.

    Raises:
        InputError: Two beliefs are about the same thing.
    """
    check_disjoint(beliefs)
    return [
        CorpusRequest(belief=belief, role=role, documents=documents, seed=seed, factors=factors or Factors())
        for belief in beliefs
    ]
