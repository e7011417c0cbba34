"""How banks really write MT940 and MT942: each dialect as small as it can be, with made-up data.

What a careful person reads, `statement inspect` reads; what is no statement, or only a piece of
one, says so.
"""

from __future__ import annotations

from typing import Any

import pytest

from bank_adapters.inspect import inspect_answer

HEAD = ":20:S1\r\n:25:1\r\n:28C:1/1\r\n:60F:C261105EUR10,00\r\n"
ENTRY = ":61:2611051105D4,00NMSCNONREF\r\n"
CLOSE = ":62F:C261105EUR6,00\r\n"
SWIFT = "{1:F01BFTVVNVXAXXX0001000001}{2:I940BFTVVNVXXXXXN}{4:\r\n"


def about(text: str, encoding: str = "utf-8") -> dict[str, Any]:
    return inspect_answer(text.encode(encoding))


def read(text: str, encoding: str = "utf-8") -> dict[str, Any]:
    """Return the one statement of a file that balances and may be taken."""
    said = about(text, encoding)
    assert (said["complete"], said["importable"]) == (True, True), said
    (one,) = said["statements"]
    assert one["balanced"] in {"yes", "unknown"}
    return {key: one[key] for key in ("entries", "credits", "debits", "opening", "closing")}


WHOLE = {"entries": 1, "credits": "0", "debits": "4.00", "opening": "10.00", "closing": "6.00"}


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ENTRY + CLOSE,
        HEAD + ENTRY.replace("D4", "d4") + CLOSE,
        HEAD + ENTRY + CLOSE.replace("EUR", "EURO"),
        HEAD + ENTRY + ":86:chi phi\r\n" + CLOSE.replace(":62F:", ":62F"),
        HEAD.replace("\r\n", "@@") + ENTRY.replace("\r\n", "@@") + CLOSE.replace("\r\n", "@@"),
        (HEAD + ENTRY + CLOSE).replace(":20:", "@@:20:", 1).replace("\r\n", "@@"),
        "{1:F21BFTVVNVXAXXX0001000001}{4:{177:2611051200}{451:0}}"
        + SWIFT + HEAD + ENTRY + CLOSE + "-}{5:{CHK:0123456789AB}}",
        "0000 01BANK00001\r\n940 00\r\n" + HEAD + ENTRY + CLOSE + ":86:D000001\r\n-XXX\r\n",
        HEAD + ENTRY + ":25:166?00PHI?20EREF+A1\r\nSVWZ+chi\r\n" + CLOSE,
    ],
    ids=["plain", "lower_mark", "euro", "bare_tag", "ats", "led_by_ats", "acknowledged",
         "framed_by_lines", "narrative_under_25"],
)  # fmt: skip
def test_the_same_statement_in_every_dialect(text: str) -> None:
    assert read(text) == WHOLE


def test_braces_of_the_swedish_set() -> None:
    text = "ä4:\r\n" + HEAD + ENTRY + CLOSE + "-å\r\n"
    assert read(text, "latin-1") == read(text) == WHOLE
    cut = about("ä4:\r\n" + HEAD + ENTRY + CLOSE)
    assert (cut["complete"], cut["importable"]) == (False, False)
    noted = HEAD + ENTRY + ":86:chi\r\nä4 la chu\r\n" + CLOSE
    assert read(noted) == WHOLE


def test_totals_without_count_or_digit_before_the_comma() -> None:
    text = (
        "@@:20:R1@@:25:1@@:28C:0@@:34F:EUR 9999,99@@:13:2611050900@@:61:261105D0,02NMSC@@:86:x"
        "@@:90D:1EUR,02@@:90C:EUR,00"
    )
    assert about(text)["kind"] == "mt942"
    got = read(text)
    assert (got["entries"], got["credits"], got["debits"]) == (1, "0", "0.02")
    wrong = about(text.replace("1EUR,02", "EUR,03"))
    assert (wrong["complete"], wrong["importable"]) == (True, False)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (":20:S\r\n:25:1\r\n:61:261105D4,00NMSC\r\n-\r\n", "mt940"),
        (":20:S\r\n:25:1\r\n:34F:EUR0,\r\n:61:261105D4,00NMSC\r\n-\r\n", "mt942"),
        (":20:S\r\n:25:1\r\n:13D:2611051200+0700\r\n:61:261105D4,00NMSC\r\n-\r\n", "mt942"),
        (":20:S\r\n:25:1\r\n:61:261105D4,00NMSC\r\n:90D:1EUR4,00\r\n", "mt942"),
        (HEAD + ENTRY + CLOSE, "mt940"),
        (SWIFT.replace("I940", "O942") + ":20:S\r\n:25:1\r\n-}", "mt942"),
    ],
)
def test_the_kind_is_that_of_its_own_tags(text: str, kind: str) -> None:
    said = about(text)
    assert (said["kind"], said["complete"]) == (kind, True)


