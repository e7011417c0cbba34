"""`disburse recall`: asked by one person, signed by another, sent, answered; said in Vietnamese."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from disbursement.jobs import worker
from tests.cli.conftest import Type
from tests.payments.test_recalls import camt029
from tests.payments.world import Month
from tests.runs.world import PAYER, PROVIDER

EACH = 750_000
WHY = ("--reason", "CUST", "--document", "CV 12/UBND")


def test_a_request_from_asking_to_the_banks_word(month: Month, typed: Type, tmp_path: Path) -> None:
    order = month.rows[2].e2e
    made = typed("recall", "ask", month.batch_id, *WHY, "--order", order, "--as", "an", "--json")
    assert (made.json["payments"], made.json["total_vnd"], made.json["state"]) == (1, EACH, "held")
    number = made.json["id"]
    typed("recall", "sign", number, "--as", "an").refused("role", 4)
    said = typed("recall", "sign", number, "--as", "binh").out
    assert said.startswith(
        f"Yêu cầu hủy số {number} của lô {month.batch_id}: 1 lệnh, 750.000 đồng, lý do CUST"
    )
    assert "vẫn đang chuyển cho đến khi sao kê" in said
    month.world.clock.set(date(2026, 10, 8))  # the day of the commands
    assert worker.send_due(month.world.ctx).startswith("gửi 1,")
    drop = worker.drop_folder(month.world.ctx, PROVIDER)
    sent = (drop / "out" / made.json["file_name"]).read_bytes()
    assert sent.count(b"<TxInf>") == 1
    assert order.encode() in sent
    path = tmp_path / "tl.xml"
    path.write_bytes(camt029(month.message_id, [(order, "RJCR", "ARDT")]))
    found = typed("statement", "inspect", path, "--json")
    assert (found.code, found.json["kind"]) == (0, "camt.029")
    assert typed("file", "inspect", path).out.count("trả lời của ngân hàng về yêu cầu hủy") == 1
    typed("statement", "import", path, "--as", "an")
    (row,) = typed("recall", "list", "--payer", PAYER, "--json").json
    assert (row["accepted"], row["refused"], row["pending"], row["state"]) == (0, 1, 0, "sent")
    assert "không hủy 1, đang xét 0" in typed("recall", "list").out
    typed("recall", "withdraw", number, "--as", "an").refused("recall_decided", 4)


def test_a_request_that_is_withdrawn_goes_nowhere(month: Month, typed: Type) -> None:
    made = typed("recall", "ask", month.batch_id, *WHY, "--as", "an", "--json").json
    assert (made["payments"], made["total_vnd"]) == (6, 6 * EACH)
    typed("recall", "sign", made["id"], "--as", "binh")
    assert "(đã rút); không gửi." in typed("recall", "withdraw", made["id"], "--as", "an").out
    month.world.clock.set(date(2026, 10, 8))
    assert worker.send_due(month.world.ctx).startswith("gửi 0,")
    typed("recall", "ask", 999, *WHY, "--as", "an").refused("batch", 3)
    typed("recall", "sign", 999, "--as", "binh").refused("recall", 3)
