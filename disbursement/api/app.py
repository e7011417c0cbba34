"""The HTTP application: made from a context, so that tests, the demo and production are one thing.

Plain `def` endpoints in the server's thread pool; the guard outside reads bodies and adds headers.
No pages for trying calls out (they load scripts from elsewhere); the OpenAPI document stays, for
clients, and asks for a token in production.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from disbursement.api import approvals, callbacks, events, explain, problems, routes
from disbursement.api.access import Ctx, caller
from disbursement.api.body import InvalidBodyError, fields_of
from disbursement.api.guard import Guard
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError
from disbursement.status import pages as status_pages
from disbursement.status.pages import Pace
from ledger.sql import text

DESCRIPTION = """Reads runs, lists, batches and payments of the caller's payers; takes signatures.

Errors are RFC 9457 problems with a stable `code`. Bodies are strict JSON: UTF-8, no repeated keys,
whole numbers of at most 64 bits, no unknown members. Every POST that changes something carries an
Idempotency-Key."""


def create_app(ctx: Context, *, pace: Pace | None = None) -> FastAPI:
    """Return the application for one cell; `pace` is the least duration of answers at /status."""
    production = ctx.settings.env == "production"
    app = FastAPI(
        title="disburse",
        version="1",
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = ctx
    app.state.pace = pace or Pace()
    app.add_middleware(Guard, production=production)
    _handlers(app)
    app.include_router(routes.router)
    app.include_router(approvals.router)
    app.include_router(events.router)
    app.include_router(callbacks.router)
    app.include_router(explain.router)
    app.include_router(status_pages.router)
    app.add_api_route("/healthz", health, methods=["GET"], tags=["operate"])
    app.add_api_route(
        "/api/v1/openapi.json",
        app.openapi,
        methods=["GET"],
        include_in_schema=False,
        dependencies=[Depends(caller)] if production else [],
    )
    return app


def health(ctx: Ctx) -> dict[str, str]:
    """Say that the process is up and reaches its book; nothing else (no version, no name)."""
    with ctx.cell.read() as conn:
        conn.execute(text("SELECT 1 FROM payer LIMIT 1"))
    return {"status": "ok"}


def _handlers(app: FastAPI) -> None:
    """Turn every kind of failure into a problem; what is not named here the guard answers (500)."""

    @app.exception_handler(DisburseError)
    def ours(_request: Request, error: DisburseError) -> Response:
        problem = problems.of_error(error)
        if isinstance(error, InvalidBodyError):
            problem["fields"] = error.fields
        headers = {"WWW-Authenticate": "Bearer"} if error.http_status == 401 else {}
        return _problem(problem, headers)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> Response:
        return _problem(problems.of_status(422, fields=fields_of(error.errors())))

    @app.exception_handler(HTTPException)
    def bare(_request: Request, error: HTTPException) -> Response:
        return _problem(problems.of_status(error.status_code), dict(error.headers or {}))

    @app.exception_handler(OperationalError)
    def busy(_request: Request, error: OperationalError) -> Response:
        if not _is_busy(error):
            raise error
        return _problem(problems.of_status(503), {"Retry-After": "5"})


def _is_busy(error: OperationalError) -> bool:
    """Tell a lock or a lost connection, which pass, from a fault of ours."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return "locked" in str(error.orig) or "busy" in str(error.orig)
    return True


def _problem(problem: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(problems.dump(problem), problem["status"], headers, problems.MEDIA_TYPE)
