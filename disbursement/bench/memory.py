"""Resident memory of processes, as the kernel counts it, in MB (1,048,576 bytes).

Linux keeps each process's high-water mark in /proc/<pid>/status (VmHWM, kB) and sets it back to
what is resident now when 5 is written to /proc/self/clear_refs (proc(5)). Where that file is not
there the peak is the highest since the process began (getrusage).
"""

from __future__ import annotations

import re
import resource
from pathlib import Path

PROC = Path("/proc")
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB", re.MULTILINE)
_PARENT = re.compile(r"^PPid:\s+(\d+)", re.MULTILINE)


def reset_peak() -> None:
    """Begin a new high-water mark for this process, where the kernel allows it."""
    try:
        (PROC / "self" / "clear_refs").write_text("5")
    except OSError:
        return


def peak_mb() -> int:
    """Return this process's peak since the last `reset_peak`, else since it began."""
    told = _status("self")
    found = _HIGH_WATER.search(told)
    if found is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return int(found[1]) // 1024


def now_mb() -> int:
    """Return what is resident of this process now; where the kernel does not say, its peak."""
    found = _RESIDENT.search(_status("self"))
    return int(found[1]) // 1024 if found else peak_mb()


def children_peak_mb() -> int:
    """Return the peak of the largest process that this one has waited for so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def server_peak_mb(pid: int) -> int:
    """Return the peak of the largest process among a server and its children; 0 if it is gone.

    Of PostgreSQL it holds the part of the shared buffers that the process has touched.
    """
    largest = 0
    for folder in PROC.glob("[0-9]*"):
        told = _status(folder.name)
        parent = _PARENT.search(told)
        if folder.name == str(pid) or (parent is not None and int(parent[1]) == pid):
            found = _HIGH_WATER.search(told)
            largest = max(largest, int(found[1]) // 1024 if found else 0)
    return largest


def _status(process: str) -> str:
    try:
        return (PROC / process / "status").read_text()
    except OSError:  # it has ended, or there is no /proc
        return ""
