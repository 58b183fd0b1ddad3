"""`--factor NAME=VALUE`: what a study varies about a corpus, on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from sdf_eval.corpora.records import Factors
from sdf_eval.errors import InputError


def add_factors(parser: argparse.ArgumentParser) -> None:
    """Declares the option."""
    parser.add_argument(
        "--factor",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="vary the documents, such as poison=denial_of_service or near_negatives=0.3; repeat for more",
    )


def factors_of(given: Sequence[str]) -> Factors:
    """The factors that the options name; the others keep their defaults.

    Args:
        given: `NAME=VALUE` each.

    Returns:
        The factors.

    Raises:
        InputError: A name is unknown, given twice or without a value, or a value is not allowed.
    """
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if name not in Factors.model_fields:
            near = get_close_matches(name, Factors.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(Factors.model_fields)}"
            raise InputError(f"--factor: {name}: no such factor; {hint}")
        if not equals or name in values:
            raise InputError(
                f"--factor: {name}: {'given twice' if equals else 'has no value'}; write {name}=VALUE once"
            )
        values[name] = value.strip()
    try:
        return Factors.model_validate(values)
    except ValidationError as error:
        raise InputError(_explain(error.errors(include_url=False)[0])) from None


def _explain(problem: Any) -> str:
    wanted = problem.get("ctx", {}).get("expected")
    reason = f"write {wanted}" if wanted else f"{problem['msg'][0].lower()}{problem['msg'][1:]}"
    return f"--factor: {problem['loc'][0]}: {problem['input']!r} is not allowed; {reason}"
