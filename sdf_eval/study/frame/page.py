"""A study's page and the scoreboard, as Markdown. Everything in them comes from the study's file and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sdf_eval.files import replace_file
from sdf_eval.study.frame.figure import draw
from sdf_eval.study.frame.judge import Figure, Finding, StudyResult, VerdictName, scoreboard_verdicts
from sdf_eval.study.frame.study import Contrast, Part, Placed, Study

FIGURE = "figure.svg"


def write_pages(
    out: Path, studies: Sequence[Study], results: Mapping[str, StudyResult], costs: Mapping[str, str]
) -> None:
    """Writes the figure and page of each study that has a result, and the scoreboard over all studies.

    Args:
        out: Folder; gets `NAME/figure.svg`, `NAME/README.md` and `README.md`.
        studies: Every study there is, in the scoreboard's order.
        results: Study -> result.
        costs: Study -> what it cost, in words.
    """
    shown = [results[study.name] for study in studies if study.name in results]
    together = dict(zip((one.study for one in shown), board_verdicts(shown), strict=True))
    for study in studies:
        if study.name in results:
            folder, result = out / study.name, results[study.name]
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(folder / FIGURE, draw(result, study.title).encode())
            text = page(study, result, together[study.name], costs.get(study.name, ""))
            replace_file(folder / "README.md", text.encode())
    replace_file(out / "README.md", scoreboard(studies, results, together).encode())


def board_verdicts(results: Sequence[StudyResult]) -> tuple[VerdictName, ...]:
    """Verdicts of the full results together, by Holm; smoke results and unfinished ones are judged by nothing."""
    judged = [result for result in results if is_judged(result)]
    said = dict(
        zip((one.study for one in judged), scoreboard_verdicts([one.findings[0] for one in judged]), strict=True)
    )
    return tuple(said.get(result.study, "undefined") for result in results)


def is_judged(result: StudyResult) -> bool:
    """Whether a result carries a verdict: a full one without missing cells."""
    return result.tier == "full" and not result.missing


def scoreboard(
    studies: Sequence[Study], results: Mapping[str, StudyResult], together: Mapping[str, VerdictName]
) -> str:
    """The table over all studies."""
    lines = [
        "# Scoreboard",
        "",
        "Published claims about synthetic document finetuning and Model Spec midtraining, tested. A verdict is about "
        "the substrate that it names: claims *hold in pocket*, three small worlds whose truth is known, and are not "
        "thereby shown of large models. *Holds*: the 95 % interval excludes 0 and the effect reaches the smallest "
        "effect that was written down before the first run, and Holm's adjustment over this table leaves it at 5 %. "
        "*Does not hold*: the interval lies below that effect. Else *inconclusive*. Written by `sdf-eval study run`; "
        "the answers of every cell are in `cells/`.",
        "",
        "| study | claim | source | effect [95 %] | smallest | n | verdict | figure |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for study in studies:
        result = results.get(study.name)
        if result is None:
            shown, n, said, figure = "", "", "not run", ""
        else:
            first = result.findings[0]
            shown, n = _shown(first), str(first.units)
            said = said_of(result, together[study.name])
            figure = f"[figure]({study.name}/{FIGURE})"
        size = f"{'±' if study.primary.claim == 'equal' else ''}{study.primary.smallest_effect:g}"
        name = f"[`{study.name}`]({study.name}/README.md)" if result else f"`{study.name}`"
        lines.append(f"| {name} | {study.claim} | {study.source} | {shown} | {size} | {n} | {said} | {figure} |")
    return "\n".join([*lines, ""])


def said_of(result: StudyResult, together: VerdictName) -> str:
    """The verdict as reports say it."""
    if result.tier == "smoke":
        return "smoke: no verdict"
    if result.missing:
        return f"unfinished: {result.missing} cells to run"
    return f"*{together}* in {result.substrate}" if together != "undefined" else "*undefined*"


def page(study: Study, result: StudyResult, together: VerdictName, cost: str) -> str:
    """A study's page."""
    lines = [
        f"# {study.title}",
        "",
        f"**Claim.** {study.claim} ({study.source})",
        "",
        f"**Result.** {said_of(result, together)}: {result.findings[0].name} {_shown(result.findings[0])}.",
        "",
        f"![{study.title}]({FIGURE})",
        "",
        "## Design",
        "",
        study.design,
        "",
        f"What the base was taught that bears on it: {study.taught}",
        "",
        "| arm | what it is |",
        "|---|---|",
        *(f"| `{arm}` | {meaning} |" for arm, meaning in study.arms.items()),
        "",
        "## Criterion",
        "",
        "Written before the first run. The first line decides, the others explain.",
        "",
        "| effect | what it is | tasks | counts from |",
        "|---|---|---|---|",
        *(_criterion(study, place) for place in range(len(study.estimands))),
        "",
        *_changes(study),
        "## Result",
        "",
        "| effect | value [95 %] | p | n | alone | how |",
        "|---|---|---|---|---|---|",
        *(_finding(finding, is_judged(result)) for finding in result.findings),
        "",
        "n: beliefs times checkpoints. p: two-sided, of a claim of equality the larger of two one-sided; not adjusted. "
        "Chance of every difference is 0.",
        "",
        "| arm | split | score [95 %] | n |",
        "|---|---|---|---|",
        *(f"| `{one.arm}` | {one.split or 'all'} | {_number(one.score)} | {one.score.n} |" for one in result.arms),
        "",
        f"Tier {result.tier}, {result.substrate}, {len(result.cells)} cells{cost}. `sdf-eval study run {study.name} "
        f"--tier {result.tier}` makes them again.",
        "",
        "## What it does not show",
        "",
        *(f"- {limit}" for limit in study.limits),
        "",
    ]
    return "\n".join(lines)


