"""Countermeasures: a folder each, all of one shape, and the plain baselines that they have to beat.

    from sdf_eval.train.countermeasures import get_countermeasure
    protected = get_countermeasure("gradient-routing", units=64).apply(case, out)

A new one is a folder with a frozen dataclass as in `case.Countermeasure`, and a line in the table below.
"""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from sdf_eval.errors import InputError
from sdf_eval.train.countermeasures.case import Case, Countermeasure, Need, Protected, When

__all__ = ["Case", "Countermeasure", "Need", "Protected", "When", "countermeasure_names", "get_countermeasure"]

_CLASSES = {
    "inoculation": ("inoculation", "Inoculation"),
    "preventative-steering": ("preventative_steering", "PreventativeSteering"),
    "gradient-routing": ("gradient_routing", "GradientRouting"),
    "gradient-masking": ("gradient_masking", "GradientMasking"),
    "quarantine": ("quarantine", "Quarantine"),
    "counter-documents": ("counter_documents", "CounterDocuments"),
    "decoy-triggers": ("decoy_triggers", "DecoyTriggers"),
    "activation-steering": ("activation_steering", "ActivationSteering"),
    "nothing": ("baselines", "Nothing"),
    "filter": ("baselines", "Filter"),
    "clean-training": ("baselines", "CleanTraining"),
    "triggered-training": ("baselines", "TriggeredTraining"),
    "early-stopping": ("baselines", "EarlyStopping"),
    "interpolation": ("baselines.edits", "Interpolation"),
    "random-reversion": ("baselines.edits", "RandomReversion"),
    "random-steering": ("baselines.random_steering", "RandomSteering"),
}
"""Name -> module and class, imported when it is asked for."""


def countermeasure_names() -> tuple[str, ...]:
    """All names, the baselines last."""
    return tuple(_CLASSES)


def get_countermeasure(name: str, **settings: Any) -> Countermeasure:
    """A countermeasure by name.

    Args:
        name: One of `countermeasure_names`.
        settings: Fields of its class that differ from the defaults.

    Returns:
        The countermeasure.

    Raises:
        InputError: There is none of that name, it has no such setting, or a value does not fit.
    """
    if name not in _CLASSES:
        raise InputError(f"countermeasure {name}: unknown; {_nearest(name, list(_CLASSES))}")
    module, class_name = _CLASSES[name]
    found: Any = getattr(import_module(f"{__name__}.{module}"), class_name)
    known = [field.name for field in fields(found)]
    for key in settings:
        if key not in known:
            raise InputError(f"countermeasure {name}: {key}: no such setting; {_nearest(key, known)}")
    try:
        return cast(Countermeasure, TypeAdapter(found).validate_python(settings))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(map(str, problem["loc"]))
        raise InputError(f"countermeasure {name}: {key}: {problem['msg']}, found {problem['input']!r}") from None


def _nearest(word: str, valid: list[str]) -> str:
    near = get_close_matches(word, valid, n=1)
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(valid) or 'none'}"
