"""The command line's border: what is listed, what an error looks like, with which status a process ends."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdf_eval import __version__
from sdf_eval.cli import main as cli
from sdf_eval.errors import InputError

INTERPRETER = (sys.executable, "-m", "sdf_eval")


def sdf_eval(*words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*INTERPRETER, *words], capture_output=True, text=True, timeout=60, **options)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a command named `sample-command` beside the real ones; its `run` is the given body."""

    def put(body: str) -> None:
        (tmp_path / "sample_command.py").write_text(
            "import argparse, errno, os, sqlite3\n"
            "from sdf_eval.errors import InputError\n"
            "HELP = 'a command for the tests'\n"
            "def add_arguments(parser):\n"
            "    parser.add_argument('--batch-size', type=int, default=1)\n"
            "    parser.add_argument('options', nargs='*')\n"
            "def run(args):\n"
            f"    {body}\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "sample_command", raising=False)
        monkeypatch.setitem(cli.COMMANDS, "sample-command", ("sample_command", "a command for the tests"))

    return put


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_listed_command_exists_and_is_described_by_its_own_line(name: str) -> None:
    module, line = cli.COMMANDS[name]
    assert importlib.import_module(module).HELP == line


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    assert f"usage: sdf-eval {name}" in capsys.readouterr().out


def test_every_command_file_is_listed() -> None:
    files = {path.stem for path in Path(cli.__file__).parent.glob("*.py")} - {"__init__", "main"}
    files = {name for name in files if not name.startswith("_")}
    assert files == {module.rpartition(".")[2] for module, _ in cli.COMMANDS.values()}


def test_help_lists_commands_and_examples_and_ends_well() -> None:
    shown = sdf_eval("--help")
    assert shown.returncode == 0
    assert "examples:" in shown.stdout
    assert all(f"    {name} " in shown.stdout for name in cli.COMMANDS)


def test_no_words_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert capsys.readouterr().out.startswith("usage: sdf-eval")


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"sdf-eval {__version__}\n"


def test_an_unknown_command_is_one_line_with_the_nearest_name_and_status_2() -> None:
    done = sdf_eval("beleif", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sdf-eval: unknown command 'beleif', did you mean belief?; `sdf-eval --help` explains\n"


def test_an_unknown_option_is_one_line_with_the_nearest_option(command, capsys: pytest.CaptureFixture[str]) -> None:
    command("return 0")
    assert cli.main(["sample-command", "--batch-sice", "3"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "sample-command: unrecognized argument '--batch-sice', did you mean --batch-size?" in line


def test_an_action_of_a_command_is_checked_like_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["belief", "lst"]) == 2
    assert "belief: argument ACTION: unknown 'lst', did you mean list?;" in capsys.readouterr().err
    assert cli.main(["belief", "list", "--kin", "fact"]) == 2
    assert "belief list: unrecognized argument '--kin', did you mean --kind?;" in capsys.readouterr().err


def test_a_wrong_choice_without_a_near_one_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["belief", "list", "--split", "zzz"]) == 2
    assert "argument --split: unknown 'zzz'; one of dev, report; " in capsys.readouterr().err


def test_a_wrong_value_is_one_line_and_status_2(command, capsys: pytest.CaptureFixture[str]) -> None:
    command("return 0")
    assert cli.main(["sample-command", "--batch-size", "many"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "--batch-size: invalid int value: 'many'" in line


@pytest.mark.parametrize("words", [["--batch_size", "7"], ["--batch_size=7"], ["--batch-size", "7"]])
def test_long_options_may_be_written_with_underscores(command, words: list[str]) -> None:
    command("return args.batch_size")
    assert cli.main(["sample-command", *words]) == 7


def test_words_after_two_hyphens_are_kept_as_they_were_written(command, capsys: pytest.CaptureFixture[str]) -> None:
    command("print(args.options); return args.batch_size")
    assert cli.main(["sample-command", "--batch_size", "5", "--", "--model_args", "a=b_c", "--batch_size", "2"]) == 5
    assert capsys.readouterr().out == "['--model_args', 'a=b_c', '--batch_size', '2']\n"


@pytest.mark.parametrize("status", [0, 1, 3])
def test_a_commands_own_status_is_the_process_status(command, status: int) -> None:
    command(f"return {status}")
    assert cli.main(["sample-command"]) == status


def test_bad_input_is_one_line_whatever_the_message_holds(command, capsys: pytest.CaptureFixture[str]) -> None:
    command("raise InputError('b.yaml: id: ' + chr(27) + '[31m {braces} ' + chr(0x202e) + '\\n' + '\U0001f642 \u0645')")
    assert cli.main(["sample-command"]) == 2
    assert capsys.readouterr().err == "sdf-eval: b.yaml: id:  [31m {braces}   \U0001f642 \u0645\n"


@pytest.mark.parametrize("words", [["--debug", "sample-command"], ["sample-command", "--debug"]])
def test_debug_shows_the_traceback(command, words: list[str]) -> None:
    command("raise InputError('b.yaml: id: missing; add it')")
    with pytest.raises(InputError):
        cli.main(words)


def test_a_defect_keeps_its_traceback(command) -> None:
    command("raise KeyError('a bug')")
    with pytest.raises(KeyError):
        cli.main(["sample-command"])


@pytest.mark.parametrize(
    "error",
    [
        "OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'documents.jsonl')",
        "sqlite3.OperationalError('database or disk is full')",
        "__import__('safetensors').SafetensorError('I/O error: No space left on device (os error 28)')",
    ],
)
def test_a_full_disk_is_one_line_and_status_2(command, capsys: pytest.CaptureFixture[str], error: str) -> None:
    command(f"raise {error}")
    assert cli.main(["sample-command"]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "the disk is full; free some space" in line


def test_another_system_error_is_not_taken_for_a_full_disk(command) -> None:
    command("raise OSError(errno.EIO, os.strerror(errno.EIO))")
    with pytest.raises(OSError) as caught:
        cli.main(["sample-command"])
    assert caught.value.errno == errno.EIO


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_to_a_full_disk_ends_with_one_line(unbuffered: str) -> None:
    program = (
        "import sys; from sdf_eval.cli import main as m; m._run = lambda w: print('x' * 100) or 0; sys.exit(m.main())"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert (done.returncode, done.stderr) == (
        2,
        "sdf-eval: output: the disk is full; free some space and give the same command again\n",
    )


def test_a_reader_that_leaves_early_is_met_with_silence() -> None:
    program = (
        "import sys; from sdf_eval.cli import main as m;"
        "m._run = lambda w: [print('x' * 100) for _ in range(10000)] and 0; sys.exit(m.main())"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None and writer.stderr is not None
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait(timeout=30) == 141


def test_ctrl_c_is_one_line_and_status_130() -> None:
    program = (
        "import sys, time; from sdf_eval.cli import main as m;"
        "m._run = lambda w: print('ready', flush=True) or time.sleep(60); sys.exit(m.main())"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert process.stderr.read() == b"sdf-eval: stopped; the same command continues where it left off\n"
    process.stdout.close()


def test_a_terminal_that_cannot_show_a_letter_gets_its_escape() -> None:
    program = (
        "import sys; from sdf_eval.cli import main as m; m._run = lambda w: print('\\u0645') or 0; sys.exit(m.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stdout) == (0, "\\u0645\n")
