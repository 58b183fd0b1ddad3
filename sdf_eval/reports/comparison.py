"""A comparison as Markdown, JUnit XML and JSON: for a pull request, a CI server and a program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from sdf_eval.files import replace_file
from sdf_eval.gate.schema import Comparison, FamilyResult, Side
from sdf_eval.reports.comparison_page import comparison_page
from sdf_eval.reports.comparison_rows import COLUMNS, RAISED, RAISED_SAID, family_row, raised_rows
from sdf_eval.reports.inert import code_line, inert, markdown_table
from sdf_eval.reports.text import number, one_line

JSON, MARKDOWN, JUNIT, PAGE = "comparison.json", "comparison.md", "junit.xml", "comparison.html"


def write_comparison(folder: Path, comparison: Comparison) -> None:
    """Writes `comparison.json`, `.md`, `.html` and `junit.xml` into a folder, which is made.

    Raises:
        OSError: A file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    body = comparison.model_dump_json(indent=1).encode()
    replace_file(folder / JSON, body + b"\n")
    replace_file(folder / MARKDOWN, markdown_comparison(comparison).encode(errors="replace"))
    replace_file(folder / JUNIT, junit_xml(comparison))
    replace_file(folder / PAGE, comparison_page(comparison).encode(errors="replace"))


def markdown_comparison(comparison: Comparison) -> str:
    """Renders verdict, reasons, families, the items that got worse, and provenance.

    Args:
        comparison: Any comparison.

    Returns:
        Markdown in which text of models and files is inert.
    """
    title = (
        f"# {comparison.verdict.upper()}: {inert(comparison.candidate.model)} against {inert(comparison.base.model)}"
    )
    rows = [family_row(family) for family in comparison.families]
    rows += [(family, "missing", *[""] * (len(COLUMNS) - 2)) for family in comparison.missing]
    parts = [title, _bullets(comparison.reasons), markdown_table(COLUMNS, rows), _explained(comparison)]
    beliefs = [
        (family.family, belief, number(harm, 3)) for family in comparison.families for belief, harm in family.worst
    ]
    if beliefs:
        parts += ["## Beliefs that got worse most", markdown_table(("family", "belief", "harm"), beliefs)]
    moved = [
        (family.family, each.task, each.question, each.base, each.candidate, number(each.harm))
        for family in comparison.families
        for each in family.moved
    ]
    if moved:
        parts += ["## Items that got worse most"]
        parts += [markdown_table(("family", "task", "question", "base", "candidate", "harm"), moved)]
    if comparison.raised:
        parts += ["## Words that became likelier", RAISED_SAID, markdown_table(RAISED, raised_rows(comparison))]
    parts += ["## Notes", _bullets(comparison.notes), "## Provenance", _provenance(comparison)]
    return "\n\n".join(parts) + "\n"


def junit_xml(comparison: Comparison) -> bytes:
    """Renders a test suite with a case a family, as CI servers read it.

    A regressed family is a failure, a required one that is missing or open an error, another open one is skipped; a
    null that is too small or of another budget is an error of the case `null`.

    Args:
        comparison: Any comparison.

    Returns:
        UTF-8 XML.
    """
    cases = [_case(family, comparison) for family in comparison.families]
    cases += [
        _named(name, "error", "required by the policy and not measured on both sides") for name in comparison.missing
    ]
    small = comparison.null.pairs < comparison.policy.fewest_pairs
    blocked = small or comparison.verdict == "inconclusive" and all(case.find("error") is None for case in cases)
    cases.append(_named("null", "error" if blocked else None, comparison.reasons[0]))
    suite = ElementTree.Element(
        "testsuite",
        name="sdf-eval compare",
        tests=str(len(cases)),
        failures=str(_count(cases, "failure")),
        errors=str(_count(cases, "error")),
        skipped=str(_count(cases, "skipped")),
        timestamp=comparison.created,
    )
    suite.extend(cases)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _case(family: FamilyResult, comparison: Comparison) -> ElementTree.Element:
    if family.state == "regressed" and comparison.verdict == "fail":
        return _named(family.family, "failure", family.reason)
    if family.state == "clear":
        return _named(family.family, None, family.reason)
    stands_out = family.p is not None and family.p <= comparison.policy.level
    stops = family.required or (family.value >= family.smallest_effect and stands_out)
    return _named(family.family, "error" if stops else "skipped", family.reason)


def _named(name: str, kind: str | None, message: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname="sdf_eval.compare", name=one_line(name, 200))
    if kind is not None:
        ElementTree.SubElement(case, kind, message=one_line(message, 500))
    return case


def _count(cases: Sequence[ElementTree.Element], kind: str) -> int:
    return sum(case.find(kind) is not None for case in cases)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {inert(line)}" for line in lines)


def _explained(comparison: Comparison) -> str:
    return (
        "Harm is candidate minus base in belief score or loss, base minus candidate in accuracy; above 0 is worse. "
        f"*Benign*: mean and deviation of {comparison.null.pairs} benign finetunes. *p*: share of them whose worst "
        "family stands out as much, the candidate counted. *Found from*: harm that would have counted as regressed "
        f"here. An asterisk marks a family that the policy requires. Level {comparison.policy.level:g}, for all "
        "families together."
    )


def _provenance(comparison: Comparison) -> str:
    sides = [
        _side_row("base", comparison.base),
        _side_row("candidate", comparison.candidate),
    ]
    versions = ", ".join(f"{name} {value}" for name, value in comparison.versions.items())
    table = markdown_table(("side", "named", "asked by", "items", "weights", "updates", "files"), sides)
    return "\n\n".join(
        (code_line(comparison.command), f"Made {inert(comparison.created)} with {inert(versions)}.", table)
    )


def _side_row(name: str, side: Side) -> tuple[str, ...]:
    files = ", ".join(f"{source.name} {source.sha256[:12]}" for source in side.sources[:4])
    more = f" and {len(side.sources) - 4} more" if len(side.sources) > 4 else ""
    updates = "" if side.budget is None else str(side.budget.updates)
    return (name, side.name, side.harness, str(side.items), (side.weights_sha256 or "")[:12], updates, files + more)
