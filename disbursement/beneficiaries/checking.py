"""Checking rows away from the database: in this process, or in a worker beside it.

Checking costs about as much as sealing and storing, so a large file is checked in one process of
its own while this one stores what is checked already. Small files are checked here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import IO, Any, NamedTuple, Self

from bank_adapters.banks import Directory, shipped
from bank_adapters.contract import AdapterError
from disbursement.beneficiaries.columns import (
    NOT_MERIT,
    PROGRAMME_OR_MERIT,
    Header,
    merit_header,
    plain,
)
from disbursement.beneficiaries.programme_rows import Given, Programme, ProgrammeReader
from disbursement.beneficiaries.reader import Chunk
from disbursement.beneficiaries.rules import (
    Fault,
    Found,
    Row,
    RowReader,
    clean,
    says_something,
)
from disbursement.entitlements.facts import last_month
from disbursement.entitlements.list_due import LISTED
from disbursement.entitlements.merit_bulk import LINE
from disbursement.entitlements.profiles import Span
from disbursement.entitlements.store import Spanner, first_month
from disbursement.platform.clock import show_month
from disbursement.platform.errors import OurFaultError, RefusedError
from disbursement.programmes.rates import RateSet

MAX_OPENING_MONTHS = 24
INLINE_CHUNKS = 3
AHEAD = 4
"""Chunks given to the worker before its first answer is awaited: bounds the memory."""


@dataclass(frozen=True)
class Payer:
    """A payer as the import needs it."""

    id: int
    code: str
    go_live_month: int


@dataclass(frozen=True)
class Rules:
    """What rows are checked against; handed to the worker once."""

    header: Header
    province: str
    payers: Mapping[str, Payer]
    today: date
    last_month: int  # the horizon of spans
    only_payer: str | None = None
    rates: RateSet | None = None  # what spans are made with; the shipped ones where None
    programme: Programme | None = None  # a list programme's file, not the register
    banks: Directory | None = None  # the directory of the day; the shipped one where None
    merits: Programme | None = None  # what the register's rows of meritorious service belong to


class Good(NamedTuple):
    """A good row, flat: days as ISO text, spans as (from, to, digest of the profile)."""

    n: int
    identity_kind: str
    identity: str
    name: str
    birth_from: str
    birth_to: str
    sex: str
    commune: str
    programme: str
    clause: str
    facts: str
    decision_number: str
    decision_date: str
    decision_signer: str
    start_month: int
    end_month: int | None
    end_cause: str | None
    payee_name: str
    payee_relation: str
    payee_document: str | None
    kind: str
    bank_code: str
    account: str
    owner_name: str
    owner_relation: str
    paid: dict[int, int]
    holds: list[tuple[str, str, str]]
    spans: list[tuple[int, int, bytes]]


class Checked(NamedTuple):
    """A checked chunk; `profiles` are those not seen in earlier chunks: digest -> JSON."""

    good: list[Good]
    bad: list[tuple[int, list[Fault]]]
    profiles: dict[bytes, str]


def destination_code(kind: str, value: str, banks: Directory | None = None) -> str:
    """Return the BIC of a bank, or the short name of a wallet or Mobile Money operator.

    `banks` is the directory of the day, the one that ships where None.

    Raises RefusedError where the directory does not know it, doubts it, or it is another kind.
    """
    known = banks or shipped()
    try:
        if kind == "bank":
            return known.payable(value).bic
        found = known.find(value)
    except AdapterError as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error
    if found.kind != kind:
        raise RefusedError(
            "destination_kind",
            f"{found.short_name} không phải loại nơi nhận đã ghi; sửa hình thức nhận hoặc tên.",
        )
    return found.short_name


class Checker:
    """Checks chunk after chunk."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.spanner = Spanner(rules.last_month, rules.rates)
        self.reader = RowReader(
            rules.header,
            province=rules.province,
            payers=rules.payers.keys(),
            bank_of=partial(destination_code, banks=rules.banks),
            today=rules.today,
            only_payer=rules.only_payer,
        )
        self._at = rules.header.index.get("programme")
        self._merits = None if rules.merits is None else MeritChecker(rules, rules.merits)

    def check(self, chunk: Chunk) -> Checked:
        """Check the rows of a chunk."""
        good: list[Good] = []
        bad: list[tuple[int, list[Fault]]] = []
        read, merits, at = self.reader.read, self._merits, self._at
        for n, cells in chunk.rows():
            if merits is not None and at is not None and at < len(cells) and is_merit(cells[at]):
                merits.one(n, cells, good, bad)
                continue
            row = read(n, cells)
            if isinstance(row, Row):
                faults = self._opening_fault(row) if row.paid else []
                if not faults:
                    good.append(self._good(row))
                    continue
                bad.append((n, faults))
            else:
                bad.append((n, row))
        return Checked(good, bad, self.spanner.take_new())

    def _good(self, row: Row) -> Good:
        case = row.case
        spans = self._spans(row)
        return Good(
            row.n, row.identity_kind, row.identity, row.name, row.birth_from.isoformat(),
            row.birth_to.isoformat(), row.sex, row.commune, case.programme, case.clause, row.facts,
            case.decision_number, case.decision_date.isoformat(), case.decision_signer,
            case.start_month, last_month(case), case.end_cause or None, row.payee_name,
            row.payee_relation, row.payee_document, row.kind, row.bank_code, row.account,
            row.owner_name, row.owner_relation, row.paid,
            [(h.kind, h.reason, h.detail) for h in row.holds],
            [(s.from_month, s.to_month, s.key) for s in spans],
        )  # fmt: skip

    def _opening_fault(self, row: Row) -> list[Fault]:
        live = self.rules.payers[row.commune].go_live_month
        return opening_fault(self.rules.header, row.n, row.paid, live)

    def _spans(self, row: Row) -> list[Span]:
        live = self.rules.payers[row.commune].go_live_month
        opening = min(row.paid) if row.paid else None
        first = first_month([(row.case.start_month, opening)], live)
        spans = self.spanner.spans([row.case], row.birth, first)
        if row.birth_from != row.birth_to and spans and len(spans[0].facts.ages) > 1:
            row.holds.append(
                Found(
                    "right",
                    "birth_year_only",
                    "Chỉ có năm sinh và mức hưởng phụ thuộc tháng sinh: bổ sung giấy tờ về ngày "
                    "sinh.",
                )
            )
        return spans


