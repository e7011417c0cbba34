"""What is decided on receivables: recover, write off, or restore where the claim was wrong.

The account holder (first signer) decides. "Recover" moves no money: it is recorded with number, day
and signer, and the person is asked to pay back. "Write off" and "restore" change the book and are
signed by three people like a correction (coins.md 5): the preparer enters the paper decision, the
accountant and the account holder sign, the last signature posts. Nothing is netted (coins.md 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam

from disbursement.entitlements.service import assess_profile
from disbursement.identity.service import Signer, require
from disbursement.platform import ids
from disbursement.platform.clock import month_of, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.programmes.approved import approved
from disbursement.runs import approvals, books, prepare, receivables
from disbursement.runs.approvals import Document
from disbursement.runs.receivables import MAX_WORDS, Receivable
from ledger import chart, posting, signing
from ledger.errors import LedgerError
from ledger.posting import Header, LineRow
from ledger.sql import text

KINDS = ("recover", "write_off", "restore")
JOURNAL_OF = {"write_off": "write_off", "restore": "correction"}
"""Decision -> kind of the journal it posts; both are signed by the same three roles."""
ROLES = signing.roles_of("write_off")


@dataclass(frozen=True)
class Paper:
    """The decision on paper: its number, day, who signed it, and why."""

    number: str
    day: date
    signer: str
    reason: str = ""


@dataclass(frozen=True)
class Decided:
    """How far a decision has come: `waits_for` is the next role, '' once it counts."""

    id: int
    kind: str
    number: str
    payer: str
    receivables: tuple[int, ...]
    amount_vnd: int
    state: str
    waits_for: str


def decide(
    ctx: Context, numbers: Sequence[int], kind: str, paper: Paper, signer: Signer
) -> Decided:
    """Enter a decision on receivables (their numbers), and sign it as its first person.

    Raises RefusedError for a paper without number, signer or with a day to come, a wrong `kind`,
    a restore of months that are still not due; NotNowError for a number used already, receivables
    that are settled or under a decision; NotAllowedError.
    """
    if kind not in KINDS:
        raise RefusedError("decision_kind", f"Chỉ quyết định được: {', '.join(KINDS)}.")
    paper = _paper(ctx, paper)
    with ctx.cell.begin() as conn:
        found = receivables.chosen(conn, numbers)
        payer = found[0].payer
        require(conn, signer, "first_signer" if kind == "recover" else "preparer", payer)
        payer_id = conn.execute(
            text("SELECT id FROM payer WHERE code = :c"), {"c": payer}
        ).scalar_one()
        _replace_proposal(conn, payer_id, paper.number)
        _not_decided(receivables.chosen(conn, numbers), kind)
        parts = _restorable(conn, ctx, found) if kind == "restore" else _whole(found)
        made = _write(conn, ctx, payer_id, kind, paper, parts, signer)
        if kind != "recover":
            _propose(conn, ctx, made, payer, paper, parts)
            approvals.sign_documents(conn, ctx, [_document(conn, made)], ROLES[0], signer)
        return _now(conn, made)


def _paper(ctx: Context, paper: Paper) -> Paper:
    number, name, reason = (" ".join(v.split()) for v in (paper.number, paper.signer, paper.reason))
    if not number or not name or max(len(number), len(name)) > MAX_WORDS or len(reason) > 300:
        raise RefusedError(
            "decision",
            "Quyết định phải có số và người ký (--number, --signer), mỗi mục tối đa 100 ký tự.",
        )
    if paper.day > today(ctx.clock):
        raise RefusedError(
            "decision_date",
            f"Ngày quyết định {paper.day:%d/%m/%Y} ở tương lai; ghi ngày ký thật (--date).",
        )
    return Paper(number, paper.day, name, reason)


def _replace_proposal(conn: Connection, payer_id: int, number: str) -> None:
    """Take back a proposal of this number that nobody has signed to the end; refuse a used one."""
    row = conn.execute(
        text(
            "SELECT id, state FROM receivable_decision WHERE payer_id = :p AND number = :n "
            "AND state <> 'withdrawn'"
        ),
        {"p": payer_id, "n": number},
    ).first()
    if row is None:
        return
    if row[1] != "proposed":
        raise NotNowError(
            "decision_used",
            f"Quyết định {number} đã ghi rồi; mỗi số quyết định chỉ ghi một lần.",
        )
    _withdraw(conn, int(row[0]))


def _withdraw(conn: Connection, decision_id: int) -> None:
    conn.execute(
        text(
            "DELETE FROM draft_line WHERE journal_id = "
            "(SELECT d.journal_id FROM receivable_decision d WHERE d.id = :d)"
        ),
        {"d": decision_id},
    )
    conn.execute(
        text("UPDATE receivable_decision SET state = 'withdrawn' WHERE id = :d"),
        {"d": decision_id},
    )


def _not_decided(found: Sequence[Receivable], kind: str) -> None:
    for r in found:
        if r.state == "proposed":
            raise NotNowError(
                "decision_open",
                f"Khoản phải thu số {r.id} đang chờ ký theo quyết định {r.decision_number}; ký "
                "xong, hoặc ghi lại quyết định đó.",
            )
        if r.state == "recover" and kind == "recover":
            raise NotNowError(
                "decided",
                f"Khoản phải thu số {r.id} đã có quyết định thu hồi {r.decision_number}.",
            )


def _whole(found: Sequence[Receivable]) -> list[tuple[int, int]]:
    return [(r.id, r.open_vnd) for r in found]


def _restorable(
    conn: Connection, ctx: Context, found: Sequence[Receivable]
) -> list[tuple[int, int]]:
    """Return what of each receivable is due again by what is recorded and in force today.

    Restoring against the register would be claimed again by the next list: the facts come first.
    """
    day = today(ctx.clock)
    law = approved(conn, day)
    left: dict[tuple[int, int], int] = {}
    out = []
    for r in found:
        payer_id, sub, cover, person = conn.execute(
            text("SELECT payer_id, sub_id, cover, person_id FROM receivable WHERE id = :r"),
            {"r": r.id},
        ).one()
        if (sub, cover) not in left:
            low, _ = prepare.law_states(conn, [(payer_id, r.payer)], day, law)[payer_id]
            facts = conn.execute(
                text(
                    "SELECT p.facts FROM unit_profile u JOIN profile p ON p.id = u.profile_id "
                    "WHERE u.sub_id = :s AND :c BETWEEN u.from_month AND u.to_month "
                    "AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.person_id = :w "
                    "AND h.kind = 'right' AND h.resolved_at IS NULL)"
                ),
                {"s": sub, "c": cover, "w": person},
            ).scalar()
            due = assess_profile(facts, cover, low).total_vnd if facts else 0
            left[sub, cover] = due - _last(conn, sub, cover)[1]
        part = min(r.open_vnd, left[sub, cover])
        if part <= 0:
            raise RefusedError(
                "restore_not_due",
                f"Khoản phải thu số {r.id}: theo hồ sơ và mức hiện ghi, tháng {show_month(r.month)}"
                " vẫn không được hưởng; sửa hồ sơ (hoặc giải quyết báo tử) trước rồi mới phục hồi.",
            )
        left[sub, cover] -= part
        out.append((r.id, part))
    return out


def _last(conn: Connection, sub: int, cover: int) -> tuple[int, int]:
    """Return the last revision of a person's month and what is owed after it, dong."""
    row = conn.execute(
        text(
            "SELECT rev, due_after FROM line WHERE sub_id = :s AND cover = :c "
            "AND rev IS NOT NULL ORDER BY rev DESC LIMIT 1"
        ),
        {"s": sub, "c": cover},
    ).one()
    return int(row[0]), int(row[1])


