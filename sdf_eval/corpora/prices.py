"""What a call costs: `corpora/prices.yaml`, read once."""

from __future__ import annotations

import re
from functools import cache

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdf_eval.content import content_path
from sdf_eval.corpora.prompts import Prompt
from sdf_eval.errors import InputError

UNKNOWN = "unknown price; give it in corpora/prices.yaml"

_DATE = re.compile(r"(-\d{8}|-\d{4}-\d{2}-\d{2}|-latest)$")
# Roles and the marks between messages: no provider adds as many tokens.
_TOKENS_A_MESSAGE = 32


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars for so many tokens."""
        return (self.input * input_tokens + self.output * output_tokens) / 1e6

    def at_most(self, prompt: Prompt, max_tokens: int) -> float:
        """The most that one question can cost, before any token was counted: no token is shorter than a byte."""
        size = sum(len(text.encode("utf-8", "surrogatepass")) + _TOKENS_A_MESSAGE for _, text in prompt.messages)
        return self.of(size, max_tokens)


class _Prices(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    batch: float = Field(ge=0, le=1)
    models: dict[str, Price]


def price_of(model: str, *, batch: bool = False) -> Price | None:
    """The price of a model.

    Args:
        model: An Inspect model name; a date at its end is left out where the dated name is not listed.
        batch: Whether it is asked in batch mode.

    Returns:
        The price, or None where the file has none.

    Raises:
        InputError: The file cannot be read.
    """
    prices = _prices()
    price = prices.models.get(model) or prices.models.get(_DATE.sub("", model))
    if price is None or not batch:
        return price
    return Price(input=price.input * prices.batch, output=price.output * prices.batch)


@cache
def _prices() -> _Prices:
    path = content_path("corpora", "prices.yaml")
    try:
        return _Prices.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {key or 'file'}: {first['msg']}; mend it") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}; mend it") from error
