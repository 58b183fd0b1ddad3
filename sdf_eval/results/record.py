"""What every record of the schema has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Part of a results file: nothing that is not declared, and nothing changes once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)
