from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disbursement.identity.strict_json import MAX_INT, StrictJsonError, loads

REFUSED = [
    b"",
    b" ",
    b"NaN",
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":-Infinity}',
    b'{"a":1e400}',
    b'{"a":1e2}',
    b'{"a":1.0}',
    b'{"a":-0.0}',
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":2}',
    b'{"x":{"a":1,"a":2}}',
    b'{"a":9223372036854775808}',
    b'{"a":-9223372036854775809}',
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":01}',
    b'{"a":+1}',
    b'{"a":"\\ud800"}',
    b'{"a":"\\udc00\\ud800"}',
    b'{"\\ud800":1}',
    b'{"a":"\\u0000"}',
    b'{"\\u0000":1}',
    b'{"a":"\x00"}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xc0\x80"}',
    b'\xef\xbb\xbf{"a":1}',
    '{"a":1}'.encode("utf-16"),
    b'{"a":1}{"b":2}',
    b'{"a":1},',
    b'{"a":1,}',
    b"{'a':1}",
    b"{a:1}",
    b'{"a":"\n"}',
    b'// x\n{"a":1}',
    b"[" * 17 + b"]" * 17,
    b"[" * 30000 + b"]" * 30000,
    b'{"a":' * 10000 + b"1" + b"}" * 10000,
    b'{"a":"' + b"x" * 65536 + b'"}',
    b'{"a":tru',
    b'{"a":"\\x"}',
]


@pytest.mark.parametrize("body", REFUSED, ids=range(len(REFUSED)))
def test_refused(body: bytes) -> None:
    with pytest.raises(StrictJsonError):
        loads(body)


def test_accepted_at_the_edges() -> None:
    assert loads(b'{"a":9223372036854775807,"b":-9223372036854775808}') == {
        "a": MAX_INT,
        "b": -MAX_INT - 1,
    }
    assert loads(b"[" * 16 + b"]" * 16) == json.loads("[" * 16 + "]" * 16)
    assert loads('{"a":"[[[[[[[[[[[[[[[[[[[[\\"{{","ô":"\\ud83d\\ude00"}'.encode()) == {
        "a": '[[[[[[[[[[[[[[[[[[[["{{',
        "ô": "😀",
    }


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INT - 1, MAX_INT) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_what_is_plain_is_read_as_it_is(value: object) -> None:
    for ascii_only in (False, True):
        assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = loads(data)
    except StrictJsonError:
        return
    assert json.loads(data) == value


@given(values, st.integers(0, 400), st.integers(0, 255))
def test_one_changed_byte_is_read_or_refused(value: object, at: int, byte: int) -> None:
    data = bytearray(json.dumps(value).encode())
    data[at % len(data)] = byte
    said = ""
    try:
        loads(bytes(data))
    except StrictJsonError as error:
        said = str(error)
    assert len(said) < 60  # a rule's name, nothing of the input
