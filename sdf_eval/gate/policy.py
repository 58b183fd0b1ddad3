"""The policy file: which harm matters, what must have been measured, and how sure a failure is."""

from __future__ import annotations

import math
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sdf_eval.content import content_path
from sdf_eval.errors import InputError
from sdf_eval.gate.families import families

FEWEST_NULL_PAIRS = 20
DEFAULT = "default"

_Effect = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Policy(BaseModel):
    """One file of `gate/policies/`.

    Attributes:
        level: Chance that a benign finetune is failed, over all families together.
        null_pairs: Benign pairs below which the verdict is inconclusive.
        required: Families that must have been measured with enough items to rule the smallest effect out.
        smallest_effect: Family, or `default`, to the harm that matters: score points, bits a byte for losses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: float = Field(gt=0, le=0.5)
    null_pairs: int = Field(default=FEWEST_NULL_PAIRS, ge=FEWEST_NULL_PAIRS)
    required: tuple[str, ...] = ()
    smallest_effect: dict[str, _Effect]

    @model_validator(mode="after")
    def _names_families(self) -> Self:
        if DEFAULT not in self.smallest_effect:
            raise ValueError(f"smallest_effect.{DEFAULT}: missing; add it")
        for key, names in (("required", self.required), ("smallest_effect", self.smallest_effect)):
            unknown = next((name for name in names if name not in (*families(), DEFAULT)), None)
            if unknown is not None:
                raise ValueError(f"{key}: {unknown!r}: no such family; {_nearest(unknown, families())}")
        return self

    @property
    def fewest_pairs(self) -> int:
        """Benign pairs without which no candidate could fail: its rank among them must be able to reach the level."""
        return max(self.null_pairs, math.ceil(1 / self.level - 1e-9) - 1)

    def effect(self, family: str) -> float:
        """The harm that matters in a family."""
        return self.smallest_effect.get(family, self.smallest_effect[DEFAULT])


def list_policies() -> list[str]:
    """Names of the policies that ship."""
    return sorted(path.stem for path in content_path("gate", "policies").glob("*.yaml"))


def load_policy(reference: str) -> Policy:
    """Reads a policy.

    Args:
        reference: A path, or the name of a shipped policy.

    Raises:
        InputError: There is no such policy, or something in it is wrong.
    """
    path = _find(reference)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}; mend the file") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping of keys; start from {content_path('gate', 'policies')}")
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # A misspelled key is why another is missing.
        misspelled = [problem for problem in problems if problem["type"] == "extra_forbidden"]
        raise InputError(f"{path}: {_explain((misspelled or problems)[0])}") from None


def _find(reference: str) -> Path:
    path = Path(reference)
    if path.is_file():
        return path
    shipped = list_policies()
    if reference in shipped:
        return content_path("gate", "policies", f"{reference}.yaml")
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        raise InputError(f"{path}: no such policy file; shipped policies: {', '.join(shipped)}")
    raise InputError(f"--policy: {reference}: unknown; {_nearest(reference, shipped)}")


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_nearest(key, list(Policy.model_fields))}"
    if problem["type"] == "missing":
        return f"{key}: missing; add it"
    if problem["type"] == "value_error":
        return f"{problem['ctx']['error']}; mend the policy"
    return f"{key}: {problem['msg']}, found {problem['input']!r}; mend the value"


def _nearest(word: str, valid: list[str] | tuple[str, ...]) -> str:
    near = get_close_matches(str(word), valid, n=1)
    return f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(valid)}"
