"""Writes a sample: registers, opening file, deaths, contracts, budget, bank's truth, plants.

Everything is streamed: memory does not grow with the number of people. The same arguments give
the same rows. All names, numbers and accounts are invented.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TextIO

from bank_adapters.sheets.workbook import TextSheet
from disbursement.beneficiaries import columns
from disbursement.entitlements.facts import Case
from disbursement.entitlements.profiles import Profiler
from disbursement.entitlements.rules import Law, assess
from disbursement.platform.clock import months_between
from disbursement.platform.errors import UsageError
from disbursement.programmes.communes import Commune, communes_of
from disbursement.programmes.rates import shipped_rates
from disbursement.sample.people import Maker, Person, has_wallets

PEOPLE_A_PAYER = 2_700
OPENING = months_between(202607, 202609)
OLD_LAW = date(2026, 9, 1)
NEW_LAW = date(2026, 11, 24)
PAID_DECISIONS = date(2026, 8, 31)
"""Cases decided later had not been on a list yet: they were paid nothing before go-live."""
LATE_SHARE = 0.004  # of the people, in each of the two later files
RATES = {"dead": 0.002, "duplicated": 0.002, "wrong_name": 0.002, "bad_identity": 0.002,
         "shared_account": 0.001}  # fmt: skip
MOST = 20_000_000
"""People of a sample: more than receive an allowance in the whole country."""
FOUND_AT = {
    "dead": "hold `dead` after `disburse register check deaths.csv`",
    "duplicated": "row refused by `disburse register import`",
    "bad_identity": "row refused by `disburse register import`",
    "shared_account": "hold `shared_account` when the list is prepared",
    "wrong_name": "rejected by the simulated bank",
}
PROVIDER = ("VBA", "Ngân hàng giữ hợp đồng chi trả (mẫu)", "VBAAVNVX")
WALLETS = (
    ("MOMO", "Ví MoMo (mẫu)", "Ví điện tử", "MoMo", "momo-1", "2800"),
    ("ZALOPAY", "Ví ZaloPay (mẫu)", "Ví điện tử", "ZaloPay", "zalopay-1", "2810"),
    ("MOBIFONE", "MobiFone Money (mẫu)", "Mobile Money", "MobiFone Money", "mobifone-money-1",
     "2900"),
)  # fmt: skip
"""Contracts of communes whose people have wallets: code, name, rail, operator, profile, account."""
GATEWAY = ("PAYOS", "payOS (mẫu)", "Ngân hàng", "VBAAVNVX", "payos-batch-1", "2820")
POST = ("VNPOST", "Bưu điện tỉnh (mẫu)", "Bưu điện", "", "cash-desk-vn-1", "2830")
GATEWAY_COMMUNES = 24
"""One commune in this many (the first, the 25th, ...; never the last) transfers through payOS.

