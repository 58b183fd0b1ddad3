"""One way to write a file that is complete or absent."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file in one step: whoever reads it sees the old content or all of the new.

    Args:
        path: The file; its folder exists.
        content: All of it.

    Raises:
        OSError: It cannot be written; what stood there stays, and nothing is left beside it.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