def test_balances_in_two_currencies_are_not_added_up() -> None:
    said = about(HEAD + ENTRY + CLOSE.replace("EUR", "USD"))
    (one,) = said["statements"]
    assert (one["currency"], one["balanced"], one["difference"]) == ("EUR", "unknown", None)
    assert (said["complete"], said["importable"]) == (True, False)
    assert said["errors"][0]["line"] == 6


@pytest.mark.parametrize(
    ("text", "entries", "debits", "opening", "closing"),
    [
        (":61:2611051105DR000000000001,62NTRFNONREF\r\n", 1, "1.62", None, None),
        (":61:261105D4,N196NONREF", 1, "4", None, None),
        (":60F:C261105EUR5,\r\n", 0, "0", "5", None),
        (":62F:C261105EUR5,00\r\n-", 0, "0", None, "5.00"),
        (":86:091\r\n-", 0, "0", None, None),
    ],
)
def test_an_extract_is_read_and_never_taken(
    text: str, entries: int, debits: str, opening: str | None, closing: str | None
) -> None:
    said = about(text)
    (one,) = said["statements"]
    assert (one["entries"], one["debits"]) == (entries, debits)
    assert (one["opening"], one["closing"], one["account"]) == (opening, closing, None)
    assert (said["complete"], said["importable"]) == (True, False)
    assert [e["line"] for e in said["errors"]] == [1]


@pytest.mark.parametrize(
    "text", [":62F:C261105EUR13", ":61:261105D4", ":20:S1\r\n:25:1\r\n", HEAD, HEAD + ENTRY]
)
def test_what_may_be_cut_is_not_whole(text: str) -> None:
    said = about(text)
    assert (said["complete"], said["importable"]) == (False, False)
    assert said["errors"]


@pytest.mark.parametrize(
    "text",
    [
        SWIFT.replace("I940", "I103") + ":20:P1\r\n:23B:CRED\r\n:32A:261105VND5,\r\n-}",
        ":20:P1\r\n:21:P0\r\n:25:1\r\n:32A:261105VND5,\r\n:52A:BFTVVNVX\r\n-\r\n",
    ],
    ids=["mt103", "mt910"],
)
def test_another_swift_message_is_no_statement(text: str) -> None:
    said = about(text)
    assert (said["kind"], said["complete"], said["importable"]) == ("unknown", False, False)
    assert said["statements"] == []
    assert said["errors"][0]["message"]


def test_a_statement_message_of_another_kind_is_told_by_its_header() -> None:
    said = about(SWIFT.replace("I940", "O950") + HEAD + ENTRY + CLOSE + "-}")
    assert (said["complete"], said["importable"]) == (False, False)
    assert "MT950" in said["errors"][0]["message"]


def test_what_breaks_the_chain_is_said_with_its_line() -> None:
    after = (HEAD + ENTRY + CLOSE).replace(":20:S1", ":20:S2")
    said = about(HEAD + ENTRY + CLOSE + after)
    assert [s["continuous"] for s in said["statements"]] == ["unknown", "no"]
    assert [e["line"] for e in said["errors"]] == [7]
    assert said["importable"] is False


def test_one_account_number_may_hold_several_currencies() -> None:
    dollars = (HEAD + ENTRY + CLOSE).replace("EUR", "USD").replace("10,00", "9,00")
    said = about(HEAD + ENTRY + CLOSE + dollars.replace("EUR6", "EUR5").replace("6,00", "5,00"))
    assert [s["continuous"] for s in said["statements"]] == ["unknown", "unknown"]
    assert said["importable"] is True
