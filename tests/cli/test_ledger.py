"""`disburse ledger`: exact balances, one person's coins, tampering named, months closed and opened."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from disbursement.documents import book_words
from disbursement.fallback.service import close_roster
from disbursement.identity.service import create_user
from ledger import definitions
from ledger.chart import JOURNAL_KINDS, KINDS, MOVES
from ledger.verify import verify
from tests.cli.conftest import Type
from tests.payments.world import Month, back, debit
from tests.runs.world import PAYER, PROVIDER, SECRET, World, header

EACH, CASH = 750_000, 500_000
TOTAL = 6 * EACH + 2 * CASH
NEXT = "2026-11-02"


def journals(world: World) -> int:
    return int(world.one("SELECT count(*) FROM journal"))


@pytest.fixture
def ended(month: Month) -> Month:
    """October is over: five in their accounts, one sent back, cash not collected, runs closed."""
    rows = month.rows
    done = month.take(month.statement([*(debit(r) for r in rows), back(rows[5])]))
    assert done.state == "applied"
    close_roster(month.world.ctx, month.cash_batch, copies_returned=0, actor="chi")
    with month.world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE run SET state = 'closed'"))
    return month


# --- balances ------------------------------------------------------------------------------------


def test_the_trial_balance_adds_up_to_the_dong(month: Month, typed: Type) -> None:
    said = typed("ledger", "trial-balance", "--json").json
    assert (said["month"], said["payer"]) == (None, None)
    money, budget = said["books"]
    assert (money["debit_vnd"], money["credit_vnd"]) == (3 * TOTAL, 3 * TOTAL)
    assert (budget["debit_vnd"], budget["credit_vnd"]) == (20_000_000 + 3 * TOTAL,) * 2
    found = {a["code"]: a["balance_vnd"] for b in said["books"] for a in b["accounts"]}
    assert found[f"advance.{PAYER}.{PROVIDER}"] == TOTAL
    assert found[f"transit.{PAYER}.{PROVIDER}"] == -6 * EACH
    assert found[f"agent.{PAYER}.{PROVIDER}"] == -2 * CASH
    assert found[f"available.{PAYER}.SA.2026"] == 10_000_000 - 6 * EACH
    assert found[f"committed.{PAYER}.SP.2026"] == 2 * CASH
    lines = typed("ledger", "trial-balance").out.splitlines()
    assert lines[0] == "Sổ tài chính"
    assert "Đang chuyển                            0   4.500.000  -4.500.000" in lines
    assert "Cộng                          16.500.000  16.500.000           0" in lines
    assert len({len(line) for line in lines[1:11]}) == 1


def test_a_months_balance_has_what_was_there_before(ended: Month, typed: Type) -> None:
    def of(month: str) -> dict[str, tuple[int, int, int, int]]:
        said = typed("ledger", "trial-balance", "--month", month, "--payer", PAYER, "--json").json
        return {
            a["code"]: (a["opening_vnd"], a["debit_vnd"], a["credit_vnd"], a["balance_vnd"])
            for b in said["books"]
            for a in b["accounts"]
        }

    assert of("2025-12") == {}
    october, november = of("2026-10"), of("2026-11")
    payable, advance = f"payable.{PAYER}", f"advance.{PAYER}.{PROVIDER}"
    waits = EACH + 2 * CASH
    assert october[payable] == (0, TOTAL, TOTAL + waits, -waits)
    assert october[advance] == (0, TOTAL + EACH, 6 * EACH, waits)
    assert november[payable] == (-waits, 0, 0, -waits)
    said = typed("ledger", "trial-balance", "--month", "2026-11", "--payer", PAYER).out
    assert f"{payable}" in said
    assert "-1.750.000" in said


def test_a_balance_that_does_not_balance_is_an_error(month: Month, typed: Type) -> None:
    tamper(month.world, "account", "UPDATE account SET debit = debit + 1 WHERE kind = 'treasury'")
    said = typed("ledger", "trial-balance")
    assert said.code == 1
    assert said.err.startswith("Lỗi [trial_balance]: Sổ tài chính: tổng nợ khác tổng có")
    assert typed("ledger", "trial-balance", "--month", "2026-10").code == 0  # from the lines


def test_wrong_words_are_one_sentence(month: Month, typed: Type) -> None:
    typed("ledger", "trial-balance", "--month", "2026-13").refused("month", 2)
    typed("ledger", "trial-balance", "--payer", "99999").refused("payer", 3)
    typed("ledger", "statement").refused("whose", 2)
    typed("ledger", "statement", "X", "--sub", "1").refused("whose", 2)
    typed("ledger", "statement", "0000000001").refused("reference", 3)
    typed("ledger", "statement", "khong").refused("reference", 3)
    typed("ledger", "statement", "--sub", "999").refused("sub", 3)
    typed("ledger", "statement", "--sub", "-1").refused("sub", 3)
    typed("ledger", "statement", "--sub", str(2**70)).refused("sub", 3)
    typed("ledger", "verify", "--head", "abc").refused("head", 2)


# --- one person ----------------------------------------------------------------------------------


def test_a_statement_tells_every_step_in_order(ended: Month, typed: Type) -> None:
    returned = ended.rows[5].person_id
    reference = ended.world.one("SELECT reference FROM person WHERE id = :i", i=returned)
    said = typed("ledger", "statement", reference, "--json").json
    assert (said["reference"], said["subs"], said["totals"]) == (
        reference, [returned], {"payable": EACH},
    )  # fmt: skip
    (coin,) = said["coins"]
    assert (coin["cover"], coin["item"], coin["amount_vnd"]) == (202610, 0, EACH)
    assert (coin["place"], coin["place_words"]) == (f"payable.{PAYER}", "chờ chi")
    assert [
        (m["move"], m["kind"], m["words"], m["rev"], m["due_after"]) for m in coin["moves"]
    ] == [
        (0, "list", "Ghi số phải trả", 0, EACH),
        (1, "batch", "Gửi lệnh chi", None, None),
        (2, "answer", "Đã vào tài khoản", None, None),
        (3, "answer", "Bị trả lại, chờ chi lại", None, None),
    ]
    spoken = f"{reference[:5]}-{reference[5:]}".lower()
    told = typed("ledger", "statement", spoken).out
    assert told.startswith(f"Mã {reference}: 1 khoản trong sổ\n")
    assert "lần 0, được hưởng 750.000" in told
    assert told.endswith("  chờ chi: 750.000 đồng\n")
    assert "Nguyễn" not in told
    cash = typed("ledger", "statement", "--sub", "7").out
    assert cash.index("Giao bàn chi tiền mặt") < cash.index("Chưa nhận, chờ chi lại")


def test_a_person_without_coins_has_an_empty_statement(world: World, typed: Type) -> None:
    from tests.runs.test_month import FOUR
    from tests.runs.world import add_people

    (one, *_) = add_people(world, FOUR)
    said = typed("ledger", "statement", "--sub", one, "--json").json
    assert (said["coins"], said["totals"]) == ([], {})
    assert typed("ledger", "statement", "--sub", one).out == "Người hưởng số 1: 0 khoản trong sổ\n"


def test_every_movement_kind_and_journal_of_coins_has_words() -> None:
    assert set(book_words.COIN_MOVES) == {
        pair for pair, shape in MOVES.items() if shape != "gl"
    } | {("payable", "payable")}
    assert set(book_words.ACCOUNT_KINDS) == set(KINDS)
    coins = {k for k, j in JOURNAL_KINDS.items() if j.moves & set(book_words.COIN_MOVES)}
    assert set(book_words.JOURNAL_KINDS) == coins


# --- proof ---------------------------------------------------------------------------------------


def tamper(world: World, table: str, statement: str) -> None:
    """Change a protected table as its owner can, behind disabled triggers."""
    with world.ctx.database.engine("cell_25", owner=True).begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            for (name,) in conn.exec_driver_sql(
                "SELECT name FROM main.sqlite_master WHERE type = 'trigger' "
                f"AND tbl_name = '{table}'"
            ).all():
                conn.exec_driver_sql(f"DROP TRIGGER {name}")
        conn.exec_driver_sql(statement)


def test_a_sound_book_is_said_to_be_sound(month: Month, typed: Type) -> None:
    world = month.world
    said = typed("ledger", "verify", "--json").json
    assert (said["ok"], said["found"], said["first"], said["problems"]) == (True, 0, None, [])
    assert said["journals"] == journals(world) == said["head_seq"]
    assert said["lines"] == world.one("SELECT count(*) FROM line")
    assert said["signatures"] == world.one("SELECT count(*) FROM signature")
    kept = world.one("SELECT hash FROM chain_head")
    assert said["head_hash"] == bytes(kept).hex()
    told = typed("ledger", "verify", "--head", said["head_hash"])
    assert told.code == 0
    assert told.out.endswith("Sổ đúng.\n")
    cut = typed("ledger", "verify", "--head", "00" * 32)
    assert cut.code == 1
    assert "đầu chuỗi giữ ở ngoài không có trong sổ" in cut.err


def test_the_first_bad_journal_and_chunk_are_named(month: Month, typed: Type) -> None:
    world = month.world
    journal, seq = world.rows(
        "SELECT j.id, s.seq FROM journal j JOIN seal s ON s.journal_id = j.id "
        "WHERE j.kind = 'batch' ORDER BY s.seq"
    )[0]
    tamper(world, "line", f"UPDATE line SET amount = amount + 1 WHERE journal_id = {journal} "
           "AND line_no = 2")  # fmt: skip
    bad = typed("ledger", "verify", "--json")
    assert bad.code == 1
    assert bad.json["first"]["where"] == "line"
    assert (bad.json["first"]["seq"], bad.json["first"]["journal_id"]) == (seq, journal)
    assert bad.json["first"]["chunk"] == 0
    assert bad.json["found"] >= 2  # the account totals do not follow either
    assert bad.err.startswith("Lỗi [verify]: Sổ có ")
    assert bad.err.count("\n") == 1
    where = f"bút toán thứ {seq} trong chuỗi (số {journal}), khối 0: các dòng không như lúc niêm"
    assert where in bad.err
    told = typed("ledger", "verify")
    assert f"SAI   {where}" in told.out
    assert "Sổ đúng" not in told.out


# --- months --------------------------------------------------------------------------------------


def states(world: World, month: int = 202610) -> list[str | None]:
    with world.ctx.cell.read() as conn:
        return [definitions.period_state(conn, month, book=book) for book in (1, 2)]


def test_a_month_is_closed_once_it_is_over_and_nothing_is_under_way(
    month: Month, typed: Type
) -> None:
    world = month.world
    before = journals(world)
    typed("ledger", "close", "2026-10", "--as", "an", day=NEXT).refused("role", 4)
    typed("ledger", "close", "2026-10", "--as", "ai", day=NEXT).refused("user", 3)
    typed("ledger", "close", "2026-1x", "--as", "chi", day=NEXT).refused("month", 2)
    typed("ledger", "close", "2026-10", "--as", "chi", day="2026-10-31").refused(
        "period_running", 4
    )
    typed("ledger", "close", "2026-09", "--as", "chi", day=NEXT).refused("period_no_run", 4)
    typed("ledger", "close", "2026-10", "--as", "chi", day=NEXT).refused("period_open_runs", 4)
    with world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE run SET state = 'closed'"))
    moving = typed("ledger", "close", "2026-10", "--as", "chi", day=NEXT)
    moving.refused("period_in_transit", 4)
    assert "còn 5.500.000 đồng đang chuyển" in moving.err
    assert (journals(world), states(world)) == (before, [None, None])


def test_a_closed_month_takes_nothing_and_its_balance_is_kept(ended: Month, typed: Type) -> None:
    world = ended.world
    done = typed("ledger", "close", "2026-10", "--as", "chi", "--json", day=NEXT).json
    assert (done["month"], done["state"], len(done["journals"])) == (202610, "closed", 2)
    assert states(world) == ["closed", "closed"]
    name = done["evidence"]
    kept = (world.ctx.settings.files / "evidence" / name[:2] / name).read_text()
    waits = EACH + 2 * CASH
    assert f'"payable.{PAYER}":[0,{TOTAL},{TOTAL + waits}]' in kept
    assert bytes(world.one("SELECT evidence FROM journal WHERE kind = 'period_close' "
                           "AND book = 1")).hex() == name  # fmt: skip
    typed("ledger", "close", "2026-10", "--as", "chi", day=NEXT).refused("period_closed", 4)
    late = typed(
        "budget", "set", "--payer", PAYER, "--programme", "SA", "--year", 2026, "--amount", 5,
        "--number", "9/QD", "--date", "2026-10-20", "--as", "chi", day=NEXT,
    )  # fmt: skip
    late.refused("period_closed", 4)
    assert "tháng này đã khóa sổ" in late.err
    world.clock.set(date(2026, 11, 2))
    news = ended.take(ended.statement([back(ended.rows[0])], day=date(2026, 11, 2)))
    assert news.state == "applied"  # a late fact goes into the open month
    assert world.rows("SELECT month FROM journal WHERE kind = 'answer' ORDER BY id DESC")[0] == (
        202611,
    )
    with world.ctx.cell.read() as conn:
        assert verify(conn).ok


def test_opening_again_takes_a_reason_and_three_people(ended: Month, typed: Type) -> None:
    world = ended.world

    def reopen(who: str, *more: str):
        return typed("ledger", "reopen", "2026-10", "--as", who, *more, day=NEXT)

    reopen("an", "--reason", "Sót").refused("period_not_closed", 4)
    typed("ledger", "close", "2026-10", "--as", "chi", day=NEXT)
    before = journals(world)
    reopen("an").refused("reason", 2)
    reopen("chi", "--reason", "Sót").refused("role", 4)
    first = reopen("an", "--reason", "Sót quyết định điều chỉnh dự toán")
    assert "chờ chữ ký thứ hai (kế toán)" in first.out
    reopen("dung").refused("role", 4)
    reopen("an").refused("role", 4)
    assert (journals(world), states(world)) == (before, ["closed", "closed"])
    assert "chờ chữ ký thứ nhất (chủ tài khoản)" in reopen("chi").out
    assert states(world) == ["closed", "closed"]
    done = typed("ledger", "reopen", "2026-10", "--as", "dung", "--json", day=NEXT).json
    assert (done["signed"], done["waits_for"]) == (["prepare", "sign2", "sign1"], "")
    assert done["reason"] == "Sót quyết định điều chỉnh dự toán"
    assert states(world) == ["open", "open"]
    assert world.rows(
        "SELECT role, count(*) FROM signature s JOIN journal j ON j.id = s.journal_id "
        "WHERE j.kind = 'reopen' GROUP BY role ORDER BY role"
    ) == [("prepare", 2), ("sign1", 2), ("sign2", 2)]
    reopen("an", "--reason", "Lần nữa").refused("period_not_closed", 4)
    typed("ledger", "close", "2026-10", "--as", "chi", day=NEXT)
    assert states(world) == ["closed", "closed"]
    with world.ctx.cell.read() as conn:
        assert verify(conn).ok


def test_one_person_under_two_names_does_not_open_a_month(ended: Month, typed: Type) -> None:
    world = ended.world
    made = create_user(world.ctx, "an2", "Cán bộ an", "030080000001", ["second_signer"], SECRET)
    with world.ctx.cell.begin() as conn:
        definitions.define_signers(
            conn, header(world, conn, "definition", "an2"),
            [definitions.Signer(made.id, made.person_id, made.public_key, "2026-01-01T00:00:00Z")],
        )  # fmt: skip
    typed("ledger", "close", "2026-10", "--as", "chi", day=NEXT)
    typed("ledger", "reopen", "2026-10", "--as", "an", "--reason", "Sót", day=NEXT)
    typed("ledger", "reopen", "2026-10", "--as", "an2", day=NEXT).refused("same_person", 4)
    assert states(world) == ["closed", "closed"]
