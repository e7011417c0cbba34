"""What is paid once for the death of a person of merit: whose death, and may it be paid.

The row names who receives (the organiser of the funeral, the family's payee), with a destination
of their own, and the dead person by number. What the dead drew in the month of death is read from
the monthly merits here (NĐ 131/2021 Art. 121.2); a later correction of them, or of the death, is a
difference in the next list. Each sum is owed once for a death, whoever asks ([PL] Art. 6.4).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection

from disbursement.entitlements.list_due import LISTED, list_profile
from disbursement.entitlements.merit_bulk import LINE, MeritPerson, died_on, mourning_facts
from disbursement.entitlements.merit_store import cases_of, reaching
from disbursement.entitlements.store import recorded
from disbursement.platform.clock import month_of
from ledger.bulk import bulk_insert
from ledger.sql import text

_FAULT = 305
_ROWS = f"""
SELECT r.n, r.person_id, r.payer_id, r.clause, r.end_cause FROM import_row r
WHERE r.import_id = :i AND r.programme = '{LINE}' AND r.clause LIKE '%/%'
  AND substr(r.facts, 1, {len(LISTED)}) = '{LISTED}' ORDER BY r.n
"""
_SOCIAL = "SELECT 1 FROM benefit_case WHERE person_id = :p"


def resolve(conn: Connection, values: dict[str, Any]) -> None:
    """Find the dead of the rows that are paid for a death; refuse what may not be paid."""
    taken: dict[str, int] = {}
    faults, good = [], []
    for n, receiver, payer, clause, told in conn.execute(text(_ROWS), values).all():
        blind, code = str(clause).split("/")
        day = date.fromisoformat(str(told))
        dead = conn.execute(
            text("SELECT id, payer_id FROM person WHERE identity_blind = :b"),
            {"b": bytes.fromhex(blind)},
        ).first()
        who = 0 if dead is None else int(dead[0])
        unit = f"{who}/{code}"
        if dead is None or int(dead[1]) != int(payer):
            said = (
                "người có công đã chết không có trong sổ của xã ghi ở dòng này; sửa số định danh "
                "hoặc mã xã."
            )
        elif who == int(receiver):
            said = "người nhận không thể là người đã chết; ghi người lo mai táng, thân nhân."
        elif unit in taken:
            said = f"khoản này của người chết đã có ở dòng {taken[unit]}; chỉ chi một lần, bỏ."
        else:
            said, facts = _judged(conn, who, code, day)
            if not said:
                taken[unit] = int(n)
                good.append({"i": values["i"], "n": n, "c": unit, "f": facts})
        if said:
            faults.append((values["i"], int(n), _FAULT, f"Dòng {n}: {said}"))
    bulk_insert(conn, "import_fault", ("import_id", "n", "k", "sentence"), faults)
    if faults:
        conn.execute(
            text(
                "UPDATE import_row SET state = 1, end_cause = NULL WHERE import_id = :i AND n = :n"
            ),
            [{"i": i, "n": n} for i, n, *_ in faults],
        )
    if good:
        conn.execute(
            text(
                "UPDATE import_row SET clause = :c, facts = :f, end_cause = NULL "
                "WHERE import_id = :i AND n = :n"
            ),
            good,
        )


def _judged(conn: Connection, who: int, code: str, day: date) -> tuple[str, str]:
    """Return (why it is refused, '') or ('', what the amount depends on, as stored)."""
    events = reaching(
        recorded(conn, "SELECT id FROM person WHERE id = :who", {"who": who}).get(who, ())
    )
    cases = cases_of(conn, who)
    died = died_on(cases, events)
    if died is None:
        return (
            "chưa ghi việc chết của người có công này; ghi bằng `disburse event record death`, rồi "
            "nhập lại.",
            "",
        )
    if died != day:
        return f"ngày sự kiện khác ngày chết đã ghi {died:%d/%m/%Y}; đối chiếu, sửa lại.", ""
    facts = mourning_facts(code, MeritPerson(cases, events), month_of(day))
    if not facts["merit"]:
        return (
            "trong tháng chết người này không hưởng khoản ưu đãi hằng tháng nào ở đây; bỏ dòng.",
            "",
        )
    known = "SELECT 1 FROM list_unit WHERE programme = :l AND unit = :u"
    if conn.execute(text(known), {"l": LINE, "u": f"d{who}/{code}"}).first() is not None:
        return "khoản này của người chết đã có trong danh sách; chỉ chi một lần, bỏ dòng này.", ""
    if code == "FUNERAL.NCC" and conn.execute(text(_SOCIAL), {"p": who}).first() is not None:
        return (
            "người chết còn có hồ sơ trợ giúp xã hội: chỉ một khoản mai táng, khoản nào là điểm mở "
            "funeral_merit_with_sa; tính bằng `disburse explain`, rồi chi theo danh sách đã có "
            "quyết định mức (LIST).",
            "",
        )
    return "", list_profile(LINE, facts)
