"""A small commune with a real ledger: payer, bank, contract, four officers, people made by hand.

Every name and number is invented.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from disbursement.entitlements.facts import Birth, Case, case_json, facts_json
from disbursement.entitlements.profiles import Profiler
from disbursement.identity.service import Signer, create_user, unlock
from disbursement.platform import ids
from disbursement.platform.clock import SetClock, stamp
from disbursement.platform.context import Context, open_context
from disbursement.platform.migrate import create_cell
from disbursement.platform.settings import Settings
from ledger import chart, definitions, posting
from ledger.posting import Header

PAYER = "04792"  # a commune of the province, so that files may name it
PROVIDER = "NHTEST"
OFFICERS = {
    "an": ("preparer", "030080000001"),
    "binh": ("checker", "030080000002"),
    "chi": ("second_signer", "030080000003"),
    "dung": ("first_signer", "030080000004"),
}
SECRET = "mat-khau-thu-nghiem-1"
NUMBERS: dict[int, str] = {}
"""The identity number of each person a test has entered last: it fits the birth, all are men."""


@dataclass
class World:
    ctx: Context
    payer_id: int = 0
    provider_id: int = 0
    signers: dict[str, Signer] = field(default_factory=dict)

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.ctx.clock, SetClock)
        return self.ctx.clock

    def one(self, query: str, **params: Any) -> Any:
        with self.ctx.cell.read() as conn:
            return conn.execute(text(query), params).scalar()

    def rows(self, query: str, **params: Any) -> list[tuple[Any, ...]]:
        with self.ctx.cell.read() as conn:
            return [tuple(r) for r in conn.execute(text(query), params)]

    def balance(self, code: str) -> int:
        return int(self.one("SELECT debit - credit FROM account WHERE code = :c", c=code))


def build(home: Path, url: str | None, *, day: date = date(2026, 9, 24)) -> World:
    settings = Settings.model_validate(
        {"home": home, "DATABASE_URL": url, "env": "test", "today": day.isoformat(), "cell": "25"}
    )
    ctx = open_context(settings)
    create_cell(ctx.database, "25", "Phú Thọ", stamp(ctx.clock))
    world = World(ctx)
    for name, (role, number) in OFFICERS.items():
        create_user(ctx, name, f"Cán bộ {name}", number, [role], SECRET)
        world.signers[name] = unlock(ctx, name, SECRET)
    with ctx.cell.begin() as conn:
        _payer(world, conn)
        _signers(world, conn)
    return world


def header(world: World, conn: Connection, kind: str, key: str, **more: Any) -> Header:
    return Header(
        id=posting.allot(conn),
        book=more.pop("book", chart.FINANCIAL),
        payer_id=more.pop("payer_id", None),
        kind=kind,
        idem_key=key,
        month=more.pop("month", 202610),
        effective_date=date(2026, 9, 1),
        recorded_at=stamp(world.ctx.clock),
        evidence=b"\x01" * 32,
        **more,
    )


def _payer(world: World, conn: Connection) -> None:
    world.payer_id = ids.block(conn, "payer", 1)
    world.provider_id = ids.block(conn, "provider", 1)
    conn.execute(
        text(
            "INSERT INTO payer (id, code, name, province_code, go_live_month, checker_may_second, "
            "scan_required, created_at) VALUES (:i, :c, 'Xã Thử', '25', 202610, 0, 0, '')"
        ),
        {"i": world.payer_id, "c": PAYER},
    )
    conn.execute(
        text(
            "INSERT INTO provider (id, code, name, rail, bic, profile) "
            "VALUES (:i, :c, 'Ngân hàng thử', 'bank', 'ICBVVNVX', 'iso-vn-1')"
        ),
        {"i": world.provider_id, "c": PROVIDER},
    )
    conn.execute(  # a month of these tests is made without the population database
        text(
            "INSERT INTO register_policy (payer_id, profile, max_age_days, when_old, set_by, "
            "set_at) VALUES (:i, 'deaths', 15, 'off', 'test', '')"
        ),
        {"i": world.payer_id},
    )
    contract = ids.block(conn, "provider_contract", 1)
    keys = world.ctx.keys
    conn.execute(
        text(
            "INSERT INTO provider_contract (id, payer_id, provider_id, number, valid_from, "
            "valid_to, deposit_account_enc, deposit_account_blind, deposit_account_last4, "
            "fee_basis_points, pay_day) VALUES (:i, :p, :v, 'HD1', '2026-01-01', NULL, :e, :b, "
            "'0001', 50, 5)"
        ),
        {
            "i": contract,
            "p": world.payer_id,
            "v": world.provider_id,
            "e": keys.encrypt("provider_contract.deposit_account", contract, "10000001"),
            "b": keys.blind("account", "ICBVVNVX10000001"),
        },
    )
    accounts = chart.accounts_for(conn, world.payer_id, PAYER, 2026, ["SA", "SP"], [PROVIDER])
    definitions.define_accounts(conn, header(world, conn, "definition", "accounts"), accounts)


def _signers(world: World, conn: Connection) -> None:
    rows = [
        definitions.Signer(
            s.user_id, s.person_id, s._key.public_key().public_bytes_raw(), "2026-01-01T00:00:00Z"
        )
        for s in world.signers.values()
    ]
    definitions.define_signers(conn, header(world, conn, "definition", "signers"), rows)


@dataclass(frozen=True)
class Person:
    """What a test says about a person; the rest is filled in."""

    birth: date
    case: dict[str, Any]
    kind: str = "bank"
    account: str | None = None
    owner_relation: str = "self"
    start: int = 202610
    also: tuple[dict[str, Any], ...] = ()  # further cases of the same person


def add_people(world: World, people: list[Person]) -> list[int]:
    """Enter people with their cases, subs, spans of profiles and destinations."""
    made = []
    with world.ctx.cell.begin() as conn:
        first = ids.block(conn, "sub", len(people))
        subs = []
        for n, person in enumerate(people):
            made.append(first + n)
            _person(world, conn, first + n, person)
            subs.append(
                (first + n, "person", first + n, b"\x07" * 8 + n.to_bytes(8, "big"), "SOC", "state")
            )
        definitions.define_subs(conn, header(world, conn, "definition", f"subs:{first}"), subs)
    return made


def _person(world: World, conn: Connection, person_id: int, person: Person) -> None:
    keys = world.ctx.keys
    century = 2 * (person.birth.year // 100 - 19)
    number = NUMBERS[person_id] = f"031{century}{person.birth:%y}{person_id:06d}"
    conn.execute(
        text(
            "INSERT INTO person (id, payer_id, identity_kind, identity_enc, identity_blind, "
            "identity_last4, name, name_search, birth_from, birth_to, sex, commune_code, "
            "reference, died_on, seq) VALUES (:i, :p, 'cccd', :e, :b, :l, :n, :n, :d, :d, 'male', "
            ":c, :r, NULL, :i)"
        ),
        {
            "i": person_id, "p": world.payer_id,
            "e": keys.encrypt("person.identity", person_id, number),
            "b": keys.blind("identity", number), "l": number[-4:],
            "n": f"Nguyễn Văn Thử {person_id}", "d": person.birth.isoformat(), "c": PAYER,
            "r": ids.new_reference(),
        },
    )  # fmt: skip
    cases = [
        Case(
            **{
                "programme": "SA", "province": "25", "start_month": person.start,
                "decision_date": date(2023, 5, 10), **told,
            }
        )
        for told in (person.case, *person.also)
    ]  # fmt: skip
    for n, case in enumerate(cases):
        _case(world, conn, person_id, case, person_id + n * _FURTHER)
    for span in Profiler(person.start, 202712).spans(cases, Birth.on(person.birth)):
        _span(conn, world, person_id, span)
    _destination(world, conn, person_id, person)


_FURTHER = 10_000_000  # between the ids of the cases of one person


def _case(world: World, conn: Connection, person_id: int, case: Case, case_id: int) -> None:
    conn.execute(
        text(
            "INSERT INTO benefit_case (id, person_id, payer_id, programme, clause, facts, "
            "decision_number, decision_date, decision_signer, start_month, end_month, end_cause, "
            "opening_month, payee_name, payee_relation, payee_document, row_digest, import_id, "
            "seq) VALUES (:i, :who, :p, :g, :c, :f, '1/QD', '2023-05-10', 'CT', :s, NULL, NULL, :s, "
            "'', 'self', NULL, :d, 0, :i)"
        ),
        {
            "i": case_id, "who": person_id, "p": world.payer_id, "g": case.programme, "c": case.clause,
            "f": case_json(case), "s": case.start_month, "d": b"\x00",
        },
    )  # fmt: skip


def _destination(world: World, conn: Connection, person_id: int, person: Person) -> None:
    keys = world.ctx.keys
    dest = ids.block(conn, "dest", 1)
    account = person.account or f"19{person_id:08d}"
    bank = "" if person.kind == "cash" else "BFTVVNVX" if person.kind == "bank" else "MOMO"
    has = person.kind != "cash"
    conn.execute(
        text(
            "INSERT INTO destination (id, person_id, version, kind, bank_code, account_enc, "
            "account_blind, account_last4, owner_name, owner_relation, usable_from, source) "
            "VALUES (:i, :p, 1, :k, :b, :e, :x, :l, :n, :r, '2026-01-01', 'test')"
        ),
        {
            "i": dest, "p": person_id, "k": person.kind, "b": bank,
            "e": keys.encrypt("destination.account", dest, account) if has else None,
            "x": keys.blind("account", bank + account) if has else None,
            "l": account[-4:] if has else "", "n": f"Nguyễn Văn Thử {person_id}",
            "r": person.owner_relation,
        },
    )  # fmt: skip


def _span(conn: Connection, world: World, person_id: int, span: Any) -> None:
    found = conn.execute(
        text("SELECT id FROM profile WHERE digest = :d"), {"d": span.key}
    ).scalar_one_or_none()
    if found is None:
        found = ids.block(conn, "profile", 1)
        conn.execute(
            text("INSERT INTO profile (id, digest, facts) VALUES (:i, :d, :f)"),
            {"i": found, "d": span.key, "f": facts_json(span.facts)},
        )
    conn.execute(
        text(
            "INSERT INTO unit_profile (sub_id, from_month, to_month, payer_id, profile_id) "
            "VALUES (:s, :a, :b, :p, :f)"
        ),
        {"s": person_id, "a": span.from_month, "b": span.to_month, "p": world.payer_id, "f": found},
    )
