"""The language of a refusal."""

from __future__ import annotations

from tests.cli.conftest import Type


def test_a_refusal_in_english_begins_in_english(typed: Type) -> None:
    refused = typed("--lang", "en", "explain", "/no/such/file")
    assert refused.err == "Error [file]: Cannot read /no/such/file: No such file or directory.\n"
    usual = typed("explain", "/no/such/file")
    assert usual.err.startswith("Lỗi [file]: Không đọc được tệp file")
