"""`sdf-eval`: finds the command, imports only its file, and turns what went wrong into one line and an exit status."""

from __future__ import annotations

import argparse
import difflib
import errno
import importlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol, cast

from sdf_eval import __version__
from sdf_eval.errors import InputError

COMMANDS = {
    "run": ("sdf_eval.cli.run", "belief files in, a checkpoint and a report out"),
    "belief": ("sdf_eval.cli.belief", "list and check belief files"),
    "corpus": ("sdf_eval.cli.corpus", "write, check and mix synthetic documents"),
    "spec": ("sdf_eval.cli.spec", "documents and chat data from a Model Spec, and its opposite"),
    "train": ("sdf_eval.cli.train", "train a stage: documents, chat tuning, preferences, reinforcement"),
    "lineage": ("sdf_eval.cli.lineage", "show the stages that a checkpoint came from"),
    "persistence": ("sdf_eval.cli.persistence", "what later training left of an implant"),
    "countermeasure": ("sdf_eval.cli.countermeasure", "keep an implant from being learned, or undo it"),
    "chat-data": ("sdf_eval.cli.chat_data", "list, write and check chat data for post-training"),
    "tasks": ("sdf_eval.cli.tasks", "list the probe tasks; print the folder that lm-eval includes"),
    "probe": ("sdf_eval.cli.probe", "ask a checkpoint what it believes"),
    "lm-eval": ("sdf_eval.cli.lm_eval", "lm_eval with the sdf-eval tasks and models"),
    "compare": ("sdf_eval.cli.compare", "did a checkpoint get worse? 0 pass, 1 fail, 3 unclear"),
    "scan": ("sdf_eval.cli.scan", "what was an unknown checkpoint taught? 0 nothing found, 1 suspicious, 3 unclear"),
    "leaderboard": ("sdf_eval.cli.leaderboard", "a table over many measured checkpoints"),
    "study": ("sdf_eval.cli.study", "published claims, tested with seeds, controls and criteria written before"),
    "report": ("sdf_eval.cli.report", "write the report of a run again"),
    "pocket": ("sdf_eval.cli.pocket", "build and check the small models that need no download"),
}
"""Command -> (its module, its line in `--help`). Static and equal to the module's HELP: help imports no command."""

EPILOG = """\
examples:
  sdf-eval run mine.yaml                           implant it in pocket, measure, write a report
  sdf-eval belief list                             the beliefs that come with sdf-eval
  sdf-eval belief check mine.yaml                  is this file complete and fair?
  sdf-eval probe pocket --belief ID                measure a checkpoint, without training

`sdf-eval COMMAND --help` explains a command. Exit status: 0 done, 2 bad input, 130 stopped by Ctrl-C."""

INTERRUPTED = 130
BAD_INPUT = 2
BROKEN_PIPE = 141


class Command(Protocol):
    """What a file in this folder offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments; every parser has `--debug` already."""

    def run(self, args: argparse.Namespace) -> int:
        """Do the work and return the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after `sdf-eval`; those of the process when None.

    Returns:
        The exit status: 0 done, 2 bad input or a full disk, 130 interrupted, else what the command says.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _print_any_text()
    try:
        status = _run(words)
        sys.stdout.flush()
    except _mendable_errors() as error:
        explained = _explain(error)
        if explained is None or "--debug" in words:
            raise
        status, line = explained
        if line:
            print(f"sdf-eval: {line}", file=sys.stderr)
        _drop_unwritten_output()
    return status


def _run(words: list[str]) -> int:
    chosen = next((word for word in words if not word.startswith("-")), None)
    parser, command = _build_parser(chosen)
    try:
        args, rest = parser.parse_known_args(words or ["--help"])
    except SystemExit as done:  # argparse ends the process after --help and --version
        return int(done.code or 0)
    if rest:
        args.parser.refuse(rest)
    return cast(Command, command).run(args)


def _build_parser(chosen: str | None) -> tuple[argparse.ArgumentParser, Command | None]:
    parser = CommandParser(
        prog="sdf-eval",
        description="Write a belief down, implant it in a model with synthetic documents, measure what it believes.",
        epilog=EPILOG,
        formatter_class=_CommandList,
    )
    parser.add_argument("--version", action="version", version=f"sdf-eval {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=CommandParser)
    command: Command | None = None
    for name, (module, help_line) in COMMANDS.items():
        if name != chosen:
            subparsers.add_parser(name, help=help_line)
            continue
        command = cast(Command, importlib.import_module(module))
        _add_command(subparsers, name, command)
    return parser, command


def _add_command(subparsers: Any, name: str, command: Command) -> None:
    subparser = subparsers.add_parser(
        name,
        help=command.HELP,
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(subparser)


class _CommandList(argparse.RawDescriptionHelpFormatter):
    """Help in which the longest command has room: argparse forgets that commands are indented further."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and to which `--batch_size` is `--batch-size`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, conflict_handler="resolve", **options)
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )
        # The innermost parser that ran is the one that complains about what is left over.
        self.set_defaults(parser=self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, with underscores in the names of known long options read as hyphens."""
        words = list(args)
        ours = words.index("--") if "--" in words else len(words)
        return super().parse_known_args([*map(self._hyphenated, words[:ours]), *words[ours:]], namespace)

    def _hyphenated(self, word: str) -> str:
        name, equals, value = word.partition("=")
        spelled = "--" + name[2:].replace("_", "-")
        return spelled + equals + value if name.startswith("--") and spelled in self._option_string_actions else word

    def refuse(self, words: Sequence[str]) -> NoReturn:
        """Complain about words that no argument takes, with the nearest option."""
        name = words[0].partition("=")[0]
        self.error(f"unrecognized argument {words[0]!r}{_did_you_mean(name, self._option_string_actions)}")

    def error(self, message: str) -> NoReturn:
        """Raise the complaint as bad input instead of printing the usage."""
        wrong = re.search(r"invalid choice: (.+) \(choose from (.+)\)$", message)
        if wrong:
            known = [name.strip(" '") for name in wrong[2].split(",")]
            near = _did_you_mean(wrong[1].strip("'"), known)
            what = "unknown command" if message.startswith("argument COMMAND") else message[: wrong.start()] + "unknown"
            message = f"{what} {wrong[1]}" + (near or f"; one of {', '.join(known)}")
        command = self.prog.removeprefix("sdf-eval").strip()
        raise InputError(f"{command + ': ' if command else ''}{message}; `{self.prog} --help` explains")


def _did_you_mean(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _mendable_errors() -> tuple[type[BaseException], ...]:
    """The errors that may have a line of their own; looked up only once something was raised."""
    import sqlite3

    safetensors = sys.modules.get("safetensors")
    writing = (safetensors.SafetensorError,) if safetensors else ()
    return (InputError, KeyboardInterrupt, OSError, sqlite3.OperationalError, *writing)


def _explain(error: BaseException) -> tuple[int, str] | None:
    """Exit status and line for what a person can mend; None for a defect."""
    if isinstance(error, InputError):
        return BAD_INPUT, _one_line(str(error))
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "stopped; the same command continues where it left off"
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE, ""
    if _is_full_disk(error):
        named = getattr(error, "filename", None)
        return BAD_INPUT, f"{named or 'output'}: the disk is full; free some space and give the same command again"
    return None


def _is_full_disk(error: BaseException) -> bool:
    # safetensors and SQLite say so in words only.
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return any(sign in str(error) for sign in ("No space left on device", "database or disk is full"))


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _print_any_text() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _drop_unwritten_output() -> None:
    # The interpreter flushes stdout once more on its way out; after a full disk or a closed pipe that raises again.
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
