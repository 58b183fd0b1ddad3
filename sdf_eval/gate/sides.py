"""What a user names on the command line as a measured side: stored results, or a model that is asked now."""

from __future__ import annotations

from pathlib import Path

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
