"""List programmes through the month on a real ledger, both databases, to the dong."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from disbursement.beneficiaries.programmes import ProgrammeReport, import_programme
from disbursement.beneficiaries.service import ImportReport
from disbursement.platform.errors import NotFoundError, NotNowError
from disbursement.programmes import service as rates
from disbursement.programmes.rates import data_file
from disbursement.runs import close, papers, receivables, service
from tests.runs.test_close import report, resolve
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.world import PAYER, PROVIDER, Person, World, add_people

WHO = "Số định danh cá nhân,Họ và tên,Ngày sinh,Giới tính,Mã xã"
TO = "Hình thức nhận,Ngân hàng,Số tài khoản,Tên chủ tài khoản"
DECIDED = f"{WHO},Số quyết định,Ngày quyết định,Người ký quyết định,Thay quyết định số"
DECIDED += f",Khoản trợ cấp,Số tiền,Từ tháng,Đến tháng,{TO}"


def person(n: int, *, born: str = "02/03/1950", sex: str = "Nam", commune: str = PAYER) -> str:
    year = int(born[-4:]) % 100
    return f"0250{year:02d}{n:06d},Trần Văn {'ABCDEFGH'[n % 8]},{born},{sex},{commune}"


def to(n: int) -> str:
    return f"Tài khoản,BFTVVNVX,99{n:08d},Trần Văn {'ABCDEFGH'[n % 8]}"


def decided(
    n: int,
    amount: object = 2_789_000,
    first: str = "10/2026",
    last: str = "",
    *,
    number: str = "15/QĐ-UBND",
    replaces: str = "",
    part: str = "",
    day: str = "15/09/2026",
    **more: Any,
) -> str:
    return (
        f"{person(n, **more)},{number},{day},Lê Văn Chủ,{replaces},{part},{amount},{first},{last},"
        f"{to(n)}"
    )


def give(
    world: World, code: str, header: str, *rows: str, name: str = "list.csv", **more: Any
) -> ProgrammeReport:
    path = world.ctx.settings.home / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    done = import_programme(
        world.ctx, code, path, mode=more.pop("mode", "good"), actor="an", **more
    )
    path.unlink()
    if done.refused and not done.taken:
        print(refused(world, done))
    return done


def refused(world: World, done: ProgrammeReport | ImportReport) -> str:
    from tests.documents.papers import cells

    assert done.errors is not None
    rows = cells(Path(done.errors).read_bytes())
    return " ".join(str(c) for row in rows[1:] for c in row)


def authority(world: World, programme: str, amount: int = 50_000_000) -> None:
    service.set_budget(
        world.ctx, payer=PAYER, programme=programme, year=world.clock.now().year, amount_vnd=amount,
        decision_number="9/QD", decision_date=date(world.clock.now().year, 1, 5), actor="chi",
    )  # fmt: skip


def draw_all(world: World, month: int) -> None:
    for list_id, total in world.rows(
        "SELECT l.id, l.total_vnd FROM pay_list l WHERE l.month = :m AND l.state = 'released' "
        "AND NOT EXISTS (SELECT 1 FROM draw d WHERE d.list_id = l.id) ORDER BY l.id",
        m=month,
    ):
        service.draw(
            world.ctx, list_id, voucher=f"V{list_id}", day=world.clock.now().date(),
            amount_vnd=total, actor="chi",
        )  # fmt: skip


def pay_all(world: World, month: int) -> None:
    """Draw, and let the bank credit everything of the month."""
    draw_all(world, month)
    with world.ctx.cell.begin() as conn:
        for (batch,) in conn.execute(
            text("SELECT id FROM batch WHERE month = :m AND state = 'queued' ORDER BY id"),
            {"m": month},
        ).all():
            resolve(world, conn, batch, good=True)


def paid(world: World, programme: str) -> list[tuple[Any, ...]]:
    return world.rows(
        "SELECT c.cover, c.amount_vnd, count(*) FROM payment p JOIN pay_list l ON l.id = p.list_id "
        "JOIN payment_coin c ON c.payment_id = p.id WHERE l.programme = :g "
        "AND l.state IN ('released', 'closed') GROUP BY c.cover, c.amount_vnd ORDER BY c.cover, "
        "c.amount_vnd",
        g=programme,
    )


def test_a_decided_list_is_paid_beside_the_others_and_only_once(
    world: World, tmp_path: Path
) -> None:
    add_people(world, [Person(date(1990, 3, 1), K6)])
    budget(world)
    done = give(
        world, "LIST", DECIDED,
        decided(1, last="12/2026"), decided(2, 1_500_000), decided(1, 400_000, part="CDHH"),
    )  # fmt: skip
    assert (done.rows_read, done.taken, done.refused, done.people) == (3, 3, 0, 2)
    assert (done.units, done.months, done.replaced) == (3, 5, 0)
    assert world.one("SELECT count(*) FROM line WHERE sub_id IS NOT NULL") == 0
    with pytest.raises(NotNowError) as poor:
        service.prepare(world.ctx, 202610, world.signers["an"])
    assert poor.value.code == "no_budget"
    authority(world, "LIST")
    made = service.prepare(world.ctx, 202610, world.signers["an"])
    assert (made.lists, made.payments) == (2, 3)  # SA and LIST; SP has nobody
    assert made.minted_vnd == 750_000 + 2_789_000 + 1_500_000 + 400_000
    healthy(world)
    listed = world.one("SELECT id FROM pay_list WHERE programme = 'LIST' AND state = 'prepared'")
    pdf, book = papers.write_sheet(world.ctx, listed, tmp_path)
    assert pdf.stat().st_size > 10_000
    assert book.exists()
    sign_all(world)
    assert world.balance(f"expense.{PAYER}.LIST.2026") == 4_689_000
    pay_all(world, 202610)
    healthy(world)
    again = give(world, "LIST", DECIDED, decided(1, last="12/2026"), decided(2, 1_500_000))
    assert (again.taken, again.months, again.replaced) == (2, 0, 0)
    assert world.one("SELECT count(*) FROM dirty WHERE why = 'list'") == 0
    world.clock.set(date(2026, 10, 20))
    closed = close.close_runs(
        world.ctx, 202610,
        report(tmp_path / "r.csv", transfer=750_000 + 4_689_000, cash=0, kept=0), "chi",
    )  # fmt: skip
    assert (closed.paid, closed.carried) == (3, 0)
    assert world.balance(f"expended.{PAYER}.LIST.2026") == 4_689_000
    world.clock.set(date(2026, 10, 23))
    made = service.prepare(world.ctx, 202611, world.signers["an"])
    assert made.minted_vnd == 750_000 + 2_789_000  # one person until December, nothing else again
    sign_all(world, 202611)
    assert paid(world, "LIST") == [
        (202610, 400_000, 1), (202610, 1_500_000, 1), (202610, 2_789_000, 1),
        (202611, 2_789_000, 1),
    ]  # fmt: skip
    healthy(world)


def test_a_month_given_twice_is_refused_by_name(world: World) -> None:
    first = give(world, "LIST", DECIDED, decided(1), decided(2), decided(1, 1))
    assert (first.taken, first.refused) == (2, 1)
    said = refused(world, first)
    assert "người này đã có ở dòng 2 cho tháng 10/2026" in said
    other = give(
        world, "LIST", DECIDED, decided(2, number="16/QĐ-UBND"), decided(3, first="09/2026"),
        decided(4, amount="0"), decided(5, amount="1.5"), decided(6, day="01/01/2027"),
        decided(7, replaces="99/QĐ"), decided(1, 5, replaces="15/QĐ-UBND", number="20/QĐ-UBND"),
    )  # fmt: skip
    assert (other.taken, other.refused, other.replaced) == (1, 6, 1)
    said = refused(world, other)
    assert "đã có trong danh sách cho tháng 10/2026 theo 15/QĐ-UBND" in said
    assert "tháng 09/2026 trước tháng vận hành 10/2026" in said
    assert "số đồng lớn hơn 0" in said
    assert "số nguyên" in said
    assert "ngày quyết định ở tương lai" in said
    assert "không có tháng 10/2026 theo quyết định 99/QĐ để thay" in said
    assert world.rows("SELECT decision_number FROM list_right ORDER BY sub_id") == [
        ("20/QĐ-UBND",),
        ("15/QĐ-UBND",),
    ]
    with pytest.raises(NotFoundError):
        give(world, "KHONG_CO", DECIDED, decided(1))


GIFT = f"{WHO},Công dân Việt Nam,Ngày đề nghị nhận,{TO}"
ELEC = f"{WHO},Mã hộ,Loại hộ,Hộ chính sách xã hội,Quý,Giá điện bậc 1,{TO}"
TERM = f"{WHO},Số quyết định,Ngày quyết định,Người ký quyết định,Số tiền,Học kỳ từ tháng"
TERM += f",Ngày thôi học,{TO}"


def gift(n: int, *, citizen: str = "", claimed: str = "", **more: Any) -> str:
    return f"{person(n, **more)},{citizen},{claimed},{to(n)}"


def household(n: int, code: str, quarter: str = "4/2026", status: str = "Nghèo") -> str:
    return f"{person(n)},{code},{status},,{quarter},,{to(n)}"


def student(n: int, amount: object = 1_350_000, term: str = "02/2027", left: str = "") -> str:
    return (
        f"{person(n, born='02/03/1999')},15/QĐ,15/12/2026,Lê Văn Chủ,{amount},{term},{left},{to(n)}"
    )


def new_gift(world: World) -> None:
    """A programme of a known shape is one row of data, approved by a second person."""
    head = data_file("list_programmes.csv").decode().splitlines()[0]
    row = (
        "GIFT_TEST,one_off_window,person,Quà tặng thử,Test gift,100000,,,2026-09-20,2026-10-05,"
        "2026-10,,2026-09-20,NQ thử,made for a test,seen,"
    )
    rates.propose(world.ctx, [("qua.csv", f"{head}\n{row}\n".encode())], actor="an")
    rates.approve(world.ctx, 1, actor="binh")


def test_a_gift_is_paid_once_within_its_window(world: World) -> None:
    with pytest.raises(NotFoundError):
        give(world, "GIFT_TEST", GIFT, gift(1))
    new_gift(world)
    done = give(
        world, "GIFT_TEST", GIFT, gift(1), gift(2), gift(1), gift(3, claimed="19/09/2026"),
        gift(4, citizen="Không"), gift(5, claimed="20/09/2026"), gift(6, commune="05128"),
    )  # fmt: skip
    assert (done.taken, done.refused, done.months) == (3, 4, 3)
    said = refused(world, done)
    assert "người này đã có ở dòng 2 cho tháng 10/2026" in said
    assert "ngoài thời gian chi trả từ 20/09/2026 đến 05/10/2026" in said
    assert "chỉ chi cho công dân Việt Nam" in said
    assert "chưa được lập làm đơn vị chi trả" in said
    authority(world, "GIFT_TEST")
    made = service.prepare(world.ctx, 202610, world.signers["an"])
    assert (made.lists, made.payments, made.minted_vnd) == (1, 3, 300_000)
    sign_all(world)
    pay_all(world, 202610)
    healthy(world)
    again = give(world, "GIFT_TEST", GIFT, gift(2, claimed="24/09/2026"), gift(7))
    assert (again.taken, again.refused) == (1, 1)
    assert "đã có trong danh sách cho tháng 10/2026" in refused(world, again)
    made = service.prepare(world.ctx, 202610, world.signers["an"])  # a supplementary list
    assert (made.payments, made.minted_vnd) == (1, 100_000)
    sign_all(world)
    assert paid(world, "GIFT_TEST") == [(202610, 100_000, 4)]
    healthy(world)
    world.clock.set(date(2026, 10, 6))
    late = give(world, "GIFT_TEST", GIFT, gift(0))
    assert (late.taken, late.refused) == (0, 1)
    old = give(world, "GIFT_2_9_2025", GIFT, gift(0))
    assert "từ 31/08/2025 đến 15/09/2025" in refused(world, old)


def test_a_household_gets_its_quarter_once(world: World) -> None:
    done = give(
        world, "ELEC", ELEC, household(1, "H001"), household(2, "H001"), household(3, "H002"),
        household(4, "H003", status="Cận nghèo"), household(5, "H004", "3/2026"),
        household(6, "H005", "quý tư"),
    )  # fmt: skip
    assert (done.taken, done.refused, done.units) == (2, 4, 2)
    said = refused(world, done)
    assert "hộ này đã có ở dòng 2 cho tháng 12/2026" in said
    assert "chỉ chi cho hộ nghèo hoặc hộ chính sách xã hội" in said
    assert "tháng 09/2026 trước tháng vận hành" in said
    assert "không phải quý" in said
    again = give(world, "ELEC", ELEC, household(7, "H001"))
    assert "hộ này đang do người khác nhận" in refused(world, again)
    authority(world, "ELEC")
    early = service.prepare(world.ctx, 202611, world.signers["an"])
    assert (early.lists, early.minted_vnd) == (0, 0)  # a quarter is owed with its last month
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE run SET state = 'closed'"))
    world.clock.set(date(2026, 11, 24))
    made = service.prepare(world.ctx, 202612, world.signers["an"])
    assert (made.payments, made.minted_vnd) == (2, 2 * 3 * 30 * 1_984)
    sign_all(world, 202612)
    assert paid(world, "ELEC") == [(202612, 178_560, 2)]
    assert (
        world.rows("SELECT unit_kind, owed_group FROM sub WHERE owed_group <> 'SOC'")
        == [("household", "LIST.ELEC")] * 2
    )
    healthy(world)


def test_a_student_gets_a_term_once(world: World) -> None:
    world.clock.set(date(2027, 1, 22))
    done = give(
        world, "STUDENT.TERM", TERM, student(1), student(2, 900_000), student(1),
        student(3, term="03/2027"), student(4, left="31/01/2027"),
    )  # fmt: skip
    assert (done.taken, done.refused) == (2, 3)
    said = refused(world, done)
    assert "đã có ở dòng 2 cho tháng 02/2027" in said
    assert "học kỳ bắt đầu vào tháng 9, tháng 2" in said
    assert "không học trong học kỳ từ tháng 02/2027" in said
    authority(world, "STUDENT_TERM")
    made = service.prepare(world.ctx, 202702, world.signers["an"])
    assert (made.payments, made.minted_vnd) == (2, 2_250_000)
    sign_all(world, 202702)
    assert paid(world, "STUDENT_TERM") == [(202702, 900_000, 1), (202702, 1_350_000, 1)]
    healthy(world)


def test_a_replaced_amount_is_a_difference_and_a_receivable(world: World) -> None:
    """300,000 less than was paid is claimed, and nothing is taken from the next month."""
    give(world, "LIST", DECIDED, decided(1, 1_000_000, last="11/2026"))
    authority(world, "LIST")
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    pay_all(world, 202610)
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE run SET state = 'closed'"))
        conn.execute(text("UPDATE pay_list SET state = 'closed' WHERE state = 'released'"))
    world.clock.set(date(2026, 10, 23))
    done = give(
        world, "LIST", DECIDED,
        decided(1, 700_000, last="11/2026", number="30/QĐ-UBND", replaces="15/QĐ-UBND"),
    )  # fmt: skip
    assert (done.months, done.replaced) == (0, 2)
    made = service.prepare(world.ctx, 202611, world.signers["an"])
    assert (made.minted_vnd, made.total_vnd) == (700_000, 700_000)
    sign_all(world, 202611)
    with world.ctx.cell.read() as conn:
        (found,) = receivables.read_receivables(conn)
    assert (found.programme, found.month, found.amount_vnd, found.due_vnd) == (
        "LIST", 202610, 300_000, 700_000,
    )  # fmt: skip
    assert found.person == "Trần Văn B"
    assert world.rows("SELECT cover, decision_number FROM list_right_change ORDER BY 1") == [
        (202610, "15/QĐ-UBND"),
        (202611, "15/QĐ-UBND"),
    ]
    healthy(world)


def test_the_same_file_again_and_a_held_person(world: World) -> None:
    path = world.ctx.settings.home / "once.csv"
    path.write_text(f"{DECIDED}\n{decided(1)}\n{decided(2)}\n", encoding="utf-8")
    for repeated in (False, True):
        done = import_programme(world.ctx, "LIST", path, mode="all", actor="an")
        assert done.repeated is repeated
    with world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO hold (id, payer_id, person_id, kind, reason, detail, raised_at, "
                "raised_by, fact_digest) SELECT 900, payer_id, id, 'right', 'dead', 'x', "
                "'2026-01-01', 'x', '' FROM person WHERE name = 'Trần Văn B'"
            )
        )
    authority(world, "LIST")
    made = service.prepare(world.ctx, 202610, world.signers["an"])
    assert (made.payments, made.minted_vnd, made.held) == (1, 2_789_000, 1)
    assert world.rows("SELECT reason, amount_vnd FROM list_hold") == [("dead", 2_789_000)]
    sign_all(world)
    healthy(world)
    assert world.one("SELECT count(*) FROM dirty") == 1  # who is held is compared again
    assert world.balance(f"transit.{PAYER}.{PROVIDER}") == -2_789_000
