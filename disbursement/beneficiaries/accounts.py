"""The account drive: asking a provider to open accounts in bulk, and taking its answer.

A request is the list of people without a usable account; it holds only the fields the provider's
profile asks for, and it is written out once a second person has signed what the first one made.
The answer brings accounts, refusals, people who must come to the counter or need their guardian.
An account becomes a new destination with its consent and evidence; its holder's name is checked at
once, before any list can pay to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bank_adapters.account_profiles import AccountProfile, account_profile_on
from bank_adapters.banks import Directory
from bank_adapters.contract import AdapterError
from bank_adapters.vietqr import MAX_ACCOUNT, MAX_PAYLOAD, read_qr
from disbursement.beneficiaries.checking import destination_code
from disbursement.beneficiaries.columns import RELATION, Column, ColumnSet
from disbursement.beneficiaries.directory import directory_of
from disbursement.beneficiaries.holds import birth_words
from disbursement.beneficiaries.names import NEWEST, Asked, check_names, first_fault, known_provider
from disbursement.beneficiaries.reader import open_table
from disbursement.beneficiaries.rules import CellReader, is_account
from disbursement.beneficiaries.rules import Cells as RowCells
from disbursement.beneficiaries.service import first_usable
from disbursement.beneficiaries.staging import audit
from disbursement.documents.xlsx import Book
from disbursement.documents.xlsx import Column as SheetColumn
from disbursement.platform import files, ids
from disbursement.platform.clock import month_of, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    OurFaultError,
    RefusedError,
)
from disbursement.programmes.communes import commune
from disbursement.programmes.service import APPROVERS, PROPOSERS, officer
from ledger.bulk import bulk_insert
from ledger.sql import text

DEFAULT_PROFILE = "account-drive-1"


@dataclass(frozen=True)
class Request:
    """A request as lists show it. `state`: made, signed; counts by what was answered."""

    id: int
    provider: str
    profile: str
    payers: str
    people: int
    state: str
    made_by: str
    made_at: str
    signed_by: str
    signed_at: str
    asked: int
    issued: int
    refused: int
    counter: int
    guardian: int


@dataclass(frozen=True)
class Answered:
    """What an answer brought: rows by result, and how many names wait for a person."""

    request: int
    rows: int
    issued: int
    refused: int
    counter: int
    guardian: int
    names_accepted: int
    names_pending: int


@dataclass(frozen=True)
class _Row:
    """A good row of an answer."""

    n: int
    reference: str
    result: str
    account: str
    holder: str
    relation: str
    consent_on: str
    consent: str
    reason: str


# Who has no account that can be used: none, cash, or one whose holder's name was refused.
_WITHOUT = f"""
SELECT p.id FROM person p JOIN payer y ON y.id = p.payer_id
LEFT JOIN destination d ON d.person_id = p.id AND d.version =
  (SELECT max(e.version) FROM destination e WHERE e.person_id = p.id)
WHERE p.died_on IS NULL AND p.identity_enc IS NOT NULL
AND EXISTS (SELECT 1 FROM benefit_case c WHERE c.person_id = p.id
  AND (c.end_month IS NULL OR c.end_month >= :month))
AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.person_id = p.id AND h.kind = 'right'
  AND h.reason = 'dead' AND h.resolved_at IS NULL)
AND (d.id IS NULL OR d.kind = 'cash'
  OR (SELECT n.state FROM name_check n WHERE n.id = {NEWEST}) = 'refused')
"""
_OPEN = """
AND NOT EXISTS (SELECT 1 FROM account_request_row r JOIN account_request q ON q.id = r.request_id
  WHERE r.person_id = p.id AND r.state = 'asked' AND q.id <> :request)