def _write(
    conn: Connection,
    ctx: Context,
    payer_id: int,
    kind: str,
    paper: Paper,
    parts: Sequence[tuple[int, int]],
    signer: Signer,
) -> int:
    made = ids.block(conn, "receivable_decision", 1)
    conn.execute(
        text(
            "INSERT INTO receivable_decision (id, payer_id, kind, number, decided_on, signer, "
            "reason, amount_vnd, journal_id, state, made_by, made_at) VALUES (:id, :p, :k, :n, "
            ":d, :s, :r, :a, :j, :state, :by, :at)"
        ),
        {
            "id": made, "p": payer_id, "k": kind, "n": paper.number, "d": paper.day.isoformat(),
            "s": paper.signer, "r": paper.reason, "a": sum(vnd for _, vnd in parts),
            "j": None if kind == "recover" else posting.allot(conn),
            "state": "recorded" if kind == "recover" else "proposed", "by": signer.username,
            "at": stamp(ctx.clock),
        },
    )  # fmt: skip
    conn.execute(
        text(
            "INSERT INTO receivable_decided (decision_id, receivable_id, amount_vnd) "
            "VALUES (:d, :r, :a)"
        ),
        [{"d": made, "r": number, "a": vnd} for number, vnd in parts],
    )
    return made


