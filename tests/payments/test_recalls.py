"""Asking payments back: two people, one file, and no đồng moves before the statement says so."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bank_adapters.answers import parse
from bank_adapters.contract import Accepted, NotSent, Outcome, OutgoingFile, Unknown
from bank_adapters.inspect import inspect_answer
from bank_adapters.outgoing import inspect_outgoing
from bank_adapters.simulators.bank import SimulatedBank
from bank_adapters.transports import FileDrop
from disbursement.jobs import outbox, sender
from disbursement.payments import recalls
from disbursement.payments.evidence import decide_unknown
from disbursement.payments.intake import take_folder
from disbursement.payments.queries import attempts_of
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    OurFaultError,
    RefusedError,
)
from disbursement.runs import service
from tests.payments.world import (
    ACCOUNT,
    ADVANCE,
    PAYABLE,
    PROVIDER,
    TRANSIT,
    Month,
    back,
    debit,
    month_of,
    no_roster,
    pain002,
    sent_month,
)
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.world import Person, World, add_people

SHARED = Path(__file__).parents[2] / "../shared"

EACH = 750_000
PAPER = "CV 12/UBND, 05/10/2026"
TABLES = ("line", "seal", "free_coin", "answer", "attempt_news", "outbox", "recall", "recall_row")


@pytest.fixture
def month(world: World, tmp_path: Path) -> Month:
    return sent_month(world, tmp_path / "drop")


def drain(world: World, folder: Path) -> sender.Sent:
    return sender.drain(world.ctx, lambda provider: FileDrop(folder / provider), no_roster)


def asked(month: Month, *rows: int, reason: str = "CUST") -> recalls.Recall:
    return recalls.ask(
        month.world.ctx, month.batch_id, reason=reason, document=PAPER, actor="an",
        orders=[month.rows[n].e2e for n in rows],
    )  # fmt: skip


def sent(month: Month, folder: Path, *rows: int) -> recalls.Recall:
    made = asked(month, *rows)
    recalls.sign(month.world.ctx, made.id, actor="binh")
    assert drain(month.world, folder).sent == 1
    return next(r for r in recalls.recalls(month.world.ctx) if r.id == made.id)


def states(month: Month) -> list[str]:
    with month.world.ctx.cell.read() as conn:
        return [attempts_of(conn, r.payment_id)[-1].state for r in month.rows]


def books(world: World) -> list[Any]:
    counts = [world.rows(f"SELECT count(*) FROM {t}") for t in TABLES]
    return [*counts, world.rows("SELECT code, debit, credit FROM account ORDER BY code")]


def camt029(
    original: str,
    rows: list[tuple[str, str, str]] | None = None,
    *,
    group: str = "",
    case: str = "",
    conf: str = "CNCL",
    msg_id: str = "RES1",
    amount: int | None = EACH,
) -> bytes:
    """Rows: (EndToEndId, status, reason code)."""
    body = "".join(
        f"<TxInfAndSts><CxlStsId>C{n}</CxlStsId><OrgnlEndToEndId>{e2e}</OrgnlEndToEndId>"
        f"<TxCxlSts>{status}</TxCxlSts>"
        + (f"<CxlStsRsnInf><Rsn><Cd>{code}</Cd></Rsn></CxlStsRsnInf>" if code else "")
        + (f'<OrgnlInstdAmt Ccy="VND">{amount}</OrgnlInstdAmt>' if amount else "")
        + "</TxInfAndSts>"
        for n, (e2e, status, code) in enumerate(rows or [], 1)
    )
    details = ""
    if original:
        details = (
            f"<CxlDtls><OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId>"
            "<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
            + (f"<GrpCxlSts>{group}</GrpCxlSts>" if group else "")
            + f"</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{original}-1"
            f"</OrgnlPmtInfId>{body}</OrgnlPmtInfAndSts></CxlDtls>"
        )
    closed = f"<RslvdCase><Id>{case}</Id></RslvdCase>" if case else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn>'
        f"<Assgnmt><Id>{msg_id}</Id><CreDtTm>2026-10-05T11:00:00+07:00</CreDtTm></Assgnmt>{closed}"
        f"<Sts><Conf>{conf}</Conf></Sts>{details}</RsltnOfInvstgtn></Document>"
    ).encode()


# --- asking, signing, sending --------------------------------------------------------------------


def test_two_people_ask_and_the_file_goes_the_way_of_the_batch(month: Month, tmp_path: Path):
    world, folder = month.world, tmp_path / "drop"
    held = world.balance(TRANSIT)
    made = asked(month, 1, 3)
    assert (made.payments, made.total_vnd, made.state, made.reason) == (2, 2 * EACH, "held", "CUST")
    assert drain(world, folder).sent == 0
    assert states(month) == ["sent"] * 6
    with pytest.raises(NotAllowedError) as own:
        recalls.sign(world.ctx, made.id, actor="an")
    assert own.value.code == "role"  # a preparer alone does not sign at all
    recalls.sign(world.ctx, made.id, actor="binh")
    done = drain(world, folder)
    assert (done.sent, done.waiting, done.stopped) == (1, 0, 0)
    path = folder / PROVIDER / made.file_name
    about = inspect_outgoing(path, "camt.055")
    assert (about["complete"], about["importable"], about["total_vnd"]) == (True, True, 2 * EACH)
    assert [t["end_to_end_id"] for t in about["transactions"]] == [
        month.rows[1].e2e, month.rows[3].e2e,
    ]  # fmt: skip
    kept = world.ctx.settings.files / "out" / "202610" / made.file_name
    note = kept.with_suffix(".txt").read_text(encoding="utf-8")
    assert f"Hủy lệnh của tệp: {month.message_id}\n" in note
    assert "Lược đồ XSD: not schema-validated" in note
    assert f"SHA-256 của tệp: {made.file_sha256}\n" in note
    assert kept.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
    assert states(month) == ["sent", "recall_asked", "sent", "recall_asked", "sent", "sent"]
    assert world.balance(TRANSIT) == held == -6 * EACH
    assert drain(world, folder).sent == 0
    healthy(world)


def test_the_same_person_under_two_roles_does_not_sign(month: Month):
    made = recalls.ask(month.world.ctx, month.batch_id, reason="TECH", document=PAPER, actor="binh")
    assert made.payments == 6
    before = books(month.world)
    with pytest.raises(NotAllowedError) as refused:
        recalls.sign(month.world.ctx, made.id, actor="binh")
    assert refused.value.code == "same_person"
    assert books(month.world) == before


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"batch_id": 999}, NotFoundError, "batch"),
        ({"orders": ["DS25XXXXXXXXXXXX"]}, RefusedError, "recall_order"),
        ({"reason": "ZZZZ"}, RefusedError, "recall_reason"),
        ({"document": "  "}, RefusedError, "text"),
        ({"actor": "nobody"}, NotFoundError, "user"),
    ],
)
def test_a_wrong_request_changes_nothing(
    month: Month, change: dict[str, Any], error: type[Exception], code: str
):
    before = books(month.world)
    call: dict[str, Any] = {
        "batch_id": month.batch_id, "reason": "CUST", "document": PAPER, "actor": "an",
    }  # fmt: skip
    with pytest.raises(error) as refused:
        recalls.ask(month.world.ctx, **{**call, **change})
    assert refused.value.code == code  # type: ignore[attr-defined]
    assert books(month.world) == before
    assert not list((month.world.ctx.settings.files / "out").rglob("*R0*"))


def test_only_what_is_in_flight_and_not_asked_yet(month: Month, tmp_path: Path):
    world = month.world
    with pytest.raises(RefusedError) as cash:
        recalls.ask(world.ctx, month.cash_batch, reason="CUST", document=PAPER, actor="an")
    assert cash.value.code == "recall_not_offered"
    month.take(month.statement([debit(month.rows[0])]))
    with pytest.raises(NotNowError) as paid:
        asked(month, 0)
    assert "đang 'credited'" in paid.value.sentence
    first = asked(month, 1)
    with pytest.raises(NotNowError) as twice:
        asked(month, 1)
    assert twice.value.code == "recall_order"
    rest = recalls.ask(world.ctx, month.batch_id, reason="CUST", document=PAPER, actor="an")
    assert rest.payments == 4  # of six: one is credited, one is asked already
    with pytest.raises(NotNowError) as none:
        recalls.ask(world.ctx, month.batch_id, reason="CUST", document=PAPER, actor="an")
    assert none.value.code == "nothing_in_flight"
    assert recalls.withdraw(world.ctx, first.id, actor="an").state == "withdrawn"
    assert asked(month, 1).payments == 1
    with pytest.raises(NotNowError):
        recalls.sign(world.ctx, first.id, actor="binh")
    assert drain(world, tmp_path / "drop").sent == 0


def test_a_signature_counts_only_for_what_is_still_open(month: Month, tmp_path: Path):
    made = asked(month, 0, 1)
    month.take(month.statement([debit(month.rows[0])]))
    with pytest.raises(NotNowError) as stale:
        recalls.sign(month.world.ctx, made.id, actor="binh")
    assert stale.value.code == "recall_stale"
    recalls.withdraw(month.world.ctx, made.id, actor="an")
    assert drain(month.world, tmp_path / "drop").sent == 0


def test_a_file_that_was_changed_is_not_sent(month: Month, tmp_path: Path):
    world = month.world
    made = asked(month, 0)
    recalls.sign(world.ctx, made.id, actor="binh")
    path = world.ctx.settings.files / "out" / "202610" / made.file_name
    path.write_bytes(path.read_bytes().replace(b"CUST", b"DUPL"))
    done = drain(world, tmp_path / "drop")
    assert (done.sent, done.stopped) == (0, 1)
    assert "khác với bản đã lập" in done.reasons[0]
    assert not (tmp_path / "drop" / PROVIDER / made.file_name).exists()
    assert states(month) == ["sent"] * 6
    other = asked(month, 1)
    (path.parent / other.file_name).unlink()
    with pytest.raises(OurFaultError):
        recalls.sign(world.ctx, other.id, actor="binh")


class Lost:
    """A bank that takes the file and whose answer is lost, once."""

    def __init__(self, inner: FileDrop) -> None:
        self.inner, self.sends = inner, 0

    def send(self, file: OutgoingFile) -> Outcome:
        self.sends += 1
        self.inner.send(file)
        return Unknown("connection lost")

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:
        return self.inner.delivered(name)


def test_a_lost_answer_is_asked_about_and_not_sent_again(month: Month, tmp_path: Path):
    world, lost = month.world, Lost(FileDrop(tmp_path / "drop" / PROVIDER))
    made = asked(month, 0)
    recalls.sign(world.ctx, made.id, actor="binh")
    done = sender.drain(world.ctx, lambda _: lost, no_roster)
    assert (done.sent, done.unknown) == (0, 1)
    assert states(month)[0] == "recall_asked"  # it may have been asked back
    done = sender.drain(world.ctx, lambda _: lost, no_roster)
    assert (done.sent, done.unknown, lost.sends) == (1, 0, 1)
    assert world.rows("SELECT state FROM recall") == [("sent",)]
    assert world.one("SELECT count(*) FROM attempt_news WHERE state = 'recall_asked'") == 1


# --- what the bank says --------------------------------------------------------------------------


def test_a_promise_frees_nothing_and_the_statement_decides(month: Month, tmp_path: Path):
    world, rows = month.world, month.rows
    made = sent(month, tmp_path / "drop", 0, 1, 2, 3)
    money = world.rows("SELECT code, debit, credit FROM account ORDER BY code")
    taken = month.take(
        camt029(
            month.message_id,
            [(rows[0].e2e, "ACCR", ""), (rows[1].e2e, "RJCR", "ARDT"), (rows[2].e2e, "PDCR", "")],
        )
    )
    assert (taken.state, dict(taken.counts), taken.journals) == ("applied", {"noted": 3}, ())
    assert states(month) == ["recall_asked", "unknown", *["recall_asked"] * 2, "sent", "sent"]
    assert world.rows("SELECT code, debit, credit FROM account ORDER BY code") == money
    assert world.one("SELECT count(*) FROM free_coin") == 0
    (now,) = recalls.recalls(world.ctx)
    assert (now.id, now.accepted, now.refused, now.pending) == (made.id, 1, 1, 1)
    assert world.rows("SELECT answer, reason FROM recall_row ORDER BY n") == [
        ("ACCR", ""), ("RJCR", "ARDT"), ("PDCR", ""), ("", ""),
    ]  # fmt: skip
    # The bank promised to cancel 0 and paid it; it paid 1; it booked 3 and gave it back.
    month.take(month.statement([debit(rows[0]), debit(rows[1]), debit(rows[3]), back(rows[3])]))
    assert states(month)[:4] == ["credited", "credited", "recall_asked", "returned"]
    assert world.balance(TRANSIT) == -3 * EACH
    # And its own final word, that 2 was cancelled, brings that coin back.
    month.take(pain002(month.message_id, [(rows[2].e2e, "CANC", "")]))
    assert states(month)[2] == "cancelled"
    assert (world.balance(TRANSIT), world.balance(PAYABLE)) == (-2 * EACH, -2 * EACH)
    healthy(world)


def test_a_cancelled_payment_comes_back_when_the_statements_are_complete(
    month: Month, tmp_path: Path
):
    world, rows = month.world, month.rows
    sent(month, tmp_path / "drop", 5)
    month.take(camt029(month.message_id, [(rows[5].e2e, "ACCR", "")]))
    for n, day in enumerate((date(2026, 9, 24), date(2026, 10, 5), date(2026, 10, 8))):
        entries = [debit(r) for r in rows[:5]] if n == 1 else []
        month.take(month.statement(entries, day=day))
        if n == 1:
            assert states(month)[5] == "recall_asked"
            assert decide_unknown(world.ctx, day).payments == 0
    done = decide_unknown(world.ctx, date(2026, 10, 8))
    assert (done.payments, done.amount_vnd) == (1, EACH)
    assert states(month) == [*["credited"] * 5, "rejected"]
    assert world.balance(TRANSIT) == 0
    healthy(world)


@pytest.mark.parametrize("way", ["group", "case"])
def test_a_word_about_the_whole_request_counts_for_all_that_was_asked(
    month: Month, tmp_path: Path, way: str
):
    made = sent(month, tmp_path / "drop", 0, 2)
    data = (
        camt029(month.message_id, group="RJCR", conf="RJCR")
        if way == "group"
        else camt029("", case=made.message_id, conf="RJCR")
    )
    taken = month.take(data)
    assert (taken.state, dict(taken.counts)) == ("applied", {"noted": 2})
    assert states(month) == ["unknown", "sent", "unknown", "sent", "sent", "sent"]
    again = asked(month, 0)  # what was refused may be asked again
    assert (again.payments, again.id > made.id) == (1, True)


def test_answers_that_are_not_ours_change_nothing(month: Month, tmp_path: Path):
    world, rows = month.world, month.rows
    nobody = month.take(camt029(month.message_id, [(rows[0].e2e, "ACCR", "")]))
    assert (nobody.state, nobody.code) == ("refused", "never_asked")
    sent(month, tmp_path / "drop", 0)
    tables = ("line", "seal", "free_coin", "attempt_news", "recall_row", "break_item")
    before = [world.rows(f"SELECT * FROM {t}") for t in tables]
    other = month.take(
        camt029(
            month.message_id,
            [(rows[0].e2e, "ACCR", ""), (rows[1].e2e, "ACCR", "")],
            msg_id="RES2",
        )
    )
    assert (other.state, other.code) == ("refused", "never_asked")
    strange = month.take(camt029("DS25B9999999999", [(rows[0].e2e, "ACCR", "")], msg_id="RES3"))
    assert (strange.state, strange.code) == ("quarantined", "unknown_message")
    cut = month.take(camt029(month.message_id, [(rows[0].e2e, "ACCR", "")])[:-40])
    assert (cut.state, cut.code) == ("refused", "xml_broken")
    assert [world.rows(f"SELECT * FROM {t}") for t in tables] == before


def test_another_amount_parks_the_payment(month: Month, tmp_path: Path):
    sent(month, tmp_path / "drop", 0)
    taken = month.take(
        camt029(month.message_id, [(month.rows[0].e2e, "ACCR", "")], amount=EACH - 1)
    )
    assert dict(taken.counts) == {"amount_differs": 1}
    assert states(month)[0] == "parked"
    assert month.world.balance(TRANSIT) == -6 * EACH


def test_the_same_resolution_twice_is_one(month: Month, tmp_path: Path):
    sent(month, tmp_path / "drop", 0)
    data = camt029(month.message_id, [(month.rows[0].e2e, "RJCR", "CUST")])
    assert month.take(data).state == "applied"
    count = month.world.one("SELECT count(*) FROM attempt_news")
    assert month.take(data).state == "repeated"
    assert month.world.one("SELECT count(*) FROM attempt_news") == count


# --- looking into one ----------------------------------------------------------------------------


def test_statement_inspect_tells_a_resolution():
    about = inspect_answer(
        camt029("M1", [("A", "ACCR", ""), ("B", "RJCR", "LEGL")], group="PACR", conf="PECR")
    )
    assert json.loads(json.dumps(about)) == about
    assert (about["kind"], about["version"]) == ("camt.029", "camt.029.001.09")
    assert (about["complete"], about["importable"], about["statements"]) == (True, True, [])
    assert about["group_status"] == "PECR"
    assert about["batches"] == [{"id": "M1-1", "status": None, "reasons": []}]
    assert about["transactions"] == [
        {"end_to_end_id": "A", "instruction_id": None, "status": "ACCR", "reasons": []},
        {"end_to_end_id": "B", "instruction_id": None, "status": "RJCR", "reasons": ["LEGL"]},
    ]
    nothing = inspect_answer(camt029("", conf=""))
    assert (nothing["complete"], nothing["importable"]) == (False, False)


def test_a_resolution_that_is_cut_or_changed_is_never_taken_in_part():
    data = camt029("M1", [("A", "ACCR", ""), ("B", "RJCR", "LEGL")], group="PACR", conf="PECR")
    for end in range(len(data)):
        about = inspect_answer(data[:end])
        assert (about["complete"], about["importable"]) == (False, False), end
        assert about["errors"], end
    chance = random.Random(20261128)
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 2, 5))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        about = inspect_answer(bytes(changed))
        assert json.loads(json.dumps(about)) == about
        assert about["complete"] or about["errors"]


# --- against the simulated bank ------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False])
def test_a_month_with_a_bank_that_keeps_or_breaks_its_promise(
    world: World, tmp_path: Path, kept: bool
):
    people = [Person(date(1980, 1, 1), K6) for _ in range(4)]
    drop = tmp_path / "drop"
    bank = SimulatedBank(drop / "bank", profile="clean", keeps_promises=kept)
    add_people(world, people)
    budget(world, sa=4 * EACH)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    ((list_id, total),) = world.rows("SELECT id, total_vnd FROM pay_list")
    service.draw(
        world.ctx, list_id, voucher="RDT9", day=date(2026, 9, 24), amount_vnd=total, actor="chi"
    )
    bank.credit(ACCOUNT, total, "KBNN RDT9 CHI TRA")
    bank.statements(date(2026, 9, 24))
    give = FileDrop(bank.folder / "out")
    assert sender.drain(world.ctx, lambda _: give, no_roster).sent == 1
    world.clock.set(date(2026, 10, 5))
    month = month_of(world, total)
    assert bank.take_orders(date(2026, 10, 5)) == 4
    made = asked(month, 0, 1)
    recalls.sign(world.ctx, made.id, actor="binh")
    assert sender.drain(world.ctx, lambda _: give, no_roster).sent == 1
    assert bank.take_orders(date(2026, 10, 5)) == 0
    answer = bank.folder / "in" / f"camt029-{made.message_id}.xml"
    assert [s.status for s in parse(answer).statuses()] == ["ACCR", "ACCR"]
    xsd = SHARED / "iso20022/xsd/camt.029.001.09.xsd"
    if xsd.exists():
        etree.XMLSchema(etree.parse(str(xsd))).assertValid(etree.parse(str(answer)))
    bank.settle()
    for day in (date(2026, 10, 5), date(2026, 10, 8)):
        bank.statements(day)
    world.clock.set(date(2026, 10, 9))
    results = take_folder(world.ctx, bank.folder / "in", actor="worker")
    assert {r.state for first in results for r in (first, *first.then)} <= {"applied"}
    (now,) = recalls.recalls(world.ctx)
    assert (now.accepted, now.refused, now.state) == (2, 0, "sent")
    expected = "recall_asked" if kept else "credited"
    assert states(month) == [expected, expected, "credited", "credited"]
    decided = decide_unknown(world.ctx)
    assert (decided.payments, decided.amount_vnd) == ((2, 2 * EACH) if kept else (0, 0))
    assert states(month) == [*["rejected" if kept else "credited"] * 2, "credited", "credited"]
    debited, balance = bank.paid(ACCOUNT)
    assert debited == (2 if kept else 4) * EACH
    assert (world.balance(TRANSIT), world.balance(ADVANCE)) == (0, balance)
    assert world.balance(PAYABLE) == -(total - debited)
    assert bank.paid_twice() == []
    healthy(world)
    bank.close()


def test_a_bank_says_why_it_gives_nothing_back(month: Month, tmp_path: Path):
    bank = SimulatedBank(tmp_path / "bank", profile="clean")
    folder = tmp_path / "drop" / PROVIDER
    made = sent(month, tmp_path / "drop", 0)
    for name in (f"{month.message_id}.xml", made.file_name):
        (bank.folder / "out" / name).write_bytes((folder / name).read_bytes())
    (bank.folder / "out" / made.file_name).rename(tmp_path / made.file_name)
    bank.take_orders(date(2026, 10, 5))
    bank.settle()
    (tmp_path / made.file_name).rename(bank.folder / "out" / made.file_name)
    bank.take_orders(date(2026, 10, 5))
    (said,) = parse(bank.folder / "in" / f"camt029-{made.message_id}.xml").statuses()
    assert (said.status, said.reason_code) == ("RJCR", "PTNA")
    bank.close()


def test_a_request_whose_file_changed_stops_and_an_officer_lets_it_go_on(
    month: Month, tmp_path: Path
) -> None:
    world = month.world
    made = asked(month, 0, 1)
    recalls.sign(world.ctx, made.id, actor="binh")
    path = world.ctx.settings.files / "out" / "202610" / made.file_name
    whole = path.read_bytes()
    path.write_bytes(whole + b" ")
    assert drain(world, tmp_path).stopped == 1
    assert drain(world, tmp_path).stopped == 0
    with world.ctx.cell.read() as conn:
        (one,) = outbox.stopped(conn)
    assert (one.batch, one.rail, one.open_payments, one.open_vnd, one.resumable) == (
        made.id, "recall", 2, 2 * EACH, True,
    )  # fmt: skip
    assert made.file_name in one.words
    path.write_bytes(whole)
    outbox.resume(world.ctx, made.id, document=PAPER, actor="chi")
    assert drain(world, tmp_path).sent == 1
    with world.ctx.cell.read() as conn:
        assert outbox.stopped(conn) == []
    healthy(world)