"""


# --- asking --------------------------------------------------------------------------------------


def request(
    ctx: Context,
    provider: str,
    *,
    actor: str,
    payers: Sequence[str] = (),
    profile: str = DEFAULT_PROFILE,
) -> Request:
    """Make a request for everybody without a usable account (of the payers given, or the cell).

    Raises RefusedError `nobody` where there is nobody to ask for, or for a profile that cannot be
    used; NotFoundError `provider`, `payer`; NotAllowedError `role`.
    """
    who = officer(ctx, actor, PROPOSERS, payers[0] if len(payers) == 1 else "*")
    layout = _profile(ctx, profile)
    with ctx.cell.begin() as conn:
        number = ids.block(conn, "account_request", 1)
        provider_id, _, _ = known_provider(conn, provider)
        people = _without(conn, ctx, payers, number)
        if not people:
            raise RefusedError(
                "nobody",
                "Không còn ai cần mở tài khoản: mọi người đã có tài khoản dùng được, đang chờ trả "
                "lời, hoặc chưa có số định danh.",
            )
        conn.execute(
            text(
                "INSERT INTO account_request (id, provider_id, profile, payers, people, "
                "rows_digest, made_by, made_person, made_at) "
                "VALUES (:i, :v, :f, :y, :n, :d, :u, :p, :t)"
            ),
            {
                "i": number, "v": provider_id, "f": layout.key, "y": " ".join(sorted(payers)),
                "n": len(people), "d": _digest(provider, layout.key, people), "u": actor,
                "p": who.person_id, "t": stamp(ctx.clock),
            },
        )  # fmt: skip
        bulk_insert(
            conn,
            "account_request_row",
            ("request_id", "n", "person_id", "state", "reason"),
            [(number, n, person, "asked", "") for n, person in enumerate(people, 1)],
        )
        audit(conn, ctx, actor, "accounts.request", str(number),
              {"provider": provider, "people": len(people)})  # fmt: skip
        return _requests(conn, number)[0]


def _without(conn: Connection, ctx: Context, payers: Sequence[str], request_id: int) -> list[int]:
    known = set(conn.execute(text("SELECT code FROM payer")).scalars())
    for code in payers:
        if code not in known:
            raise NotFoundError("payer", f"Không có đơn vị chi trả mã {code}; kiểm tra mã xã.")
    rows = conn.execute(
        text(_WITHOUT.replace("p.id FROM", "p.id, y.code FROM", 1) + _OPEN + " ORDER BY p.id"),
        {"month": month_of(today(ctx.clock)), "request": request_id},
    ).all()
    return [int(person) for person, code in rows if not payers or code in payers]


def _digest(provider: str, profile: str, people: Sequence[int]) -> bytes:
    body = "\n".join((provider, profile, *map(str, people)))
    return hashlib.sha256(body.encode()).digest()


def _profile(ctx: Context, name: str) -> AccountProfile:
    try:
        return account_profile_on(name.partition("/")[0], today(ctx.clock))
    except AdapterError as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error


def sign(ctx: Context, number: int, *, actor: str, out: Path) -> tuple[Request, Path]:
    """Sign a request as the second person, and write it out for the provider.

    Raises NotFoundError `account_request`; NotNowError `request_signed`, `request_stale` where
    somebody on it has an account or died since; NotAllowedError `role`, `same_person`.
    """
    with files.taken_back_on_error(), ctx.cell.begin() as conn:
        ids.block(conn, "account_request", 1)  # one signature at a time
        found = _one(conn, number)
        codes = found.payers.split()
        who = officer(ctx, actor, APPROVERS, codes[0] if len(codes) == 1 else "*")
        maker, digest, people = _people(conn, number)
        if found.state == "signed":
            raise NotNowError("request_signed", f"Đề nghị số {number} đã ký và xuất rồi.")
        if maker == who.person_id:
            raise NotAllowedError(
                "same_person",
                f"Người lập đề nghị số {number} không tự ký được, dù bằng tên đăng nhập khác; cần "
                "người thứ hai.",
            )
        if digest != _digest(found.provider, found.profile, people):
            raise OurFaultError(
                "request_rows", f"Đề nghị số {number} đã bị sửa trong sổ; dừng lại."
            )
        if set(people) - set(_without(conn, ctx, (), number)):
            raise NotNowError(
                "request_stale",
                f"Trong đề nghị số {number} có người đã có tài khoản, đã chết hoặc thôi hưởng; lập "
                "đề nghị mới.",
            )
        conn.execute(
            text(
                "UPDATE account_request SET signed_by = :u, signed_person = :p, signed_at = :t "
                "WHERE id = :i AND signed_by IS NULL"
            ),
            {"u": actor, "p": who.person_id, "t": stamp(ctx.clock), "i": number},
        )
        path = _write(conn, ctx, found, out)
        audit(conn, ctx, actor, "accounts.sign", str(number), {"people": found.people})
        return _one(conn, number), path


def write(ctx: Context, number: int, *, out: Path) -> Path:
    """Write a signed request out once more. Raises NotNowError `request_unsigned`."""
    with files.taken_back_on_error(), ctx.cell.read() as conn:
        found = _one(conn, number)
        if found.state != "signed":
            raise NotNowError(
                "request_unsigned",
                f"Đề nghị số {number} chưa có chữ ký thứ hai: `disburse accounts sign {number}`.",
            )
        return _write(conn, ctx, found, out)


_ROWS = """
SELECT p.id, p.reference, p.identity_enc, p.name, p.birth_from, p.birth_to, p.sex, p.commune_code,
  (SELECT min(c.payee_name) FROM benefit_case c WHERE c.person_id = p.id),
  (SELECT min(c.payee_relation) FROM benefit_case c WHERE c.person_id = p.id)
