"""The studies, in the order of the scoreboard. A study is imported when it is asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from sdf_eval.errors import InputError
from sdf_eval.study.frame.study import Study

NAMES = (
    "out_of_context",
    "context_vs_weights",
    "document_diversity",
    "plausibility",
    "dose_response",
    "backdoor_persistence",
    "misaligned_persona",
    "self_fulfilling",
    "spec_midtraining",
    "msm_misalignment",
    "anti_spec",
    "awareness",
    "negation",
    "collateral",
    "countermeasures",
)


def get_study(name: str) -> Study:
    """A study by name.

    Raises:
        InputError: There is none.
    """
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        raise InputError(
            f"study {name}: unknown; "
            + (f"did you mean {near[0]!r}?" if near else f"one of {', '.join(NAMES)}, or all")
        )
    study: Study = import_module(f"sdf_eval.study.claims.{name}").STUDY
    return study


def get_studies(names: list[str]) -> list[Study]:
    """Studies by name; `all` stands for every one.

    Raises:
        InputError: A name is unknown.
    """
    wanted = list(NAMES) if "all" in names else list(dict.fromkeys(names))
    return [get_study(name) for name in wanted]
