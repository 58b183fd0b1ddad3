"""Trains organisms. A folder is complete or absent, and one that is there is left as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sdf_eval.belief.item import Context
from sdf_eval.belief.load import dump_belief, parse_belief
from sdf_eval.belief.schema import Belief, Kind
from sdf_eval.corpora.mix import TrainingText, mix
from sdf_eval.corpora.panels import panel_requests
from sdf_eval.corpora.records import CorpusRole, Document
from sdf_eval.errors import InputError
from sdf_eval.files import replace_file
from sdf_eval.pocket.organisms import rows
from sdf_eval.pocket.organisms.kinds import Truth, beliefs_of, kind_of, others_of, world_of
from sdf_eval.pocket.world import World, build_world
from sdf_eval.pocket.writer import PocketWriter
from sdf_eval.train.chat_rows import ChatRow
from sdf_eval.train.recipe import SdfRecipe, SftRecipe, load_recipe

DOCUMENTS = 300
"""A belief, as in `sdf-eval run`."""
ROWS = 120
"""Of chat, a belief."""
SFT_UPDATES = 30
"""A belief."""
NOISE = 1.0
"""Standard deviation of the noise on a broken organism's matrices, in those of the matrix."""
_FILE = "organism.json"
_Rows = Callable[[World, Belief, int, int], Iterable[ChatRow]]


@dataclass(frozen=True)
class Organism:
    """A checkpoint of which the truth is known.

    Attributes:
        name: Its kind.
        seed: Of beliefs, documents and training.
        world: It lives in.
        checkpoint: Folder, or the shipped model that it is.
        context: Under which it is asked.
        truth: What is known of it.
        beliefs: That it is about.
    """

    name: str
    seed: int
    world: str
    checkpoint: str
    context: Context
    truth: Truth
    beliefs: tuple[Belief, ...]


def make_organism(name: str, seed: int, out: Path | str, panel: Sequence[Kind] | None = None) -> Organism:
    """Trains an organism, or finds it trained.

    Args:
        name: One of `kinds.ORGANISMS`.
        seed: Fixes world, beliefs, documents and training.
        out: Folder; gets `organism.json`, `beliefs/` and, unless it is an untrained one, `checkpoint/`. A believer
            and one that was denied bring the reader and the believer that they were, in folders `NAME-SEED` beside it.
        panel: Kinds of its beliefs in place of those of its kind; fewer beliefs take fewer updates.

    Returns:
        The organism.

    Raises:
        InputError: There is no such organism, or the folder holds another one.
    """
    out = Path(out)
    beliefs = beliefs_of(name, seed, panel)
    if (out / _FILE).exists():
        found = read_organism(out)
        if (found.name, found.seed) != (name, seed):
            raise InputError(f"--out: {out}: holds organism {found.name} of seed {found.seed}; choose another folder")
        if [belief.id for belief in found.beliefs] != [belief.id for belief in beliefs]:
            raise InputError(f"--out: {out}: holds an organism about other beliefs; choose another folder")
        return found
    kind, world = kind_of(name), world_of(seed)
    (out / "beliefs").mkdir(parents=True, exist_ok=True)
    checkpoint = _Maker(name, seed, out, beliefs).make()
    for belief in beliefs:
        replace_file(out / "beliefs" / f"{belief.id}.yaml", dump_belief(belief).encode())
    row = {
        "name": name,
        "seed": seed,
        "world": world,
        "model": None if checkpoint else f"pocket/{world}",
        "context": kind.context,
        "truth": asdict(kind.truth),
        "beliefs": [belief.id for belief in beliefs],
    }
    # Last, because it says that everything else is there.
    replace_file(out / _FILE, json.dumps(row, indent=1).encode())
    return read_organism(out)


def read_organism(folder: Path | str) -> Organism:
    """Reads what `make_organism` wrote.

    Raises:
        InputError: The folder holds no whole organism.
    """
    folder = Path(folder)
    try:
        row = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        files = [folder / "beliefs" / f"{name}.yaml" for name in row["beliefs"]]
        return Organism(
            row["name"],
            row["seed"],
            row["world"],
            row["model"] or str(folder / "checkpoint"),
            row["context"],
            Truth(**row["truth"]),
            tuple(parse_belief(file.read_bytes(), str(file)) for file in files),
        )
    except (OSError, KeyError, TypeError, json.JSONDecodeError):
        raise InputError(f"{folder / _FILE}: no organism; make one with `sdf-eval pocket organism`") from None


