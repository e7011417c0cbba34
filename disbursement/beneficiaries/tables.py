"""The register: payers and providers, persons, cases, destinations, holds, recorded documents."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint, text

from disbursement.platform.columns import big, key, raw, small, whole, words
from disbursement.platform.database import cell_metadata, shared_metadata

payer = Table(
    "payer",
    cell_metadata,
    key(),
    words("code", unique=True),  # commune code of 2026
    words("name"),
    words("province_code"),
    whole("go_live_month"),
    small("checker_may_second"),
    small("scan_required"),
    words("created_at"),
    whole("opened_through", null=True),  # last month of the opening position; NULL: not opened
)

provider = Table(
    "provider",
    cell_metadata,
    key(),
    words("code", unique=True),
    words("name"),
    words("rail"),  # bank | wallet | mobile_money | post
    words("bic", null=True),
    words("profile"),
)

provider_contract = Table(
    "provider_contract",
    cell_metadata,
    key(),
    big("payer_id"),
    big("provider_id"),
    words("number"),
    words("valid_from"),
    words("valid_to", null=True),
    raw("deposit_account_enc"),
    raw("deposit_account_blind"),
    words("deposit_account_last4"),
    whole("fee_basis_points"),
    whole("pay_day"),
    UniqueConstraint("payer_id", "provider_id", "valid_from"),
    Index("provider_contract_account", "deposit_account_blind"),
)

person = Table(
    "person",
    cell_metadata,
    key(),  # also the ledger's sub_id of the person's SOC unit
    big("payer_id"),
    words("identity_kind"),  # cccd | cmnd | none
    raw("identity_enc", null=True),
    raw("identity_blind", null=True),
    words("identity_last4"),
    words("name"),
    words("name_search"),
    words("birth_from"),
    words("birth_to"),
    words("sex"),
    words("commune_code"),
    words("reference"),
    words("died_on", null=True),
    big("seq"),
    Index("person_identity", "identity_blind", unique=True),
    Index("person_reference", "reference", unique=True),
    Index("person_name", "name_search"),
    Index("person_payer", "payer_id"),
)

benefit_case = Table(
    "benefit_case",
    cell_metadata,
    key(),
    big("person_id"),
    big("payer_id"),
    words("programme"),
    words("clause"),
    words("facts"),  # canonical JSON of the case's facts (entitlements/facts.py)
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    whole("start_month"),
    whole("end_month", null=True),  # last month that is due
    words("end_cause", null=True),
    whole("opening_month", null=True),  # first month that compare looks at
    words("payee_name"),
    words("payee_relation"),
    words("payee_document", null=True),
    raw("row_digest"),
    big("import_id"),
    big("seq"),
    UniqueConstraint("person_id", "programme", "clause", name="one_case"),
    Index("benefit_case_payer", "payer_id"),
)

destination = Table(
    "destination",
    cell_metadata,
    key(),  # a row is never changed: a new account is a new row
    big("person_id"),
    whole("version"),
    words("kind"),  # bank | wallet | mobile_money | cash
    words("bank_code"),  # BIC, or the wallet's or operator's code; '' for cash
    raw("account_enc", null=True),
    raw("account_blind", null=True),
    words("account_last4"),
    words("owner_name"),
    words("owner_relation"),  # self | guardian | carer | spouse | authorised
    words("usable_from"),
    words("source"),
    raw("digest", null=True),  # of kind, code, account and owner: tells whether a file changes it
    UniqueConstraint("person_id", "version"),
    Index("destination_account", "account_blind"),
)

hold = Table(
    "hold",
    cell_metadata,
    key(),
    big("payer_id"),
    big("person_id"),
    words("kind"),  # right | payment
    words("reason"),
    words("detail"),
    words("raised_at"),
    words("raised_by"),
    words("fact_digest"),
    words("resolved_at", null=True),
    words("resolved_by", null=True),
    words("document", null=True),
    Index(
        "hold_open",
        "person_id",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    UniqueConstraint("person_id", "reason", "fact_digest", name="hold_once"),
)

import_file = Table(
    "import_file",
    cell_metadata,
    key(),
    words("kind"),  # register | opening | events | accounts | consents
    raw("sha256"),
    words("name"),
    whole("rows_read"),
    whole("rows_taken"),
    whole("rows_refused"),
    words("imported_at"),
    words("imported_by"),
    UniqueConstraint("kind", "sha256"),
)

opening = Table(
    "opening",
    cell_metadata,
    big("person_id"),
    whole("cover"),
    big("amount_vnd"),  # 0: due and not paid yet
    words("programme"),
    big("import_id"),
    big("journal_id", null=True),
    PrimaryKeyConstraint("person_id", "cover"),
)

death_notice = Table(
    "death_notice",
    cell_metadata,
    big("person_id", pk=True),
    words("died_on"),
    big("import_id"),
    words("recorded_at"),
)

# National registers (beneficiaries/national): dated snapshots of what their files said.
register_snapshot = Table(
    "register_snapshot",
    cell_metadata,
    key(),
    words("profile"),
    words("payer_code"),  # whose people the file covers; '' = the whole cell
    words("as_of"),  # day of which the file speaks
    big("content_id"),  # the snapshot whose rows these are: the same file may speak again
    small("changes"),  # 1: the file held only what changed since the snapshot before
    raw("sha256"),
    words("file_name"),
    whole("rows_read"),
    whole("rows_taken"),
    whole("rows_refused"),
    words("imported_at"),
    words("imported_by"),
    UniqueConstraint("profile", "payer_code", "sha256", "as_of", name="register_snapshot_once"),
)

register_row = Table(
    "register_row",
    cell_metadata,
    big("snapshot_id"),
    whole("n"),
    small("state"),  # 0 good, 1 refused but its number can be read: it is not missing there
    small("active"),  # 0: dead, or no longer on their list
    raw("who_blind", null=True),
    words("last4"),
    words("code"),  # their own key: household, case, file, child; '' = none
    words("name"),
    words("name_search"),
    words("birth_from"),
    words("birth_to"),
    words("sex"),
    words("commune_code"),
    words("died_on", null=True),
    words("left_on", null=True),
    words("facts"),  # the other stored columns, canonical JSON
    PrimaryKeyConstraint("snapshot_id", "n"),
    Index("register_row_who", "snapshot_id", "who_blind"),
)

register_policy = Table(
    "register_policy",
    cell_metadata,
    big("payer_id"),
    words("profile"),
    whole("max_age_days"),
    words("when_old"),  # warn | stop | off
    words("set_by"),
    words("set_at"),
    PrimaryKeyConstraint("payer_id", "profile"),
)

case_change = Table(
    "case_change",
    cell_metadata,
    big("case_id"),
    big("import_id"),  # the import (or, negative, the hold) that changed the case
    words("facts"),  # as they were before
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    whole("start_month"),
    words("payee_name"),
    words("payee_relation"),
    words("payee_document", null=True),
    raw("row_digest"),
    big("seq"),
    words("changed_at"),
    words("changed_by"),
    PrimaryKeyConstraint("case_id", "import_id"),
)

case_event = Table(
    "case_event",
    cell_metadata,
    key(),
    words("kind"),  # docs/events.md
    big("person_id"),
    big("case_id", null=True),  # NULL: reaches every case of the person
    big("payer_id"),  # the commune that decided, or recorded what happened
    words("happened_on"),
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    words("document"),  # what it rests on where there is no decision
    words("payload"),  # JSON: the members of a dossier's event of this kind
    big("withdraws", null=True),  # the event that this one takes back
    raw("digest", unique=True),  # the same event is recorded once
    words("source"),  # officer | import | api
    big("import_id", null=True),
    big("seq"),
    words("recorded_at"),
    words("recorded_by"),
    UniqueConstraint("withdraws", name="event_withdrawn_once"),
    Index("case_event_person", "person_id"),
    Index("case_event_number", "payer_id", "decision_number"),
)

# Staging of an import: filled by 10,000 rows, flipped set-wise, emptied (coins.md 22).
import_stage = Table("import_stage", cell_metadata, big("import_id", pk=True), words("started_at"))

import_row = Table(
    "import_row",
    cell_metadata,
    big("import_id"),
    whole("n"),
    small("state"),  # 0 good, 1 refused by comparison with other rows or the register
    small("known"),  # person: 0 new by this row, 1 on the register, 2 new by an earlier row
    big("person_id"),
    big("case_id"),
    big("destination_id"),
    big("payer_id"),
    raw("who_blind"),
    words("identity_kind"),
    raw("identity_enc", null=True),
    words("identity_last4"),
    raw("unit_key", null=True),
    words("name"),
    words("name_search"),
    words("birth_from"),
    words("birth_to"),
    words("sex"),
    words("commune_code"),
    words("reference"),
    words("programme"),
    words("clause"),
    words("facts"),
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    whole("start_month"),
    whole("end_month", null=True),
    words("end_cause", null=True),
    whole("opening_month", null=True),
    words("payee_name"),
    words("payee_relation"),
    words("payee_document", null=True),
    words("dest_kind"),
    words("bank_code"),
    raw("account_enc", null=True),
    raw("account_blind", null=True),
    words("account_last4"),
    words("owner_name"),
    words("owner_relation"),
    raw("dest_digest"),
    raw("row_digest"),
    PrimaryKeyConstraint("import_id", "n"),
    Index("import_row_who", "import_id", "who_blind", "n"),
)

import_fault = Table(
    "import_fault",
    cell_metadata,
    big("import_id"),
    whole("n"),
    small("k"),
    words("sentence"),
    PrimaryKeyConstraint("import_id", "n", "k"),
)

import_hold = Table(
    "import_hold",
    cell_metadata,
    big("import_id"),
    whole("n"),
    words("kind"),
    words("reason"),
    words("detail"),
    words("fact_digest"),
    PrimaryKeyConstraint("import_id", "n", "reason"),
)

import_span = Table(
    "import_span",
    cell_metadata,
    big("import_id"),
    whole("n"),
    whole("from_month"),
    whole("to_month"),
    big("profile_id"),
    PrimaryKeyConstraint("import_id", "n", "from_month"),
)

import_paid = Table(
    "import_paid",
    cell_metadata,
    big("import_id"),
    whole("n"),
    whole("cover"),
    big("amount_vnd"),
    PrimaryKeyConstraint("import_id", "n", "cover"),
)

import_open = Table(
    "import_open",
    cell_metadata,
    big("import_id"),
    whole("n"),
    small("state"),  # 0 new, 1 refused, 2 known already
    raw("who_blind"),
    words("programme"),  # '' where the file does not say
    big("person_id", null=True),
    PrimaryKeyConstraint("import_id", "n"),
    Index("import_open_who", "import_id", "who_blind"),
)

# The account drive: asking a provider for accounts, what it answered, and whose name they carry.
account_request = Table(
    "account_request",
    cell_metadata,
    key(),
    big("provider_id"),
    words("profile"),  # which fields the provider's template asks for, e.g. account-drive-1/1
    words("payers"),  # codes between spaces; '' = the whole cell
    whole("people"),
    raw("rows_digest"),  # what the second person signs: profile and people, in order
    words("made_by"),
    big("made_person"),
    words("made_at"),
    words("signed_by", null=True),
    big("signed_person", null=True),
    words("signed_at", null=True),
    CheckConstraint("signed_person <> made_person", name="account_request_two_people"),
)

account_request_row = Table(
    "account_request_row",
    cell_metadata,
    big("request_id"),
    whole("n"),
    big("person_id"),
    words("state"),  # asked | issued | refused | counter | guardian
    words("reason"),  # why, in the provider's words
    big("import_id", null=True),
    PrimaryKeyConstraint("request_id", "n"),
    UniqueConstraint("request_id", "person_id"),
    Index("account_request_person", "person_id"),
)

account_consent = Table(
    "account_consent",
    cell_metadata,
    key(),
    big("person_id"),
    big("destination_id"),
    words("given_on"),
    words("document"),
    words("recorded_by"),
    words("recorded_at"),
    UniqueConstraint("destination_id", name="account_consent_once"),
    Index("account_consent_person", "person_id"),
)

# The newest row of a destination counts. States: accepted | pending | refused.
name_check = Table(
    "name_check",
    cell_metadata,
    key(),
    big("payer_id"),
    big("person_id"),
    big("destination_id"),
    words("ours"),  # the payee's name when it was compared
    words("theirs"),  # the holder's as the provider wrote it
    whole("score"),
    words("rules"),  # names of the rules that cost points, between spaces
    whole("threshold"),
    words("source"),
    words("state"),
    words("checked_at"),
    words("decided_by"),  # '' = by the payer's threshold
    words("document"),
    Index("name_check_destination", "destination_id"),
)

# The national directory of banks: dated rows laid over what ships, by two people. In `shared`.
bank_version = Table(
    "bank_version",
    shared_metadata,
    key(),  # the number people use: 1, 2, 3
    words("note"),
    words("file_name"),
    raw("sha256"),
    raw("content"),
    words("proposed_by"),
    big("proposed_person"),
    words("proposed_at"),
)

bank_row = Table(
    "bank_row",
    shared_metadata,
    big("version_id"),
    whole("n"),
    words("kind"),
    words("name_vi"),
    words("short_name"),
    words("vietqr_code"),
    words("bic"),
    words("napas_bin"),
    words("sbv_bank_code_3"),
    words("citad_codes"),
    words("now"),
    words("valid_from"),  # '' = from ever
    words("valid_to"),
    words("confidence"),  # high | medium | low
    words("note"),
    words("source"),
    PrimaryKeyConstraint("version_id", "n"),
)

bank_approval = Table(
    "bank_approval",
    shared_metadata,
    big("version_id", pk=True),
    words("document"),  # what settles it: number and date of the bank's paper
    big("proposed_person"),
    words("approved_by"),
    big("approved_person"),
    words("approved_at"),
    CheckConstraint("approved_person <> proposed_person", name="bank_approval_two_people"),
)
