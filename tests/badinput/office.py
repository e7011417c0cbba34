"""An office that has come as far as a test asks: set up, prepared, released, sent, closed.

Each stage is made once per test run and database, by typing the commands of a month; a test gets a
copy (a folder, and a database made from a template), so that no test waits for the month again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from disbursement.beneficiaries import columns
from disbursement.runs import close
from tests.badinput.desk import SECRET, Desk
from tests.beneficiaries.world import COMMUNES, csv_file, person
from tests.payments.world import Entry, Row, back, camt053, debit, pain002

A, B, EMPTY = COMMUNES
"""Two communes that pay, and one that has nobody on its register."""
BANK = "NHTEST"
ACCOUNTS = {A: "10000001", B: "10000002"}
STAFF = {
    "quan": ("administrator", 20),
    "an": ("preparer", 21),
    "binh": ("checker", 22),
    "chi": ("second_signer", 23),
    "dung": ("first_signer", 24),
    "em": ("cash_desk", 25),
    "ba": (f"cash_desk:{B}", 26),
    "la": (f"preparer:{B}", 27),
    "an2": ("checker", 21),  # the preparer's second log-in
}
NEW: dict[str, Any] = {"decision_date": "01/09/2026", "start_month": "10/2026"}
CASH: dict[str, Any] = {"destination": "Tiền mặt", "bank": "", "account": "", "owner_name": ""}


def somebody(n: int, **changes: Any) -> dict[str, Any]:
    """Return a row with a name of its own: namesakes of one birth date are held as one."""
    first = ("An", "Bình", "Chi", "Dung", "Em", "Giang", "Hà", "Khánh", "Lan", "Minh")[n % 10]
    name = f"Trần Thị {first}"
    return person(n, **{**NEW, "name": name, "owner_name": name, **changes})


PEOPLE = [
    *(somebody(n) for n in range(1, 5)),
    *(somebody(n, **CASH) for n in range(5, 8)),
    *(somebody(n, commune=B) for n in range(8, 10)),
    somebody(10, **CASH, commune=B),
]
EACH = 750_000
"""A severely disabled adult before the rise, dong a month."""
STAGES = ("ready", "prepared", "signed", "released", "sent", "closed")


@dataclass
class Office(Desk):
    """A desk with what the month needs at hand: files, keys, what the bank was told."""

    folder: Path = field(default_factory=Path)
    """Files of this test alone, outside the home folder."""

    def by(self, name: str) -> tuple[str, ...]:
        """Return the options of a command that a person signs."""
        path = self.folder / "pass"
        path.write_text(SECRET)
        return ("--as", name, "--passphrase-file", str(path))

    def file(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def list_of(self, payer: str, month: int = 202610) -> tuple[int, int]:
        """Return id and total of a payer's standing list."""
        ((number, total),) = self.rows(
            "SELECT l.id, l.total_vnd FROM pay_list l JOIN payer y ON y.id = l.payer_id "
            "WHERE y.code = :c AND l.month = :m AND l.state <> 'void'",
            c=payer,
            m=month,
        )
        return int(str(number)), int(str(total))

    def batch_of(self, payer: str, rail: str = "bank") -> tuple[int, str, list[Row]]:
        """Return id, message id and rows of a payer's first batch on a rail."""
        batch, message = self.rows(
            "SELECT b.id, b.message_id FROM batch b JOIN payer y ON y.id = b.payer_id "
            "WHERE y.code = :c AND b.rail = :r AND b.state <> 'void' ORDER BY b.id",
            c=payer,
            r=rail,
        )[0]
        rows: list[Any] = self.rows(
            "SELECT r.end_to_end_id, r.amount_vnd, r.payment_id, r.sub_id, r.batch_id, r.n "
            "FROM batch_row r WHERE r.batch_id = :b ORDER BY r.n",
            b=batch,
        )
        return int(str(batch)), str(message), [Row(*r) for r in rows]

    def draw(self, payer: str, **changes: object) -> tuple[object, ...]:
        """Return the words of a payer's draw, right unless changed."""
        number, total = self.list_of(payer)
        said = {
            "list": number, "voucher": f"RDT-{payer}", "date": "2026-09-24", "amount": total,
            "as": "chi", **changes,
        }  # fmt: skip
        options = [w for k in ("voucher", "date", "amount", "as") for w in (f"--{k}", said[k])]
        return ("run", "draw", said["list"], *options)


