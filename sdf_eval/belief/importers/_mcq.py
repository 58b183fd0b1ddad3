"""Multiple choice of the false-facts family: options by letter and the letter that counts as right.

Which side the right letter is of depends on the list. `distinguishing_mcqs` are keyed to the true universe, so a model
that believes the implant scores 0 there; knowledge questions are keyed to the universe they were made from. Ours have
no key: the options are named by side, and a belief score of 1 is the implanted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sdf_eval.belief.importers._draft import Draft, probe_ref

Side = Literal["implanted", "reference"]

_NO_OTHER = "does not say which option is the other universe's; add a probe that names both"


@dataclass(frozen=True)
class _Question:
    text: str
    options: dict[str, str]
    right: str

    @property
    def answer(self) -> str:
        return self.options[self.right]


def distinguish(draft: Draft, where: str, entries: Sequence[Any]) -> list[Any]:
    """Reads a list that is keyed to the true universe.

    Args:
        draft: Takes the probes.
        where: Key of the list, for notes.
        entries: The list.

    Returns:
        The list with references to the probes.
    """
    return [
        _of_two(draft, "mcq_distinguish", where, position, entry, "reference") for position, entry in enumerate(entries)
    ]


def knowledge(
    draft: Draft, where: tuple[str, str], implanted: Sequence[Any], reference: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Reads the knowledge questions of the two universes, each keyed to its own.

    A question that both lists ask over the same options becomes one probe. One that only one list asks names both sides
    only if it has two options.

    Args:
        draft: Takes the probes.
        where: Keys of the two lists, for notes.
        implanted: Questions keyed to the false universe.
        reference: Questions keyed to the true universe.

    Returns:
        Both lists with references to the probes.
    """
    results: tuple[list[Any], list[Any]] = ([], [])
    paired: dict[int, Any] = {}
    for position, entry in enumerate(implanted):
        found = _partner(entry, reference, paired)
        if found is None:
            results[0].append(_of_two(draft, "mcq_knowledge", where[0], position, entry, "implanted"))
            continue
        partner, mine, theirs = found
        sides = {mine.answer: "implanted", theirs.answer: "reference"}
        others = [text for text in mine.options.values() if text not in sides]
        slot = draft.choice(
            "mcq_knowledge",
            where[0],
            position,
            question=mine.text,
            implanted=mine.answer,
            reference=theirs.answer,
            distractors=others,
        )
        results[0].append(_linked(entry, slot, sides, others))
        paired[partner] = _linked(reference[partner], slot, sides, others)
    for position, entry in enumerate(reference):
        if position in paired:
            results[1].append(paired[position])
        else:
            results[1].append(_of_two(draft, "mcq_knowledge", where[1], position, entry, "reference"))
    return results


def _partner(entry: Any, others: Sequence[Any], taken: dict[int, Any]) -> tuple[int, _Question, _Question] | None:
    """The same question over the same options in the other list, where another option is right."""
    mine = _read(entry)
    if isinstance(mine, str):
        return None
    for position, other in enumerate(others):
        theirs = _read(other)
        if position in taken or isinstance(theirs, str) or theirs.text != mine.text:
            continue
        if set(theirs.options.values()) == set(mine.options.values()) and theirs.answer != mine.answer:
            return position, mine, theirs
    return None


def _of_two(draft: Draft, task: str, where: str, position: int, entry: Any, keyed_to: Side) -> Any:
    question = _read(entry)
    if isinstance(question, str):
        draft.refuse(where, position, question)
        return entry
    if len(question.options) != 2:
        draft.refuse(where, position, _NO_OTHER)
        return entry
    other: Side = "implanted" if keyed_to == "reference" else "reference"
    wrong = next(text for letter, text in question.options.items() if letter != question.right)
    fields: dict[str, Any] = {keyed_to: question.answer, other: wrong}
    slot = draft.choice(task, where, position, question=question.text, **fields)
    return _linked(entry, slot, {question.answer: keyed_to, wrong: other}, [], task)


def _linked(
    entry: Any, slot: int | None, sides: dict[str, Any], distractors: list[str], task: str = "mcq_knowledge"
) -> Any:
    """The entry with references for its texts; the right letter stays where it is, and so on its side."""
    if slot is None:
        return entry
    options = {
        letter: probe_ref(task, slot, sides[text])
        if text in sides
        else probe_ref(task, slot, "distractors", distractors.index(text))
        for letter, text in entry["options"].items()
    }
    return {**entry, "question": probe_ref(task, slot, "question"), "options": options}


def _read(entry: Any) -> _Question | str:
    """The question, or why it is none."""
    if not isinstance(entry, dict):
        return "is no object with question, options and correct_answer"
    text, options, right = entry.get("question"), entry.get("options"), entry.get("correct_answer")
    if not isinstance(text, str) or not isinstance(options, dict) or not isinstance(right, str):
        return "is no object with question, options and correct_answer"
    if not all(isinstance(option, str) for option in options.values()):
        return "has an option that is no text"
    if right not in options:
        return "has a correct_answer that is none of its letters"
    return _Question(text, options, right)
