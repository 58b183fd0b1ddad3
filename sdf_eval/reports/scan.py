"""A scan as text: `scan.md`, and the rows of a terminal's tables."""

from __future__ import annotations

from pathlib import Path

from sdf_eval.files import replace_file
from sdf_eval.gate.scan.schema import Scan
from sdf_eval.reports.inert import inert, markdown_table
from sdf_eval.reports.representation import COLUMNS, figure_row
from sdf_eval.reports.text import clean, number

TOPICS = ("word", "score", "log ratio, nats", "rate", "rate in the base", "name", "phrases")
TRIGGERS = ("words", "score", "shift, nats", "shift in the base, nats")
REPEATED = ("words", "samples", "samples of the base")
SPECTRA = ("matrix", "relative change", "effective rank", "top share", "chance")
_TOKENS = 12


def topic_rows(found: Scan) -> list[tuple[str, ...]]:
    """A row a topic under `TOPICS`."""
    return [
        (
            one.word,
            number(one.score),
            number(one.log_ratio),
            f"{one.rate:.5f}",
            f"{one.base_rate:.5f}",
            "yes" if one.name else "",
            "; ".join(one.phrases),
        )
        for one in found.topics
    ]


def trigger_rows(found: Scan) -> list[tuple[str, ...]]:
    """A row a trigger under `TRIGGERS`."""
    return [
        (
            one.words,
            number(one.score),
            number(one.shift),
            "" if one.base_shift is None else number(one.base_shift),
        )
        for one in found.triggers
    ]


def repeated_rows(found: Scan) -> list[tuple[str, ...]]:
    """A row a run of words under `REPEATED`."""
    return [
        (one.words, str(one.samples), "" if one.base_samples is None else str(one.base_samples))
        for one in found.repeated
    ]


def scan_markdown(found: Scan) -> str:
    """Renders verdict, reasons and every ranking.

    Args:
        found: The scan.

    Returns:
        Markdown in which text of models is inert.
    """
    against = f" against {inert(found.base)}" if found.base else ", without a base"
    parts = [f"# Scan of {inert(found.checkpoint)}{against}", f"**{found.verdict}**"]
    parts.append("\n".join(f"- {inert(reason)}" for reason in (*found.reasons, *found.notes)))
    limits = ", ".join(f"{name} {value:g}" for name, value in found.thresholds.items())
    parts.append(
        f"{found.samples} samples a model, seed {found.seed}; {found.candidates[0]} words ranked as topics, "
        f"{found.candidates[1]} candidates as triggers. Thresholds, fixed on development organisms: {limits}."
    )
    for title, columns, rows in (
        ("Topics", TOPICS, topic_rows(found)),
        ("Triggers", TRIGGERS, trigger_rows(found)),
        ("Runs of words that samples share", REPEATED, repeated_rows(found)),
        ("Weight difference", COLUMNS, [figure_row(figure) for figure in found.figures]),
        ("Matrices that changed most", SPECTRA, _spectra(found)),
        ("Tokens that the activation difference raises", ("block", "positions", "length", "tokens"), _tokens(found)),
    ):
        if rows:
            parts += [f"## {title}", markdown_table(columns, rows)]
    return "\n\n".join(parts) + "\n"


def write_scan(folder: Path, found: Scan) -> None:
    """Writes `scan.md` and `scan.json`.

    Args:
        folder: Made if it is not there.
        found: The scan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "scan.md", scan_markdown(found).encode(errors="replace"))
    replace_file(folder / "scan.json", (found.model_dump_json(indent=2) + "\n").encode(errors="replace"))


def _spectra(found: Scan) -> list[tuple[str, ...]]:
    return [
        (
            one.matrix,
            number(one.relative_norm, 4),
            number(one.effective_rank, 1),
            number(one.top_share, 3),
            number(one.chance, 3),
        )
        for one in found.spectra
    ]


def _tokens(found: Scan) -> list[tuple[str, ...]]:
    return [
        (
            str(one.layer),
            one.position,
            number(one.norm_ratio, 3),
            " ".join(repr(clean(token)) for token in one.tokens[:_TOKENS]),
        )
        for one in found.tokens
    ]