def opening_fault(header: Header, n: int, paid: Mapping[int, int], live: int) -> list[Fault]:
    """Refuse what was paid in or after the month of going live, or too long before it."""
    if max(paid) < live and months_apart(min(paid), live) <= MAX_OPENING_MONTHS:
        return []
    return [
        Fault(
            header.where(n, "paid_through"),
            f"số đã trả chỉ ghi cho {MAX_OPENING_MONTHS} tháng trước tháng vận hành "
            f"{show_month(live)}; sửa lại.",
        )
    ]


_MERIT_WORDS = frozenset(w for w, code in PROGRAMME_OR_MERIT.items() if code == LINE)


def is_merit(cell: Any) -> bool:
    """Tell whether the programme's cell of a register names meritorious service."""
    return type(cell) is str and plain(clean(cell)) in _MERIT_WORDS


class ListChecker:
    """Checks the rows of a list programme's file: months and amounts instead of a case."""

    def __init__(
        self,
        rules: Rules,
        programme: Programme,
        *,
        header: Header | None = None,
        numbered: bool = True,
    ) -> None:
        self.payers = rules.payers
        self.reader = ProgrammeReader(
            header or rules.header,
            province=rules.province,
            payers=rules.payers.keys(),
            bank_of=partial(destination_code, banks=rules.banks),
            today=rules.today,
            only_payer=rules.only_payer,
            programme=programme,
            numbered=numbered,
        )

    def check(self, chunk: Chunk) -> Checked:
        """Check the rows of a chunk."""
        good: list[Good] = []
        bad: list[tuple[int, list[Fault]]] = []
        for n, cells in chunk.rows():
            self.one(n, cells, good, bad)
        return Checked(good, bad, {})

    def one(
        self, n: int, cells: list[Any], good: list[Good], bad: list[tuple[int, list[Fault]]]
    ) -> None:
        """Check one row, and put it with the good or the bad ones."""
        row = self.reader.given(n, cells)
        faults = self._too_early(n, row) if isinstance(row, Given) else row
        faults = [*faults, *self._foreign(n, cells)]
        if faults or not isinstance(row, Given):
            bad.append((n, faults))
            return
        right: tuple[Any, ...] = (n, *row.person, *row.right)
        good.append(Good._make((*right, *row.receiver, row.months, row.holds, [])))

    def _foreign(self, _n: int, _cells: list[Any]) -> list[Fault]:
        """Return the faults of cells that are not of this programme; a list's file has none."""
        return []

    def _too_early(self, n: int, row: Given) -> list[Fault]:
        """Refuse months before the payer's go-live: they were paid outside, or not at all."""
        live = self.payers[row.person[-1]].go_live_month
        if not row.months:
            return []
        if not row.right[2].startswith(LISTED):  # computed: the months are its opening
            return opening_fault(self.reader.header, n, row.months, live)
        if min(row.months) >= live:
            return []
        where = self.reader.header.where(n, "commune")
        return [
            Fault(
                where,
                f"tháng {show_month(min(row.months))} trước tháng vận hành {show_month(live)} của "
                "đơn vị: đã chi ngoài hệ thống; chỉ ghi từ tháng vận hành.",
            )
        ]