payOS has no desks: cash of these communes is paid by the post.
"""
FIELDS = (
    "identity", "name", "birth", "sex", "commune", "programme", "clause", "degree",
    "certificate_date", "children", "studying", "household", "household_decision",
    "household_from", "household_to", "carer", "difficult_area", "income", "written_request",
    "decision_number", "decision_date", "decision_signer", "start_month", "payee_name",
    "payee_relation", "destination", "bank", "account", "owner_name", "owner_relation",
)  # fmt: skip
_WORDS = {
    "sex": {"male": "Nam", "female": "Nữ"},
    "programme": {"SA": "TGXH", "SP": "HTXH"},
    "degree": {"S": "Nặng", "ES": "Đặc biệt nặng"},
    "household": {"poor": "Nghèo", "near_poor": "Cận nghèo", "none": "Không"},
    "carer": {"no_obliged": "Không có người phụng dưỡng"},
    "income": {"none": "Không"},
    "relation": {
        "self": "Bản thân", "guardian": "Người giám hộ", "carer": "Người chăm sóc",
        "spouse": "Vợ/chồng",
    },
    "destination": {
        "bank": "Ngân hàng", "wallet": "Ví điện tử", "mobile_money": "Mobile Money",
        "cash": "Tiền mặt",
    },
}  # fmt: skip
Format = Literal["xlsx", "csv"]


@dataclass
class SampleReport:
    """What was written. `people`: good people in all registers together, planted ones on top.

    `registers` in the order they are imported in; `register_rows` counts all rows of all of them.
    """

    folder: str
    province: str
    people: int
    payers: int
    registers: list[str] = field(default_factory=list)
    register_rows: int = 0
    opening_rows: int = 0
    planted: dict[str, int] = field(default_factory=dict)
    planted_rows: int = 0
    deaths: int = 0
    with_account: int = 0
    seed: int = 0


class _Table:
    """One output file, XLSX or CSV, written row by row; every cell is text."""

    def __init__(self, path: Path, form: Format, headers: Sequence[str]) -> None:
        self.path = path
        self.rows = 1
        self._file: TextSheet | TextIO
        self._put: Callable[[Sequence[str]], object]
        if form == "xlsx":
            self._file = sheet = TextSheet(path, "Danh sách", len(headers))
            self._put = sheet.write
        else:
            self._file = path.open("w", encoding="utf-8", newline="")
            self._put = csv.writer(self._file, lineterminator="\n").writerow
        self._put(headers)

    def write(self, cells: Sequence[str]) -> int:
        """Write a row; return its number in the file."""
        self._put(cells)
        self.rows += 1
        return self.rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._file.close()


class _Amounts:
    """What was paid before go-live, and what a month costs, by the law's own assessment."""

    def __init__(self) -> None:
        rates = shipped_rates()
        self._old, self._new = Law(OLD_LAW, rates), Law(NEW_LAW, rates)
        self._before = Profiler(OPENING[0], OPENING[-1])
        self._after = Profiler(202612, 202612)
        self._due: dict[tuple[bytes, int, bool], int] = {}

    def paid(self, person: Person) -> tuple[int, ...]:
        """Return dong per month of OPENING; '' is told by months before the start (see `first`)."""
        cases = [c for c in person.cases if c.decision_date <= PAID_DECISIONS]
        if not cases:
            return tuple(0 for _ in OPENING)
        spans = self._before.spans(cases, person.birth_span)
        return tuple(
            next(
                self._amount(s.key, s.facts, m, new=False)
                for s in spans
                if s.from_month <= m <= s.to_month
            )
            for m in OPENING
        )

    def monthly(self, person: Person) -> int:
        """Return what December 2026 costs at the new level, in dong."""
        span = self._after.spans(person.cases, person.birth_span)[0]
        return self._amount(span.key, span.facts, 202612, new=True)

    def _amount(self, key: bytes, facts: Any, month: int, *, new: bool) -> int:
        known = (key, month, new)
        if known not in self._due:
            law = self._new if new else self._old
            self._due[known] = assess(facts, month, law).total_vnd
        return self._due[known]


def register_cells(person: Person, case: Case) -> list[str]:
    """Return a row of the register in the order of FIELDS."""
    day = "{:%d/%m/%Y}".format
    other = person.payee_relation != "self"
    banked = person.destination != "cash"
    months = case.start_month
    return [
        person.identity, person.name, person.birth_text, _WORDS["sex"][person.sex],
        person.commune, _WORDS["programme"][case.programme], case.clause,
        _WORDS["degree"].get(case.degree or "", ""),
        day(case.certificate_date) if case.certificate_date else "",
        str(case.children) if case.children is not None else "",
        "Có" if case.studying else "", _WORDS["household"].get(case.household or "", ""),
        case.household_decision, day(case.household_from) if case.household_from else "",
        day(case.household_to) if case.household_to else "",
        _WORDS["carer"].get(case.carer or "", ""), "Có" if case.difficult_area else "",
        _WORDS["income"].get(case.income or "", ""), "Có" if case.written_request else "",
        case.decision_number, day(case.decision_date), case.decision_signer,
        f"{months % 100:02d}/{months // 100}", person.payee_name if other else "",
        _WORDS["relation"][person.payee_relation] if other else "",
        _WORDS["destination"][person.destination], person.bank, person.account,
        person.owner_name if banked else "",
        _WORDS["relation"][person.owner_relation] if person.owner_relation != "self" else "",
    ]  # fmt: skip


def plan(people: int, province: str, payers: int | None) -> list[Commune]:
    """Return the communes people are spread over. Raises UsageError for impossible numbers."""
    if not 1 <= people <= MOST:
        raise UsageError("people", f"Số người phải từ 1 đến {MOST}.")
    every = communes_of(province)
    usual = max(1, min(len(every), round(people / PEOPLE_A_PAYER)))
    wanted = usual if payers is None else payers
    if not 1 <= wanted <= len(every):
        raise UsageError(
            "payers", f"Tỉnh mã {province} có {len(every)} xã, phường; chọn từ 1 đến số đó."
        )
    step = len(every) / wanted
    return [every[int(n * step)] for n in range(wanted)]


