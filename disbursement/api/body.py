"""Bodies: strict JSON into a closed model, or one answer that names the field and not its value."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError

from disbursement.api.guard import BODY
from disbursement.identity import strict_json
from disbursement.platform.errors import RefusedError, UsageError


class Model(BaseModel):
    """Base of every body that comes in: no extra members, no silent conversion (F71, F76)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


ModelT = TypeVar("ModelT", bound=Model)


class MediaTypeError(UsageError):
    """The body is not declared as JSON."""

    http_status = 415


class InvalidBodyError(RefusedError):
    """The body is JSON, but not what this address takes; `fields` says where."""

    def __init__(self, fields: list[dict[str, str]]) -> None:
        super().__init__(
            "invalid",
            "Dữ liệu gửi lên không hợp lệ; xem các trường được nêu.",
            en="The data is not valid; see the fields named.",
        )
        self.fields = fields


def require_json(request: Request) -> None:
    """Raise MediaTypeError unless the body is declared as JSON."""
    media_type = request.headers.get("content-type", "").lower().replace(" ", "")
    if media_type not in ("application/json", "application/json;charset=utf-8"):
        raise MediaTypeError(
            "media_type", "Thân yêu cầu phải là application/json.", en="Send application/json."
        )


def read(request: Request, model: type[ModelT]) -> ModelT:
    """Return the body as `model`.

    Raises MediaTypeError, UsageError `json` (not strict JSON), InvalidBodyError.
    """
    require_json(request)
    try:
        value = strict_json.loads(request.scope[BODY])
    except strict_json.StrictJsonError as error:
        raise UsageError(
            "json",
            "Thân yêu cầu không phải JSON đúng chuẩn: UTF-8, không khóa trùng, chỉ số nguyên.",
            en=f"The body is not strict JSON: {error}.",
        ) from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidBodyError(fields_of(error.errors(include_input=False))) from None


def fields_of(errors: Any) -> list[dict[str, str]]:
    """Say which fields are wrong and which rule they broke; names of ours only, no input.

    A member that we do not know is named by its parent: its name is the caller's text.
    """
    out = []
    for error in list(errors)[:20]:
        place = [str(part) for part in error["loc"]]
        if error["type"] in ("extra_forbidden", "invalid_key"):
            place = place[:-1]
        out.append({"field": ".".join(place), "rule": str(error["type"])})
    return out


def schema(model: type[Model]) -> dict[str, Any]:
    """Return the OpenAPI of a body that `read` takes (the route itself declares none)."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": model.model_json_schema()}},
        }
    }
