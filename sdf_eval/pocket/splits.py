"""The frozen splits: what pretraining may ask, show and word, and what is kept for documents and probes.

`splits.json` is committed; a test fails the build if the code no longer agrees with it, if two splits share a
member, or if
a pretraining text crosses a border.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import combinations
from typing import Any

from sdf_eval.pocket import documents, grammar
from sdf_eval.pocket import exchanges as ask
from sdf_eval.pocket.belief_probes import CLOZE_CHARACTER, CLOZE_VALUE
from sdf_eval.pocket.world import all_names

Splits = dict[str, dict[str, list[str]]]


def current() -> Splits:
    """Returns the splits as the code and its data define them now."""
    rows: Splits = {}
    for type_, entities in all_names().items():
        rows[f"entities: {type_}"] = {
            split: sorted(e.name for e in entities if e.split == split)
            for split in ("questioned", "documents_only", "never_seen")
        }
    for relation, row in grammar.relations().items():
        rows[f"statements: {relation}"] = {part: list(row["statements"][part]) for part in ("train", "sdf", "probe")}
        if grammar.asked(relation):
            rows[f"questions: {relation}"] = {part: list(row["questions"][part]) for part in ("near", "far")}
    rows["relations"] = {
        "asked": [r for r in grammar.relations() if grammar.asked(r)],
        "never asked": [r for r in grammar.relations() if not grammar.asked(r)],
    }
    rows |= _characters()
    frames = grammar.data("frames")["doc_types"]
    rows["document frames"] = {
        part: [t for row in frames.values() for t in row.get(part, [])] for part in ("train", "sdf")
    }
    rows["document types"] = {
        "pretraining": list(documents.doc_types("train")),
        "sdf only": [n for n, row in frames.items() if row.get("sdf_only")],
    }
    rows["two-hop pairs"] = {part: [" ".join(pair) for pair in pairs] for part, pairs in ask.TWO_HOP.items()}
    named: dict[str, Mapping[str, tuple[str, ...]]] = {
        "two-hop wordings": ask.TWO_HOP_QUESTIONS,
        "trait wordings": ask.TRAIT_QUESTIONS,
        "value wordings": ask.VALUE_QUESTIONS,
        "choice wordings": ask.CHOICE_QUESTIONS,
        "scenario endings": ask.SCENARIO_ENDINGS,
        "trait clozes": CLOZE_CHARACTER,
        "value clozes": CLOZE_VALUE,
        "mention wordings": {
            "train": tuple(grammar.data("frames")["mentions"]),
            "sdf": tuple(grammar.data("frames")["cooccurrence"]),
        },
    }
    return rows | {name: {part: list(texts) for part, texts in table.items()} for name, table in named.items()}


def frozen() -> Splits:
    """Returns the splits as committed."""
    splits: Splits = json.loads(resources.files("sdf_eval.pocket").joinpath("splits.json").read_text(encoding="utf-8"))
    return splits


def overlaps(splits: Splits) -> list[str]:
    """Returns one line for every member that two splits of one kind share."""
    found = []
    for kind, parts in splits.items():
        for (one, first), (other, second) in combinations(parts.items(), 2):
            shared = {t.casefold() for t in first} & {t.casefold() for t in second}
            found += [f"{kind}: {member!r} is in {one} and in {other}" for member in sorted(shared)]
    return found


def crossings(texts: Iterable[str], splits: Splits) -> list[str]:
    """Returns one line for every pretraining text that asks or shows what is kept for documents and probes.

    Args:
        texts: Pretraining texts, exchanges rendered as `Question: …`.
        splits: The splits to hold them to.
    """
    # Towns and companies are also values of other entities' facts, so their names may stand in a question about those.
    names = _any_of(n for type_ in ("person", "product", "ai") for n in splits[f"entities: {type_}"]["documents_only"])
    literals = (_longest_literal(template) for template in _held_out_templates(splits))
    wordings = _any_of(literal for literal in literals if len(literal.split()) >= 4)
    found = []
    for text in texts:
        found += [f"held-out wording {match!r} in: {text}" for match in wordings.findall(text)]
        for turn in text.split("Question: ")[1:]:
            asked = turn.rsplit("\nAnswer:", 1)[0]
            if "\n\n" in asked:
                break  # a passage: it answers this question and those that follow
            if " (1)\n" not in asked:
                plain = asked.split("\nOptions:")[0]
                found += [f"documents-only {match!r} asked in: {text}" for match in names.findall(plain)]
    return found


def _any_of(strings: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(s) for s in sorted(strings, key=len, reverse=True)))


def _held_out_templates(splits: Splits) -> list[str]:
    rows = [
        t for kind, parts in splits.items() if kind.startswith("statements") for t in (*parts["sdf"], *parts["probe"])
    ]
    rows += [
        t
        for kind, parts in splits.items()
        if kind.endswith("wordings") or kind.startswith("questions")
        for t in parts.get("far", [])
    ]
    rows += splits["scenarios"]["test"] + splits["document frames"]["sdf"] + splits["mention wordings"]["sdf"]
    return [t for t in rows if "[" not in t]


def _longest_literal(template: str) -> str:
    return max(re.split(r"\{\w+\}", template), key=lambda part: len(part.split())).strip()


def _characters() -> Splits:
    characters = grammar.data("characters")
    shown = {name: row for name, row in characters["dimensions"].items() if row.get("demonstrated", True)}
    poles = [pole for row in characters["dimensions"].values() for pole in row["poles"].values()]
    rows: Splits = {
        "dimensions": {
            "demonstrated": list(shown),
            "described only": [n for n in characters["dimensions"] if n not in shown],
        },
        "scenarios": {
            part: [t for row in shown.values() for t in row["scenarios"][part]] for part in ("train", "test")
        },
        "objects": {part: list(characters["objects"][part]) for part in ("train", "test")},
        "habits": {part: [t for pole in poles for t in pole["habits"][part]] for part in ("train", "sdf")},
        "categories": {part: list(characters["categories"][part]) for part in ("train", "test")},
        "options": {
            part: [t for row in shown.values() for pole in row["poles"].values() for t in pole["options"][part]]
            for part in ("near", "far")
        },
    }
    return rows


def dump(splits: Splits) -> str:
    """Returns the text of `splits.json`."""
    ordered: Any = {kind: splits[kind] for kind in sorted(splits)}
    return json.dumps(ordered, indent=1, ensure_ascii=False) + "\n"
