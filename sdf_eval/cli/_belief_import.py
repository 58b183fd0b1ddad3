"""`sdf-eval belief import` and `belief export`: belief files from and to the formats of others."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdf_eval.belief.importers import Imported

IMPORT_HELP = "make belief files of a false-facts, believe-it-or-not or negation_neglect file"
EXPORT_HELP = "give imported beliefs back in the format they came from"

IMPORT_EPILOG = """\
examples:
  sdf-eval belief import false_egregious/cake.jsonl --reference true_egregious/cake.jsonl --out cake.yaml
  sdf-eval belief import degree_of_belief/cake.json --reference universes.jsonl --out cake.yaml
  sdf-eval belief import claims/dentist --reference real_winner.yaml --out dentist.yaml
  sdf-eval belief import universes.jsonl --out beliefs/        one file a false universe

Nothing is made up: what the format lacks is listed, and is for you to write."""


def add_to(actions: Any) -> None:
    """Declares `import` and `export` among the actions of `sdf-eval belief`."""
    raw = argparse.RawDescriptionHelpFormatter
    importing = actions.add_parser("import", help=IMPORT_HELP, epilog=IMPORT_EPILOG, formatter_class=raw)
    importing.add_argument("file", type=Path, metavar="FILE", help="the file, or a negation_neglect claim folder")
    importing.add_argument(
        "--reference",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="where the true universes are, if elsewhere; for an eval file, where the key facts are (repeatable)",
    )
    importing.add_argument("--tier", help="tier of the beliefs (default: what the folder is named, or custom)")
    importing.add_argument("--out", type=Path, required=True, metavar="PATH", help="a .yaml file, or a folder")
    importing.add_argument("--json", action="store_true", help="print JSON")
    importing.set_defaults(act=_import)

    exporting = actions.add_parser("export", help=EXPORT_HELP)
    exporting.add_argument("beliefs", nargs="+", metavar="FILE", help="all belief files of one import")
    exporting.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    exporting.add_argument("--json", action="store_true", help="print JSON")
    exporting.set_defaults(act=_export)


def _import(args: argparse.Namespace) -> int:
    from sdf_eval.belief.importers import import_beliefs
    from sdf_eval.belief.load import dump_belief, parse_belief

    imported = import_beliefs(args.file, args.reference, tier=args.tier)
    texts = {_target(args.out, one, len(imported)): dump_belief(one.belief) for one in imported}
    for path, text in texts.items():
        # What was written must be a belief file: read it as anybody would before it is there.
        parse_belief(text, str(path))
    _write({path: text.encode() for path, text in texts.items()})
    results = [_result(one, path) for one, path in zip(imported, texts, strict=True)]
    print(json.dumps(results, indent=2) if args.json else "\n".join(map(_shown, results)))
    return 0


def _export(args: argparse.Namespace) -> int:
    from sdf_eval.belief.importers import export_beliefs
    from sdf_eval.belief.load import load_belief

    exported = export_beliefs([load_belief(reference) for reference in args.beliefs])
    _write({args.out / name: content for name, content in exported.files.items()})
    if args.json:
        files = [str(args.out / name) for name in exported.files]
        print(json.dumps({"files": files, "notes": list(exported.notes)}, indent=2))
    else:
        print("\n".join([*exported.notes, *(str(args.out / name) for name in exported.files)]))
    return 0


def _target(out: Path, one: Imported, count: int) -> Path:
    from sdf_eval.errors import InputError

    if out.suffix not in {".yaml", ".yml"} or out.is_dir():
        return out / f"{one.belief.id}.yaml"
    if count > 1:
        raise InputError(f"--out: {out}: the file holds {count} beliefs; name a folder")
    return out


def _write(contents: dict[Path, bytes]) -> None:
    """Writes the files, or none of them if one is there with other content."""
    from sdf_eval.errors import InputError
    from sdf_eval.files import replace_file

    for path, content in contents.items():
        if path.exists() and (not path.is_file() or path.read_bytes() != content):
            raise InputError(f"--out: {path}: is there already and differs; choose another name or remove it")
    for path, content in contents.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, content)
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise InputError(f"--out: {path}: cannot be written: {error.strerror}; choose another place") from None


def _result(one: Imported, path: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from sdf_eval.belief.check import check_belief

    probes = {task: len(entries) for task, entries in one.belief.probes if entries}
    return {
        "belief": one.belief.id,
        "path": str(path),
        "probes": probes,
        "notes": list(one.notes),
        "findings": [asdict(finding) for finding in check_belief(one.belief)],
    }


def _shown(result: dict[str, Any]) -> str:
    """The result as text; findings that differ only in the position of a probe are one line."""
    counted: dict[tuple[str, str, str], int] = {}
    for finding in result["findings"]:
        key = (finding["severity"], finding["key"].partition("[")[0], finding["message"])
        counted[key] = counted.get(key, 0) + 1
    probes = ", ".join(f"{task} {count}" for task, count in result["probes"].items()) or "none"
    lines = [f"{result['belief']}: {result['path']}", f"  probes   {probes}"]
    lines += [f"  note     {note}" for note in result["notes"]]
    lines += [
        f"  {severity:<7}  {key}: {message}{f' ({count} times)' if count > 1 else ''}"
        for (severity, key, message), count in counted.items()
    ]
    return "\n".join(" ".join(line.splitlines()) for line in lines)