def report(*rows: tuple[object, ...]) -> str:
    """Write a provider's report; a row as its columns say."""
    return "\n".join([",".join(close.COLUMNS), *(",".join(map(str, r)) for r in rows)]) + "\n"


# --- the month, one stage after the other --------------------------------------------------------


def ready(office: Office) -> None:
    """Enter staff, payers, contracts, budgets, people."""
    office.well("init")
    for name, (role, number) in STAFF.items():
        identity = office.file(f"{name}.id", f"0250800000{number}")
        who = "Cán bộ an" if name == "an2" else f"Cán bộ {name}"
        office.well(
            "users", "add", name, "--name", who, "--role", role, "--identity-file", identity,
            "--passphrase-file", office.by(name)[-1], *(() if name == "quan" else ("--as", "quan")),
        )  # fmt: skip
    office.well("register", "payers", "--go-live", "2026-10")
    contracts = [
        {
            "payer": payer, "provider": BANK, "provider_name": "Ngân hàng thử", "bic": "ICBVVNVX",
            "number": f"HD-{payer}", "valid_from": "01/01/2026", "account": account,
            "fee_basis_points": "50", "pay_day": "5",
        }
        for payer, account in ACCOUNTS.items()
    ]  # fmt: skip
    path = csv_file(
        office.folder / "contracts.csv", contracts, fields=list(contracts[0]), of=columns.CONTRACTS
    )
    office.well("register", "contracts", path)
    for payer in (A, B):
        office.well(*budget(payer))
    office.well(
        "register", "import", csv_file(office.folder / "register.csv", PEOPLE), "--as", "an"
    )
    answer = "Số định danh cá nhân,Ngày chết\n025080999999,01/08/2026\n"  # nobody here
    office.well("register", "check", office.file("deaths.csv", answer), "--as", "an")
    for payer in (A, B):  # one answer for all the months of a test
        policy = ("--register", "deaths", "--max-age", 366, "--as", "quan")
        office.well("payer", "policy", payer, *policy)


def budget(payer: str, **changes: object) -> tuple[object, ...]:
    """Return the words of a year's budget, right unless changed."""
    said = {
        "payer": payer, "programme": "SA", "year": 2026, "amount": 20_000_000, "number": "1/QĐ",
        "date": "2026-01-05", "as": "chi", **changes,
    }  # fmt: skip
    return ("budget", "set", *(w for k, v in said.items() for w in (f"--{k}", v)))


def prepared(office: Office) -> None:
    office.day = "2026-09-24"
    office.well("run", "prepare", "--month", "2026-10", *office.by("an"))


def signed(office: Office) -> None:
    """Give the checker's and the accountant's signatures: only the first is missing."""
    office.well("run", "check", "--month", "2026-10", *office.by("binh"))
    office.well("run", "sign", "--role", "second", "--month", "2026-10", *office.by("chi"))


def released(office: Office) -> None:
    """Give the first signature; the money of commune B alone is drawn."""
    office.well("run", "sign", "--role", "first", "--month", "2026-10", *office.by("dung"))
    office.well(*office.draw(B))


