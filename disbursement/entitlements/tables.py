"""What is due: profiles of facts, who has which when, and the assessed amounts."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint

from disbursement.platform.columns import big, key, raw, whole, words
from disbursement.platform.database import cell_metadata

profile = Table("profile", cell_metadata, key(), raw("digest", unique=True), words("facts"))

unit_profile = Table(
    "unit_profile",
    cell_metadata,
    big("sub_id"),
    whole("from_month"),
    whole("to_month"),
    big("payer_id"),
    big("profile_id"),
    PrimaryKeyConstraint("sub_id", "from_month"),
    Index("unit_profile_payer", "payer_id"),
)

due = Table(
    "due",
    cell_metadata,
    big("profile_id"),
    whole("month"),
    words("law_key"),  # rate set and the latest instrument in force: platform of one assessment
    big("total_vnd"),
    words("programme"),  # whose list carries it; '' where nothing is due
    big("most_vnd"),  # what it could be if every hold were resolved in the person's favour
    words("hold_reason"),  # '' or the code of the first hold (a missing re-rating apart)
    big("held_vnd"),
    words("reason"),  # JSON: lines with coefficient, base, citation, words; holds; reasons
    PrimaryKeyConstraint("profile_id", "month", "law_key"),
)

dirty = Table(
    "dirty",
    cell_metadata,
    big("sub_id", pk=True),
    whole("from_month"),
    words("why"),
    big("seq"),  # the change that marked it: a list takes away only what it was prepared after
)

rerating = Table(
    "rerating",
    cell_metadata,
    key(),
    big("payer_id"),
    words("instrument"),
    whole("first_month"),
    whole("last_month"),
    whole("people"),
    big("amount_vnd"),
    words("proposed_at"),
    words("decision_number", null=True),
    words("decision_date", null=True),
    words("decision_signer", null=True),
    words("recorded_by", null=True),
    words("recorded_at", null=True),
    UniqueConstraint("payer_id", "instrument"),
)

# What can be owed once by a list programme: a person (and part of a decision), a household.
list_unit = Table(
    "list_unit",
    cell_metadata,
    big("sub_id", pk=True),
    big("person_id"),  # who receives
    big("payer_id"),
    words("programme"),  # its budget line (programmes/list_rates.line_of)
    words("unit"),  # p<person>/<part of the decision>, h<payer>/<household code>, d<dead>/<what>
    UniqueConstraint("programme", "unit"),
    Index("list_unit_person", "person_id"),
    Index("list_unit_payer", "payer_id"),
)

# A month (or the one month of a one-off) that a list programme owes a unit, with its decision.
list_right = Table(
    "list_right",
    cell_metadata,
    big("sub_id"),
    whole("cover"),
    big("profile_id"),
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    big("import_id"),
    PrimaryKeyConstraint("sub_id", "cover"),
)

# What a later decision replaced.
list_right_change = Table(
    "list_right_change",
    cell_metadata,
    big("sub_id"),
    whole("cover"),
    big("profile_id"),
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    big("import_id"),
    big("replaced_by"),  # the import
    PrimaryKeyConstraint("sub_id", "cover", "replaced_by"),
)

# A case of meritorious service (merit_bulk.MeritCase). The monthly cases of a person share a sub,
# because the law judges them together ([PL] Art. 6.3).
merit_case = Table(
    "merit_case",
    cell_metadata,
    big("sub_id"),
    words("code"),  # the category, and the part where a person has several of it
    big("person_id"),
    words("body"),  # JSON: facts, decision, events, changes
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    big("import_id"),
    PrimaryKeyConstraint("sub_id", "code"),
    Index("merit_case_person", "person_id"),
)

# What was paid for a unit of merit for months before go-live, as `opening` for social assistance.
list_opening = Table(
    "list_opening",
    cell_metadata,
    big("sub_id"),
    whole("cover"),
    big("amount_vnd"),  # 0: due and not paid yet
    big("import_id"),
    big("journal_id", null=True),
    PrimaryKeyConstraint("sub_id", "cover"),
)

# What a later row replaced.
merit_case_change = Table(
    "merit_case_change",
    cell_metadata,
    big("sub_id"),
    words("code"),
    words("body"),
    words("decision_number"),
    words("decision_date"),
    words("decision_signer"),
    big("import_id"),
    big("replaced_by"),  # the import
    PrimaryKeyConstraint("sub_id", "code", "replaced_by"),
)