class MeritChecker(ListChecker):
    """Checks the register's rows of meritorious service: those of a list, with their holds."""

    def __init__(self, rules: Rules, programme: Programme) -> None:
        super().__init__(rules, programme, header=merit_header(rules.header), numbered=False)
        self._header = rules.header
        self._not_ours = [(f, at) for f, at in rules.header.index.items() if f in NOT_MERIT]

    def _foreign(self, n: int, cells: list[Any]) -> list[Fault]:
        return [
            Fault(
                self._header.where(n, field),
                "mục này của trợ giúp xã hội, hưu trí xã hội, không của ưu đãi người có công; xóa "
                "ô này, hoặc sửa chương trình.",
            )
            for field, at in self._not_ours
            if at < len(cells) and says_something(cells[at])
        ]


def checker(rules: Rules) -> Checker | ListChecker:
    """Return what checks the rows of this file."""
    return Checker(rules) if rules.programme is None else ListChecker(rules, rules.programme)


def check_chunks(rules: Rules, chunks: Iterator[Chunk]) -> Iterator[Checked]:
    """Yield checked chunks in order; from the fourth on they are checked by a worker."""
    here = checker(rules)
    for _ in range(INLINE_CHUNKS):
        chunk = next(chunks, None)
        if chunk is None:
            return
        yield here.check(chunk)
    with _Worker(rules) as worker:
        waiting = 0
        for chunk in chunks:
            worker.give(chunk)
            waiting += 1
            if waiting > AHEAD:
                yield worker.take()
                waiting -= 1
        for _ in range(waiting):
            yield worker.take()


class _Worker:
    """A process of its own that checks chunks: pickles with their length before them, both ways.

    A thread of ours feeds it, so that neither side waits for the other with its pipe full.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()
        self._queue.put(self._rules)
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._process.kill()
        self._process.wait()
        self._feeder.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _feed(self) -> None:
        pipe = self._process.stdin
        while (item := self._queue.get()) is not None and pipe is not None:
            try:
                _write(pipe, item)
            except OSError:  # the worker is gone: take() says so
                return

    def give(self, chunk: Chunk) -> None:
        """Hand over a chunk."""
        self._queue.put(chunk)

    def take(self) -> Checked:
        """Wait for the next answer. Raises OurFaultError where the worker has died."""
        answer = _read(self._process.stdout) if self._process.stdout is not None else None
        if not isinstance(answer, Checked):
            raise OurFaultError(
                "worker",
                "Tiến trình kiểm tra danh sách dừng giữa chừng: chưa nhận gì, hãy nhập lại.",
            )
        return answer


def _write(pipe: IO[bytes], item: object) -> None:
    body = pickle.dumps(item, protocol=5)
    pipe.write(struct.pack(">I", len(body)))
    pipe.write(body)
    pipe.flush()


def _read(pipe: IO[bytes]) -> object:
    head = pipe.read(4)
    if len(head) < 4:
        return None
    body = pipe.read(struct.unpack(">I", head)[0])
    return pickle.loads(body)  # noqa: S301 - written by our own process at the other end


def serve() -> None:
    """Check chunks from standard input until it ends: the worker's side."""
    rules = _read(sys.stdin.buffer)
    mine = checker(rules)  # type: ignore[arg-type]  # the first message is Rules
    while (chunk := _read(sys.stdin.buffer)) is not None:
        _write(sys.stdout.buffer, mine.check(chunk))  # type: ignore[arg-type]  # the rest are Chunks


def months_apart(first: int, last: int) -> int:
    """Return how many months lie from first to last (yyyymm)."""
    return (last // 100 - first // 100) * 12 + last % 100 - first % 100
