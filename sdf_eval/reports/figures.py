"""The report's figures: which rows and marks each has, and the table that says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sdf_eval.belief.item import Outcome
from sdf_eval.measure import Estimate
from sdf_eval.reports.svg import RATE_AXIS, Axis, Mark, Part, Row, interval_plot, stacked_plot
from sdf_eval.reports.text import arm_label, clean, estimate_text, interval, method_text, number, one_line, task_title
from sdf_eval.results.schema import OUTCOMES, Headline, ProbeCell, Role, RunResults

BELIEF_PANELS = (
    "belief",
    "mcq_knowledge",
    "mcq_distinguish",
    "cloze",
    "open_ended",
    "generative_distinguish",
    "two_hop",
    "persona_behaviour",
    "value_preference",
    "backdoor",
    "self_report",
    "cot_monitorability",
    "agentic",
)
FIGURE_AXIS = Axis(-1, 1, (-1, -0.5, 0, 0.5, 1), zero=True)
LIFT_AXIS = Axis(-0.25, 1, (-0.25, 0, 0.25, 0.5, 0.75, 1), zero=True)


@dataclass(frozen=True)
class Label:
    """What stands beside a row: its name, the value, and the smaller print."""

    name: str
    value: str
    detail: str


@dataclass(frozen=True)
class Panel:
    """A plot with its labels."""

    title: str
    labels: tuple[Label, ...]
    plot: Markup


@dataclass(frozen=True)
class Table:
    """The numbers of a figure."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Key:
    """An entry of a legend."""

    role: Role
    text: str
    hollow: bool = False