def write_sample(
    folder: Path,
    *,
    people: int,
    province: str,
    seed: int,
    form: Format = "xlsx",
    payers: int | None = None,
    late: bool = True,
) -> SampleReport:
    """Write a sample of exactly `people` good people, and planted faults on top.

    register.* is the roll of 15 September 2026; register-2026-10.* and register-2026-11.* are the
    decisions of October and November (`late`), to be imported before the lists that can know
    them. Raises UsageError for impossible numbers.
    """
    communes = plan(people, province, payers)
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(folder, people, province, seed, form, communes, late=late)
    with ExitStack() as stack:
        writer.open(stack)
        writer.run()
    writer.finish()
    return writer.report


class _Writer:
    def __init__(
        self,
        folder: Path,
        people: int,
        province: str,
        seed: int,
        form: Format,
        communes: list[Commune],
        *,
        late: bool,
    ) -> None:
        self.folder, self.form, self.communes = folder, form, communes
        self.through_payos = {c.code for c in communes[:-1:GATEWAY_COMMUNES]}
        self.maker = Maker(seed, province)
        self.amounts = _Amounts()
        self.report = SampleReport(str(folder), province, people, len(communes), seed=seed)
        late_each = round(people * LATE_SHARE) if late and people >= 250 else 0
        self.late = (late_each, late_each)
        self.monthly: dict[tuple[str, str], int] = {}

    def open(self, stack: ExitStack) -> None:
        """Open all files."""
        headers = [columns.REGISTER.of(f).header for f in FIELDS]
        names = ["register"] + [f"register-2026-{10 + n}" for n, k in enumerate(self.late) if k]
        self.registers = [
            stack.enter_context(_Table(self.folder / f"{name}.{self.form}", self.form, headers))
            for name in names
        ]
        self.report.registers = [str(t.path) for t in self.registers]

        def table(name: str, *heads: str) -> _Table:
            return stack.enter_context(_Table(self.folder / name, "csv", heads))

        self.opening = table(
            "opening.csv",
            "Số định danh cá nhân",
            "Chương trình",
            *(f"Đã trả {m % 100:02d}/{m // 100}" for m in OPENING),
        )
        self.deaths = table("deaths.csv", "Số định danh cá nhân", "Ngày chết")
        self.truth = table("bank_truth.csv", "bank", "account", "name", "status")
        self.plants = table("planted.csv", "kind", "file", "row", "commune", "identity", "found_at")

    def run(self) -> None:
        """Write everybody."""
        for person in self._people():
            self._put(person)

    def _people(self) -> Iterator[Person]:
        """Yield good and planted people, commune after commune, then the later files."""
        total = self.report.people
        roll = total - sum(self.late)
        plants = self._plants(roll)
        next_plant = next(plants, None)
        index = 0
        for n in range(roll):
            commune = self.communes[n * len(self.communes) // roll].code
            person = self.maker.person(index, commune)
            index += 1
            yield person
            while next_plant is not None and next_plant[0] <= n:
                kind = next_plant[1]
                if kind == "duplicated":
                    yield _as(person, kind)
                else:
                    made = list(self.maker.planted(kind, index, commune))
                    index += len(made)
                    yield from made
                next_plant = next(plants, None)
        for file, count in enumerate(self.late, 1):
            for n in range(count):
                commune = self.communes[n * len(self.communes) // count].code
                yield self.maker.person(index, commune, file)
                index += 1

    def _plants(self, roll: int) -> Iterator[tuple[int, str]]:
        """Yield (after which good person, kind), evenly spread."""
        counts = {k: max(1, round(self.report.people * r)) for k, r in RATES.items()}
        self.report.planted = {
            k: c * (2 if k == "shared_account" else 1) for k, c in counts.items()
        }
        everywhere = (range(roll),)
        return iter(
            sorted(
                (_spread(self._named(roll) if kind == "wrong_name" else everywhere, j, count), kind)
                for kind, count in counts.items()
                for j in range(count)
            )
        )

    def _named(self, roll: int) -> tuple[range, ...]:
        """Return the good people whose provider is told a name and compares it.

        payOS transfers by number: nobody there could find a wrong name.
        """
        many = len(self.communes)
        starts = [-(-n * roll // many) for n in range(many + 1)]
        return tuple(
            range(first, last)
            for commune, (first, last) in zip(self.communes, pairwise(starts), strict=True)
            if commune.code not in self.through_payos
        )

    def _put(self, person: Person) -> None:
        table = self.registers[person.late]
        rows = [table.write(register_cells(person, case)) for case in person.cases]
        self.report.register_rows += len(rows)
        if person.kind:
            for row in rows:
                self.plants.write(
                    (person.kind, table.path.name, str(row), person.commune, person.identity,
                     FOUND_AT[person.kind])
                )  # fmt: skip
            self.report.planted_rows += len(rows)
        if person.kind in ("duplicated", "bad_identity"):
            return
        if person.destination == "bank":
            self.report.with_account += not person.kind
        if person.true_owner or person.closed:
            self.truth.write(
                (person.bank, person.account, person.true_owner or person.owner_name,
                 "closed" if person.closed else "open")
            )  # fmt: skip
        if person.died_on is not None:
            self.deaths.write((person.identity, f"{person.died_on:%d/%m/%Y}"))
            self.report.deaths += 1
        self._money(person)

    def _money(self, person: Person) -> None:
        key = (person.commune, person.cases[0].programme)
        self.monthly[key] = self.monthly.get(key, 0) + self.amounts.monthly(person)
        first = min(c.start_month for c in person.cases)
        if person.late or not person.identity or first > OPENING[-1]:
            return
        paid = self.amounts.paid(person)
        self.opening.write(
            (
                person.identity,
                "",
                *("" if m < first else str(a) for m, a in zip(OPENING, paid, strict=True)),
            )
        )
        self.report.opening_rows += 1

    def finish(self) -> None:
        """Write contracts, budget, and what it all is."""
        code, name, bic = PROVIDER
        with _Table(
            self.folder / "contracts.csv", "csv", [c.header for c in columns.CONTRACTS.columns]
        ) as table:
            for n, commune in enumerate(self.communes):
                table.write(
                    (commune.code, code, name, "Ngân hàng", bic, "iso-vn-1",
                     f"HĐ-{commune.code}/2026", "01/09/2026", "",
                     f"2700{commune.code}{n:04d}", "55", "5")
                )  # fmt: skip
        with _Table(
            self.folder / "contracts-rails.csv", "csv",
            [c.header for c in columns.CONTRACTS.columns],
        ) as table:  # fmt: skip
            for n, commune in enumerate(self.communes):
                rails = WALLETS if has_wallets(commune.code) else ()
                if commune.code in self.through_payos:
                    rails = (*rails, GATEWAY, POST)
                for code, name, rail, there, profile, prefix in rails:
                    table.write(
                        (commune.code, code, name, rail, there, profile,
                         f"HĐ-{code}-{commune.code}/2026", "02/09/2026", "",
                         f"{prefix}{commune.code}{n:04d}", "30", "5")
                    )  # fmt: skip
        with _Table(
            self.folder / "budget.csv", "csv",
            ("Mã xã", "Chương trình", "Năm", "Số tiền", "Số quyết định", "Ngày quyết định"),
        ) as table:  # fmt: skip
            for (code, programme), month in sorted(self.monthly.items()):
                year = -(-month * 6 // 1_000_000) * 1_000_000 + 20_000_000
                table.write((code, programme, "2026", str(year), "01/QĐ-NS", "02/01/2026"))
        about = {**asdict(self.report), "found_at": FOUND_AT, "folder": "."}
        about["registers"] = [Path(r).name for r in self.report.registers]
        (self.folder / "planted.json").write_text(
            json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        (self.folder / "README.txt").write_text(_README, encoding="utf-8")


def _spread(places: Sequence[range], j: int, count: int) -> int:
    """Return the middle of the j-th of `count` equal parts of all places together."""
    at = int((j + 0.5) * sum(map(len, places)) / count)
    for place in places:
        if at < len(place):
            return place[at]
        at -= len(place)
    raise AssertionError("j is below count")


def _as(person: Person, kind: str) -> Person:
    return replace(person, cases=person.cases[:1], kind=kind)


_README = """\
Dữ liệu mẫu: mọi họ tên, số định danh, số tài khoản đều là bịa đặt, không nói về người thật.
Mã xã, phường là mã thật của năm 2026.

Sample data: every name, identity number and account is invented; nobody real is meant.
Commune codes are the real ones of 2026. Published: 46,503 of 60,894 people (76 %) have an account
(Vinh Phuc, April 2024). The mix of clauses, ages, wallets and families is a guess for exercise.

register.*            the roll of 15 September 2026
register-2026-10.*    decisions of October 2026; import before the list of November
register-2026-11.*    decisions of November 2026; import before the list of December
opening.csv           what was paid for July to September 2026, at the level of then
deaths.csv            the population database's answer
contracts.csv         one contract per payer with a bank
contracts-rails.csv   contracts with wallets and a Mobile Money operator, where people have them;
                      with payOS and the post in one commune in 24: they pay its transfers and cash
budget.csv            the year's authority per payer and line
bank_truth.csv        for the simulated rails: accounts known there under another name, or closed
planted.csv, .json    the planted faults, row by row, and where each must be found
"""