FROM account_request_row r JOIN person p ON p.id = r.person_id
WHERE r.request_id = :i ORDER BY r.n
"""


def _write(conn: Connection, ctx: Context, found: Request, out: Path) -> Path:
    """Write only what the profile asks for, as text, in the request's order."""
    layout = _profile(ctx, found.profile)
    if layout.key != found.profile:
        raise NotNowError(
            "profile_changed",
            f"Mẫu của đề nghị số {found.id} ({found.profile}) đã có bản mới; lập đề nghị mới.",
        )
    path = out / f"mo-tai-khoan-{found.provider}-{found.id}.xlsx"
    columns = [SheetColumn(header, 24) for header in layout.asks.values()]
    with (
        files.atomic(path) as handle,
        Book(handle, title=layout.title, made_at=found.made_at) as book,
    ):
        sheet = book.sheet("Đề nghị", columns)
        for row in conn.execute(text(_ROWS), {"i": found.id}):
            sheet.row([_cell(ctx, field, row) for field in layout.asks])
    return path


def _cell(ctx: Context, field: str, row: Any) -> str:
    if field == "identity":
        return ctx.keys.decrypt("person.identity", int(row[0]), bytes(row[2]))
    if field == "birth":
        return birth_words(row[4], row[5])
    if field == "sex":
        return "Nam" if row[6] == "male" else "Nữ"
    if field == "commune_name":
        return commune(row[7]).full_name
    at = {"reference": 1, "name": 3, "commune_code": 7, "payee_name": 8, "payee_relation": 9}
    return str(row[at[field]] or "")


# --- looking -------------------------------------------------------------------------------------


def requests(ctx: Context) -> list[Request]:
    """Return every request, by number."""
    with ctx.cell.read() as conn:
        return _requests(conn)


def _requests(conn: Connection, number: int = 0) -> list[Request]:
    states = ", ".join(
        f"(SELECT count(*) FROM account_request_row r WHERE r.request_id = q.id "
        f"AND r.state = '{state}')"
        for state in ("asked", "issued", "refused", "counter", "guardian")
    )
    rows = conn.execute(
        text(
            "SELECT q.id, v.code, q.profile, q.payers, q.people, CASE WHEN q.signed_by IS NULL "
            "THEN 'made' ELSE 'signed' END, q.made_by, q.made_at, coalesce(q.signed_by, ''), "
            f"coalesce(q.signed_at, ''), {states} FROM account_request q "
            "JOIN provider v ON v.id = q.provider_id WHERE :i = 0 OR q.id = :i ORDER BY q.id"
        ),
        {"i": number},
    )
    return [Request(*row) for row in rows]


