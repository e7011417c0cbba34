"""Reading: runs, lists, batches, payments. Plain functions, one consistent read each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from disbursement.api import queries
from disbursement.api.access import Ctx, Within
from disbursement.api.schemas import (
    BatchOut,
    BatchQuery,
    Id,
    ListDetail,
    ListOut,
    ListQuery,
    Page,
    PaymentDetail,
    PaymentOut,
    PaymentQuery,
    ReceivableOut,
    ReceivableQuery,
    RunOut,
    RunQuery,
)

router = APIRouter(prefix="/api/v1", tags=["read"])

PathId = Annotated[Id, Path()]


@router.get("/runs", response_model=Page[RunOut])
def runs(ctx: Ctx, within: Within, query: Annotated[RunQuery, Query()]) -> Any:
    """Return the runs of the caller's payers, oldest first."""
    with ctx.cell.read() as conn:
        return queries.runs(
            conn, within, after=query.after, limit=query.limit, month=query.month, payer=query.payer
        )


@router.get("/lists", response_model=Page[ListOut])
def lists(ctx: Ctx, within: Within, query: Annotated[ListQuery, Query()]) -> Any:
    """Return the lists of the caller's payers, oldest first."""
    with ctx.cell.read() as conn:
        return queries.lists(
            conn,
            within,
            after=query.after,
            limit=query.limit,
            month=query.month,
            payer=query.payer,
            run=query.run,
        )


@router.get("/lists/{list_id}", response_model=ListDetail)
def list_detail(ctx: Ctx, within: Within, list_id: PathId) -> Any:
    """Return one list with its signatures and batches."""
    with ctx.cell.read() as conn:
        return queries.list_detail(conn, within, list_id)


@router.get("/batches", response_model=Page[BatchOut])
def batches(ctx: Ctx, within: Within, query: Annotated[BatchQuery, Query()]) -> Any:
    """Return the batches of the caller's payers, oldest first."""
    with ctx.cell.read() as conn:
        return queries.batches(
            conn,
            within,
            after=query.after,
            limit=query.limit,
            month=query.month,
            payer=query.payer,
            list_id=query.list,
        )


@router.get("/batches/{batch_id}", response_model=BatchOut)
def batch_detail(ctx: Ctx, within: Within, batch_id: PathId) -> Any:
    """Return one batch."""
    with ctx.cell.read() as conn:
        return queries.batch_detail(conn, within, batch_id)


@router.get("/payments", response_model=Page[PaymentOut])
def payments(ctx: Ctx, within: Within, query: Annotated[PaymentQuery, Query()]) -> Any:
    """Return the payments of one list, each with its state."""
    with ctx.cell.read() as conn:
        return queries.payments(
            conn, within, after=query.after, limit=query.limit, list_id=query.list
        )


@router.get("/payments/{payment_id}", response_model=PaymentDetail)
def payment_detail(ctx: Ctx, within: Within, payment_id: PathId) -> Any:
    """Return one payment with every attempt and what was said about it."""
    with ctx.cell.read() as conn:
        return queries.payment_detail(conn, within, payment_id)


@router.get("/receivables", response_model=Page[ReceivableOut])
def receivables(ctx: Ctx, within: Within, query: Annotated[ReceivableQuery, Query()]) -> Any:
    """Return overpayments of the caller's payers that wait for a decision, or had one."""
    with ctx.cell.read() as conn:
        return queries.receivables(
            conn, within, after=query.after, limit=query.limit, payer=query.payer
        )