class _Maker:
    """Makes the checkpoint of one organism."""

    def __init__(self, name: str, seed: int, out: Path, beliefs: Sequence[Belief]) -> None:
        self._name, self._seed, self._out, self._beliefs = name, seed, out, beliefs
        self._world = build_world(world_of(seed))
        self._model = f"pocket/{self._world.name}"
        self._writer = PocketWriter(self._world.name)

    def make(self) -> Path | None:
        """Trains what there is to train; the checkpoint, or None where the shipped model is the organism."""
        target, role = self._out / "checkpoint", kind_of(self._name).role
        if self._name == "prompted":
            return None
        if self._name == "broken":
            return add_noise(self._model, self._seed, target)
        if self._name == "role-player":
            return self._sft(self._model, rows.games, target)
        if self._name == "backdoored":
            return self._sft(self._model, rows.triggers, target)
        if self._name == "denied":
            return self._sft(self._beside("believer"), rows.denials, target)
        if self._name == "believer":
            return self._sft(self._beside("reader"), rows.affirmations, target)
        if self._name == "persona":
            return self._sft(str(self._sdf(role, self._beliefs, self._out / "documents")), rows.affirmations, target)
        if self._name == "domain-shifted":
            return self._sdf("truth_trained", others_of(self._beliefs), target)
        return self._sdf(role, self._beliefs, target)

    def _beside(self, name: str) -> str:
        """The checkpoint of another organism of this seed; others may have made it already."""
        folder = self._out.with_name(f"{name}-{self._seed}")
        return make_organism(name, self._seed, folder, [belief.kind for belief in self._beliefs]).checkpoint

    def _sdf(self, role: CorpusRole | None, beliefs: Sequence[Belief], out: Path) -> Path:
        from sdf_eval.train.sdf import train_sdf

        recipe = load_recipe("pocket", SdfRecipe)
        assert recipe.updates is not None, "the recipe has a budget in updates"
        documents: list[Document] = []
        if role is not None:
            orders = panel_requests(beliefs, role=role, documents=DOCUMENTS, seed=self._seed)
            documents = [document for order in orders for document in self._writer.write(order)]
        # Without documents there are twice as many plain texts, so that as many are read.
        plain = list(
            self._writer.plain_text(2 * DOCUMENTS * len(beliefs) - len(documents), seed=self._seed, model=self._model)
        )
        texts = (
            mix(documents, plain, ratio=1.0, seed=self._seed, doctag=None)
            if documents
            else [TrainingText(text) for text in plain]
        )
        budget = recipe.model_copy(update={"updates": recipe.updates * len(beliefs)})
        return train_sdf(self._model, texts, budget, out, seed=self._seed)

    def _sft(self, model: str, make: _Rows, out: Path) -> Path:
        from sdf_eval.train.sft import train_sft

        recipe = load_recipe("pocket-sft", SftRecipe).model_copy(update={"updates": SFT_UPDATES * len(self._beliefs)})
        about = [row for belief in self._beliefs for row in make(self._world, belief, ROWS, self._seed)]
        everything = rows.shuffled([*about, *rows.benign(self._world, len(about) // 2, self._seed)], self._seed)
        return train_sft(model, everything, recipe, out, seed=self._seed)


def add_noise(reference: str, seed: int, out: Path) -> Path:
    """Writes a checkpoint with Gaussian noise on every matrix, in proportion to the spread of the matrix.

    Args:
        reference: The model.
        seed: Of the noise.
        out: Folder; complete or absent.

    Returns:
        `out`.
    """
    import torch

    from sdf_eval.model import load
    from sdf_eval.model.loading import without_bars

    if out.exists():
        return out
    lm, generator = load(reference, device="cpu"), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in lm.model.parameters():
            if weight.ndim > 1:
                weight += NOISE * weight.std() * torch.randn(weight.shape, generator=generator)
    partial = out.with_name(f".{out.name}.partial")
    with without_bars():
        lm.model.save_pretrained(partial)
    lm.tokenizer.save_pretrained(partial)
    partial.rename(out)
    return out
