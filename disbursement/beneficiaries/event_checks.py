"""What may be recorded about a person and its cases: pure, one sentence for every refusal.

A decision or event is checked against the person as the register and the events before it have
it; the month rules themselves are timeline.Fold's. Kinds and columns: docs/events.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from pydantic import ValidationError

from disbursement.entitlements import dossier as d
from disbursement.entitlements.dossier import parse_month
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.dossier_facts import typed
from disbursement.entitlements.facts import Birth, Case, case_json, last_month, rule_start
from disbursement.entitlements.histories import (
    Grant,
    Placed,
    folded,
    history,
    read_event,
    residence,
)
from disbursement.entitlements.merit_bulk import LINE, REACHING
from disbursement.entitlements.store import Recorded
from disbursement.platform.clock import add_months, month_of, show_month
from disbursement.platform.errors import RefusedError
from disbursement.programmes.catalogue import fixed_categories

MERIT_KINDS = (*REACHING, "move_out", "move_in")
"""Kinds recorded of a person that count for monthly merits, with or without another case."""
CHANGEABLE = frozenset(
    {"degree", "children", "studying", "household", "carer", "difficult_area", "income",
     "written_request", "in_facility", "merit_allowance"}
)  # fmt: skip
"""Facts that an event may change; the others stand in the register's row."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event: its Vietnamese name, and what must be so.

    `decision`: a decision with number, date and signer is needed, else a document will do.
    `living`: refused after the person's death. `running`: a case must be in force.
    """

    name: str
    decision: bool = True
    living: bool = True
    running: bool = True


KINDS: Mapping[str, Kind] = {
    "grant": Kind("hưởng mới", running=False),
    "change": Kind("điều chỉnh"),
    "suspend": Kind("tạm dừng"),
    "resume": Kind("hưởng lại"),
    "stop": Kind("thôi hưởng", living=False),
    "move_out": Kind("chuyển đi"),
    "move_in": Kind("chuyển đến", running=False),
    "death": Kind("chết", decision=False, living=False, running=False),
    "remarriage": Kind("kết hôn", decision=False),
    "detention": Kind("tạm giam", decision=False),
    "prison": Kind("chấp hành án phạt tù", decision=False),
    "release": Kind("được thả", decision=False),
    "refusal": Kind("từ chối xác định lại", decision=False),
    "renounced": Kind("từ chối nhận", decision=False),
    "false_file": Kind("hồ sơ không đúng", decision=False),
    "uncollected": Kind("không nhận tiền", decision=False, living=False),
    "withdraw": Kind("thu hồi", decision=False, living=False, running=False),
}


@dataclass(frozen=True)
class EventIn:
    """An event as somebody tells it; `n` is its row in a file (1 where it comes alone).

    `identity` or `reference` names the person; `programme` and `clause` a case, None: every one.
    `members` are those of a dossier's event of this kind (docs/dossier.md).
    """

    kind: str
    day: date
    commune: str
    n: int = 1
    identity: str = ""
    reference: str = ""
    programme: str | None = None
    clause: str | None = None
    number: str = ""
    decided_on: date | None = None
    signer: str = ""
    document: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    withdraws: int | None = None


@dataclass
class CaseState:
    """A case as granted, the commune that granted it."""

    id: int
    programme: str
    clause: str
    case: Case
    commune: str
    go_live: int


@dataclass
class PersonState:
    """A person with cases and events; `home` is who pays, by the register."""

    id: int
    home: str
    birth: Birth
    born: date
    died_on: date | None
    cases: list[CaseState] = field(default_factory=list)
    told: list[Recorded] = field(default_factory=list)
    digests: dict[bytes, int] = field(default_factory=dict)  # of the events that count
    gone: set[bytes] = field(default_factory=set)  # of those withdrawn
    fixed: set[int] = field(default_factory=set)  # events that cannot be withdrawn
    merits: bool = False  # draws monthly allowances for meritorious service here

    def rows(self) -> list[Placed]:
        """Return the rows of every case."""
        return [p for c in self.cases for p in self.rows_of(c)]

    def rows_of(self, case: CaseState, told: Sequence[Recorded] | None = None) -> list[Placed]:
        """Return the rows of one case with the events known (or those given)."""
        events = self.told if told is None else told
        mine = [t.event for t in events if t.case_id in (None, case.id)]
        return history(case.case, case.commune, mine)


@dataclass(frozen=True)
class Accepted:
    """An event that may be recorded: of which case, and what its payload says."""

    given: EventIn
    person: PersonState
    case_id: int | None
    payload: str
    digest: bytes
    event: d.Event | Grant | None
    new_case: CaseState | None = None


class EventError(RefusedError):
    """The event is refused; nothing of it is recorded."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, f"{sentence[:1].upper()}{sentence[1:]}")


