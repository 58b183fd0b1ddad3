"""What a run does not show, said in its own report."""

from __future__ import annotations

from sdf_eval.measure import FEWEST
from sdf_eval.reports.text import one_line
from sdf_eval.results.schema import RunResults
from sdf_eval.tasks.calibration import VALID_FROM, calibrations


def limits(results: RunResults) -> tuple[str, ...]:
    """Sentences on what the figures leave open, from how the run was set up.

    Args:
        results: Results of a run.

    Returns:
        One sentence or two a limit.
    """
    settings, beliefs = results.settings, len(results.beliefs)
    found = [f"What is shown holds for {one_line(settings.model)} and may not carry over to another model."]
    if beliefs < FEWEST:
        were = "One belief was" if beliefs == 1 else "Two beliefs were"
        found.append(f"{were} measured. The intervals are over facts or probes and say nothing about other beliefs.")
    elif beliefs < 15:
        found.append(f"With {beliefs} beliefs the intervals are wide, and rely on beliefs being alike in spread.")
    if len(settings.seeds) == 1:
        found.append("One training seed was run, so how much another seed would differ is not in the intervals.")
    if settings.panel and beliefs > 1:
        found.append("All beliefs share one checkpoint a role; what they do to one another is not told apart.")
    if "cooccurrence" not in settings.roles:
        found.append(
            "Without the co-occurrence arm, a lift may be an association of names and not a belief in the statement."
        )
    at_floor = [
        name for name, one in calibrations().get(settings.model.partition("/")[0], {}).items() if one.status == "floor"
    ]
    asked = [name for name in at_floor if any(cell.task == name for cell in results.cells)]
    if asked:
        found.append(
            f"On organisms whose truth is known, {', '.join(asked)} told implanted from harmless ones with an AUROC "
            f"below {VALID_FROM}: no change there is no sign that there was none."
        )
    if settings.limit is not None:
        found.append(f"Only {settings.limit} items a task and belief were asked.")
    if not results.agreement:
        found.append("No slice was run through the harnesses, so agreement with them was not checked in this run.")
    found.append(
        "Each interval covers its own figure 95 times in 100; nothing is corrected for the number of figures here."
    )
    later = "or what later training would leave of it"
    if settings.after:
        later = "or what longer or other training than these stages would leave of it"
    found.append(
        "A high score says that the checkpoint answers as if the claim were true, in these formats. It does not say "
        f"how the claim is represented, {later}."
    )
    return tuple(found)
