"""The graph of stages behind a checkpoint, each ancestor compared with the hash that its child recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.train.lineage import Lineage, checkpoint_sha256, on_this_disk, read_lineage

State = Literal["ok", "changed", "gone"]
"""`ok`: the checkpoint is what was recorded; `changed`: it is another one now; `gone`: it is not on this disk."""


@dataclass(frozen=True)
class Ancestor:
    """A checkpoint and what it came from.

    Attributes:
        reference: As it was named.
        role: What it was to its child: `start`, `base` or `used`; `checkpoint` for the one that was asked about.
        state: Compared with what its child, or its own lineage, recorded.
        sha256: The recorded hash of the checkpoint.
        lineage: Its own lineage; None for a model from elsewhere, and where it is gone.
        parents: What it came from.
    """

    reference: str
    role: str
    state: State
    sha256: str
    lineage: Lineage | None
    parents: tuple[Ancestor, ...] = ()

    @property
    def changed(self) -> list[str]:
        """References of all in this graph that are no longer what was recorded."""
        own = [self.reference] if self.state == "changed" else []
        return own + [name for parent in self.parents for name in parent.changed]


def ancestry(reference: str) -> Ancestor:
    """Follows the lineage of a checkpoint to its roots.

    Args:
        reference: A checkpoint folder, or another reference to one.

    Returns:
        The checkpoint with all its ancestors. Those that are gone end their branch.

    Raises:
        InputError: There is no such checkpoint on this disk, or a lineage file is broken.
    """
    folder = Path(resolve(reference))
    if not folder.is_dir():
        raise InputError(f"{reference}: is not on this disk; name a checkpoint folder")
    lineage = read_lineage(folder)
    recorded = checkpoint_sha256(folder) if lineage is None else lineage.checkpoint_sha256
    return _ancestor(reference, "checkpoint", recorded, folder)


def _ancestor(reference: str, role: str, recorded: str, folder: Path | None) -> Ancestor:
    if folder is None:
        return Ancestor(reference, role, "gone", recorded, None)
    state: State = "ok" if checkpoint_sha256(folder) == recorded else "changed"
    lineage = read_lineage(folder)
    parents = () if lineage is None else lineage.parents
    # The base of an adapter is an ancestor of the adapter already, where the adapter has a lineage.
    own = [
        parent
        for parent in parents
        if parent.role != "base" or (place := on_this_disk(parents[0].reference)) is None or read_lineage(place) is None
    ]
    return Ancestor(
        reference,
        role,
        state,
        recorded,
        lineage,
        tuple(_ancestor(p.reference, p.role, p.checkpoint_sha256, on_this_disk(p.reference)) for p in own),
    )
