"""New files and folders that are seen to the disk before anybody is told that they are there."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path


def write_new(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read, and see it to the disk.

    Raises:
        OSError: it is there already, or cannot be written; what was written of it stays.
    """
    # Windows takes no notice of the mode: access is by the folder's ACL there.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0) as file:
        write_on(file, data)


def write_on(file: io.FileIO, data: bytes) -> None:
    """Write all of it where an unbuffered file stands, and see it to the disk.

    Raises:
        OSError: it cannot be written; a disk takes what there is room for before it says so.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """See the names in a folder to the disk, where the system has a way to."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