def _one(conn: Connection, number: int) -> Request:
    found = _requests(conn, number)
    if not found:
        raise NotFoundError(
            "account_request", f"Không có đề nghị số {number}; xem `disburse accounts requests`."
        )
    return found[0]


def _people(conn: Connection, number: int) -> tuple[int, bytes, list[int]]:
    maker, digest = conn.execute(
        text("SELECT made_person, rows_digest FROM account_request WHERE id = :i"), {"i": number}
    ).one()
    people = conn.execute(
        text("SELECT person_id FROM account_request_row WHERE request_id = :i ORDER BY n"),
        {"i": number},
    ).scalars()
    return int(maker), bytes(digest), [int(p) for p in people]


# --- the answer ----------------------------------------------------------------------------------


def _columns(layout: AccountProfile) -> ColumnSet:
    return ColumnSet(
        "kết quả mở tài khoản",
        (
            Column("reference", layout.asks["reference"], required=True),
            Column("result", "Kết quả", "choice", True, choices=layout.answers),
            Column("account", "Số tài khoản", "digits"),
            Column("holder", "Tên chủ tài khoản"),
            Column("relation", "Quan hệ của chủ tài khoản", "choice", choices=RELATION),
            Column("consent_on", "Ngày đồng ý", "date"),
            Column("consent", "Văn bản đồng ý"),
            Column("reason", "Lý do"),
        ),
        page="docs/accounts.md",
    )


def import_answer(ctx: Context, path: Path, *, number: int, actor: str) -> Answered:
    """Take a provider's answer to a signed request: all rows or none.

    New accounts become destinations with consent and evidence; those of people who were paid
    otherwise before wait out the cooling-off. Raises RefusedError naming row and column,
    NotFoundError `account_request`, NotNowError `request_unsigned`, NotAllowedError `role`.
    """
    with ctx.cell.read() as conn:
        found = _one(conn, number)
    codes = found.payers.split()
    officer(ctx, actor, PROPOSERS, codes[0] if len(codes) == 1 else "*")
    if found.state != "signed":
        raise NotNowError(
            "request_unsigned", f"Đề nghị số {number} chưa có chữ ký thứ hai nên chưa được gửi."
        )
    given = _read(ctx, path, _profile(ctx, found.profile))
    with ctx.cell.begin() as conn:
        ids.block(conn, "account_request", 1)  # one answer at a time
        body = path.read_bytes()
        _, digest = files.keep_evidence(ctx.settings.files / "evidence", body)
        people = _matched(conn, number, given)
        import_id = kept_file(conn, ctx, "accounts", path.name, digest, len(given), actor)
        names = _issue(conn, ctx, found, given, people, import_id, actor)
        _keep_results(conn, number, import_id, given, people)
        counts = {
            state: sum(row.result == state for row in given)
            for state in ("issued", "refused", "counter", "guardian")
        }
        done = Answered(
            number, len(given), counts["issued"], counts["refused"], counts["counter"],
            counts["guardian"], names["accepted"], names["pending"],
        )  # fmt: skip
        audit(conn, ctx, actor, "accounts.import", str(number), asdict(done))
    return done


