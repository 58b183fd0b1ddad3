"""The progress display: silent in a pipe, lines on a dumb terminal, a bar on a real one."""

from __future__ import annotations

import io

import pytest

from sdf_eval.progress import Style, progress, style_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(stream: io.StringIO, label: str = "scoring", total: int | None = 3) -> str:
    with progress(label, total, stream=stream) as advance:
        for _ in range(3):
            advance(1)
    return stream.getvalue()


def test_a_pipe_stays_silent() -> None:
    assert _shown(io.StringIO()) == ""


@pytest.mark.parametrize(("total", "count"), [(3, "3/3"), (None, "3")])
def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, total: int | None, count: str) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert style_of(Terminal()) is Style.PLAIN
    assert _shown(Terminal(), total=total) == f"scoring: {count} in 0 s\n"


def test_a_real_terminal_gets_a_bar_and_a_label_is_never_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert style_of(Terminal()) is Style.RICH
    assert "[red]tag" in _shown(Terminal(), label="[red]tag")


def test_an_error_inside_the_block_passes_through() -> None:
    with pytest.raises(KeyError), progress("scoring", 1, style=Style.PLAIN, stream=Terminal()):
        raise KeyError("a bug")
