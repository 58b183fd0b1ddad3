"""Synthetic document finetuning: next-token loss on documents, with a transformers `Trainer` and peft.

Imports torch: import this module inside the function that trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdf_eval.corpora.mix import TrainingText, texts_sha256
from sdf_eval.model import LanguageModel
from sdf_eval.train.lineage import CorpusUse, parents_of
from sdf_eval.train.packed import PackedStage, collate
from sdf_eval.train.packing import Plan, plan_training
from sdf_eval.train.recipe import SdfRecipe
from sdf_eval.train.save_at import SaveAt
from sdf_eval.train.stage import StageData, train_stage

__all__ = ["TrainingText", "collate", "parents_of", "train_sdf"]


def train_sdf(
    model_reference: str,
    texts: Sequence[TrainingText],
    recipe: SdfRecipe,
    out: Path | str,
    *,
    seed: int = 0,
    corpora: Sequence[CorpusUse] = (),
    save_at: SaveAt | None = None,
) -> Path:
    """Finetunes a model on texts and writes a checkpoint folder that is complete or absent.

    Loss is on every token except a masked prefix, padding and what has nothing before it. A folder that already holds
    this very training is left as it is. Without documents among the texts it is plain continued pretraining.

    Args:
        model_reference: What to start from, as for `sdf_eval.model.load`.
        texts: Documents and plain texts, as `sdf_eval.corpora.mix` gives them.
        recipe: How to train.
        out: Folder for the checkpoint, or for the adapter if the recipe says `lora`.
        seed: Fixes order and initialisation; from 0, below 2**32. On one machine and CPU thread count it fixes the
            weights bit for bit.
        corpora: Where the documents came from, for the lineage.
        save_at: Points at which a checkpoint is saved too.

    Returns:
        `out`.

    Raises:
        InputError: The model, recipe, texts, seed or folder do not fit, or the loss is not finite.
    """
    digest = texts_sha256(texts)
    documents = sum(text.synthetic for text in texts)
    stage = PackedStage(recipe)

    def data(lm: LanguageModel) -> StageData:
        plan: Plan = plan_training(texts, lm.tokenizer, recipe, seed)
        return stage.data(lm, plan, rows=len(texts), sha256=digest, details={"documents": documents}, corpora=corpora)

    return train_stage(
        model_reference, recipe, out, seed=seed, data=data, build=stage.build, save_at=save_at, sha256=digest
    )
