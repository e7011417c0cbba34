"""What a demo leaves behind: summary.json, and two tables for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.demo.faults import Judged
from disbursement.demo.stopwatch import Stopwatch, peak_rss_mb
from disbursement.documents.words import reason_words
from disbursement.jobs import invariants
from disbursement.payments.queries import Failure, failures, month_counts, rail_counts
from disbursement.platform import files
from disbursement.platform.clock import show_month
from ledger.money import format_vnd

ROWS = (
    ("people", "Người trong sổ"), ("entitled", "Khoản chi trong danh sách"),
    ("owed_vnd", "Số phải chi (đồng)"), ("carried_in", "Chuyển từ kỳ trước"), ("sent", "Đã gửi"),
    ("credited", "Đã vào tài khoản"), ("rejected", "Bị từ chối"), ("returned", "Bị hoàn trả"),
    ("unknown", "Chưa rõ"), ("cash_orders", "Lệnh tiền mặt"),
    ("cash_collected", "Đã nhận tiền mặt"), ("carried", "Chuyển kỳ sau"), ("held", "Giữ lại"),
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """The demo's result; `months` as payments.queries.month_counts gives them."""

    months: Sequence[Mapping[str, Any]]
    failures: Mapping[int, Sequence[Failure]]
    trial_balance_ok: bool
    chain_ok: bool
    faults: Mapping[str, Judged]
    clean_held: int
    seconds: Mapping[str, float]
    peak_rss_mb: int
    funnel: Mapping[str, int]
    rails: Mapping[str, Mapping[str, int]]
    database: str

    def as_json(self) -> dict[str, Any]:
        """Return summary.json; keys and units are a contract (docs/demo.md)."""
        return {
            "months": [{k: v for k, v in m.items() if k != "funnel"} for m in self.months],
            "trial_balance_ok": self.trial_balance_ok,
            "chain_ok": self.chain_ok,
            "planted_faults": sum(j.planted for j in self.faults.values()),
            "faults_found": sum(j.found for j in self.faults.values()),
            "faults": {kind: asdict(j) for kind, j in self.faults.items()},
            "clean_held": self.clean_held,
            "seconds": {k: round(v, 2) for k, v in self.seconds.items()},
            "peak_rss_mb": self.peak_rss_mb,
            "funnel": dict(self.funnel),
            "rails": {name: dict(counts) for name, counts in self.rails.items()},
            "database": self.database,
        }

    def write(self, path: Path) -> None:
        """Write summary.json."""
        text = json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n"
        files.write(path, text.encode())


def summarize(
    conn: Connection,
    months: Sequence[int],
    faults: Mapping[str, Judged],
    clean_held: int,
    watch: Stopwatch,
    database: str,
    verified: Callable[[], bool],
) -> Summary:
    """Read the books of the given pay months and sum up.

    `verified` tells whether the whole ledger was recomputed and found right.
    """
    counts = [month_counts(conn, month) for month in months]
    funnel: dict[str, int] = dict(counts[-1]["funnel"])  # type: ignore[call-overload]  # a mapping by its docstring
    balanced = not invariants.TrialBalance().check(conn)
    unbroken = not invariants.ChainUnbroken().check(conn)
    rails = rail_counts(conn, months)
    with watch.stage("verify"):
        unbroken = verified() and unbroken
    return Summary(
        counts,
        {month: failures(conn, month) for month in months},
        balanced,
        unbroken,
        faults,
        clean_held,
        watch.seconds,
        peak_rss_mb(),
        funnel,
        rails,
        database,
    )


def tables(summary: Summary) -> list[str]:
    """Return the lines of the summary table and of the failure table."""
    width = max(len(words) for _, words in ROWS)
    months = summary.months
    head = "".join(f"{show_month(m['month']):>18}" for m in months)
    lines = ["", f"{'Kỳ':<{width}}{head}"]
    for key, words in ROWS:
        cells = "".join(f"{format_vnd(int(m[key])):>18}" for m in months)
        lines.append(f"{words:<{width}}{cells}")
    lines += ["", "Kênh chi trả (số lệnh, cả các kỳ)"]
    lines += [
        f"  {name:<12} gửi {c['sent']:>7}   vào tài khoản {c['credited']:>7}   từ chối "
        f"{c['rejected']:>5}   hoàn trả {c['returned']:>5}   chưa rõ {c['unknown']:>4}"
        for name, c in summary.rails.items()
    ]
    lines += ["", "Vì sao chuyển khoản không thành"]
    failed = [
        (show_month(month), reason_words(f"{f.event}:{f.code}"), f)
        for month, found in summary.failures.items()
        for f in found
    ]
    width = max((len(why) for _, why, _ in failed), default=0)
    lines += [
        f"  {month}  {why:<{width}}{f.count:>7} khoản {format_vnd(f.amount_vnd):>14} đ"
        for month, why, f in failed
    ]
    lines += ["", "Lỗi cài sẵn trong dữ liệu mẫu"]
    lines += [
        f"  {kind:<15} cài {j.planted:>5}   tìm thấy {j.found:>5}   báo nhầm {j.false_alarms:>3}"
        for kind, j in summary.faults.items()
    ]
    lines.append(f"  Người không có lỗi mà bị giữ: {summary.clean_held}")
    return lines
