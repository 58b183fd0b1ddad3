"""Persistence along the lineage of checkpoints, from results that are stored already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.model import resolve
from sdf_eval.results.measured import Measured
from sdf_eval.results.schema import ItemAnswer
from sdf_eval.results.sources import read_all, read_stages
from sdf_eval.results.stages import PersistenceCurve
from sdf_eval.results.store import RESULTS, holds_run, read_results
from sdf_eval.study.persistence import Step, persistence_curves
from sdf_eval.train.control import clean_counterpart, control_folder
from sdf_eval.train.lineage import FILE, Lineage, parents_of, read_lineage, verify_lineage

_PROVIDER = "sdf/"
"""What a local checkpoint's name begins with in Inspect's logs."""


@dataclass(frozen=True)
class Node:
    """A checkpoint of a chain.

    Attributes:
        folder: Where it is.
        lineage: Its own.
        control: Reference of the matched clean control.
        control_sha256: Hash of the control's weights.
        path: What tells each clean training from the implant to here from any other, save-points not told apart.
        updates, tokens: Clean training since the implant.
    """

    folder: Path
    lineage: Lineage
    control: str
    control_sha256: str
    path: tuple[str, ...]
    updates: int
    tokens: int


@dataclass(frozen=True)
class LineageCurves:
    """The curves of one implant under one chain of stages.

    Attributes:
        implant: Folder of the implanted checkpoint.
        checkpoints: Folders of its points, in their order.
        curves: One a measure.
    """

    implant: Path
    checkpoints: tuple[Path, ...]
    curves: tuple[PersistenceCurve, ...]


def lineage_curves(references: Sequence[str], sources: Sequence[Path], *, seed: int = 0) -> tuple[LineageCurves, ...]:
    """Draws persistence curves of checkpoints from stored results.

    Args:
        references: Checkpoints. Each brings all its ancestors back to the implant; those on one chain, and those that
            were saved on the way of one training, are points of one curve.
        sources: Folders of runs, of single checkpoints, of Inspect's logs or of lm-eval's results, or such files; empty
            for the run that each checkpoint lies in.
        seed: Seed of the bootstrap.

    Returns:
        One entry a chain.

    Raises:
        InputError: Nothing was implanted, a checkpoint was changed, a control or results are missing, or two
            checkpoints were not asked the same.
    """
    chains = [_chain(reference) for reference in references]
    places = sources or _own_runs(references)
    stored, gone = _read(places, seed), _divergences(places)
    longest = _longest(chains)
    found = []
    for path in longest:
        nodes = _points(path, chains)
        steps = [_step(node, nodes[0], stored, gone) for node in nodes]
        _check_same_items(steps, nodes)
        curves = persistence_curves(steps, seed=seed)
        if not curves:
            raise InputError(
                f"{nodes[-1].folder}: no far items of a belief were asked; ask mcq_distinguish or the like"
            )
        found.append(LineageCurves(nodes[0].folder, tuple(node.folder for node in nodes), curves))
    return tuple(found)


def _chain(reference: str) -> list[Node]:
    """The implant and all that came of it, up to a checkpoint."""
    folders: list[tuple[Path, Lineage]] = []
    place: str | None = reference
    while place is not None:
        location = Path(resolve(place))
        lineage = verify_lineage(location) if location.is_dir() and (location / FILE).exists() else None
        if lineage is None:
            raise InputError(
                f"{reference}: no stage of its lineage implanted documents; name a checkpoint that comes of one"
            )
        folders.append((location, lineage))
        place = None if _implants(lineage) else lineage.parents[0].reference
    nodes: list[Node] = []
    for folder, lineage in reversed(folders):
        last = nodes[-1] if nodes else None
        control = _control(folder, lineage, last)
        clean = 0 if last is None else 1
        nodes.append(
            Node(
                folder=folder,
                lineage=lineage,
                control=control,
                control_sha256=parents_of(control)[0].weights_sha256,
                path=(*(last.path if last else ()), _training(lineage)),
                updates=(last.updates if last else 0) + clean * lineage.updates,
                tokens=(last.tokens if last else 0) + clean * lineage.tokens_seen,
            )
        )
    return nodes


def _implants(lineage: Lineage) -> bool:
    return lineage.stage == "sdf" and bool(lineage.corpora or lineage.details.get("documents"))


def _training(lineage: Lineage) -> str:
    """What tells a training from others; its save-points are the same training."""
    return repr([p.checkpoint_sha256 for p in lineage.parents] + [lineage.recipe, lineage.texts_sha256, lineage.seed])


def _control(folder: Path, lineage: Lineage, before: Node | None) -> str:
    if before is None or lineage.updates == lineage.planned_updates:
        return clean_counterpart(str(folder))
    # A save-point of the control lies beside the control of the whole training.
    whole = control_folder(folder, lineage.model_copy(update={"updates": lineage.planned_updates}), before.control)
    for place in sorted(whole.parent.glob(f"{whole.name}@*")):
        saved = read_lineage(place)
        if saved is not None and saved.updates == lineage.updates:
            return str(place)
    raise InputError(
        f"{folder}: has no matched clean control yet ({whole.name}@updates-{lineage.updates}); train that stage with "
        "--control and the same --save-at"
    )


def _longest(chains: Iterable[list[Node]]) -> list[tuple[str, ...]]:
    """Paths that are not the beginning of another one."""
    paths = list(dict.fromkeys(nodes[-1].path for nodes in chains))
    return [path for path in paths if not any(path != other and other[: len(path)] == path for other in paths)]


def _points(path: tuple[str, ...], chains: Iterable[list[Node]]) -> list[Node]:
    """Every known checkpoint on a path, the implant first."""
    found = {
        # Not by the hash alone: a stage that changed nothing is a point of its own.
        (node.path, node.updates): node
        for nodes in chains
        for node in nodes
        if path[: len(node.path)] == node.path
    }
    return sorted(found.values(), key=lambda node: (len(node.path), node.updates))


def _own_runs(references: Sequence[str]) -> list[Path]:
    found = []
    for reference in references:
        folder = Path(resolve(reference)).resolve()
        run = next((place for place in folder.parents if (place / RESULTS).is_file()), None)
        if run is None:
            raise InputError(f"{reference}: lies in no run, so where its answers are is not known; give --results PATH")
        found.append(run)
    return list(dict.fromkeys(found))


def _read(sources: Sequence[Path], seed: int) -> list[Measured]:
    found: list[Measured] = []
    for path in sources:
        if not path.exists():
            raise InputError(
                f"--results: {path}: no such file or folder; name a run, logs of Inspect or lm-eval's results"
            )
        run = (path / RESULTS).is_file() and holds_run(path)
        measured = read_stages(path, seed=seed) if run else read_all(path, seed=seed)
        if not measured:
            raise InputError(f"--results: {path}: holds no results; name a run, logs of Inspect or lm-eval's results")
        found += measured
    return found


def _divergences(sources: Sequence[Path]) -> dict[str, float]:
    """Hash of weights -> divergence from the implant, as the runs among the sources measured it."""
    runs = [read_results(path) for path in sources if (path / RESULTS).is_file() and holds_run(path)]
    return {one.sha256: one.divergence for run in runs for one in run.stages if one.divergence is not None}


def _step(node: Node, implant: Node, stored: Sequence[Measured], gone: Mapping[str, float]) -> Step:
    treated = _answers(str(node.folder), node.lineage.weights_sha256, stored)
    control = _answers(node.control, node.control_sha256, stored)
    if set(treated) != set(control):
        raise InputError(_differing(str(node.folder), treated, node.control, control))
    return Step(
        stage="" if node is implant else _title(node),
        kind="" if node is implant else node.lineage.stage,
        updates=node.updates,
        tokens=node.tokens,
        treated=list(treated.values()),
        control=[control[item] for item in treated],
        runs=[""] * len(treated),
        divergence=0.0 if node is implant else gone.get(node.lineage.weights_sha256),
    )


def _title(node: Node) -> str:
    part = node.lineage.updates != node.lineage.planned_updates
    return f"{node.lineage.stage}, {node.lineage.updates} updates" if part else node.lineage.stage


def _answers(reference: str, sha256: str, stored: Sequence[Measured]) -> Mapping[str, ItemAnswer]:
    """What a checkpoint was asked without context: by the hash of its weights, or by its path where a log has none."""
    found: dict[str, ItemAnswer] = {}
    for one in stored:
        if one.results.context != "none" or not _is(one, reference, sha256):
            continue
        for answer in one.answers:
            if found.setdefault(answer.item, answer).outcome != answer.outcome:
                raise InputError(
                    f"{one.name}: {answer.item}: is answered otherwise in other results of {reference}; name one"
                )
    if not found:
        raise InputError(f"--results: no answers of {reference} without context; ask it, and name what was written")
    return found


def _is(one: Measured, reference: str, sha256: str) -> bool:
    if one.results.weights_sha256 is not None:
        return one.results.weights_sha256 == sha256
    try:
        return Path(resolve(one.results.model.removeprefix(_PROVIDER))).resolve() == Path(resolve(reference)).resolve()
    except InputError:
        return False


def _check_same_items(steps: Sequence[Step], nodes: Sequence[Node]) -> None:
    first = {answer.item: answer for answer in steps[0].treated}
    for place, (step, node) in enumerate(zip(steps, nodes, strict=True)):
        own = {answer.item: answer for answer in step.treated}
        if set(own) != set(first):
            raise InputError(_differing(str(node.folder), own, str(nodes[0].folder), first))
        changed = next((item for item in own if own[item].question != first[item].question), None)
        if changed is not None:
            raise InputError(
                f"{nodes[place].folder}: {changed}: was asked in other words than of {nodes[0].folder}; ask both anew"
            )


def _differing(name: str, own: Mapping[str, ItemAnswer], other_name: str, other: Mapping[str, ItemAnswer]) -> str:
    odd = next(iter(set(own) ^ set(other)))
    return (
        f"{name}: was asked {len(own)} items and {other_name} {len(other)}, which are not the same ({odd}); ask both "
        "the same tasks, beliefs and limit"
    )