def digest_of(person: int, case_id: int | None, kind: str, day: str, payload: str) -> bytes:
    """Return the 16 bytes under which the same event is recognised."""
    parts = [person, case_id or 0, kind, day, payload]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).digest()


def _fresh(person: PersonState, digest: bytes) -> bytes:
    """Return the digest of an event that is recorded again after it was withdrawn."""
    while digest in person.gone:
        digest = hashlib.blake2b(digest, digest_size=16).digest()
    return digest


def check_paper(given: EventIn, today: date) -> None:
    """Check what needs no person: kind, days, decision or document. Raises EventError."""
    kind = KINDS.get(given.kind)
    if kind is None:
        raise EventError(
            "event_kind", f"không có loại sự kiện '{given.kind[:40]}'; chọn: {', '.join(KINDS)}."
        )
    if given.day > today:
        raise EventError(
            "event_future", f"ngày sự kiện {given.day:%d/%m/%Y} ở tương lai; ghi khi đã xảy ra."
        )
    if given.decided_on is not None and given.decided_on > today:
        raise EventError(
            "decision_future", f"ngày quyết định {given.decided_on:%d/%m/%Y} ở tương lai; sửa lại."
        )
    whole = bool(given.number and given.decided_on and given.signer)
    if kind.decision and not whole:
        raise EventError(
            "decision_missing", f"'{kind.name}' cần đủ số, ngày và người ký quyết định; ghi vào."
        )
    if not whole and (given.number or given.decided_on or given.signer):
        raise EventError(
            "decision_missing", "quyết định thiếu số, ngày hoặc người ký; ghi đủ hoặc bỏ trống cả."
        )
    if not whole and not given.document:
        raise EventError(
            "document_missing", f"'{kind.name}' cần quyết định hoặc văn bản làm căn cứ; ghi vào."
        )


def accept(given: EventIn, person: PersonState, province: str, new_id: int) -> Accepted:
    """Return the event as it would be recorded. Raises EventError, which says what is wrong.

    `new_id` is the id that a case made by a grant would get. Changes nothing.
    """
    if given.kind == "withdraw":
        return _withdraw(given, person)
    kind = KINDS[given.kind]
    _of_merit(given, person)
    _alive(given, person, kind)
    _held_here(given, person)
    if given.kind == "grant":
        return _grant(given, person, province, new_id)
    cases = list(_reached(given, person))
    case_id = cases[0].id if given.clause or (given.kind == "change") else None
    members = dict(given.members)
    if given.kind == "move_in":
        members["commune"] = given.commune
    payload = json.dumps(members, sort_keys=True, ensure_ascii=False)
    event = _event(given, members)
    if isinstance(event, d.Change):
        _facts(cases[0], event.facts)
    day = given.day.isoformat()
    digest = _fresh(person, digest_of(person.id, case_id, given.kind, day, payload))
    if digest in person.digests:
        raise EventError(
            "event_twice",
            f"'{kind.name}' ngày {given.day:%d/%m/%Y} của người này đã ghi rồi; bỏ dòng này.",
        )
    _in_order(given, person, cases, event, kind)
    found = Recorded(2**62, case_id, given.kind, given.commune, event)
    _follows(given, person, cases, found)
    return Accepted(given, person, case_id, payload, digest, event)


def learn(person: PersonState, done: Accepted, event_id: int) -> None:
    """Let a person's state know an event that was accepted, so that the next sees it."""
    given = done.given
    if given.kind == "withdraw":
        person.told = [t for t in person.told if t.id != given.withdraws]
        person.gone |= {digest for digest, n in person.digests.items() if n == given.withdraws}
        person.digests = {x: n for x, n in person.digests.items() if x not in person.gone}
    if done.new_case is not None:
        person.cases.append(done.new_case)
        person.fixed.add(event_id)
    elif done.event is not None:
        person.told.append(Recorded(event_id, done.case_id, given.kind, given.commune, done.event))
        person.told.sort(key=lambda t: (t.event.date, t.id))
    person.digests[done.digest] = event_id
    person.died_on = next((t.event.date for t in person.told if t.kind == "death"), None)
    if person.cases:
        person.home = residence(person.rows())[-1][1]
    elif given.kind == "move_in":  # a file of merits that moves with its person
        person.home = given.commune


