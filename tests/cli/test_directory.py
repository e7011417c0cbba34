"""`disburse directory`: two people change it; a contradiction holds the payments, settled frees."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from disbursement.identity.service import create_user
from disbursement.platform import ids
from disbursement.platform.errors import NotNowError
from disbursement.runs import service
from tests.bank_adapters.test_directory import HEAD, VIETTEL, VNPT
from tests.bank_adapters.test_vietqr import PAYLOAD
from tests.cli.conftest import Type
from tests.runs.test_month import FOUR, budget
from tests.runs.world import SECRET, World, add_people

DAY = "2026-09-24"


def changes(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "doi.csv"
    path.write_text("\n".join((HEAD, *lines)), encoding="utf-8")
    return path


def versions(world: World) -> tuple[int, int, int]:
    with world.ctx.database.engine("shared").connect() as conn:
        counts = [
            conn.execute(text(f"SELECT count(*) FROM {t}")).scalar_one()
            for t in ("bank_version", "bank_row", "bank_approval")
        ]
    return counts[0], counts[1], counts[2]


def test_a_change_counts_when_a_second_person_approved_it(
    world: World, typed: Type, tmp_path: Path
) -> None:
    file = changes(tmp_path, VIETTEL, VNPT)
    assert not typed("directory", "show", "971005", "--json").json["usable"]
    done = typed("directory", "import", file, "--as", "an", "--json")
    assert (done.json["number"], done.json["state"], done.json["rows"]) == (1, "proposed", 2)
    assert len(done.json["settles"]) == 4
    assert not typed("directory", "show", "971005", "--json").json["usable"]
    typed("directory", "import", file, "--as", "an").refused("bank_repeated", 4)
    approve = ("directory", "approve", "1", "--document", "CV 12/2026")
    create_user(world.ctx, "an2", "Cán bộ an", "030080000001", ["checker"], SECRET)
    typed(*approve, "--as", "an2").refused("same_person", 4)
    typed(*approve, "--as", "an").refused("role", 4)
    assert versions(world) == (1, 2, 0)
    assert typed(*approve, "--as", "binh", "--json").json["state"] == "approved"
    typed(*approve, "--as", "chi").refused("bank_approved", 4)
    shown = typed("directory", "show", "971005", "--json").json
    assert (shown["usable"], shown["short_name"], shown["origin"]) == (
        True, "Viettel Money", "version:1",
    )  # fmt: skip
    assert typed("directory", "contradictions", "--json").json == []
    typed("directory", "import", file, "--as", "an").refused("bank_same", 3)
    assert versions(world) == (1, 2, 1)
    assert typed("directory", "diff", "1", "--json").json["changes"][0]["what"] == "changed"
    assert typed("directory", "list", "--json").json[0]["document"] == "CV 12/2026"


def test_what_was_approved_is_never_edited(world: World, typed: Type, tmp_path: Path) -> None:
    assert typed("directory", "import", changes(tmp_path, VIETTEL), "--as", "an").code == 0
    for verb in ("UPDATE bank_row SET napas_bin = '970415'", "DELETE FROM bank_version"):
        with pytest.raises(DBAPIError), world.ctx.database.begin("shared") as conn:
            conn.execute(text(verb))
    assert versions(world) == (1, 1, 0)


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("show", "NGANHANGLA"), "bank_unknown", 3),
        (("diff", "7"), "bank_version", 3),
        (("approve", "7", "--document", "x", "--as", "binh"), "bank_version", 3),
        (("approve", "7", "--document", " ", "--as", "binh"), "text", 3),
        (("import", "khong-co.csv", "--as", "an"), "file", 2),
        (("vietqr", "read", PAYLOAD[:-1] + "0"), "qr_crc", 3),
        (("vietqr", "write", "VTLMONEY", "0912345678"), "bank_doubtful", 3),
        (("vietqr", "write", "ICBVVNVX", "tài khoản"), "qr_account", 3),
    ],
)
def test_each_refusal_is_one_sentence_and_changes_nothing(
    world: World, typed: Type, words: tuple[str, ...], code: str, exit_code: int
) -> None:
    typed("directory", *words).refused(code, exit_code)
    assert versions(world) == (0, 0, 0)


def test_an_entry_shows_what_templates_call_it(typed: Type) -> None:
    found = typed("directory", "show", "VPBKVNVX", "--json").json
    assert found["napas_bin"] == "970432"
    assert "VPB" in found["names"]["mb-old"]
    assert found["source"]


def test_a_code_of_the_payee_is_read_and_written(typed: Type) -> None:
    found = typed("directory", "vietqr", "read", PAYLOAD, "--json").json
    assert (found["bank"], found["account"], found["amount_vnd"], found["usable"]) == (
        "VietinBank", "113366668888", 500_000, True,
    )  # fmt: skip
    written = typed(
        "directory", "vietqr", "write", "VietinBank", "113366668888", "--amount", "500000",
        "--purpose", "TRO CAP XA HOI T11", "--json",
    )  # fmt: skip
    assert written.json["payload"] == PAYLOAD


def _pays_by(world: World, person: int, kind: str, code: str) -> None:
    with world.ctx.cell.begin() as conn:
        new = ids.block(conn, "dest", 1)
        conn.execute(
            text(
                "INSERT INTO destination (id, person_id, version, kind, bank_code, account_enc, "
                "account_blind, account_last4, owner_name, owner_relation, usable_from, source) "
                "SELECT :i, person_id, 2, :k, :c, account_enc, account_blind, account_last4, "
                "owner_name, owner_relation, '2026-01-02', 'test' FROM destination "
                "WHERE person_id = :p"
            ),
            {"i": new, "k": kind, "c": code, "p": person},
        )


def held(world: World) -> dict[int, str]:
    return dict(
        world.rows(
            "SELECT p.person_id, p.hold_reason FROM payment p JOIN pay_list l ON l.id = p.list_id "
            "WHERE l.state = 'prepared'"
        )
    )


def test_a_disputed_code_holds_its_payments_until_two_people_settle_it(
    world: World, typed: Type, tmp_path: Path
) -> None:
    four = add_people(world, FOUR)
    _pays_by(world, four[0], "mobile_money", "Viettel Money")
    _pays_by(world, four[1], "bank", "XXXXVNVX")
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world)[four[0]] == "bank_disputed"
    assert held(world)[four[1]] == "bank_unknown"
    assert held(world)[four[2]] == ""  # cash asks no directory
    total = world.one("SELECT sum(total_vnd) FROM pay_list WHERE state = 'prepared'")
    batches = world.one("SELECT sum(total_vnd) FROM batch WHERE state <> 'withdrawn'")
    assert total == batches > 0  # the rest of the list leaves
    assert typed("directory", "import", changes(tmp_path, VIETTEL), "--as", "an", day=DAY).code == 0
    with pytest.raises(NotNowError, match="không có gì thay đổi"):  # proposed is not approved
        service.prepare(world.ctx, 202610, world.signers["an"])
    done = typed("directory", "approve", "1", "--document", "CV 12/2026", "--as", "binh", day=DAY)
    assert done.code == 0
    service.prepare(world.ctx, 202610, world.signers["an"])
    assert held(world)[four[0]] == "rail_not_available"  # no contract with that operator yet
