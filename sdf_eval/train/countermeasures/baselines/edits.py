"""Baselines that edit weights: a point between start and implant, and random weights taken back to the start's.

Imports torch inside functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sdf_eval.errors import InputError
from sdf_eval.train.countermeasures.case import Case, Countermeasure, Need, Protected, Share, When

if TYPE_CHECKING:
    import torch

STAGE = "edit"
"""What the lineage calls a checkpoint whose weights were computed and not trained."""


@dataclass(frozen=True)
class Interpolation:
    """Takes the weights part of the way back from the implanted checkpoint to the start.

    Attributes:
        back: Share of the way; 0 is the implanted checkpoint, 1 the start.
    """

    name: ClassVar[str] = "interpolation"
    when: ClassVar[When] = "post"
    needs: ClassVar[tuple[Need, ...]] = ("implanted",)

    back: Share = 0.5

    def apply(self, case: Case, out: Path) -> Protected:
        """Writes the checkpoint between; see `Countermeasure.apply`."""
        return _edited(self, case, out, lambda before, after: after + self.back * (before - after))


@dataclass(frozen=True)
class RandomReversion:
    """Takes randomly chosen weights back to the start's.

    Attributes:
        back: Share of the change's norm that is taken away, the same as `Interpolation` with that share.
    """

    name: ClassVar[str] = "random-reversion"
    when: ClassVar[When] = "post"
    needs: ClassVar[tuple[Need, ...]] = ("implanted",)

    back: Share = 0.5

    def apply(self, case: Case, out: Path) -> Protected:
        """Writes the checkpoint; see `Countermeasure.apply`."""
        import torch

        generator = torch.Generator().manual_seed(case.seed)

        def reverted(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
            # A random share p of the elements holds a share p of the squared norm.
            chosen = torch.rand(after.shape, generator=generator) < self.back**2
            return torch.where(chosen, before, after)

        return _edited(self, case, out, reverted)


def _edited(
    countermeasure: Countermeasure,
    case: Case,
    out: Path,
    edit: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> Protected:
    """Computes each weight from the start's and the implanted one's, and saves the model."""
    from sdf_eval.corpora.atomic import atomic_folder
    from sdf_eval.model import load
    from sdf_eval.model.loading import without_bars
    from sdf_eval.train.countermeasures.stage import treatment_of
    from sdf_eval.train.lineage import FILE, parents_of

    case.require(countermeasure.name, countermeasure.needs)
    treatment = treatment_of(countermeasure, case, seed=case.seed)
    parents = (*parents_of(str(case.implanted)), parents_of(case.start)[0].model_copy(update={"role": "used"}))
    if (out / FILE).exists():
        return _reused(out, treatment, parents)
    start, implanted = load(case.start, device="cpu"), load(str(case.implanted), device="cpu")
    before, after = (dict(lm.model.named_parameters()) for lm in (start, implanted))
    if {name: value.shape for name, value in before.items()} != {name: value.shape for name, value in after.items()}:
        raise InputError(f"countermeasure {countermeasure.name}: {case.implanted} is not of the shape of {case.start}")
    for name, weight in after.items():
        weight.data.copy_(edit(before[name].data, weight.data))
    with atomic_folder(out) as partial:
        with without_bars():
            implanted.model.save_pretrained(partial)
        implanted.tokenizer.save_pretrained(partial)
        _write_lineage(partial, str(case.implanted), treatment, parents)
    return Protected(str(out))


def _write_lineage(folder: Path, implanted: str, treatment: dict[str, Any], parents: tuple[Any, ...]) -> None:
    """The lineage of a checkpoint that read nothing itself: parents, treatment and hashes."""
    from sdf_eval.model import resolve
    from sdf_eval.train.lineage import checkpoint_sha256, read_lineage, weights_sha256, write_lineage

    lineage = read_lineage(resolve(implanted))
    if lineage is None:
        raise InputError(f"{implanted}: has no lineage.json; give a checkpoint that `sdf-eval train` wrote")
    none: dict[str, Any] = {"recipe": {}, "chain": None, "corpora": (), "texts": 0, "split_texts": 0, "details": {}}
    none |= {"updates": 0, "planned_updates": 0, "tokens_seen": 0, "loss_tokens_seen": 0}
    hashes = {"weights_sha256": weights_sha256(folder), "checkpoint_sha256": checkpoint_sha256(folder)}
    same = {"stage": STAGE, "parents": parents, "treatment": treatment}
    write_lineage(folder, lineage.model_copy(update={**none, **hashes, **same}))


def _reused(out: Path, treatment: dict[str, Any], parents: tuple[Any, ...]) -> Protected:
    from sdf_eval.train.lineage import verify_lineage

    found = verify_lineage(out)
    same = [parent.checkpoint_sha256 for parent in found.parents] == [parent.checkpoint_sha256 for parent in parents]
    if found.treatment != treatment or not same:
        raise InputError(f"{out}: holds a checkpoint of another model or countermeasure; choose another --out")
    return Protected(str(out))
