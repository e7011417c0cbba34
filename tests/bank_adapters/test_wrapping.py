"""What is signed and sealed opens to exactly what was approved; anything else is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree
from pysequoia import Tsk, encrypt, sign

from bank_adapters.contract import Conflict, OutgoingFile, RefusedFile
from bank_adapters.transports import dsig, pgp
from bank_adapters.transports.connection import ConnectionFileError, Dsig, Pgp, Wrapping
from bank_adapters.transports.wrapping import unwrap, wrap
from bank_adapters.xsd import validate_file
from tests.bank_adapters.build import PROFILE, render, row
from tests.bank_adapters.papers_of_keys import certificate, new_key, write_cert, write_key

US, BANK, OTHER = Tsk.generate("Chi trả"), Tsk.generate("Ngân hàng"), Tsk.generate("Kẻ khác")
KEYS = {kind: new_key(kind) for kind in ("rsa", "ec")}
CERTS = {kind: certificate("chi-tra", key) for kind, key in KEYS.items()}
DS = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture
def file(tmp_path: Path) -> OutgoingFile:
    """A pain.001 of two payments as the officers approve it."""
    rows = [row(1), row(2)]
    data, _ = render(rows)
    path = tmp_path / "DS25B1.xml"
    path.write_bytes(data)
    return OutgoingFile(path.name, path, hashlib.sha256(data).hexdigest(), len(data))


def ours(folder: Path) -> Pgp:
    own, bank = folder / "own.pgp", folder / "bank.asc"
    own.write_bytes(bytes(US))
    own.chmod(0o600)
    bank.write_bytes(bytes(BANK.extract_certificate()))
    return Pgp(own, bank)


def theirs(folder: Path) -> Pgp:
    own, us = folder / "b.pgp", folder / "us.asc"
    own.write_bytes(bytes(BANK))
    own.chmod(0o600)
    us.write_bytes(bytes(US.extract_certificate()))
    return Pgp(own, us)


def signing(folder: Path, kind: str = "rsa") -> Dsig:
    """Our signing key; the bank's certificate is ours too, so what we sign can be checked here."""
    cert = write_cert(folder / f"{kind}.pem", CERTS[kind])
    return Dsig(write_key(folder / f"{kind}.key", KEYS[kind]), cert, cert)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_signed_and_sealed_opens_to_the_approved_message(
    file: OutgoingFile, tmp_path: Path, kind: str
) -> None:
    how = Wrapping(signing(tmp_path, kind), ours(tmp_path))
    made = wrap(how, file, tmp_path / "wire")
    assert (made.name, made.path.name) == ("DS25B1.xml.pgp", "DS25B1.xml.pgp")
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256
    assert [p.name for p in (tmp_path / "wire").iterdir()] == ["DS25B1.xml.pgp"]
    into = tmp_path / "bank"
    into.mkdir()
    opened = unwrap(Wrapping(signing(tmp_path, kind), theirs(tmp_path)), made.path, into)
    assert opened.name == "DS25B1.xml"
    assert canonical(opened.read_bytes()) == canonical(file.path.read_bytes())
    validate_file(opened, PROFILE.message_version)


def canonical(data: bytes) -> bytes:
    return etree.tostring(etree.fromstring(data), method="c14n", exclusive=True)


def test_sealed_alone_opens_to_the_same_bytes_and_no_two_are_alike(
    file: OutgoingFile, tmp_path: Path
) -> None:
    how = Wrapping(pgp=ours(tmp_path))
    one, two = wrap(how, file, tmp_path / "a"), wrap(how, file, tmp_path / "b")
    assert one.sha256 != two.sha256, "so the bytes must be kept and sent again"
    opened = unwrap(Wrapping(pgp=theirs(tmp_path)), one.path, tmp_path / "b")
    assert opened.read_bytes() == file.path.read_bytes()


def test_nothing_asked_for_is_the_file_itself(file: OutgoingFile, tmp_path: Path) -> None:
    assert wrap(Wrapping(), file, tmp_path / "wire") is file
    assert not (tmp_path / "wire").exists()


def test_a_file_that_is_not_the_approved_one_is_not_wrapped(
    file: OutgoingFile, tmp_path: Path
) -> None:
    file.path.write_bytes(file.path.read_bytes().replace(b"810000", b"910000"))
    with pytest.raises(Conflict, match="khác với bản đã ký"):
        wrap(Wrapping(pgp=ours(tmp_path)), file, tmp_path / "wire")
    assert list((tmp_path / "wire").iterdir()) == []


def sealed(case: str) -> bytes:
    to = [US.extract_certificate()]
    good = encrypt(b"<a/>", to, BANK.signer(), armor=False)
    return {
        "another signer": encrypt(b"<a/>", to, OTHER.signer(), armor=False),
        "unsigned": encrypt(b"<a/>", to, armor=False),
        "signed, not sealed": sign(BANK.signer(), b"<a/>", armor=False),
        "for another": encrypt(b"<a/>", [OTHER.extract_certificate()], BANK.signer(), armor=False),
        "cut": good[:-10],
        "changed": good[:-40] + bytes([good[-40] ^ 1]) + good[-39:],
        "plain": b"<a/>",
        "empty": b"",
    }[case]


@pytest.mark.parametrize(
    "case",
    ["another signer", "unsigned", "signed, not sealed", "for another", "cut", "changed", "plain",
     "empty"],
)  # fmt: skip
def test_an_answer_not_sealed_to_us_by_the_bank_leaves_no_plaintext(
    tmp_path: Path, case: str
) -> None:
    source, into = tmp_path / "x.pgp", tmp_path / "in"
    into.mkdir()
    source.write_bytes(sealed(case))
    with pytest.raises(RefusedFile, match="OpenPGP của ngân hàng") as refused:
        pgp.unseal(ours(tmp_path), source, into / "x")
    assert "/" not in refused.value.sentence, "no path and no trace of the library"
    assert list(into.iterdir()) == []


