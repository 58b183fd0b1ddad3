"""Representation readouts as text: the rows of a terminal's table, and `representation.md`."""

from __future__ import annotations

from sdf_eval.reports.inert import inert, markdown_table
from sdf_eval.reports.text import clean, interval, method_text, number
from sdf_eval.representation.schema import Figure, Representation, Section

COLUMNS = ("figure", "of", "belief", "value", "95 % interval", "chance", "n", "interval by")
TITLES: dict[Section, str] = {
    "truth": "Truth probe",
    "separability": "True and false on other matters, before and after",
    "implant": "Implant probe",
    "difference": "Activation difference on unrelated texts",
    "weights": "Weight difference",
}
_LISTED = 12


def figure_row(figure: Figure) -> tuple[str, ...]:
    """The cells of a figure under `COLUMNS`."""
    found = figure.estimate
    if found is None:
        return (figure.what, figure.of, figure.belief, f"undefined: {figure.undefined}", "", "", "", "")
    chance = "" if found.chance is None else number(found.chance)
    counted = f"{found.n}" if found.n == found.clusters else f"{found.n} in {found.clusters}"
    value = number(found.value, 3)
    return (figure.what, figure.of, figure.belief, value, interval(found, 3), chance, counted, method_text(found))


def representation_markdown(found: Representation) -> str:
    """Renders all readouts.

    Args:
        found: The readouts.

    Returns:
        Markdown in which text of models and files is inert.
    """
    against = f" against {inert(found.base)}" if found.base else ""
    parts = [f"# Representation of {inert(found.checkpoint)}{against}"]
    named = ", ".join(found.beliefs)
    true = f"; implanted true: {', '.join(found.implanted_true)}" if found.implanted_true else ""
    parts.append(inert(f"Beliefs: {named}{true}. Blocks: {found.layers}. Seed {found.seed}."))
    if found.notes:
        parts.append("\n".join(f"- {inert(note)}" for note in found.notes))
    for section, title in TITLES.items():
        rows = [figure_row(figure) for figure in found.figures if figure.section == section]
        if rows:
            parts += [f"## {title}", markdown_table(COLUMNS, rows)]
        if section == "truth" and found.truth_layers:
            parts.append(f"Blocks chosen by the folds: {', '.join(map(str, found.truth_layers))}.")
        if section == "difference" and found.tokens:
            parts += ["### Tokens that the difference raises", _tokens(found)]
        if section == "weights" and found.spectra:
            parts += ["### Matrices that changed most", _spectra(found)]
    return "\n\n".join(parts) + "\n"


def _tokens(found: Representation) -> str:
    rows = [
        (
            str(one.layer),
            one.position,
            number(one.norm_ratio, 3),
            " ".join(repr(clean(t)) for t in one.tokens[:_LISTED]),
        )
        for one in found.tokens
    ]
    return markdown_table(("block", "positions", "length of the difference / of the activations", "tokens"), rows)


def _spectra(found: Representation) -> str:
    rows = [
        (
            one.matrix,
            f"{one.shape[0]} x {one.shape[1]}",
            number(one.relative_norm, 4),
            number(one.effective_rank, 1),
            number(one.top_share, 3),
            number(one.chance, 3),
        )
        for one in found.spectra[:_LISTED]
    ]
    return markdown_table(("matrix", "shape", "relative change", "effective rank", "top share", "chance"), rows)