# --- one check each ------------------------------------------------------------------------------


def _of_merit(given: EventIn, person: PersonState) -> None:
    """Refuse for meritorious service what is told by its own list, or of who has none."""
    if given.programme == LINE and not (person.merits and given.kind in MERIT_KINDS):
        names = ", ".join(KINDS[k].name for k in MERIT_KINDS)
        raise EventError(
            "event_programme",
            f"ưu đãi người có công: ở đây chỉ ghi {names} của người có khoản hằng tháng trong sổ; "
            "thay đổi khác nhập bằng danh sách (`disburse programme import NCC`).",
        )


def _alive(given: EventIn, person: PersonState, kind: Kind) -> None:
    if given.day < person.born:
        raise EventError(
            "event_before_birth",
            f"ngày sự kiện {given.day:%d/%m/%Y} trước khi người này sinh ra; sửa lại.",
        )
    died = person.died_on
    if died is None:
        later = [t for t in person.told if KINDS[t.kind].living and t.event.date > given.day]
        if given.kind == "death" and later:
            first = later[0]
            raise EventError(
                "event_after_death",
                f"đã ghi '{KINDS[first.kind].name}' ngày {first.event.date:%d/%m/%Y} (sự kiện "
                f"số {first.id}), sau ngày chết {given.day:%d/%m/%Y}: thu hồi sự kiện đó trước.",
            )
        return
    if given.kind == "death":
        raise EventError("event_dead", f"đã ghi người này chết ngày {died:%d/%m/%Y}; bỏ dòng này.")
    if kind.living and given.day > died:
        raise EventError(
            "event_after_death",
            f"'{kind.name}' ngày {given.day:%d/%m/%Y} sau ngày chết {died:%d/%m/%Y}; sửa lại.",
        )


def _held_here(given: EventIn, person: PersonState) -> None:
    """Refuse a decision of a commune that does not hold the case."""
    if given.kind == "move_in":
        if given.commune == person.home:
            raise EventError(
                "event_commune",
                f"xã {given.commune} đang giữ hồ sơ của người này: quyết định chuyển đến phải của "
                "xã mới; sửa mã xã.",
            )
    elif given.commune != person.home:
        raise EventError(
            "event_commune",
            f"hồ sơ của người này do xã {person.home} giữ, không phải xã {given.commune}: quyết "
            "định phải của xã đang giữ hồ sơ; sửa lại.",
        )


def _reached(given: EventIn, person: PersonState) -> Iterator[CaseState]:
    """Yield the cases an event is about. Raises EventError where there is none, or not one."""
    found = [
        c
        for c in person.cases
        if given.clause in (None, c.clause) and given.programme in (None, c.programme)
    ]
    if not found and person.merits and given.kind in MERIT_KINDS and given.clause is None:
        return
    if not found:
        raise EventError(
            "event_case",
            f"người này không có hồ sơ {given.programme or ''} {given.clause or ''} trong sổ; sửa "
            "chương trình, diện hưởng.",
        )
    if given.kind in ("move_out", "move_in") and given.clause is not None:
        raise EventError(
            "event_case",
            "chuyển nơi cư trú là của cả người, không của một hồ sơ; bỏ trống diện hưởng.",
        )
    if given.kind == "change" and len(found) > 1:
        clauses = ", ".join(c.clause for c in found)
        raise EventError(
            "event_case",
            f"người này có nhiều hồ sơ ({clauses}); ghi rõ diện hưởng được điều chỉnh.",
        )
    yield from found


def _event(given: EventIn, members: Mapping[str, Any]) -> d.Event:
    try:
        event = read_event(given.kind, given.day.isoformat(), members, given.commune)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"] if p != given.kind) or "nội dung"
        raise EventError(
            "event_members",
            f"'{KINDS[given.kind].name}': mục {where} không đúng hoặc không dùng cho loại này; xem "
            "docs/events.md.",
        ) from None
    if isinstance(event, Grant):  # pragma: no cover - a grant is read by _grant
        raise EventError("event_kind", "hưởng mới được ghi riêng.")
    return event


def _facts(case: CaseState, facts: Mapping[str, Any]) -> None:
    """Check the facts that change: known to the clause, and of those that may."""
    fixed = sorted(set(facts) - CHANGEABLE)
    if fixed:
        raise EventError(
            "event_facts",
            f"'{fixed[0][:40]}' không đổi bằng sự kiện; sửa trong danh sách rồi nhập lại.",
        )
    try:
        typed(fixed_categories()[case.clause], facts, case.clause, ())
    except DossierError as error:
        raise EventError("event_facts", f"diện {case.clause}: {error.what_vi}.") from error
    if not facts:
        raise EventError("event_facts", "điều chỉnh mà không ghi thông tin nào đổi; ghi vào.")


