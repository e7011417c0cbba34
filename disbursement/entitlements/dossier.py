"""The dossier that `explain` reads: people, cases, events, what was paid, what is asked.

Strict JSON (identity/strict_json.py) into closed models: an unknown key, a fraction of a dong, a
fact that the category does not know, a contradiction between dates is refused by name, whole.
Described in docs/dossier.md; the JSON Schema there is made from these models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from disbursement.entitlements import dossier_json
from disbursement.entitlements.dossier_error import DossierError, written
from disbursement.entitlements.facts import Birth
from disbursement.entitlements.spellings import canonical_dossier
from disbursement.platform.clock import show_month

MAX_VND = 10**13
Purpose = Literal["due", "recover", "one_off"]


def parse_day(value: object) -> object:
    """Read `2026-11-03`; anything else is left to the model to refuse."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError("is no day of the calendar") from None
        if not 1900 <= day.year <= 2100:
            raise ValueError("lies outside 1900 to 2100")
        return day
    raise ValueError("must be a day written 2026-11-03")


def parse_month(value: object) -> object:
    """Read `2026-11` as 202611."""
    if isinstance(value, str) and re.fullmatch(r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])", value):
        return int(value[:4]) * 100 + int(value[5:])
    raise ValueError("must be a month written 2026-11")


