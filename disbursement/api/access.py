"""Who calls, and whose payers they may see: default deny (P7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from disbursement.identity import tokens
from disbursement.identity.rules import EVERYWHERE
from disbursement.identity.service import User
from disbursement.identity.tokens import InvalidTokenError
from disbursement.platform.context import Context
from disbursement.platform.errors import NotAllowedError

_bearer = HTTPBearer(auto_error=False, description="`disburse token USER`")


def context(request: Request) -> Context:
    """Return the context the application was made with."""
    found: Context = request.app.state.context
    return found


Ctx = Annotated[Context, Depends(context)]


def caller(
    ctx: Ctx, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> User:
    """Return the user behind the bearer token. Raises InvalidTokenError: 401, one answer."""
    if given is None:
        raise InvalidTokenError
    return tokens.authenticate(ctx, given.credentials)


Caller = Annotated[User, Depends(caller)]


@dataclass(frozen=True)
class Reach:
    """The payers a caller may see; `codes` None means all of the cell."""

    codes: frozenset[str] | None

    def covers(self, payer_code: str) -> bool:
        """Return whether the payer's work may be seen."""
        return self.codes is None or payer_code in self.codes


def reach(who: Caller) -> Reach:
    """Return what the caller may read. Raises NotAllowedError `role` for a role that reads nothing.

    What lies outside is answered as if it did not exist: 404, or an empty page.
    """
    scopes = who.may_read()
    if not scopes:
        raise NotAllowedError(
            "role",
            f"{who.username} không có vai trò được xem các kỳ chi trả.",
            en=f"{who.username} holds no role that may read.",
        )
    return Reach(None if EVERYWHERE in scopes else scopes)


Within = Annotated[Reach, Depends(reach)]