def _in_order(
    given: EventIn, person: PersonState, cases: Sequence[CaseState], event: d.Event, kind: Kind
) -> None:
    """Refuse what cannot have happened yet, or any more."""
    if isinstance(event, d.Release) and not any(
        t.kind in ("detention", "prison") and t.event.date <= given.day for t in person.told
    ):
        raise EventError("event_order", "được thả mà trước đó không ghi tạm giam; ghi tạm giam.")
    if not cases:
        return  # merits alone: their own rows say from when they are drawn
    starts = [c.case.decision_date for c in cases]
    if given.kind not in ("move_out", "move_in"):
        starts = [min(_day(c.case.start_month), c.case.decision_date) for c in cases]
    if given.kind != "death" and given.day < min(starts):
        raise EventError(
            "event_order",
            f"'{kind.name}' ngày {given.day:%d/%m/%Y} trước khi hưởng từ "
            f"{min(starts):%d/%m/%Y}; sửa ngày.",
        )
    ends = [last_month(person.rows_of(c)[-1].case) for c in cases]
    last = None if any(e is None for e in ends) else max(e for e in ends if e is not None)
    if kind.running and last is not None and last < month_of(given.day):
        raise EventError(
            "event_order",
            f"hồ sơ đã thôi hưởng sau tháng {show_month(last)}: '{kind.name}' ngày "
            f"{given.day:%d/%m/%Y} không còn hồ sơ để áp dụng; sửa lại.",
        )


def _follows(
    given: EventIn, person: PersonState, cases: Sequence[CaseState], found: Recorded
) -> None:
    """Fold the event with the others: what cannot follow, and two communes in one month."""
    told = sorted([*person.told, found], key=lambda t: (t.event.date, t.id))
    if (
        given.kind == "stop"
        and cases
        and all(
            last_month(person.rows_of(c)[-1].case) is not None
            and _same(person.rows_of(c, told), person.rows_of(c))
            for c in cases
        )
    ):
        raise EventError(
            "event_order",
            "hồ sơ đã ghi thôi hưởng từ trước, quyết định này không đổi tháng nào; bỏ dòng này, "
            "hoặc thu hồi sự kiện đã ghi rồi ghi lại.",
        )
    for case in cases:
        if isinstance(found.event, d.MoveIn):
            _no_overlap(person, case, found.event)
        try:
            rows = person.rows_of(case, told)
        except DossierError as error:
            raise EventError(
                "event_order", f"'{KINDS[given.kind].name}': {error.what_vi}."
            ) from error
        before = person.rows_of(case)
        if given.kind in ("suspend", "refusal") and _same(rows, before):
            raise EventError(
                "event_order",
                f"hồ sơ {case.clause} đang tạm dừng rồi, hoặc đã thôi hưởng; bỏ dòng này.",
            )


def _same(rows: Sequence[Placed], before: Sequence[Placed]) -> bool:
    return [r.case for r in rows] == [r.case for r in before]


def _no_overlap(person: PersonState, case: CaseState, event: d.MoveIn) -> None:
    """Refuse a month paid by two communes, or by none, between the old and the new one."""
    mine = [
        t.event
        for t in person.told
        if t.case_id in (None, case.id) and not isinstance(t.event, Grant)
    ]
    place = folded(case.case, mine).places[-1]
    if event.from_month is None or place.last is None:
        return
    first = add_months(place.last, 1)
    if event.from_month < first:
        raise EventError(
            "two_communes",
            f"xã cũ còn trả đến hết tháng {show_month(place.last)}: hai xã cùng trả tháng "
            f"{show_month(event.from_month)}; ghi từ tháng {show_month(first)}.",
        )
    if event.from_month > first:
        raise EventError(
            "move_gap",
            f"xã cũ thôi trả từ tháng {show_month(first)}, xã mới trả từ tháng đó (NĐ "
            f"335/2026/NĐ-CP Điều 8 khoản 3); ghi từ tháng {show_month(first)}.",
        )