# --- write off, restore: signed by three ---------------------------------------------------------


def _lines(
    conn: Connection, kind: str, payer: str, parts: Sequence[tuple[int, int]]
) -> list[LineRow]:
    if kind == "write_off":
        return receivables.set_lines(conn, parts, chart.loss(payer), chart.overpaid(payer))
    accounts = chart.account_ids(conn, [chart.overpaid(payer)])
    out: list[LineRow] = []
    revs: dict[tuple[int, int], tuple[int, int]] = {}
    for number, vnd in parts:
        sub, cover, item, move, expense = conn.execute(
            text(
                "SELECT r.sub_id, r.cover, r.item, max(l.move), min(CASE WHEN l.move = 0 "
                "THEN l.credit_account END) FROM receivable r JOIN line l ON l.sub_id = r.sub_id "
                "AND l.cover = r.cover AND l.item = r.item WHERE r.id = :r "
                "GROUP BY r.sub_id, r.cover, r.item"
            ),
            {"r": number},
        ).one()
        rev, owed = revs.get((sub, cover)) or _last(conn, sub, cover)
        revs[sub, cover] = (rev + 1, owed + vnd)
        out.append(
            (cover, expense, accounts[chart.overpaid(payer)], sub, item, move + 1, None, None,
             rev + 1, owed + vnd, vnd)
        )  # fmt: skip
    return out


def _propose(
    conn: Connection,
    ctx: Context,
    decision_id: int,
    payer: str,
    paper: Paper,
    parts: Sequence[tuple[int, int]],
) -> None:
    """Stage the journal's lines and write the statement that three people sign."""
    kind, journal_id = conn.execute(
        text("SELECT kind, journal_id FROM receivable_decision WHERE id = :d"), {"d": decision_id}
    ).one()
    posting.stage_draft(conn, journal_id, _lines(conn, kind, payer, parts))
    root = posting.draft_root(conn, journal_id)
    seq, head = books.head(conn)
    body = approvals.canonical(
        {
            "v": 1, "purpose": JOURNAL_OF[kind], "what": f"receivable:{kind}",
            "cell": ctx.cell.code, "payer": payer, "decision": decision_id,
            "number": paper.number, "date": paper.day.isoformat(), "signer": paper.signer,
            "reason": paper.reason, "receivables": [[n, vnd] for n, vnd in parts],
            "journal": journal_id, "root": root.root.hex(), "lines": root.line_count,
            "total_vnd": root.total, "chain_seq": seq, "chain_head": head.hex(),
            "proposed_at": stamp(ctx.clock),
        }
    )  # fmt: skip
    signing.record_statement(conn, journal_id, JOURNAL_OF[kind], body)


def _document(conn: Connection, decision_id: int) -> Document:
    row = conn.execute(
        text(
            "SELECT d.kind, d.journal_id, d.payer_id, s.body FROM receivable_decision d "
            "JOIN statement s ON s.journal_id = d.journal_id WHERE d.id = :d"
        ),
        {"d": decision_id},
    ).one()
    return Document(JOURNAL_OF[row[0]], decision_id, int(row[1]), int(row[2]), row[3])


def sign(ctx: Context, decision_id: int, signer: Signer) -> Decided:
    """Give the next signature to a proposed decision; the last one posts it.

    Raises NotFoundError, NotNowError where nothing waits, where a receivable has changed since
    (money came back, a list restored it) or an unsigned list speaks of the same months;
    NotAllowedError for the wrong role or a person who has signed already.
    """
    with ctx.cell.begin() as conn:
        row = conn.execute(
            text(
                "SELECT d.state, d.kind, d.number, y.code FROM receivable_decision d "
                "JOIN payer y ON y.id = d.payer_id WHERE d.id = :d"
            ),
            {"d": decision_id},
        ).first()
        if row is None:
            raise NotFoundError(
                "decision", f"Không có quyết định số ghi {decision_id}; xem `receivable list`."
            )
        state, kind, number, payer = row
        if state != "proposed":
            raise NotNowError("decision_state", f"Quyết định {number} không chờ chữ ký nào nữa.")
        document = _document(conn, decision_id)
        role = ROLES[len(_given(conn, document.journal_id))]
        require(conn, signer, approvals.ROLE_OF[role], payer)
        _unchanged(conn, ctx, decision_id, kind, number, payer)
        approvals.sign_documents(conn, ctx, [document], role, signer)
        if role == ROLES[-1]:
            _post(conn, ctx, document)
        return _now(conn, decision_id)


