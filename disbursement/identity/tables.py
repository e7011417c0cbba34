"""Staff: persons (by identity number), their log-ins, roles and public keys, in `shared`."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from disbursement.platform.columns import big, key, raw, small, words
from disbursement.platform.database import shared_metadata

cell_registry = Table(
    "cell_registry",
    shared_metadata,
    words("code", pk=True),
    words("name_vi"),
    words("created_at"),
)

staff_person = Table(
    "staff_person",
    shared_metadata,
    key(),
    raw("identity_blind", unique=True),
    raw("identity_enc"),
    words("full_name"),
)

app_user = Table(
    "app_user",
    shared_metadata,
    key(),
    words("username", unique=True),
    big("person_id"),
    words("full_name"),
    raw("public_key"),
    small("active"),
    small("demo"),  # 1: its key signs in a demo cell only
    words("created_at"),
)

user_role = Table(
    "user_role",
    shared_metadata,
    big("user_id"),
    words("role"),
    words("scope"),  # a payer's code, or '*' for all payers of the cell
    PrimaryKeyConstraint("user_id", "role", "scope"),
)

staff_event = Table(
    "staff_event",  # who made, changed or stopped which log-in; rows are only added
    shared_metadata,
    key(),
    words("at"),
    words("actor"),
    words("action"),
    words("subject"),
    words("detail"),
)

revoked_token = Table(
    "revoked_token",
    shared_metadata,
    words("jti", pk=True),
    words("revoked_at"),
    words("revoked_by"),
)
