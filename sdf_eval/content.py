"""Where the content folders lie: what users write, in a checkout, an editable install and a wheel alike."""

from __future__ import annotations

from pathlib import Path

from sdf_eval.errors import InputError

CONTENT_FOLDERS = ("corpora", "train", "tasks", "gate")
"""The top-level folders that a wheel carries."""


def content_path(*parts: str) -> Path:
    """Path of a content folder, or of a file inside one.

    Args:
        *parts: The folder and what follows it, for instance `"corpora", "beliefs"`. The first is one of
            `CONTENT_FOLDERS`.

    Returns:
        The absolute path. Only its content folder is known to exist.

    Raises:
        ValueError: The first part is no content folder.
        InputError: The installation lacks that folder.
    """
    if not parts or parts[0] not in CONTENT_FOLDERS:
        raise ValueError(f"content_path starts with one of {', '.join(CONTENT_FOLDERS)}, not {parts[:1]}")
    folder = _content_root() / parts[0]
    if not folder.is_dir():
        raise InputError(f"{folder}: this installation of sdf-eval lacks its content folder; install it again")
    return folder.joinpath(*parts[1:])


def _content_root() -> Path:
    package = Path(__file__).resolve().parent
    in_wheel = package / "_content"
    return in_wheel if in_wheel.is_dir() else package.parent
