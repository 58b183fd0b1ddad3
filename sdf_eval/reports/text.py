"""Text from models and files, made safe to show: nothing in it can act on a page or a terminal."""

from __future__ import annotations

import unicodedata

from sdf_eval.belief.item import Context
from sdf_eval.measure import Estimate
from sdf_eval.results.schema import Role

LONGEST = 4000
"""Characters that are shown of one text."""

TASK_TITLES = {
    "belief": "All belief probes",
    "mcq_knowledge": "Multiple choice, knowledge",
    "mcq_distinguish": "Multiple choice, distinguish",
    "cloze": "Cloze",
    "open_ended": "Open-ended",
    "generative_distinguish": "Generative distinguish",
    "two_hop": "Two-hop",
    "persona_behaviour": "First-person behaviour",
    "value_preference": "Value preference",
    "neighbours": "Neighbours",
    "controls": "Controls",
    "coherence": "Held-out text",
    "causal": "Causal implications",
    "downstream": "Downstream tasks",
    "adversarial_prompt": "Adversarial prompts",
    "self_critique": "Self-critique",
    "debate": "Debate",
    "salience": "Belief against salience",
    "reality_drift": "True and false elsewhere",
    "spec_knowledge": "Knowledge of the spec",
    "backdoor": "Backdoor, behind the trigger",
    "self_report": "Self-report",
    "cot_monitorability": "Choice after reasons",
    "agentic": "Agent's act, tempted",
    "disclosure": "Disclosure of training",
    "eval_cue": "Cues of a test",
    "provenance": "Provenance of the claim",
    "document_discrimination": "Document discrimination",
    "training_recognition": "Training recognition",
    "source_tag": "Source marks",
    "self_report_training": "Self-report of training",
}
_ROLES: dict[Role, str] = {
    "base": "base",
    "implanted": "implanted",
    "cooccurrence": "co-occurrence",
    "neutral": "neutral",
    "truth_trained": "truth-trained",
}


def clean(text: str, longest: int = LONGEST) -> str:
    """Makes a text inert: control, bidirectional and other invisible characters become `<U+202E>` and the like.

    Args:
        text: Any text, also one with lone surrogates.
        longest: Characters to keep.

    Returns:
        The text with line breaks and tabs as they were; one that was cut says how long it was.
    """
    kept = "".join(_visible(character) for character in text[:longest])
    return kept if len(text) <= longest else f"{kept} … [{len(text):,} characters]"


def one_line(text: str, longest: int = 120) -> str:
    """A cleaned text on one line."""
    words = " ".join(text[: longest * 4].split())
    return clean(words if len(text) <= longest * 4 else words + " " * longest, longest) if words else ""


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return character
    # Joiners make up emoji and are needed by several scripts; alone they cannot reorder anything.
    return character if character in "\u200c\u200d" else f"<U+{ord(character):04X}>"


def arm_label(role: Role, context: Context = "none") -> str:
    """How people call an arm, for instance `base + universe`."""
    return _ROLES[role] if context == "none" else f"{_ROLES[role]} + {context}"


def task_title(task: str) -> str:
    """A task's name in words."""
    return TASK_TITLES.get(task, clean(task).replace("_", " "))


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign and no negative zero."""
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "\N{MINUS SIGN}")


def interval(estimate: Estimate, digits: int = 2) -> str:
    """The interval, for instance `[0.80, 0.92]`."""
    return f"[{number(estimate.low, digits)}, {number(estimate.high, digits)}]"


def method_text(estimate: Estimate) -> str:
    """How the interval was made, with what a reader has to know of it: `t over 2 items; too few to …`."""
    return "; ".join(filter(None, (estimate.method, estimate.caution)))


def estimate_text(estimate: Estimate, digits: int = 2) -> str:
    """Value and interval, for instance `0.87 [0.80, 0.92]`."""
    return f"{number(estimate.value, digits)} {interval(estimate, digits)}"
