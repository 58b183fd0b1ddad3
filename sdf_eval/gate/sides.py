"""What a user names on the command line as a measured side: stored results, or a model that is asked now."""

from __future__ import annotations

from pathlib import Path

from sdf_eval.errors import InputError
from sdf_eval.gate.scan.schema import Topic
from sdf_eval.model import resolve
from sdf_eval.results.direct import Battery, measure_checkpoint
from sdf_eval.results.measured import Measured
from sdf_eval.results.schema import Role
from sdf_eval.results.sources import read_stored


def read_side(reference: str, role: Role, battery: Battery, kept: Path, *, seed: int = 0) -> Measured:
    """Reads or measures one side of a comparison.

    Args:
        reference: What `read_stored` reads, or else a model.
        role: Arm that is meant where a run is named without one.
        battery: What to ask a model.
        kept: Folder in which answers of models are kept.
        seed: Seed of the intervals' bootstrap.

    Returns:
        Results and answers.

    Raises:
        InputError: Stored results are broken, or the model cannot be found or asked.
    """
    stored = read_stored(reference, role, seed=seed)
    if stored is not None:
        return stored
    resolve(reference)
    return measure_checkpoint(reference, battery, kept, seed=seed)


def raised_words(base: str, candidate: str) -> tuple[Topic, ...]:
    """Words that the candidate brings up more than the base behind neutral openings: `scan`'s cheap readout.

    Args:
        base: What the user named as the base.
        candidate: What the user named as the candidate.

    Returns:
        The highest-ranked words; none where a side is stored results or the two have other tokenizers.
    """
    from sdf_eval.gate.scan.leaks import opening_tokens, rates_behind
    from sdf_eval.gate.scan.topics import raised_behind
    from sdf_eval.model import load
    from sdf_eval.representation.difference import check_pair

    if not (_is_model(base) and _is_model(candidate)):
        return ()
    before, after = load(base), load(candidate)
    try:
        check_pair(after, before)
    except InputError:
        return ()
    openings = opening_tokens(before)
    return tuple(raised_behind(before.tokenizer, (rates_behind(after, openings), rates_behind(before, openings))))


def _is_model(reference: str) -> bool:
    """Whether a side that was read is a model rather than stored results, an arm of a run (`DIR@ROLE`) or a log."""
    path = Path(reference)
    if path.exists():
        return any((path / name).is_file() for name in ("config.json", "adapter_config.json"))
    return "@" not in reference