def parse_birth(value: object) -> object:
    """Keep a day, month or year of birth; a day must be one of the calendar."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError("is no day of the calendar") from None
    return value


_ID = r"^[0-9A-Za-zÀ-ỹ_.-]{1,40}$"
Id = Annotated[str, Field(pattern=_ID)]
Day = Annotated[
    date, BeforeValidator(parse_day), WithJsonSchema({"type": "string", "format": "date"})
]
MONTH_SCHEMA = {"type": "string", "pattern": "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"}
Month = Annotated[int, BeforeValidator(parse_month), WithJsonSchema(MONTH_SCHEMA)]
Vnd = Annotated[int, Field(ge=0, le=MAX_VND)]
Text = Annotated[str, Field(max_length=500)]
Province = Annotated[str, Field(pattern=r"^[0-9]{2}$")]
Commune = Annotated[str, Field(pattern=r"^[0-9]{5}$")]
Facts = dict[str, Any]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Representative(_Model):
    """Who receives for the holder: guardian, carer, authorised person (with term)."""

    person: Id
    role: Literal["guardian", "carer", "authorised", "heir", "organiser"] = "guardian"
    from_day: Day | None = Field(None, alias="from")
    to_day: Day | None = Field(None, alias="to")


class Person(_Model):
    """Somebody, or a body (`body`: true) that organises a funeral. `born` may be a year only."""

    id: Id
    name: Text = ""
    born: Annotated[str | None, BeforeValidator(parse_birth)] = Field(
        None, pattern=r"^(19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
    )
    sex: Literal["M", "F"] | None = None
    guardian: Id | None = None
    representative: Representative | None = None
    body: bool = False
    note: Text = ""

    @property
    def birth(self) -> Birth | None:
        """Return the months in which the person may have been born."""
        if self.born is None:
            return None
        parts = [int(p) for p in self.born.split("-")]
        if len(parts) == 1:
            return Birth.in_year(parts[0])
        return Birth.in_month(parts[0] * 100 + parts[1])


class Household(_Model):
    """The household's status; it counts for every case that does not say its own.

    `members`: whose cases; without them everybody in the dossier.
    """

    status: Literal["poor", "near_poor", "none"]
    decision: Text = ""
    from_day: Day | None = Field(None, alias="from")
    to_day: Day | None = Field(None, alias="to")
    members: list[Id] | None = Field(None, min_length=1, max_length=500)
    note: Text = ""


class Decision(_Model):
    """The decision that grants the case. `first_month` where it names one.

    `kind` move_in: the decision of a new commune, which pays from the month the old one stopped
    (NĐ 335/2026 Art. 8.3), so that no start rule holds its first month back.
    """

    date: Day
    kind: Literal["grant", "move_in"] = "grant"
    number: Text = ""
    signer: Text = ""
    first_month: Month | None = None


class CaseIn(_Model):
    """One case: who holds it, the category and its facts, the decision, where, who receives."""

    id: Id
    holder: Id
    category: Annotated[str, Field(min_length=1, max_length=40)]
    facts: Facts = Field(default_factory=dict)
    decision: Decision | None = None
    on_roll_since: Month | None = None
    commune: Commune | None = None
    province: Province | None = None
    payee: Id | None = None
    note: Text = ""


class _Event(_Model):
    date: Day
    person: Id | None = None
    case: Id | None = None
    number: Text = ""
    signer: Text = ""
    note: Text = ""


class Change(_Event):
    """Facts that change; acts in the month itself unless the right is lost."""

    kind: Literal["change"]
    facts: Facts
    from_month: Month | None = None


class Suspend(_Event):
    """A decision to suspend; acts from the month after unless it names a month."""

    kind: Literal["suspend"]
    reason: Literal["uncollected", "refusal", "detention", "other"] = "other"
    from_month: Month | None = None


class Resume(_Event):
    """The review after a suspension."""

    kind: Literal["resume"]
    conditions: Literal["unchanged", "changed", "not_eligible"] = "unchanged"
    facts: Facts = Field(default_factory=dict)


class Stop(_Event):
    """A stop with its cause; `from_month` is the first month that is not paid."""

    kind: Literal["stop"]
    cause: Literal["death", "lost_eligibility", "prison", "renounced", "false_file", "moved"]
    from_month: Month | None = None


class MoveOut(_Event):
    """The old commune stops; `from_month` is the first month it does not pay."""

    kind: Literal["move_out"]
    from_month: Month | None = None


class MoveIn(_Event):
    """The new commune decides; it pays from the month the old one stopped."""

    kind: Literal["move_in"]
    commune: Commune | None = None
    province: Province | None = None
    from_month: Month | None = None


class Death(_Event):
    """The person died on that day. `heir` receives what is still due to the person."""

    kind: Literal["death"]
    heir: Id | None = None


class Remarriage(_Event):
    """A spouse's or single parent's marriage, on the day of registration."""

    kind: Literal["remarriage"]
    qualifies: bool = False


class Detention(_Event):
    """Detained from that day; `until` where known."""

    kind: Literal["detention"]
    until: Day | None = None


class Prison(_Event):
    """A prison sentence, on the day the judgment takes effect."""

    kind: Literal["prison"]


class Release(_Event):
    """Released from prison or detention."""

    kind: Literal["release"]


class Refusal(_Event):
    """Refuses re-determination or information."""

    kind: Literal["refusal"]


class Renounced(_Event):
    """Refuses the benefit."""

    kind: Literal["renounced"]


class FalseFile(_Event):
    """A conclusion that the file was false, on the day of the conclusion."""

    kind: Literal["false_file"]


class Uncollected(_Event):
    """Months whose money was not collected at the cash desk."""

    kind: Literal["uncollected"]
    months: list[Month] = Field(min_length=1, max_length=120)


class Document(_Event):
    """A document that confirms rates marked as derived (`NCC26`, an instrument or a rate code)."""

    kind: Literal["document"]
    confirms: Annotated[str, Field(min_length=1, max_length=60)]
    amount_vnd: Vnd | None = None


Event = Annotated[
    Change
    | Suspend
    | Resume
    | Stop
    | MoveOut
    | MoveIn
    | Death
    | Remarriage
    | Detention
    | Prison
    | Release
    | Refusal
    | Renounced
    | FalseFile
    | Uncollected
    | Document,
    Field(discriminator="kind"),
]


class Paid(_Model):
    """What was paid for a case and a month before."""

    case: Id
    covers_month: Month
    amount_vnd: Vnd


class Ask(_Model):
    """What is asked. `known_on` is the day by which the law must be in force."""

    months: list[Month] = Field(default_factory=list, max_length=240)
    run_month: Month | None = None
    known_on: Day | None = None
    purpose: Purpose = "due"


class Dossier(_Model):
    """The whole question."""

    title: Text = ""
    note: Text = ""
    people: list[Person] = Field(min_length=1, max_length=500)
    household: Household | None = None
    cases: list[CaseIn] = Field(min_length=1, max_length=500)
    events: list[Event] = Field(default_factory=list, max_length=2000)
    already_paid: list[Paid] = Field(default_factory=list, max_length=5000)
    ask: Ask
    settings: dict[str, str] = Field(default_factory=dict)

    def person(self, person_id: str) -> Person:
        """Return somebody by id; ids are checked when the dossier is read."""
        return next(p for p in self.people if p.id == person_id)

    def household_of(self, person_id: str) -> Household | None:
        """Return the household that counts for somebody, or None."""
        house = self.household
        if house is None or (house.members is not None and person_id not in house.members):
            return None
        return house


_TOLD: Mapping[str, tuple[str, str]] = {
    "missing": ("thiếu mục này", "is missing"),
    "extra_forbidden": ("không có mục tên này", "is not known here"),
    "int_type": ("phải là số nguyên đồng, không dấu", "must be a whole number"),
    "string_type": ("phải là chữ", "must be text"),
    "bool_type": ("phải là true hoặc false", "must be true or false"),
    "list_type": ("phải là danh sách", "must be a list"),
    "dict_type": ("phải là nhóm mục {}", "must be an object"),
    "model_type": ("phải là nhóm mục {}", "must be an object"),
    "greater_than_equal": ("không được âm", "must not be negative"),
    "less_than_equal": ("quá lớn", "is too large"),
    "too_long": ("quá dài", "is too long"),
    "too_short": ("trống", "is empty"),
    "union_tag_not_found": ("thiếu kind (loại sự kiện)", "needs its kind"),
    "string_too_long": ("quá dài", "is too long"),
    "string_too_short": ("trống", "is empty"),
}
_WRITTEN: Mapping[str, tuple[str, str]] = {
    "province": (
        "phải là mã tỉnh gồm 2 chữ số dạng chữ, hoặc tên một tỉnh, thành phố trong danh mục",
        "must be a province's two digits kept as text, or the name of one in the list",
    ),
    "commune": (
        "phải là mã xã gồm 5 chữ số dạng chữ, giữ cả số 0 ở đầu",
        "must be a commune's five digits kept as text",
    ),
    "born": (
        "phải là ngày, tháng hoặc năm sinh, dạng 1991-05-05, 1991-05 hoặc 1991",
        "must be a day, month or year written 1991-05-05, 1991-05 or 1991",
    ),
}
"""How a text of one form is written; every other one is an id."""
_AN_ID = (
    "phải là mã gồm 1 đến 40 chữ, số, dấu chấm hoặc gạch, không có dấu cách",
    "must be an id of 1 to 40 letters, figures, dots or dashes, without spaces",
)


_SAID_VI: Mapping[str, str] = {
    "is no day of the calendar": "không có ngày này trong lịch",
    "lies outside 1900 to 2100": "ngoài khoảng năm 1900 đến 2100",
    "must be a day written 2026-11-03": "phải là ngày dạng 2026-11-03",
    "must be a month written 2026-11": "phải là tháng dạng 2026-11",
}


def _refuse(error: ValidationError) -> DossierError:
    first = error.errors(include_url=False)[0]
    kinds = {"change", "suspend", "resume", "stop", "move_out", "move_in", "death", "remarriage",
             "detention", "prison", "release", "refusal", "renounced", "false_file",
             "uncollected", "document"}  # fmt: skip
    place = [str(p) for p in first["loc"] if p not in kinds]
    where = ".".join(place) or "gốc"
    vi, en = _TOLD.get(first["type"], ("", ""))
    if first["type"] == "string_pattern_mismatch":
        vi, en = _WRITTEN.get(place[-1], _AN_ID)
        if wrong := written(first.get("input")):
            vi, en = f"{vi}; không nhận '{wrong}'", f"{en}; not '{wrong}'"
    if not en:
        said = str(first["msg"]).removeprefix("Value error, ")
        context = first.get("ctx", {})
        allowed = context.get("expected") or context.get("expected_tags")
        vi, en = _SAID_VI.get(said, "giá trị không đúng dạng"), said
        if allowed:
            vi = f"chỉ nhận {str(allowed).replace(' or ', ' hoặc ')}"
            en = f"allowed are {allowed}"
        if wrong := written(context.get("tag", first.get("input"))):
            vi, en = f"{vi}; không nhận '{wrong}'", f"{en}; not '{wrong}'"
    return DossierError(where, vi, en)


def read(data: bytes) -> Dossier:
    """Read a dossier from the bytes of its file.

    Raises DossierError: not strict JSON, longer than 1 MB, or not a dossier.
    """
    value = dossier_json.load(data)
    try:
        found = Dossier.model_validate(canonical_dossier(value))
    except ValidationError as error:
        raise _refuse(error) from None
    _check_ids(found)
    _check_paid(found)
    return found


def _check_ids(dossier: Dossier) -> None:
    """Refuse ids that are used twice or point nowhere."""
    people = [p.id for p in dossier.people]
    cases = [c.id for c in dossier.cases]
    for kind, ids in (("people", people), ("cases", cases)):
        double = next((i for i in ids if ids.count(i) > 1), None)
        if double is not None:
            raise DossierError(kind, f"mã '{double}' dùng hai lần", f"id '{double}' is used twice")
    known = set(people)

    def person(where: str, given: str | None) -> None:
        if given is not None and given not in known:
            raise DossierError(
                where, f"không có người mã '{given}' trong people", f"no person '{given}'"
            )

    for p in dossier.people:
        person(f"people {p.id}.guardian", p.guardian)
        if p.representative:
            person(f"people {p.id}.representative", p.representative.person)
    for member in (dossier.household.members or ()) if dossier.household else ():
        person("household.members", member)
    for c in dossier.cases:
        person(f"cases {c.id}.holder", c.holder)
        person(f"cases {c.id}.payee", c.payee)
    for n, e in enumerate(dossier.events):
        person(f"events.{n}.person", e.person)
        if isinstance(e, Death):
            person(f"events.{n}.heir", e.heir)
        if e.case is not None and e.case not in cases:
            raise DossierError(
                f"events.{n}.case", f"không có hồ sơ mã '{e.case}'", f"no case '{e.case}'"
            )
        if not isinstance(e, Document) and (e.person is None) == (e.case is None):
            raise DossierError(
                f"events.{n}", "cần đúng một trong person, case", "needs one of person, case"
            )


def _check_paid(dossier: Dossier) -> None:
    seen: set[tuple[str, int]] = set()
    cases = {c.id for c in dossier.cases}
    for n, paid in enumerate(dossier.already_paid):
        if paid.case not in cases:
            raise DossierError(
                f"already_paid.{n}", f"không có hồ sơ mã '{paid.case}'", f"no case '{paid.case}'"
            )
        key = (paid.case, paid.covers_month)
        if key in seen:
            raise DossierError(
                f"already_paid.{n}",
                f"tháng {show_month(paid.covers_month)} "
                f"của hồ sơ '{paid.case}' có hai lần; cộng lại",
                f"month {show_month(paid.covers_month)} of case '{paid.case}' appears twice",
            )
        seen.add(key)
    months = dossier.ask.months
    double = next((m for m in months if months.count(m) > 1), None)
    if double is not None:
        raise DossierError(
            "ask.months",
            f"tháng {show_month(double)} có hai lần",
            f"{show_month(double)} appears twice",
        )
