"""XML-DSig: an enveloped signature over the whole message, as the last child of its root.

Exclusive canonical XML, SHA-256, RSA or ECDSA by the key. The signature is made after the officers
approved the file: it wraps the approved bytes and changes none of the message. A reader gets only
the bytes that the signature covers, never the file around them. The whole message is in memory
while it is signed or checked (docs/transports.md gives the figure).
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from bank_adapters.contract import RefusedFile
from bank_adapters.transports.connection import Dsig, secret_bytes, unreachable
from bank_adapters.xmlsource import documents

_C14N = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
_DS = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


def sign(how: Dsig, source: Path, target: Path) -> None:
    """Sign one message of ours.

    Raises ConnectionFileError where the key or the certificate cannot be used, or are not a pair.
    """
    key, cert = _pair(how)
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=(
            SignatureMethod.RSA_SHA256
            if isinstance(key, rsa.RSAPrivateKey)
            else SignatureMethod.ECDSA_SHA256
        ),
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=_C14N,
    )
    signed = signer.sign(_root(source), key=key, cert=[cert])
    _write(target, etree.tostring(signed, xml_declaration=True, encoding="UTF-8"))


def verify(how: Dsig, source: Path, target: Path) -> None:
    """Check an answer against the bank's pinned certificate and write what it covers.

    Raises RefusedFile (`dsig`): no signature, another key, changed bytes, a signature over a part
    only, or weak algorithms. ConnectionFileError where no certificate is pinned.
    """
    if how.bank_cert is None:
        raise unreachable(how.own_cert.name, "chưa có chứng thư ngân hàng (dsig.bank_cert)")
    bank = _certificate(how.bank_cert)
    root = _root(source)
    if len(root.findall(_DS)) != 1 or len(list(root.iter(_DS))) != 1:
        raise _refused()
    try:
        found = XMLVerifier().verify(
            root,
            x509_cert=bank,
            expect_config=SignatureConfiguration(
                location="./", signature_methods=_METHODS, digest_algorithms=_DIGESTS
            ),
        )
    except (SignXMLException, WrongSignature, etree.LxmlError, ValueError):
        raise _refused() from None
    results = found if isinstance(found, list) else [found]
    covered = results[0].signed_xml
    if len(results) != 1 or covered is None or covered.tag != root.tag:
        raise _refused()
    _write(target, results[0].signed_data)


def _root(source: Path) -> etree._Element:
    """Read one XML document; RefusedFile for a DOCTYPE, several documents or broken XML."""
    with source.open("rb") as stream:
        if len(documents(stream)) != 1:
            raise _refused()
        stream.seek(0)
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_pis=False
        )
        try:
            return etree.parse(stream, parser).getroot()
        except etree.XMLSyntaxError:
            raise _refused() from None


def _pair(how: Dsig) -> tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, x509.Certificate]:
    cert = _certificate(how.own_cert)
    try:
        key = load_pem_private_key(secret_bytes(how.own_key), None)
    except (ValueError, TypeError):
        raise unreachable(how.own_key.name, "không phải khóa bí mật PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise unreachable(how.own_key.name, "phải là khóa RSA hoặc EC")
    if key.public_key() != cert.public_key():
        raise unreachable(how.own_cert.name, "chứng thư không phải của khóa ký")
    return key, cert


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        raise unreachable(path.name, "không phải chứng thư PEM đọc được") from None


def _write(target: Path, data: bytes) -> None:
    part = target.with_name(f".{target.name}.part")
    with part.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)


def _refused() -> RefusedFile:
    return RefusedFile(
        "dsig",
        "không có chữ ký XML đúng của ngân hàng trên toàn bộ nội dung",
        "Hãy hỏi ngân hàng; không dùng tệp này.",
        en="no valid signature of the bank over the whole message",
    )
