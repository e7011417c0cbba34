"""Runs, lists, batches: what is owed this month, what people sign, what leaves."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint, text

from disbursement.platform.columns import big, key, raw, small, whole, words
from disbursement.platform.database import cell_metadata

run = Table(
    "run",
    cell_metadata,
    key(),
    big("payer_id"),
    whole("month"),
    words("state"),  # open | closed
    words("opened_at"),
    words("closed_at", null=True),
    UniqueConstraint("payer_id", "month"),
)

# States of a list: draft -> prepared -> checked -> second -> released; void; closed.
pay_list = Table(
    "pay_list",
    cell_metadata,
    key(),
    big("run_id"),
    big("payer_id"),
    words("programme"),
    whole("month"),
    whole("number"),
    whole("version"),
    words("state"),
    big("journal_id"),
    words("law_on"),
    words("law_key"),
    big("recorded_by"),
    words("rates_sha256"),
    words("settings_sha256"),
    whole("people"),
    whole("coins"),
    big("minted_vnd"),
    big("cancelled_vnd"),
    big("receivable_vnd"),
    big("restored_vnd"),
    big("assessed_vnd"),
    whole("carried"),
    big("carried_vnd"),
    whole("payments"),
    big("total_vnd"),  # what leaves by all batches of the list
    whole("held_right"),
    big("held_right_vnd"),
    whole("held_payment"),
    big("held_payment_vnd"),
    words("nonce"),
    words("prepared_at"),
    words("expires_at"),
    words("release_on", null=True),
    words("released_at", null=True),
    raw("sheet_sha256", null=True),
    raw("scan_sha256", null=True),
    UniqueConstraint("payer_id", "programme", "month", "number", "version"),
    Index(
        "one_open_list",
        "payer_id",
        "programme",
        unique=True,
        sqlite_where=text("state IN ('draft','prepared','checked','second')"),
        postgresql_where=text("state IN ('draft','prepared','checked','second')"),
    ),
)

list_warning = Table(
    "list_warning",
    cell_metadata,
    big("list_id"),
    words("register"),
    words("state"),  # missing | old
    words("as_of", null=True),  # day of the newest file of the register
    whole("max_age_days"),
    PrimaryKeyConstraint("list_id", "register"),
)

list_hold = Table(
    "list_hold",
    cell_metadata,
    big("list_id"),
    big("person_id"),
    whole("cover"),
    words("kind"),  # right | payment
    words("reason"),
    words("detail"),
    big("amount_vnd"),
    PrimaryKeyConstraint("list_id", "person_id", "cover", "kind", "reason"),
)

# What the checks found when a list was prepared: its hold, or a note that holds nobody.
list_finding = Table(
    "list_finding",
    cell_metadata,
    big("list_id"),
    whole("n"),
    words("rule"),  # data/check_rules.csv
    big("person_id", null=True),  # NULL: of the whole list
    big("hold_id", null=True),  # NULL: a note
    words("state"),  # open | resolved | note, as it was then
    words("detail"),
    words("others"),  # JSON: reference, last four digits and payer of the other people
    PrimaryKeyConstraint("list_id", "n"),
    Index("list_finding_hold", "hold_id"),
)

# Officers' own accounts, so that no list pays one unseen.
officer_account = Table(
    "officer_account",
    cell_metadata,
    key(),
    words("username"),
    words("bank_code"),
    raw("account_enc"),
    raw("account_blind"),
    words("account_last4"),
    words("declared_by"),
    words("declared_at"),
    words("withdrawn_by", null=True),
    words("withdrawn_at", null=True),
    Index("officer_account_blind", "account_blind"),
    Index(
        "officer_account_open",
        "username",
        "account_blind",
        unique=True,
        sqlite_where=text("withdrawn_at IS NULL"),
        postgresql_where=text("withdrawn_at IS NULL"),
    ),
)

# States of a batch: held -> queued -> sending -> sent -> accepted; withdrawn, cancelled, void.
batch = Table(
    "batch",
    cell_metadata,
    key(),
    big("journal_id"),
    big("list_id", null=True),
    big("run_id"),
    big("payer_id"),
    big("provider_id"),
    big("contract_id"),
    words("programme"),
    whole("month"),
    words("purpose"),  # first | retry | cash
    whole("lot"),
    whole("version"),
    words("rail"),  # bank | cash
    words("profile"),
    words("message_id"),
    words("created_text"),
    words("value_date"),
    whole("payments"),
    whole("coins"),
    big("total_vnd"),
    whole("cover_from"),
    whole("cover_to"),
    raw("manifest_root", null=True),
    raw("file_sha256", null=True),
    words("file_name", null=True),
    words("state"),
    words("nonce"),
    words("expires_at"),
    words("released_at", null=True),
    words("sent_at", null=True),
    words("answered_at", null=True),
    UniqueConstraint("message_id"),
    UniqueConstraint("journal_id"),
    Index("batch_run", "run_id"),
)

batch_row = Table(
    "batch_row",
    cell_metadata,
    big("batch_id"),
    whole("n"),
    big("payment_id"),
    big("sub_id"),
    words("end_to_end_id"),
    big("amount_vnd"),
    whole("coins"),
    big("destination_id"),
    words("bank_code"),
    words("name_written"),
    words("text_written"),
    PrimaryKeyConstraint("batch_id", "n"),
    Index("batch_row_payment", "payment_id"),
)

coin_reserved = Table(
    "coin_reserved",
    cell_metadata,
    big("sub_id"),
    whole("cover"),
    small("item"),
    big("batch_id"),
    PrimaryKeyConstraint("sub_id", "cover", "item"),
    Index("coin_reserved_batch", "batch_id"),
)

budget = Table(
    "budget",
    cell_metadata,
    key(),
    big("payer_id"),
    words("programme"),
    words("line"),
    whole("year"),
    words("decision_number"),
    words("decision_date"),
    big("amount_vnd"),
    big("journal_id"),
    UniqueConstraint("payer_id", "line", "year", "decision_number"),
)

draw = Table(
    "draw",
    cell_metadata,
    key(),
    big("list_id"),
    big("payer_id"),
    words("voucher"),
    words("drawn_on"),
    big("amount_vnd"),
    big("carried_vnd"),
    big("journal_id"),
    UniqueConstraint("list_id"),
    UniqueConstraint("payer_id", "voucher"),
)

draw_part = Table(
    "draw_part",
    cell_metadata,
    key(),  # of the same numbers as `draw`
    big("draw_id"),
    big("provider_id"),
    big("amount_vnd"),
    big("carried_vnd"),
    UniqueConstraint("draw_id", "provider_id"),
)

provider_report = Table(
    "provider_report",
    cell_metadata,
    key(),
    big("run_id"),
    big("provider_id"),
    raw("sha256"),
    big("paid_transfer_vnd"),
    big("paid_cash_vnd"),
    big("kept_vnd"),
    big("sent_back_vnd"),
    words("voucher"),
    words("reported_on"),
    UniqueConstraint("run_id", "provider_id"),
)

# What was paid and is not due any more: one row for each receivable of the book (account overpaid).
receivable = Table(
    "receivable",
    cell_metadata,
    key(),
    big("payer_id"),
    big("person_id"),
    words("programme"),
    big("sub_id"),
    whole("cover"),
    small("item"),
    big("amount_vnd"),
    big("due_vnd"),  # what is still due for the month
    big("list_id"),
    big("journal_id"),
    words("opened_at"),
    words("cause"),  # death | stop | change | rate
    words("detail"),  # the day of death, the recorded cause of the stop, what changed
    UniqueConstraint("sub_id", "cover", "item"),
    Index("receivable_payer", "payer_id"),
)

# States: recorded (recover); proposed -> posted, or withdrawn (write_off, restore).
receivable_decision = Table(
    "receivable_decision",
    cell_metadata,
    key(),
    big("payer_id"),
    words("kind"),  # recover | write_off | restore
    words("number"),
    words("decided_on"),
    words("signer"),
    words("reason"),
    big("amount_vnd"),
    big("journal_id", null=True),
    words("state"),
    words("made_by"),
    words("made_at"),
    words("posted_at", null=True),
    Index(
        "receivable_decision_number",
        "payer_id",
        "number",
        unique=True,
        sqlite_where=text("state <> 'withdrawn'"),
        postgresql_where=text("state <> 'withdrawn'"),
    ),
)

receivable_decided = Table(
    "receivable_decided",
    cell_metadata,
    big("decision_id"),
    big("receivable_id"),
    big("amount_vnd"),
    PrimaryKeyConstraint("decision_id", "receivable_id"),
    Index("receivable_decided_receivable", "receivable_id"),
)

repayment = Table(
    "repayment",
    cell_metadata,
    key(),
    big("payer_id"),
    big("person_id"),
    words("voucher"),
    words("paid_on"),
    big("amount_vnd"),
    big("journal_id"),
    words("recorded_by"),
    words("recorded_at"),
    UniqueConstraint("payer_id", "voucher"),
)
