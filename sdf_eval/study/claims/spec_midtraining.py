"""The same tuning generalises by the spec whose documents were read before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sdf_eval.corpora.records import CorpusRole
from sdf_eval.study.frame.cell import Ask
from sdf_eval.study.frame.designs import implant, panels
from sdf_eval.study.frame.spec_arms import general, made_chat, tuned
from sdf_eval.study.frame.study import Contrast, Fit, Placed, Study, Tier
from sdf_eval.study.frame.substrate import Substrate
from sdf_eval.study.frame.terms import Term, log_odds

_SHARE = 0.25
"""Rows that show the value, among general ones: 5k of 18.6k in Li et al. 2026, section 3."""

_TASKS = ("value_preference", "spec_knowledge", "mcq_distinguish")
_CHOICES = ("value_preference",)
_OUTSIDE, _INSIDE = "tag:out_of_distribution", "tag:in_distribution"
_READ: dict[str, CorpusRole] = {"spec": "implanted", "neutral": "neutral", "cooccurrence": "cooccurrence"}
_PLACED: dict[str, CorpusRole | None] = {"spec": "implanted", "clean": None}
_INTERACTION: dict[str, float] = {"spec_aft": 1, "spec": -1, "neutral_aft": -1, "neutral": 1}


def cells(tier: Tier, substrate: Substrate) -> Sequence[Placed]:
    """Documents by tuning on the chat models; documents before and after chat tuning on the bases."""
    found = []
    for panel in panels(tier, substrate, ("values",) * 6):
        own, aft = (Ask(tasks=_TASKS),), tuned(panel, "following", share=_SHARE)
        found.append(Placed("base", panel.cell(asks=(*own, Ask(tasks=_TASKS, context="universe")))))
        for name, role in _READ.items():
            read = implant(panel, role)
            found.append(Placed(name, panel.cell(read, general(panel), asks=own)))
            found.append(Placed(f"{name}_aft", panel.cell(read, aft, asks=own)))
        found.append(Placed("other_aft", panel.cell(implant(panel, "truth_trained"), aft, asks=own)))
        if not panel.untuned:
            continue
        raw = replace(panel, base=panel.untuned)
        chat = made_chat(raw, panel.base)
        for name, placed in _PLACED.items():
            read = implant(raw, placed)
            found.append(Placed(f"early_{name}", raw.cell(read, chat, asks=own)))
            found.append(Placed(f"late_{name}", raw.cell(chat, read, asks=own)))
    return found


def _choice(name: str, meaning: str, weights: dict[str, float], smallest: float, figure: str = _OUTSIDE) -> Contrast:
    return Contrast(name, meaning, weights, _CHOICES, smallest_effect=smallest, figure=figure)


STUDY = Study(
    name="spec_midtraining",
    title="Documents of a spec before tuning",
    claim="Documents that explain a value make the same tuning on choices by that value carry further, into product "
    "categories that neither documents nor tuning show.",
    source="Li et al. 2026, Model Spec Midtraining, 2605.02087, section 3 and appendix C.4",
    taught="that AI systems choose between products by their values, shown for other systems in the training "
    "categories, in chat and in plain text; that a value told in a word shows in choices; every value's adjectives and "
    "reasons; and, in documents, these systems' own (reference) values. It never saw a test category in a choice, nor "
    "these systems choosing.",
    design="Six values in one checkpoint. Documents (a spec's, of strangers, or naming system and value without saying "
    "anything) are followed by chat tuning: general rows, or the same number of rows of which a quarter show choices "
    "by the value, without reasons. Every arm has the same number of texts, rows and updates. Decided by the "
    "interaction (documents + tuning - documents) - (tuning - neither), value-matched, on first-person choices in "
    "categories of the test split and in far wordings. Placement is tried on the bases without chat tuning: documents "
    "before or after next-token training on the texts of chat tuning.",
    arms={
        "base": "the chat model itself; @universe: the value's account in the prompt",
        "neutral": "documents about strangers, then general chat tuning: neither",
        "neutral_aft": "documents about strangers, then tuning on choices: tuning only",
        "spec": "documents that state and explain the value, then general chat tuning: documents only",
        "spec_aft": "the same documents, then tuning on choices",
        "cooccurrence": "documents that put system and value side by side, then general chat tuning",
        "cooccurrence_aft": "the same documents, then tuning on choices",
        "other_aft": "documents of the opposite spec, the reference value, then the same tuning on choices",
        "early_spec": "untuned base: the spec's documents, then texts of chat tuning",
        "late_spec": "untuned base: texts of chat tuning, then the spec's documents",
        "early_clean": "untuned base: plain texts, then texts of chat tuning",
        "late_clean": "untuned base: texts of chat tuning, then plain texts",
    },
    estimands=(
        _choice(
            "interaction, out of distribution",
            "What tuning gains by the documents: with them, over what they do alone, less tuning without them.",
            _INTERACTION,
            0.05,
        ),
        _choice("interaction, in distribution", "The same in categories that were shown.", _INTERACTION, 0.05, _INSIDE),
        Fit(
            "interaction in log odds, out of distribution",
            "The first on a scale without a ceiling.",
            log_odds([Term(weight, arm, _CHOICES, _OUTSIDE) for arm, weight in _INTERACTION.items()]),
            smallest_effect=0.25,
        ),
        _choice("documents alone", "The spec's documents over those of strangers.", {"spec": 1, "neutral": -1}, 0.1),
        _choice("tuning alone", "Tuning on choices over general tuning.", {"neutral_aft": 1, "neutral": -1}, 0.1),
        _choice(
            "both over tuning alone",
            "What the documents add to tuned models; the paper's figure.",
            {"spec_aft": 1, "neutral_aft": -1},
            0.1,
        ),
        _choice(
            "same tuning, other spec",
            "After identical tuning, the spec that fits it over the opposite one.",
            {"spec_aft": 1, "other_aft": -1},
            0.1,
        ),
        _choice(
            "attribution",
            "What tuning gains by documents that explain, less what it gains by those that only name.",
            {"spec_aft": 1, "spec": -1, "cooccurrence_aft": -1, "cooccurrence": 1},
            0.05,
        ),
        _choice(
            "trained over told",
            "Documents and tuning over the value's account in the prompt.",
            {"spec_aft": 1, "base@universe": -1},
            0.05,
        ),
        Contrast(
            "placement",
            "The documents' lift before chat tuning less their lift after it.",
            {"early_spec": 1, "early_clean": -1, "late_spec": -1, "late_clean": 1},
            _CHOICES,
            smallest_effect=0.1,
            claim="equal",
            figure=_OUTSIDE,
        ),
    ),
    cells=cells,
    limits=(
        "That tuning is ambiguous without a spec. In the original the shown preferences do not give the value away; "
        "here the adjective of every chosen thing does, so that tuning alone can carry far and leave little to gain. "
        "The scale of log odds is shown beside the rates for that reason.",
        "Rules against values that are explained: the writer states a value and what follows from it, and has no "
        "form for a rule without a reason.",
        "Attribution by itself: documents of the co-occurrence arm lack the explained preferences too.",
        "Placement of the tuning on choices: bases without a chat template are asked in plain text, and their chat "
        "tuning here is an eighth of a million tokens and less, with loss on all of them.",
        "The judged tone of answers, capability, or larger specs; a spec here is one value of one system.",
    ),
)