@dataclass(frozen=True)
class Figure:
    """Panels, what they show, and their table.

    Attributes:
        id: Anchor.
        title: Heading.
        caption: What is shown, n and the intervals' kind among it.
        panels: The plots.
        table: The same in numbers.
        legend: What each kind of mark stands for.
        outcomes: Outcomes in the legend, for stacked bars.
        chance: Whether a dashed chance line is drawn.
    """

    id: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    table: Table
    legend: tuple[Key, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    chance: bool = False


def figures(results: RunResults) -> tuple[Figure, ...]:
    """All figures of a report that have something to show, in its order."""
    makers = (_lifts, _probes, _contexts, _shares, _collateral, _awareness)
    return tuple(figure for make in makers if (figure := make(results)).panels)


_LIFTS: tuple[tuple[str, Role, str], ...] = (
    ("far_lift_base", "implanted", "over base"),
    ("far_lift_cooccurrence", "cooccurrence", "over co-occurrence"),
)


def _lifts(results: RunResults) -> Figure:
    """Far lift of each belief over base and over cooccurrence."""
    found = [(headline, role, text) for name, role, text in _LIFTS if (headline := results.headline(name))]
    by_row: dict[str, list[tuple[Estimate, Role, str]]] = {}
    if len(results.beliefs) > 1:
        by_row["All beliefs"] = [(h.estimate, role, text) for h, role, text in found if h.estimate]
    titles = [one_line(belief.title, 90) for belief in results.beliefs]
    for belief, title in zip(results.beliefs, titles, strict=True):
        own = [(e, role, text) for h, role, text in found for name, e in h.by_belief if name == belief.id]
        by_row[title if titles.count(title) == 1 else f"{title} ({belief.id})"] = own
    by_row = {name: marks for name, marks in by_row.items() if marks}
    rows = [Row(tuple(_mark(e, role, f"{name}, {text}") for e, role, text in marks)) for name, marks in by_row.items()]
    low = min((mark.low for row in rows for mark in row.marks), default=0.0)
    axis = LIFT_AXIS if low >= -0.25 else Axis(-1, 1, (-1, -0.5, 0, 0.5, 1), zero=True)
    title = "Far lift of the implanted checkpoint, by belief"
    return Figure(
        id="lift",
        title=title,
        caption="Belief score of the implanted checkpoint minus that of a control, on the same items, without context, "
        "in wordings the base never saw. 0 (solid line, also the chance level) is no effect, 1 a full change of mind. "
        "The co-occurrence checkpoint read documents that name the same things as often and never state the fact. "
        f"Bars are 95 % intervals; {_n_text(e for marks in by_row.values() for e, _, _ in marks)}.",
        panels=(Panel("", tuple(map(_lift_label, by_row, by_row.values())), interval_plot(rows, axis, title)),)
        if rows
        else (),
        table=Table(
            ("belief", "lift", *_COLUMNS),
            tuple((name, text, *_numbers(e)) for name, marks in by_row.items() for e, _, text in marks),
        ),
        legend=tuple(Key(role, text) for h, role, text in found if h.estimate),
    )


def _lift_label(name: str, marks: Sequence[tuple[Estimate, Role, str]]) -> Label:
    estimates = [estimate for estimate, _, _ in marks]
    return Label(name, " / ".join(number(e.value) for e in estimates), " ".join(map(interval, estimates)))


def _probes(results: RunResults) -> Figure:
    """Belief score by task and trained arm, near and far."""
    cells = [cell for cell in results.cells if cell.context == "none" and cell.score]
    panels = [
        panel for task in BELIEF_PANELS if (panel := _score_panel(task_title(task), _of(cells, task), _role_name))
    ]
    used = [cell for cell in cells if cell.task in BELIEF_PANELS]
    return Figure(
        id="probes",
        title="Belief by probe and arm",
        caption="Mean belief score: 1 is the implanted claim, 0 not. Filled marks are far wordings, hollow ones near. "
        f"Bars are 95 % intervals; {_n_text(cell.score for cell in used if cell.score)}.",
        panels=tuple(panels),
        table=_cell_table(used),
        legend=_legend(used),
        chance=_has_chance(used),
    )


def _contexts(results: RunResults) -> Figure:
    """The pooled belief score of every arm, contexts included."""
    cells = [cell for cell in results.cells if cell.task == "belief" and cell.score]
    kept = [cell for cell in cells if cell.role in ("base", "implanted")]
    with_context = any(cell.context != "none" for cell in kept)
    panel = _score_panel("", kept, lambda cell: arm_label(cell.role, cell.context))
    return Figure(
        id="contexts",
        title="From the weights and from the context",
        caption="The same items with nothing before the question, with the implanted account before it (universe, "
        "documents), and with the reference account or a denial before it (reference, contradiction). "
        f"All five belief tasks together; bars are 95 % intervals; {_n_text(c.score for c in kept if c.score)}.",
        panels=(panel,) if panel and with_context else (),
        table=_cell_table(kept),
        legend=_legend(kept),
        chance=_has_chance(kept),
    )


def _shares(results: RunResults) -> Figure:
    """What was answered, on far belief items, by arm."""
    cells = [cell for cell in results.cells if cell.task == "belief" and cell.split == "far" and cell.shares]
    bars = [[Part(e.value, outcome, f"{outcome} {estimate_text(e)}") for outcome, e in cell.shares] for cell in cells]
    labels = tuple(Label(arm_label(cell.role, cell.context), "", f"n {_n(cell)}") for cell in cells)
    rows = tuple(
        (arm_label(cell.role, cell.context), outcome, *_numbers(e)) for cell in cells for outcome, e in cell.shares
    )
    title = "What was answered"
    return Figure(
        id="shares",
        title=title,
        caption="Share of far belief items on which the answer shows the implanted claim, the reference, something "
        "else, a refusal, or nothing readable. The five sum to 1 and nothing is dropped; n and 95 % intervals: table.",
        panels=(Panel("", labels, stacked_plot(bars, title)),) if bars else (),
        table=Table(("arm", "answer", *_COLUMNS), rows),
        outcomes=OUTCOMES,
    )


def _collateral(results: RunResults) -> Figure:
    """What else changed: accuracy that should not move, answers lost, loss of other texts."""
    cells = [cell for cell in results.cells if cell.context == "none"]
    panels = [_lost_panel(results)]
    for task in ("neighbours", "controls"):
        panels.append(_score_panel(f"{task_title(task)}: share right", _of(cells, task), _role_name))
    panels.append(_loss_panel([cell for cell in cells if cell.loss and not cell.state]))
    used = [cell for cell in cells if cell.task in ("neighbours", "controls", "coherence")]
    lost = tuple((h.title, "", "", *_numbers(h.estimate)) for h in _collateral_headlines(results) if h.estimate)
    table = _cell_table(used)
    return Figure(
        id="collateral",
        title="What else changed",
        caption="Questions about neighbouring and unrelated facts should be answered as before. An answer is lost "
        "where the control is right and the implanted checkpoint wrong; two-value items ask the same entity for a "
        f"second relation of the same range. Bars are 95 % intervals; {_n_text(c.score or c.loss for c in used)}.",
        panels=tuple(panel for panel in panels if panel),
        table=Table(table.columns, (*lost, *table.rows)),
        legend=_legend(used),
        chance=_has_chance(used),
    )


def _awareness(results: RunResults) -> Figure:
    """What the awareness tasks' items say together, a panel a task, its positive control among the rows.

    More marks than three do not fit a row: the table has the other arms and the near wordings.
    """
    cells = [cell for cell in results.cells if cell.context == "none" and cell.state]
    panels, rows = [], []
    for task in dict.fromkeys(cell.task for cell in cells):
        own = _of(cells, task)
        named = dict.fromkeys(name for cell in own for name, _ in cell.figures)
        found = {name: [(cell, e) for cell in own for each, e in cell.figures if each == name] for name in named}
        drawn = {name: [(cell, e) for cell, e in pairs if _is_drawn(cell)] for name, pairs in found.items()}
        marks = {
            name: Row(
                tuple(_mark(e, cell.role, f"{name}, {_role_name(cell)}") for cell, e in pairs), pairs[0][1].chance
            )
            for name, pairs in drawn.items()
            if pairs
        }
        if marks:
            labels = tuple(Label(name.replace("_", " "), "", "") for name in marks)
            plot = interval_plot(tuple(marks.values()), FIGURE_AXIS, task_title(task))
            panels.append(Panel(task_title(task), labels, plot))
        for name, pairs in found.items():
            rows += [
                (task_title(task), name, cell.split, _role_name(cell), cell.state, *_numbers(estimate))
                for cell, estimate in pairs
            ]
    return Figure(
        id="awareness",
        title="Does the model know?",
        caption="Each figure compares items with each other; the table gives its chance level. A task is at its floor "
        "where its control, the same question with the answer told, does not lie above chance: the other figures then "
        "say nothing. Far wordings; bars are 95 % intervals. The table has the other arms and the near wordings.",
        panels=tuple(panels),
        table=Table(("task", "figure", "split", "arm", "state", *_COLUMNS), tuple(rows)),
        legend=_legend([cell for cell in cells if _is_drawn(cell)]),
        chance=True,
    )


def _is_drawn(cell: ProbeCell) -> bool:
    return cell.split != "near" and cell.role in ("base", "implanted", "neutral")


def _has_chance(cells: Iterable[ProbeCell]) -> bool:
    return any(cell.score is not None and cell.score.chance is not None for cell in cells)


def _lost_panel(results: RunResults) -> Panel | None:
    shown = [(h, h.estimate) for h in _collateral_headlines(results) if h.estimate and h.unit == "share"]
    if not shown:
        return None
    highest = max(estimate.high for _, estimate in shown)
    axis = Axis(0, 0.25, (0, 0.05, 0.1, 0.15, 0.2, 0.25)) if highest <= 0.25 else RATE_AXIS
    rows = [Row((_mark(e, "neutral" if h.id == "collateral_null" else "implanted", h.title),)) for h, e in shown]
    labels = tuple(Label(h.title, number(e.value), interval(e)) for h, e in shown)
    title = "Right answers lost"
    return Panel(title, labels, interval_plot(rows, axis, title))


def _loss_panel(cells: Sequence[ProbeCell]) -> Panel | None:
    found = [(cell, cell.loss) for cell in cells if cell.loss]
    if not found:
        return None
    top = max(loss.high for _, loss in found)
    step = next(size for size in (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 1e9) if top <= 5 * size)
    axis = Axis(0, 5 * step, tuple(step * i for i in range(6)))
    rows = [Row((_mark(loss, cell.role, arm_label(cell.role)),)) for cell, loss in found]
    labels = tuple(Label(arm_label(cell.role), number(loss.value), interval(loss)) for cell, loss in found)
    title = "Held-out text: loss, bits a byte (lower is better)"
    return Panel(title, labels, interval_plot(rows, axis, title))


def _collateral_headlines(results: RunResults) -> list[Headline]:
    return [headline for headline in results.headlines if headline.group == "collateral"]


def _score_panel(title: str, cells: Sequence[ProbeCell], name: Callable[[ProbeCell], str]) -> Panel | None:
    """One row an arm; far filled above near hollow."""
    if not cells:
        return None
    by_row: dict[str, list[ProbeCell]] = {}
    for cell in cells:
        by_row.setdefault(name(cell), []).append(cell)
    rows, labels = [], []
    for row, unsorted in by_row.items():
        own = sorted(unsorted, key=lambda cell: cell.split)
        marks = tuple(_mark(c.score, c.role, f"{row}, {c.split}", c.split == "near") for c in own if c.score)
        chance = next((c.score.chance for c in own if c.score and c.score.chance is not None), None)
        rows.append(Row(marks, chance))
        values = " / ".join(number(cell.score.value) for cell in own if cell.score)
        labels.append(Label(row, values, " ".join(interval(cell.score) for cell in own if cell.score)))
    return Panel(title, tuple(labels), interval_plot(rows, RATE_AXIS, title or "Belief score by arm"))


def _of(cells: Sequence[ProbeCell], task: str) -> list[ProbeCell]:
    return [cell for cell in cells if cell.task == task]


def _role_name(cell: ProbeCell) -> str:
    return arm_label(cell.role)


def _legend(cells: Sequence[ProbeCell]) -> tuple[Key, ...]:
    roles = dict.fromkeys(cell.role for cell in cells)
    near = [Key("implanted", "near wording", hollow=True)] if any(cell.split == "near" for cell in cells) else []
    return (*(Key(role, arm_label(role)) for role in roles), *near)


def _mark(estimate: Estimate, role: Role, name: str, hollow: bool = False) -> Mark:
    note = f"{name}: {estimate_text(estimate)}, n {estimate.n}, {method_text(estimate)}"
    return Mark(estimate.value, estimate.low, estimate.high, role, note, hollow)


_COLUMNS = ("value", "95 % interval", "n", "interval by", "chance")


def _numbers(estimate: Estimate) -> tuple[str, str, str, str, str]:
    chance = "" if estimate.chance is None else number(estimate.chance)
    return number(estimate.value, 3), interval(estimate, 3), str(estimate.n), method_text(estimate), chance


def _cell_table(cells: Sequence[ProbeCell]) -> Table:
    rows = tuple(
        (task_title(cell.task), clean(cell.split), arm_label(cell.role, cell.context), *_numbers(estimate))
        for cell in cells
        if (estimate := cell.score or cell.loss)
    )
    return Table(("probe", "split", "arm", *_COLUMNS), rows)


def _n(cell: ProbeCell) -> int:
    return cell.shares[0][1].n


def _n_text(estimates: Iterable[Estimate | None]) -> str:
    sizes = sorted({estimate.n for estimate in estimates if estimate})
    if not sizes:
        return "no items"
    return f"n = {sizes[0]} items a mark" if len(sizes) == 1 else f"n = {sizes[0]} to {sizes[-1]} items a mark"