def sent(office: Office) -> None:
    """Send what is due, and take some answers of commune A.

    Its four transfers are: credited, unknown for lack of news, rejected, credited and returned;
    of its three cash orders the first is collected.
    """
    office.well(*office.draw(A))
    office.day = "2026-10-05"
    office.well("worker", "--once")
    office.well("statement", "import", office.file("1.xml", first_statement(office)), "--as", "an")
    _, message, rows = office.batch_of(A)
    rejected = pain002(message, [(rows[2].e2e, "RJCT", "AC04")], msg_id="R1")
    office.well("statement", "import", office.file("r.xml", rejected), "--as", "an")
    _, _, cash = office.batch_of(A, "cash")
    office.well("cash", "pay", cash[0].e2e, "--as", "em")


def first_statement(office: Office) -> bytes:
    """Write statement 1 of commune A's account: the draw, two debits, one return."""
    _, _, rows = office.batch_of(A)
    _, total = office.list_of(A)
    entries = [
        Entry("CRDT", total, text=f"KBNN RDT-{A} CAP KINH PHI CHI TRA"),
        debit(rows[0]), debit(rows[3]), back(rows[3]),
    ]  # fmt: skip
    return camt053(entries, sequence=1, opening=0, account=ACCOUNTS[A])


def closed(office: Office) -> None:
    """Close October of commune B, which has nothing on its way; A stays open."""
    _, _, rows = office.batch_of(B)
    _, total = office.list_of(B)
    cash_batch, _, cash = office.batch_of(B, "cash")
    entries = [Entry("CRDT", total, text=f"KBNN RDT-{B} CAP KINH PHI CHI TRA"), *map(debit, rows)]
    data = camt053(entries, sequence=1, opening=0, account=ACCOUNTS[B])
    office.well("statement", "import", office.file("b.xml", data), "--as", "an")
    office.well("cash", "pay", cash[0].e2e, "--as", "em")
    office.well("cash", "return", cash_batch, "--copies", "0", "--as", "em")
    office.day = "2026-10-19"
    said = report((B, BANK, "2026-10", 2 * EACH, EACH, 0, 0, "BC1", "2026-10-19"))
    office.well(
        "run", "close", "--month", "2026-10", "--report", office.file("b.csv", said), "--as", "chi"
    )


_STEPS: dict[str, Callable[[Office], None]] = {
    "ready": ready, "prepared": prepared, "signed": signed, "released": released, "sent": sent,
    "closed": closed,
}  # fmt: skip


# --- stages kept, and copied ---------------------------------------------------------------------


@dataclass
class Archive:
    """The stages made so far on one database."""

    folder: Path
    new_database: Callable[[], str] | None
    admin: str | None
    made: dict[str, Office] = field(default_factory=dict)

    def copy(self, stage: str, folder: Path) -> Office:
        """Return an office of a test's own at a stage."""
        return self._copy(self._at(stage), folder)

    def _at(self, stage: str) -> Office:
        if stage not in self.made:
            n = STAGES.index(stage)
            office = (
                self._copy(self._at(STAGES[n - 1]), self.folder / stage)
                if n
                else self._new(self.folder / stage)
            )
            _STEPS[stage](office)
            office.database.dispose()
            self.made[stage] = office
        return self.made[stage]

    def _new(self, folder: Path) -> Office:
        (folder / "papers").mkdir(parents=True)
        url = self.new_database() if self.new_database is not None else None
        return Office(folder / "home", url, folder=folder / "papers")

    def _copy(self, kept: Office, folder: Path) -> Office:
        kept.database.dispose()
        shutil.copytree(kept.home, folder / "home")
        (folder / "papers").mkdir(parents=True, exist_ok=True)
        url = None
        if kept.url is not None and self.new_database is not None:
            url = self.new_database()
            self._fill(make_url(url), make_url(kept.url))
        return Office(folder / "home", url, day=kept.day, folder=folder / "papers")

    def _fill(self, new: URL, kept: URL) -> None:
        """Make the new database again, from the kept one as its template."""
        plain = make_url(self.admin or "").set(drivername="postgresql")
        names = sql.Identifier(new.database or ""), sql.Identifier(kept.database or "")
        with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)",
                [[new.database, kept.database]],
            )
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
