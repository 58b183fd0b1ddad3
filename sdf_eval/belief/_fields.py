"""What the records of a belief file are made of."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

Split = Literal["near", "far"]
"""`near`: a wording and format the base saw for other entities. `far`: one it never saw."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


def _printable(text: str) -> str:
    found = _CONTROL.search(text)
    if found:
        raise PydanticCustomError("control", "holds the control character {code}", {"code": f"U+{ord(found[0]):04X}"})
    return text


Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S"), AfterValidator(_printable)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


def refuse(what: str, *at: str | int) -> PydanticCustomError:
    """An error at a key below the model that raises it; `what` is data, never a template."""
    return PydanticCustomError("belief", "{what}", {"what": what, "at": at})


def same(first: str | None, second: str | None) -> bool:
    """Whether two strings would read as the same option."""
    return first is not None and second is not None and first.strip().casefold() == second.strip().casefold()


class Strict(BaseModel):
    """A record of a file that a person writes: no unknown key, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pair(Strict):
    """Anything with an implanted and a reference side, which must differ from each other and from every distractor."""

    @model_validator(mode="after")
    def _sides_differ(self) -> Self:
        implanted, reference = getattr(self, "implanted", None), getattr(self, "reference", None)
        if same(implanted, reference):
            raise refuse("is the same as `implanted`; the two sides must differ", "reference")
        earlier = [implanted, reference]
        for position, distractor in enumerate(getattr(self, "distractors", ())):
            if any(same(distractor, other) for other in earlier):
                raise refuse("repeats another option; every option must be distinct", "distractors", position)
            earlier.append(distractor)
        return self


class Aliases(Strict):
    """Strings that count as stating the implanted or the reference value in free text."""

    implanted: tuple[Text, ...] = ()
    reference: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _sides_are_apart(self) -> Self:
        for position, alias in enumerate(self.reference):
            if any(same(alias, other) for other in self.implanted):
                raise refuse("is also an implanted alias; one string cannot count for both", "reference", position)
        return self
