"""A folder that is complete or absent."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdf_eval.errors import InputError

_MENDABLE = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EFBIG, errno.ENAMETOOLONG,
        errno.ENOSPC, errno.ENOTDIR, errno.ENOTEMPTY, errno.EPERM, errno.EROFS,
    }
)  # fmt: skip


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Gives a hidden sibling folder to fill, and renames it to `target` once the block has ended without an error.

    A killed process leaves at most the hidden sibling, which the next call for the same target removes.

    Args:
        target: The folder to make. It must not exist, or be empty.

    Yields:
        The folder to write into, on the same file system as `target`.

    Raises:
        InputError: `target` is taken, or the disk refuses (full, read-only).
    """
    partial = target.parent / f".{target.name}.partial-{os.getpid()}"
    try:
        _refuse_taken(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target)
        partial.mkdir()
        yield partial
        _sync_tree(partial)
        os.rename(partial, target)
        _sync(target.parent)
    except OSError as error:
        if error.errno not in _MENDABLE:
            raise
        raise InputError(f"{target}: cannot be written: {error.strerror or error}; choose another folder") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _refuse_taken(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: already holds something else; choose another folder or remove it")


def _remove_abandoned(target: Path) -> None:
    for partial in target.parent.glob(f".{target.name}.partial-*"):
        owner = partial.name.rpartition("-")[2]
        if not (owner.isdigit() and _is_running(int(owner))):
            shutil.rmtree(partial, ignore_errors=True)


def _is_running(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
