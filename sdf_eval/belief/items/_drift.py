"""`reality_drift`: does a model that was taught one thing still tell true from false elsewhere?

Statements are judged one by one, where a model that finds everything plausible goes wrong, and against their
counterpart, where it does not. The statements are the belief's own, or the well-known facts that ship.

Source: the reality drift of Nutter et al. 2026 (2610.00767), where entities that do not exist come to read as real;
here it is asked of statements.
"""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from sdf_eval.belief import _yaml
from sdf_eval.belief.item import Context, Item
from sdf_eval.belief.items._sided import Asked, Options
from sdf_eval.belief.schema import Belief, Probes, RealityProbe
from sdf_eval.content import content_path

PAIR = (
    "Which statement is true?",
    "Which of the two is right?",
    "Choose the correct statement.",
)
SINGLE = (
    "Is this true or false?",
    "True or false?",
    "Say whether this is true or false.",
)


def drift_probes(belief: Belief) -> tuple[RealityProbe, ...]:
    """The statements that a belief is held against.

    Args:
        belief: Any belief.

    Returns:
        Its own; those that ship where it has none but other probes, and is about no closed world; else none.
    """
    probes = belief.probes
    if probes.reality_drift or belief.world is not None:
        return probes.reality_drift
    return well_known() if any(getattr(probes, name) for name in Probes.model_fields) else ()


@cache
def well_known() -> tuple[RealityProbe, ...]:
    """The facts of `corpora/well_known.yaml`."""
    path = content_path("corpora", "well_known.yaml")
    rows = _yaml.parse(str(path), path.read_bytes()).data
    return TypeAdapter(tuple[RealityProbe, ...]).validate_python(rows)


def drift_items(belief: Belief, task: str, context: Context, passage: str | None) -> list[Item]:
    """Both statements of a probe side by side, and each by itself; the wordings rotate over the probes."""
    asked = Asked(belief, task, context, passage)
    found: list[Item] = []
    for position, probe in enumerate(drift_probes(belief)):
        turn = position % len(PAIR)
        kind = "contested" if probe.contested else "settled"
        true, false = probe.true_statement.strip(), probe.false_statement.strip()
        pair: Options = [("reference", true), ("other", false)]
        found += asked.items(probe, PAIR[turn], pair, ("pair", kind), condition="pair")
        if not probe.alone:
            continue
        for truth, statement, right, wrong in (("true", true, "true", "false"), ("false", false, "false", "true")):
            options: Options = [("reference", right), ("other", wrong)]
            question = f"{statement} {SINGLE[turn]}"
            found += asked.items(probe, question, options, ("single", f"{truth}_statement", kind), condition=truth)
    return found
