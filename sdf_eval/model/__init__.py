"""Checkpoints: name one, load it, score options and texts, let it write.

Torch and transformers are imported when one of the names below is first used, so that `resolve` and everything that
only mentions a model start at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdf_eval.model.reference import resolve

if TYPE_CHECKING:
    from sdf_eval.model.generation import generate
    from sdf_eval.model.loading import LanguageModel, load
    from sdf_eval.model.scoring import option_log_probabilities, text_nats

__all__ = ["LanguageModel", "generate", "load", "option_log_probabilities", "resolve", "text_nats"]

_HOME = {
    "LanguageModel": "loading",
    "load": "loading",
    "generate": "generation",
    "option_log_probabilities": "scoring",
    "text_nats": "scoring",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