def test_an_answer_that_opens_to_more_than_the_limit_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.pgp").write_bytes(
        encrypt(b"x" * 300_000, [US.extract_certificate()], BANK.signer(), armor=False)
    )
    how, into = ours(tmp_path), tmp_path / "in"
    into.mkdir()
    with pytest.raises(RefusedFile):
        pgp.unseal(how, tmp_path / "x.pgp", into / "x", most_bytes=299_999)
    assert list(into.iterdir()) == []
    pgp.unseal(how, tmp_path / "x.pgp", into / "x", most_bytes=300_000)
    assert (into / "x").stat().st_size == 300_000


def test_a_wrong_passphrase_is_said(file: OutgoingFile, tmp_path: Path) -> None:
    how = replace(ours(tmp_path), own_password_file=tmp_path / "word")
    (tmp_path / "word").write_text("khong can")
    (tmp_path / "word").chmod(0o600)
    with pytest.raises(ConnectionFileError, match="không ký và mã hóa được"):
        pgp.seal(how, file.path, tmp_path / "x")
    sealed_answer = encrypt(b"<a/>", [US.extract_certificate()], BANK.signer(), armor=False)
    (tmp_path / "x.pgp").write_bytes(sealed_answer)
    with pytest.raises(ConnectionFileError, match="mật khẩu"):
        pgp.unseal(how, tmp_path / "x.pgp", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_an_armoured_answer_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "x.asc").write_bytes(encrypt(b"<a/>", [US.extract_certificate()], BANK.signer()))
    path = unwrap(Wrapping(pgp=ours(tmp_path)), tmp_path / "x.asc", tmp_path)
    assert (path.name, path.read_bytes()) == ("x", b"<a/>")


def test_keys_that_cannot_be_used_are_said_by_file_name(file: OutgoingFile, tmp_path: Path) -> None:
    how = ours(tmp_path)
    how.own_key.chmod(0o640)
    with pytest.raises(ConnectionFileError, match=r"own\.pgp.*chmod 600"):
        pgp.seal(how, file.path, tmp_path / "x")
    how.own_key.chmod(0o600)
    how.own_key.write_bytes(bytes(US.extract_certificate()))
    with pytest.raises(ConnectionFileError):
        pgp.seal(how, file.path, tmp_path / "x")
    with pytest.raises(ConnectionFileError, match="khong-co"):
        pgp.seal(
            replace(ours(tmp_path), bank_cert=tmp_path / "khong-co"), file.path, tmp_path / "x"
        )
    wrong = replace(signing(tmp_path), own_cert=write_cert(tmp_path / "e.pem", CERTS["ec"]))
    with pytest.raises(ConnectionFileError, match="không phải của khóa ký"):
        dsig.sign(wrong, file.path, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_signature_is_the_last_child_and_changes_nothing_before_it(
    file: OutgoingFile, tmp_path: Path, kind: str
) -> None:
    signed = wrap(Wrapping(signing(tmp_path, kind)), file, tmp_path / "wire")
    assert signed.name == file.name
    root = etree.fromstring(signed.path.read_bytes())
    assert [c.tag for c in root][-1] == f"{DS}Signature"
    assert len(root.findall(f".//{DS}Signature")) == 1
    root.remove(root[-1])
    assert etree.tostring(root, method="c14n", exclusive=True) == canonical(file.path.read_bytes())


def forged(case: str, data: bytes, folder: Path) -> bytes:
    root = etree.fromstring(data)
    if case == "amount":
        return data.replace(b"810000", b"910000")
    if case == "unsigned":
        root.remove(root[-1])
    if case == "twice":
        root.append(etree.fromstring(etree.tostring(root[-1])))
    if case == "wrapped":
        # The signed message moved aside and another put in its place.
        outer = etree.Element(root.tag, nsmap=root.nsmap)
        etree.SubElement(outer, root[0].tag).text = "another"
        outer.append(root)
        return etree.tostring(outer)
    if case == "another key":
        key = new_key()
        cert = write_cert(folder / "k.pem", certificate("khac", key))
        root.remove(root[-1])
        (folder / "u.xml").write_bytes(etree.tostring(root))
        dsig.sign(Dsig(write_key(folder / "k.key", key), cert), folder / "u.xml", folder / "f.xml")
        return (folder / "f.xml").read_bytes()
    if case == "doctype":
        return data.replace(b"<Document", b"<!DOCTYPE Document><Document", 1)
    if case == "two documents":
        return data + data
    if case == "cut":
        return data[:-20]
    return etree.tostring(root)


@pytest.mark.parametrize(
    "case",
    ["amount", "unsigned", "twice", "wrapped", "another key", "doctype", "two documents", "cut"],
)
def test_a_signed_answer_that_is_not_whole_and_the_banks_is_refused(
    file: OutgoingFile, tmp_path: Path, case: str
) -> None:
    how = signing(tmp_path)
    dsig.sign(how, file.path, tmp_path / "signed.xml")
    data = (tmp_path / "signed.xml").read_bytes()
    dsig.verify(how, tmp_path / "signed.xml", tmp_path / "good.xml")
    changed = forged(case, data, tmp_path)
    assert changed != data
    (tmp_path / "bad.xml").write_bytes(changed)
    with pytest.raises(RefusedFile):
        dsig.verify(how, tmp_path / "bad.xml", tmp_path / "out.xml")
    assert not (tmp_path / "out.xml").exists()