def _day(month: int) -> date:
    return date(month // 100, month % 100, 1)


def _withdraw(given: EventIn, person: PersonState) -> Accepted:
    """Take an event back: a mistake of the record, by a document."""
    if given.withdraws in person.fixed:
        raise EventError(
            "withdraw",
            "quyết định này đã lập hồ sơ: không thu hồi được, ghi thôi hưởng (hồ sơ không đúng).",
        )
    if given.withdraws not in {t.id for t in person.told}:
        raise EventError(
            "withdraw",
            "không có sự kiện số này đang có hiệu lực của người này; xem `disburse event list`.",
        )
    left = [t for t in person.told if t.id != given.withdraws]
    for case in person.cases:
        try:
            person.rows_of(case, left)
        except DossierError as error:
            raise EventError(
                "withdraw", f"sự kiện sau dựa vào sự kiện này ({error.what_vi}); thu hồi nó trước."
            ) from error
    payload = json.dumps({"event": given.withdraws})
    digest = digest_of(person.id, None, "withdraw", given.day.isoformat(), payload)
    return Accepted(given, person, None, payload, digest, None)


def _grant(given: EventIn, person: PersonState, province: str, new_id: int) -> Accepted:
    """Read a grant: a case the person did not have, or one that had ended."""
    case = _granted_case(given, person, province)
    known = next(
        (c for c in person.cases if (c.programme, c.clause) == (case.programme, case.clause)), None
    )
    members: dict[str, Any] = {"case": case_json(case)}
    event = Grant(given.day, case, given.commune)
    if known is not None:
        rows = person.rows_of(known)
        last = last_month(rows[-1].case)
        if last is None or last >= case.start_month:
            until = "chưa thôi hưởng" if last is None else f"còn hưởng đến tháng {show_month(last)}"
            raise EventError(
                "event_twice",
                f"người này đã có hồ sơ {case.clause}, {until}; không cần quyết định hưởng mới.",
            )
        if any(t.event.date > given.day and t.case_id in (None, known.id) for t in person.told):
            raise EventError(
                "event_order", "sau ngày quyết định này đã ghi sự kiện khác; ghi theo thứ tự ngày."
            )
        go_live, case_id, new = known.go_live, known.id, None
    else:
        go_live = max((c.go_live for c in person.cases), default=0)
        case_id = new_id
        members["creates"] = True
        new = CaseState(new_id, case.programme, case.clause, case, given.commune, go_live)
    if case.start_month < go_live:
        raise EventError(
            "grant_before_go_live",
            f"hưởng từ tháng {show_month(case.start_month)}, trước tháng vận hành "
            f"{show_month(go_live)}: nhập bằng danh sách, kèm số đã trả.",
        )
    payload = json.dumps(members, sort_keys=True, ensure_ascii=False)
    digest = digest_of(person.id, case_id if new is None else None, "grant",
                       given.day.isoformat(), payload)  # fmt: skip
    return Accepted(given, person, case_id, payload, digest, event, new)


def _granted_case(given: EventIn, person: PersonState, province: str) -> Case:
    if given.clause is None or given.decided_on is None:
        raise EventError("event_case", "quyết định hưởng mới phải ghi diện hưởng; ghi vào.")
    if given.day != given.decided_on:
        raise EventError("event_order", "ngày của hưởng mới là ngày quyết định; ghi cùng một ngày.")
    members = dict(given.members)
    facts, first = dict(members.pop("facts", {})), members.pop("from_month", None)
    if members:
        raise EventError("event_members", f"hưởng mới không dùng mục '{min(members)[:40]}'; bỏ đi.")
    category = fixed_categories()[given.clause]
    try:
        known = typed(category, facts, given.clause, ())
        start = month_of(given.decided_on) if first is None else int(str(parse_month(first)))
    except DossierError as error:
        raise EventError("event_facts", f"diện {given.clause}: {error.what_vi}.") from error
    except ValueError:
        raise EventError("event_members", "tháng hưởng không đúng; ghi dạng 2026-11.") from None
    unknown = sorted(set(known) - set(Case.__dataclass_fields__))
    if unknown:
        raise EventError("event_facts", f"'{unknown[0]}' chưa dùng được trong sổ của tỉnh; bỏ đi.")
    values: dict[str, Any] = {
        **known, "programme": category.programme, "clause": given.clause, "province": province,
        "start_month": start, "decision_date": given.decided_on, "decision_number": given.number,
        "decision_signer": given.signer,
    }  # fmt: skip
    try:
        case = Case(**values)
    except RefusedError as error:
        raise EventError("event_facts", error.sentence) from error
    rule = rule_start(case, person.birth)
    return case if first is not None or rule is None else replace(case, start_month=rule)
