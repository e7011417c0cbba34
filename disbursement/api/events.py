"""`POST /api/v1/events`: a decision or event of a case, as the command records it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, Field, WithJsonSchema

from disbursement.api import body
from disbursement.api.access import Caller, Ctx, Within
from disbursement.api.idempotency import once
from disbursement.api.schemas import Month, Out
from disbursement.beneficiaries.event_checks import EventIn
from disbursement.beneficiaries.events import record_one
from disbursement.entitlements.dossier import Day, parse_month
from disbursement.entitlements.facts import canonical_clause
from disbursement.platform.errors import NotFoundError
from disbursement.platform.ids import clean_reference

router = APIRouter(prefix="/api/v1", tags=["events"])


def _iso_month(value: object) -> object:
    parse_month(value)
    return value


IsoMonth = Annotated[
    str,
    BeforeValidator(_iso_month),
    WithJsonSchema({"type": "string", "pattern": "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"}),
]


class DecisionIn(body.Model):
    """Number, day and signer of a decision."""

    number: str = Field(min_length=1, max_length=100)
    date: Day
    signer: str = Field(min_length=1, max_length=100)


class EventBody(body.Model):
    """An event. The person by identity number or reference code; no clause: every case.

    What a kind takes beside its day: docs/events.md.
    """

    kind: Literal[
        "grant", "change", "suspend", "resume", "stop", "move_out", "move_in", "death",
        "remarriage", "detention", "prison", "release", "refusal", "renounced", "false_file",
        "uncollected", "withdraw",
    ]  # fmt: skip
    date: Day
    commune: str = Field(pattern=r"^[0-9]{5}$")
    identity: str | None = Field(None, pattern=r"^([0-9]{9}|[0-9]{12})$")
    reference: str | None = Field(None, max_length=20)
    programme: Literal["SA", "SP", "NCC"] | None = None
    clause: str | None = Field(None, max_length=10)
    decision: DecisionIn | None = None
    document: str = Field("", max_length=300)
    from_month: IsoMonth | None = None
    cause: str | None = Field(None, max_length=40)
    reason: str | None = Field(None, max_length=40)
    conditions: str | None = Field(None, max_length=40)
    until: Day | None = None
    months: list[IsoMonth] | None = Field(None, min_length=1, max_length=120)
    facts: dict[str, Any] | None = None
    withdraws: int | None = None


class EventOut(Out):
    """What was recorded; `from_month`: the first month that the next list compares again."""

    id: int
    kind: str
    reference: str
    case_id: int | None
    from_month: Month | None


_MEMBERS = ("from_month", "cause", "reason", "conditions", "months", "facts")


def _given(sent: EventBody) -> EventIn:
    members: dict[str, Any] = {
        name: value for name in _MEMBERS if (value := getattr(sent, name)) is not None
    }
    if sent.until is not None:
        members["until"] = sent.until.isoformat()
    reference = clean_reference(sent.reference) if sent.reference else ""
    if reference is None or bool(reference) == bool(sent.identity):
        raise NotFoundError(
            "event_person",
            "Ghi đúng một trong hai: số định danh hoặc mã hồ sơ của người hưởng.",
            en="Name the person by identity or by reference code, one of the two.",
        )
    decision = sent.decision
    clause = None if sent.clause is None or sent.programme == "NCC" else sent.clause
    return EventIn(
        sent.kind,
        sent.date,
        sent.commune,
        identity=sent.identity or "",
        reference=reference,
        programme=sent.programme,
        clause=None if clause is None else canonical_clause(clause),
        number=decision.number if decision else "",
        decided_on=decision.date if decision else None,
        signer=decision.signer if decision else "",
        document=sent.document,
        members=members,
        withdraws=sent.withdraws,
    )


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{8,128}$"},
}


@router.post(
    "/events",
    response_model=EventOut,
    status_code=201,
    openapi_extra=body.schema(EventBody) | {"parameters": [_KEY]},
)
def record(ctx: Ctx, within: Within, who: Caller, request: Request) -> Response:
    """Record one event: by a preparer, or a connected system, of the commune that decided."""
    del within  # a role that reads nothing records nothing
    sent = body.read(request, EventBody)

    def work() -> tuple[int, dict[str, Any]]:
        report = record_one(ctx, _given(sent), source="api", actor=who.username)
        (done,), month = report.recorded, report.from_month
        found = EventOut(
            id=done.id, kind=done.kind, reference=done.reference, case_id=done.case_id,
            from_month=None if month is None else f"{month // 100}-{month % 100:02d}",
        )  # fmt: skip
        return 201, found.model_dump(mode="json")

    return once(ctx, request, str(who.id), work)