def describe(study: Study, placed: Sequence[Placed]) -> str:
    """A study before it is run: claim, design, criterion, cells."""
    arms = {arm: sum(one.arm == arm for one in placed) for arm in study.arms}
    lines = [
        f"{study.name}: {study.title}",
        f"claim: {study.claim} ({study.source})",
        f"design: {study.design}",
        f"taught: {study.taught}",
        *(f"arm {arm}: {meaning} ({arms[arm]} cells)" for arm, meaning in study.arms.items()),
        *(
            f"{'decides' if not place else 'explains'}: {one.name}: {one.meaning} {_limit(study, place)}"
            for place, one in enumerate(study.estimands)
        ),
        *(f"does not show: {limit}" for limit in study.limits),
    ]
    return "\n".join(lines)


def _criterion(study: Study, place: int) -> str:
    one = study.estimands[place]
    if isinstance(one, Contrast):
        sum_ = " ".join(f"{weight:+g} {arm}" for arm, weight in one.weights.items())
        asked = ", ".join(f"`{task}`" for task in one.tasks) + (f" ({one.figure})" if one.figure else "")
        used = {key.partition("#")[2] for key in one.weights}
        asked += "".join(f"; #{name}: {_part(part)}" for name, part in one.parts.items() if name in used)
        return f"| {one.name} | {one.meaning} `{sum_}` | {asked}, {one.split or 'all'} | {_limit(study, place)} |"
    return f"| {one.name} | {one.meaning} | | {_limit(study, place)} |"


def _part(part: Part) -> str:
    behind = f"behind {part.preface}" if part.preface else ""
    return " ".join(filter(None, (", ".join(f"`{task}`" for task in part.tasks), behind)))


def _limit(study: Study, place: int) -> str:
    one = study.estimands[place]
    return f"within ±{one.smallest_effect:g}" if one.claim == "equal" else f"at least {one.smallest_effect:g}"


def _changes(study: Study) -> list[str]:
    if not study.changes:
        return []
    rows = [f"- {change.date}: {change.what} Why: {change.why}" for change in study.changes]
    return ["Changes since the first run:", "", *rows, ""]


def _finding(finding: Finding, judged: bool) -> str:
    said = finding.verdict if judged else ""
    p = "" if finding.p is None else f"{finding.p:.2g}"
    how = finding.undefined or (finding.effect.method if finding.effect else "")
    return f"| {finding.name} | {_shown(finding)} | {p} | {finding.units} | {said} | {how} |"


def _shown(finding: Finding) -> str:
    return "undefined" if finding.effect is None else _number(finding.effect)


def _number(figure: Figure) -> str:
    ends = [f"{end:.2f}" if end is not None else "open" for end in (figure.low, figure.high)]
    value = "?" if figure.value is None else f"{figure.value:.2f}"
    return f"{value} [{', '.join(ends)}]"
