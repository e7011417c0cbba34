"""Files with secrets: mode 0600 from the first byte, whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a secret beside its place and give it its name at the end.

    Raises FileExistsError where the name is taken and `replace` was not asked for.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        if replace:
            part.replace(path)
        else:
            os.link(part, path)  # unlike a rename, refuses to replace
    finally:
        part.unlink(missing_ok=True)
