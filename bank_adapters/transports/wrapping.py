"""Between the signatures of the officers and the wire: sign the XML, then seal the file.

What the officers approved is the rendered file. It is wrapped once, before the first attempt; the
wrapped bytes are kept beside it and every later attempt sends exactly these.
"""

from __future__ import annotations

from pathlib import Path

from bank_adapters.contract import Conflict, OutgoingFile
from bank_adapters.transports import dsig, pgp
from bank_adapters.transports.connection import Wrapping
from bank_adapters.transports.drop import sha256_of


def wrap(how: Wrapping, file: OutgoingFile, folder: Path) -> OutgoingFile:
    """Wrap an approved file into a folder of ours; the file itself where nothing is asked for.

    Raises Conflict where the file is not the one that was approved, ConnectionFileError for keys.
    """
    if how.dsig is None and how.pgp is None:
        return file
    folder.mkdir(parents=True, exist_ok=True)
    source, name = file.path, file.name
    if how.dsig is not None:
        dsig.sign(how.dsig, source, folder / name)
        source = folder / name
    if how.pgp is not None:
        name += pgp.SUFFIX
        pgp.seal(how.pgp, source, folder / name)
        if how.dsig is not None:
            source.unlink()
    # After the last reading of it: what was wrapped is what was approved.
    if sha256_of(file.path) != file.sha256:
        (folder / name).unlink()
        raise Conflict(
            "file_changed",
            f"Tệp {file.name} khác với bản đã ký; không gửi.",
            en=f"{file.name} is not the file that was signed",
        )
    path = folder / name
    return OutgoingFile(name, path, sha256_of(path), path.stat().st_size)


def unwrap(how: Wrapping, source: Path, folder: Path) -> Path:
    """Open an answer into a folder of ours; return the file to read (the source if unwrapped).

    Raises RefusedFile where it is not sealed or signed as it must be, ConnectionFileError for keys.
    """
    path = source
    if how.pgp is not None:
        inner = source.name.removesuffix(pgp.SUFFIX).removesuffix(".gpg").removesuffix(".asc")
        pgp.unseal(how.pgp, path, folder / inner)
        path = folder / inner
    if how.dsig is not None and how.dsig.bank_cert is not None:
        dsig.verify(how.dsig, path, folder / path.name)
        path = folder / path.name
    return path