def _keep_results(
    conn: Connection,
    number: int,
    import_id: int,
    given: Sequence[_Row],
    people: dict[str, tuple[Any, ...]],
) -> None:
    conn.execute(text("DROP TABLE IF EXISTS work_result"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_result (person_id bigint PRIMARY KEY, state text, "
            "reason text)"
        )
    )
    bulk_insert(
        conn,
        "work_result",
        ("person_id", "state", "reason"),
        [(people[row.reference][0], row.result, row.reason) for row in given],
    )
    conn.execute(
        text(
            "UPDATE account_request_row SET state = w.state, reason = w.reason, import_id = :f "
            "FROM work_result w WHERE account_request_row.request_id = :i "
            "AND account_request_row.person_id = w.person_id"
        ),
        {"f": import_id, "i": number},
    )


def _read(ctx: Context, path: Path, layout: AccountProfile) -> list[_Row]:
    out: list[_Row] = []
    seen: set[str] = set()
    with open_table(path, _columns(layout)) as source:
        reader = CellReader(source.header, today(ctx.clock))
        for chunk in source.chunks:
            for n, cells in chunk.rows():
                row = RowCells(reader, n, cells)
                one = _answer_row(row, n)
                if not row.faults and one.reference in seen:
                    row.fail("reference", "mã tra cứu lặp lại; bỏ dòng trùng.")
                if row.faults:
                    raise first_fault(row)
                seen.add(one.reference)
                out.append(one)
    return out


def _answer_row(row: RowCells, n: int) -> _Row:
    result = row.choice("result", need=True) or ""
    issued = result == "issued"
    consent_on = row.day("consent_on")
    if consent_on is not None and consent_on > row.columns.today:
        row.fail("consent_on", "không phải ngày đã qua; ghi ngày thật, dạng dd/mm/yyyy.")
    if issued and consent_on is None and not row.faults:
        row.fail("consent_on", "ô trống; tài khoản mới phải có ngày người nhận đồng ý.")
    one = _Row(
        n,
        row.text("reference", need=True, longest=20),
        result,
        row.text("account", need=issued, longest=MAX_PAYLOAD).replace(" ", ""),
        row.text("holder", need=issued, longest=200),
        row.choice("relation", "self") or "self",
        consent_on.isoformat() if consent_on else "",
        row.text("consent", need=issued),
        row.text("reason", need=not issued and result != ""),
    )
    if not issued and one.account:
        row.fail("account", "chỉ ghi số tài khoản khi kết quả là đã mở; sửa kết quả.")
    return one


def _matched(conn: Connection, number: int, given: Sequence[_Row]) -> dict[str, tuple[Any, ...]]:
    """Return reference -> (person, payer, name, state) of a request. Raises RefusedError."""
    rows = conn.execute(
        text(
            "SELECT p.reference, p.id, p.payer_id, p.name, r.state FROM account_request_row r "
            "JOIN person p ON p.id = r.person_id WHERE r.request_id = :i"
        ),
        {"i": number},
    )
    known = {str(r[0]): tuple(r[1:]) for r in rows}
    for row in given:
        why = ""
        if row.reference not in known:
            why = f"mã tra cứu không có trong đề nghị số {number}; chọn đúng đề nghị"
        elif known[row.reference][3] == "issued":
            why = "người này đã có kết quả mở tài khoản; bỏ dòng này"
        if why:
            raise RefusedError("row", f"Dòng {row.n}: {why}. Chưa nhận dòng nào.")
    return known


def kept_file(
    conn: Connection, ctx: Context, kind: str, name: str, digest: bytes, rows: int, actor: str
) -> int:
    """Record a file of a kind that is taken; return its number. NotNowError where it was before."""
    twice = conn.execute(
        text("SELECT id FROM import_file WHERE kind = :k AND sha256 = :s"),
        {"k": kind, "s": digest},
    ).scalar()
    if twice is not None:
        raise NotNowError("answer_repeated", f"Tệp {name} đã đọc rồi; không có gì thay đổi.")
    number = ids.block(conn, "import", 1)
    conn.execute(
        text(
            "INSERT INTO import_file (id, kind, sha256, name, rows_read, rows_taken, rows_refused, "
            "imported_at, imported_by) VALUES (:i, :k, :s, :n, :r, :r, 0, :t, :u)"
        ),
        {
            "i": number, "k": kind, "s": digest, "n": name, "r": rows, "t": stamp(ctx.clock),
            "u": actor,
        },
    )  # fmt: skip
    return number


def _issue(
    conn: Connection,
    ctx: Context,
    found: Request,
    given: Sequence[_Row],
    people: dict[str, tuple[Any, ...]],
    import_id: int,
    actor: str,
) -> dict[str, int]:
    """Write the new destinations with their consents, and check the holders' names."""
    _, rail, bic = known_provider(conn, found.provider)
    banks = directory_of(conn, today(ctx.clock))
    code = destination_code(rail, bic, banks)
    issued = [row for row in given if row.result == "issued"]
    last = _last_destinations(conn, found.id)
    usual, own = first_usable(conn, today(ctx.clock))
    first = ids.block(conn, "dest", max(len(issued), 1))
    consent = ids.block(conn, "account_consent", max(len(issued), 1))
    made, consents, asked = [], [], []
    for at, row in enumerate(issued):
        person, payer, name, _ = people[row.reference]
        account = _account(rail, row.account, code, banks)
        if account is None:
            raise RefusedError(
                "row",
                f"Dòng {row.n}, cột Số tài khoản: không phải tài khoản ở {found.provider}; đối "
                "chiếu lại. Chưa nhận dòng nào.",
            )
        version, digest = last.get(person, (0, None))
        usable = own.get(payer, usual) if version else today(ctx.clock).isoformat()
        made.append(
            (
                first + at, person, version + 1, rail, code,
                ctx.keys.encrypt("destination.account", first + at, account),
                ctx.keys.blind("account", f"{code}{account}"), account[-4:], row.holder,
                row.relation, usable, f"accounts:{import_id}", digest,
            )
        )  # fmt: skip
        consents.append(
            (consent + at, person, first + at, row.consent_on, row.consent, actor,
             stamp(ctx.clock))
        )  # fmt: skip
        asked.append(Asked(payer, person, first + at, name, row.holder))
    bulk_insert(
        conn,
        "destination",
        ("id", "person_id", "version", "kind", "bank_code", "account_enc", "account_blind",
         "account_last4", "owner_name", "owner_relation", "usable_from", "source", "digest"),
        made,
    )  # fmt: skip
    bulk_insert(
        conn,
        "account_consent",
        ("id", "person_id", "destination_id", "given_on", "document", "recorded_by",
         "recorded_at"),
        consents,
    )  # fmt: skip
    return check_names(conn, ctx, _payees(conn, asked, made), f"provider:{found.provider}")


def _account(rail: str, given: str, code: str, banks: Directory) -> str | None:
    """Return the account of an answer, also out of a VietQR; None where it is not at `code`."""
    account = given
    if len(given) > MAX_ACCOUNT:
        try:
            qr = read_qr(given)
            if destination_code(rail, qr.bin, banks) != code:
                return None
        except (AdapterError, RefusedError):
            return None
        account = qr.account
    return account if is_account(rail, account) else None


def _payees(
    conn: Connection, asked: Sequence[Asked], made: Sequence[tuple[Any, ...]]
) -> list[Asked]:
    """Name whose account it should be: of a guardian's, the payee of the person's case."""
    relations = {int(row[0]): str(row[9]) for row in made if row[9] != "self"}
    if not relations:
        return list(asked)
    people = ",".join(str(a.person_id) for a in asked if a.destination_id in relations)
    payees = {
        (int(person), str(relation)): str(name)
        for person, relation, name in conn.execute(
            text(
                "SELECT person_id, payee_relation, min(payee_name) FROM benefit_case "
                f"WHERE person_id IN ({people}) GROUP BY person_id, payee_relation"
            )
        )
    }
    return [
        a._replace(ours=payees.get((a.person_id, relations[a.destination_id]), ""))
        if a.destination_id in relations
        else a
        for a in asked
    ]


def _last_destinations(conn: Connection, number: int) -> dict[int, tuple[int, bytes | None]]:
    """Return the newest version of each person's destination, and the digest of the file it had.

    The digest goes on: a register file that says what it said before does not undo the account.
    """
    rows = conn.execute(
        text(
            "SELECT d.person_id, d.version, d.digest FROM account_request_row r "
            "JOIN destination d ON d.person_id = r.person_id WHERE r.request_id = :i "
            "AND d.version = (SELECT max(e.version) FROM destination e "
            "WHERE e.person_id = d.person_id)"
        ),
        {"i": number},
    )
    return {int(p): (int(v), None if d is None else bytes(d)) for p, v, d in rows}