def _given(conn: Connection, journal_id: int) -> list[str]:
    rows = conn.execute(
        text("SELECT role FROM signature WHERE journal_id = :j"), {"j": journal_id}
    ).scalars()
    found = set(rows)
    return [role for role in ROLES if role in found]


def _unchanged(
    conn: Connection, ctx: Context, decision_id: int, kind: str, number: str, payer: str
) -> None:
    """Refuse a signature where the book or an unsigned list has moved on since the proposal."""
    parts = [
        (int(n), int(vnd))
        for n, vnd in conn.execute(
            text(
                "SELECT x.receivable_id, x.amount_vnd FROM receivable_decided x "
                "JOIN receivable r ON r.id = x.receivable_id WHERE x.decision_id = :d "
                "ORDER BY r.cover, r.id"
            ),
            {"d": decision_id},
        )
    ]
    staged = conn.execute(
        text(
            "SELECT cover, debit_account, credit_account, sub_id, item, move, carrier, of_n, rev, "
            "due_after, amount FROM draft_line WHERE journal_id = (SELECT journal_id "
            "FROM receivable_decision WHERE id = :d) ORDER BY line_no"
        ),
        {"d": decision_id},
    )
    still = {r.id: r.open_vnd for r in receivables.read_receivables(
        conn, numbers=[n for n, _ in parts])}  # fmt: skip
    fits = all(still[n] >= vnd for n, vnd in parts)
    if fits and kind == "restore":
        found = receivables.chosen(conn, [n for n, _ in parts])
        fits = _restorable(conn, ctx, found) == parts
    if not fits or [tuple(r) for r in staged] != _lines(conn, kind, payer, parts):
        raise NotNowError(
            "receivable_changed",
            f"Sau khi lập quyết định {number}, khoản phải thu đã thay đổi (có tiền nộp lại hoặc "
            "được phục hồi); ghi lại quyết định theo số còn lại.",
        )
    listed = conn.execute(
        text(
            "SELECT min(l.id) FROM pay_list l JOIN draft_line d ON d.journal_id = l.journal_id "
            "JOIN receivable r ON r.sub_id = d.sub_id AND r.cover = d.cover "
            "WHERE l.state IN ('draft', 'prepared', 'checked', 'second') AND r.id IN :n"
        ).bindparams(bindparam("n", expanding=True)),
        {"n": [n for n, _ in parts]},
    ).scalar()
    if listed is not None:
        raise NotNowError(
            "receivable_listed",
            f"Danh sách {listed} đang chờ ký có cùng tháng của khoản phải thu; duyệt xong danh "
            "sách đó rồi ký quyết định.",
        )


def _post(conn: Connection, ctx: Context, document: Document) -> None:
    header = Header(
        id=document.journal_id,
        book=chart.FINANCIAL,
        payer_id=document.payer_id,
        kind=document.kind,
        idem_key=f"receivable:{document.journal_id}",
        month=month_of(today(ctx.clock)),
        effective_date=today(ctx.clock),
        recorded_at=stamp(ctx.clock),
        statement_digest=document.digest,
    )
    try:
        posting.post_draft(conn, header)
    except LedgerError as error:
        raise NotNowError(error.code, f"Sổ cái từ chối: {error}") from error
    conn.execute(
        text("UPDATE receivable_decision SET state = 'posted', posted_at = :t WHERE id = :d"),
        {"t": stamp(ctx.clock), "d": document.id},
    )


def _now(conn: Connection, decision_id: int) -> Decided:
    row: Any = conn.execute(
        text(
            "SELECT d.kind, d.number, y.code, d.amount_vnd, d.state, d.journal_id "
            "FROM receivable_decision d JOIN payer y ON y.id = d.payer_id WHERE d.id = :d"
        ),
        {"d": decision_id},
    ).one()
    numbers = conn.execute(
        text(
            "SELECT receivable_id FROM receivable_decided WHERE decision_id = :d "
            "ORDER BY receivable_id"
        ),
        {"d": decision_id},
    ).scalars()
    waits = ROLES[len(_given(conn, row[5]))] if row[4] == "proposed" else ""
    return Decided(
        decision_id, row[0], row[1], row[2], tuple(int(n) for n in numbers), int(row[3]), row[4],
        waits,
    )  # fmt: skip
