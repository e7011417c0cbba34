"""A bank's file against its schema: in the books like any other, with a warning that is shown."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from disbursement.cli import statement
from disbursement.payments.intake import Warned, warned
from tests.payments import test_cli
from tests.payments.test_cli import call, reconcile_app
from tests.payments.world import PROVIDER, Month, debit, pain002
from tests.runs.test_month import healthy

month = test_cli.month
WORDS = "tệp không đúng lược đồ camt.053.001.08 ở phần tử Sts, vẫn đọc được"


def odd(data: bytes) -> bytes:
    return data.replace(b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>")


def warnings(month: Month) -> list[tuple[str, str, str]]:
    return month.world.rows("SELECT kind, state, warning FROM answer ORDER BY id")


def test_an_odd_file_is_booked_like_any_other_and_says_so(month: Month) -> None:
    rows = month.rows
    good = month.take(month.statement([debit(r) for r in rows[:3]]))
    bad = month.take(odd(month.statement([debit(r) for r in rows[3:]])))
    said = month.take(pain002(month.message_id, [(rows[0].e2e, "ACSP", "")]))  # no schema of .10
    assert [dict(r.counts) for r in (good, bad, said)] == [
        {"credited": 3},
        {"credited": 3},
        {"noted": 1},
    ]
    assert [r.warnings for r in (good, bad, said)] == [(), (WORDS,), ()]
    assert good.sentence == "camt.053: 3 đã vào tài khoản."
    assert bad.sentence == f"camt.053: 3 đã vào tài khoản. Lưu ý: {WORDS}."
    assert warnings(month) == [
        ("camt.053", "applied", ""),
        ("camt.053", "applied", WORDS),
        ("pain.002", "applied", ""),
    ]
    healthy(month.world)


def test_a_refused_odd_file_leaves_nothing_but_its_reason(month: Month) -> None:
    result = month.take(odd(month.statement([debit(month.rows[0])]))[:-30])
    assert (result.state, result.code, result.warnings) == ("refused", "xml_broken", ())
    assert warnings(month) == [("", "refused", "")]


def test_an_odd_file_that_waited_carries_its_warning_when_it_is_taken(month: Month) -> None:
    first = month.statement([debit(month.rows[0])])
    second = odd(month.statement([debit(month.rows[1])]))
    third = month.statement([debit(month.rows[2])])
    assert month.take(first).state == "applied"
    assert (waits := month.take(third)).state == "waiting"
    assert waits.warnings == ()
    taken = month.take(second)
    assert (taken.warnings, [t.warnings for t in taken.then]) == ((WORDS,), [()])


def test_the_commands_show_it(tmp_path: Path, month: Month) -> None:
    for n in (1, 2):
        path = tmp_path / f"{n}.xml"
        path.write_bytes(odd(month.statement([debit(month.rows[n])])))
        if n == 1:
            assert f"lưu ý: {WORDS}" in call(statement.app, "inspect", str(path)).stdout
            about = json.loads(call(statement.app, "inspect", str(path), "--json").stdout)
            assert about["warnings"] == [WORDS]
            shown = call(statement.app, "import", str(path), "--as", "an").stdout
            assert shown.strip().endswith(f"Lưu ý: {WORDS}.")
        else:
            (one,) = json.loads(
                call(statement.app, "import", str(path), "--as", "an", "--json").stdout
            )
            assert (one["state"], one["warnings"]) == ("applied", [WORDS])
    shown = call(reconcile_app(), "--day", "2026-10-08").stdout
    assert f"lưu ý {PROVIDER}: 2 tệp camt.053 đã ghi, mới nhất 2.xml: {WORDS}" in shown
    (one,) = json.loads(call(reconcile_app(), "--day", "2026-10-08", "--json").stdout)["warnings"]
    assert (one["provider"], one["files"], one["warning"]) == (PROVIDER, 2, WORDS)


def test_a_warning_leaves_the_list_with_time(month: Month) -> None:
    month.take(odd(month.statement([debit(month.rows[0])])))
    with month.world.ctx.cell.read() as conn:
        (one,) = warned(conn, date(2026, 10, 5))
        assert one == Warned(
            PROVIDER, "camt.053", 1, "answer.xml", "2026-10-05T01:00:02.000000Z", WORDS
        )
        assert warned(conn, date(2026, 10, 6)) == []


@pytest.mark.parametrize("count", [3, 5])
def test_many_warnings_are_cut_short(count: int) -> None:
    from disbursement.payments.intake import _warning

    words = _warning([f"w{n}" for n in range(count)])
    assert words == ("w0; w1; w2" if count == 3 else "w0; w1; w2; và 2 lưu ý khác")
