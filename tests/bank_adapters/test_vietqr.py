"""VietQR: what is written is read back; published payloads byte for byte; no damage passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.vietqr import QrRefused, VietQr, crc16, read_qr, write_qr

VECTORS = Path(__file__).parents[3] / "shared" / "rails" / "vietqr_vectors.json"
# Built with vietnam-qr-pay 1.5.1 (npm, MIT); napas-qr-python 0.2.0 (PyPI, MIT) writes the same.
PAYLOAD = (
    "00020101021238560010A0000007270126000697041501121133666688880208QRIBFTTA"
    "530370454065000005802VN62220818TRO CAP XA HOI T116304475E"
)
CODE = VietQr("970415", "113366668888", 500_000, "TRO CAP XA HOI T11")


def test_two_independent_libraries_payload_is_written_and_read() -> None:
    assert write_qr(CODE) == PAYLOAD
    assert read_qr(PAYLOAD) == CODE


def test_every_published_vector_byte_for_byte() -> None:
    if not VECTORS.exists():
        pytest.skip("shared/rails is not here")
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
    assert len(vectors) >= 10
    for v in vectors:
        code = VietQr(v["bin"], v["account"], v["amount"], v["purpose"], v["service"])
        assert write_qr(code) == v["payload"]
        assert read_qr(v["payload"]) == code


def test_the_checksum_is_the_published_one() -> None:
    assert crc16("123456789") == 0x29B1  # check value of CRC-16/CCITT-FALSE


codes = st.builds(
    VietQr,
    st.from_regex(r"97[0-9]{4}", fullmatch=True),
    st.from_regex(r"[0-9]{1,19}", fullmatch=True),
    st.none() | st.integers(1, 10**13 - 1),
    st.none() | st.from_regex(r"[A-Z0-9 ]{1,25}", fullmatch=True),
)


@given(codes)
def test_what_is_written_is_read_back(code: VietQr) -> None:
    assert read_qr(write_qr(code)) == code


@given(codes, st.data())
def test_one_wrong_character_is_never_another_account(code: VietQr, data: st.DataObject) -> None:
    payload = write_qr(code)
    at = data.draw(st.integers(0, len(payload) - 1))
    wrong = data.draw(st.sampled_from("0123456789"))
    changed = payload[:at] + wrong + payload[at + 1 :]
    if changed == payload:
        return
    with pytest.raises(QrRefused):
        read_qr(changed)


@given(st.text(max_size=600))
def test_any_other_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(QrRefused) as refused:
        read_qr(text)
    assert refused.value.sentence.startswith("Mã VietQR không dùng được: ")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (VietQr("97041", "1"), "qr_bin"),
        (VietQr("970415", ""), "qr_account"),
        (VietQr("970415", "1" * 20), "qr_account"),
        (VietQr("970415", "1", 0), "qr_amount"),
        (VietQr("970415", "1", 10**13), "qr_amount"),
        (VietQr("970415", "1", 1, "trợ cấp"), "qr_purpose"),
    ],
)
def test_what_does_not_fit_is_not_written(code: VietQr, why: str) -> None:
    with pytest.raises(QrRefused) as refused:
        write_qr(code)
    assert refused.value.code == why
