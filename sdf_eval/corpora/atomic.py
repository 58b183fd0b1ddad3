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
        errno.EACCES, errno.EBUSY, errno.EDQUOT, errno.EEXIST, errno.EFBIG, errno.ENAMETOOLONG,
        errno.ENOSPC, errno.ENOTDIR, errno.ENOTEMPTY, errno.EPERM, errno.EROFS,
    }
)  # fmt: skip


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Gives a hidden sibling folder to fill, and renames it to `target` once the block has ended without an error.

    A killed process leaves at most the hidden sibling, which the next call for the same target removes. Where only the
    renaming fails, the complete sibling stays and the error names it.

    Args:
        target: The folder to make, or a link to one. It must not exist, or be empty.

    Yields:
        The folder to write into, on the same file system as `target`.

    Raises:
        InputError: `target` is taken, a mount point or a link to no folder, or the disk refuses (full, read-only).
    """
    _refuse_link_to_no_folder(target)
    # A link would be replaced by the folder, and `.` has no name to make a sibling of.
    place = target.resolve()
    partial = place.parent / f".{place.name}.partial-{os.getpid()}"
    complete = False
    try:
        _refuse_taken(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(place)
        partial.mkdir()
        yield partial
        _sync_tree(partial)
        complete = True
        os.rename(partial, place)
        complete = False
        _sync(place.parent)
    except OSError as error:
        if complete:
            raise InputError(
                f"{target}: cannot be made: {error.strerror or error}; the result is complete in {partial}; move it "
                "from there before you run this again"
            ) from error
        if error.errno not in _MENDABLE:
            raise
        raise InputError(f"{target}: cannot be written: {error.strerror or error}; choose another folder") from error
    finally:
        if not complete:
            shutil.rmtree(partial, ignore_errors=True)


def _refuse_link_to_no_folder(target: Path) -> None:
    if target.is_symlink() and not target.is_dir():
        raise InputError(f"{target}: is a link to no folder; choose another folder or remove the link")


def _refuse_taken(target: Path) -> None:
    if target.is_mount():
        raise InputError(f"{target}: is a mount point, which cannot be replaced; choose a folder inside it")
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
