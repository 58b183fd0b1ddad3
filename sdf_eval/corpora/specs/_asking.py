"""Asking a model for lists of things, until there are enough of them, and reading what it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sdf_eval.corpora.calls import Answer, Call, Caller, Refused
from sdf_eval.errors import InputError

T = TypeVar("T")

ROUNDS = 4
"""How often a list that is too short is asked for again, with what it holds already."""

SHOWN = 60
"""How many of the things that a list holds already the model is shown."""

_LONGEST = 2000


def collect(
    caller: Caller,
    lists: int,
    quota: int,
    *,
    ask: Callable[[int, Sequence[T], int], Call],
    read: Callable[[int, Answer], Sequence[T]],
    key: Callable[[T], str],
    what: Callable[[int], str],
    rounds: int = ROUNDS,
) -> list[list[T]]:
    """Fills several lists side by side; the same answers always make the same lists.

    Args:
        caller: Who asks.
        lists: How many lists.
        quota: Things a list; a list may stay shorter, but not empty.
        ask: (list, what it holds, round) -> the call that asks for more.
        read: (list, answer) -> the usable things in it.
        key: What must differ between two things of a list; capitals and spaces do not count.
        what: List -> what it holds, for the error.
        rounds: How often to ask.

    Returns:
        The lists.

    Raises:
        InputError: A list stayed empty.
    """
    found: list[list[T]] = [[] for _ in range(lists)]
    seen: list[set[str]] = [set() for _ in range(lists)]
    for turn in range(rounds):
        short = [index for index in range(lists) if len(found[index]) < quota]
        calls = (ask(index, tuple(found[index]), turn) for index in short)
        for index, answer in zip(short, _aligned(caller, calls, len(short)), strict=True):
            things = () if isinstance(answer, Refused) else read(index, answer)
            for thing in things:
                name = _folded(key(thing))
                if name not in seen[index] and len(found[index]) < quota:
                    seen[index].add(name)
                    found[index].append(thing)
    for index, things in enumerate(found):
        if not things:
            raise InputError(
                f"--writer: gave no usable {what(index)} in {rounds} rounds; run this again with another --writer"
            )
    return found


def _aligned(caller: Caller, calls: Iterator[Call], count: int) -> Iterator[Answer | Refused]:
    # Asking nothing may not even open a connection.
    return caller.answers(calls) if count else iter(())


def fields(part: str, *names: str) -> tuple[str, ...] | None:
    """What stands inside the named tags of a part, each as one line; None where one is missing."""
    values = []
    for name in names:
        found = re.search(rf"<{name}>(.*?)</{name}>", part, re.DOTALL)
        if found is None:
            return None
        values.append(one_line(found[1]))
    return tuple(values)


def named(part: str) -> tuple[str, str] | None:
    """The two halves of `name: text`; None where there are not two."""
    name, _, text = one_line(part).partition(": ")
    name = name.strip("*_#\"' ")
    return (name, text.strip()) if name and text.strip() and len(name) <= 120 else None


def one_line(text: str) -> str:
    """A model's text as one printable line, cut to a length that fits a plan."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:_LONGEST].rstrip()


def clean(text: str) -> str:
    """A model's text with the line breaks of a file, and without what cannot be stored as UTF-8."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    return "\n".join(
        "".join(letter if letter.isprintable() or letter == "\t" else " " for letter in line).rstrip() for line in lines
    )


def shown(names: Sequence[str]) -> tuple[str, ...]:
    """The things of a list that the model is shown, so that it gives others: the newest ones."""
    return tuple(names[-SHOWN:])


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
