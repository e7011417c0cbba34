"""Schemas of ISO 20022: fetched at set-up from pinned wheels, used to check what leaves.

The files are data of others and stay outside the repository. Each wheel is pinned by version and
SHA-256, each schema by its own SHA-256. A schema that is missing or altered stops sending
(`MissingXsd`); on the way in a schema is only a warning (28 % of real bank files are not valid).

    python -m bank_adapters.xsd fetch [DIR]
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from lxml import etree

from bank_adapters.contract import MissingXsd, RefusedBatch

ENVIRONMENT = "DISBURSE_XSD_DIR"
_PIECE = 1 << 18


@dataclass(frozen=True)
class Schema:
    """One schema: its message version, the wheel and member it comes from, its SHA-256."""

    name: str
    wheel: str
    member: str
    sha256: str


@dataclass(frozen=True)
class Sources:
    """All schemas and the pinned wheels they come from (requirement, SHA-256)."""

    wheels: Mapping[str, tuple[str, str]]
    schemas: Mapping[str, Schema]


@lru_cache(maxsize=1)
def sources() -> Sources:
    """Return what data/xsd_sources.toml pins."""
    raw = tomllib.loads(
        resources.files("bank_adapters").joinpath("data/xsd_sources.toml").read_text("utf-8")
    )
    return Sources(
        {k: (w["requirement"], w["sha256"]) for k, w in raw["wheels"].items()},
        {s["name"]: Schema(**s) for s in raw["schema"]},
    )


def folder() -> Path:
    """Return where the schemas lie: DISBURSE_XSD_DIR, else beside the environment."""
    given = os.environ.get(ENVIRONMENT)
    return Path(given) if given else Path(sys.prefix) / "share" / "disburse" / "xsd"


def _good(schema: Schema, target: Path) -> bool:
    path = target / f"{schema.name}.xsd"
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == schema.sha256


def fetch(target: Path | None = None) -> int:
    """Bring every schema that is missing or altered; return how many were written.

    Downloads the pinned wheels with pip and its hash check. Raises MissingXsd where a wheel cannot
    be had or a schema in it is not the pinned one.
    """
    where = target or folder()
    wanted = [s for s in sources().schemas.values() if not _good(s, where)]
    where.mkdir(parents=True, exist_ok=True)
    for wheel in sorted({s.wheel for s in wanted}):
        with tempfile.TemporaryDirectory() as temp:
            archive = _download(wheel, Path(temp))
            _unpack(archive, [s for s in wanted if s.wheel == wheel], where)
    return len(wanted)


def _download(wheel: str, temp: Path) -> Path:
    requirement, sha256 = sources().wheels[wheel]
    pinned = temp / "pinned.txt"
    pinned.write_text(f"{requirement} --hash=sha256:{sha256}\n")
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "-q",
        "--no-deps", "--require-hashes", "--only-binary", ":all:", "-d", str(temp), "-r",
        str(pinned),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    found = list(temp.glob("*.whl"))
    if done.returncode or len(found) != 1:
        raise MissingXsd(
            "xsd_download",
            f"Không tải được {requirement} để lấy lược đồ XSD; hãy kiểm tra mạng rồi chạy lại "
            "`make setup`.",
            en=f"could not download {requirement}",
        )
    return found[0]


def _unpack(archive: Path, schemas: list[Schema], target: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        for schema in schemas:
            data = wheel.read(schema.member)
            if hashlib.sha256(data).hexdigest() != schema.sha256:
                raise MissingXsd(
                    "xsd_altered",
                    f"Lược đồ {schema.name} khác bản đã ghi; không dùng.",
                    en=f"schema {schema.name} is not the pinned one",
                )
            part = target / f".{schema.name}.part"
            part.write_bytes(data)
            part.replace(target / f"{schema.name}.xsd")


@lru_cache(maxsize=16)
def load(name: str) -> etree.XMLSchema:
    """Return a schema by its message version, e.g. `pain.001.001.09`.

    Raises MissingXsd where it is not pinned, not there, or altered.
    """
    schema = sources().schemas.get(name)
    if schema is None or not _good(schema, folder()):
        raise MissingXsd(
            "xsd_missing",
            f"Thiếu lược đồ XSD {name}: không được gửi tệp; hãy chạy `make setup`.",
            en=f"the schema {name} is not installed; nothing may be sent",
        )
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.XMLSchema(etree.parse(str(folder() / f"{name}.xsd"), parser))


class _NoTree:
    """A parser's target that wants no event: nothing is built, memory stays as it was."""

    def close(self) -> None:
        """Take the end of the document."""


def first_complaint(
    read: Callable[[int], bytes], schema: etree.XMLSchema, most_bytes: int | None = None
) -> str | None:
    """Hold a document to a schema while it is read; return the words of the first complaint.

    `read(size)` hands over the next bytes. With `most_bytes` only the first so many are looked at,
    and that the document ends properly is then not. Raises etree.XMLSyntaxError for what is not
    well-formed.
    """
    parser = _checker(schema)
    left = most_bytes
    while piece := read(_PIECE if left is None else min(_PIECE, left)):
        parser.feed(piece)
        left = None if left is None else left - len(piece)
        if found := _complaint(parser):
            return found
    if left is None:
        parser.close()
    return _complaint(parser)


def _checker(schema: etree.XMLSchema) -> etree.XMLParser:
    return etree.XMLParser(
        target=_NoTree(),  # type: ignore[arg-type] # lxml asks a target for the events that it has
        schema=schema,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )


def _complaint(parser: etree.XMLParser) -> str | None:
    # A parser with a target raises nothing for its schema: its log alone tells.
    log = parser.feed_error_log.filter_from_errors()
    return log[0].message if len(log) else None


def carried(message_version: str) -> bool:
    """Tell whether a pinned package carries the schema of a message version at all."""
    return message_version in sources().schemas


def validate_file(path: Path, message_version: str) -> None:
    """Check a file that is about to leave against its schema, streaming.

    Raises MissingXsd, or RefusedBatch naming the line.
    """
    schema = load(message_version)
    line = None
    try:
        with path.open("rb") as stream:
            found = first_complaint(stream.read, schema)
    except etree.XMLSyntaxError as error:
        found, line = error.msg or "", error.lineno
    if found is not None:
        raise RefusedBatch(
            "xsd_invalid",
            f"Tệp chi không đúng lược đồ {message_version} (dòng {line or _line(path, schema)}); "
            "chưa gửi gì.",
            en=f"the file does not satisfy {message_version}: {found}",
        )


def _line(path: Path, schema: etree.XMLSchema) -> int:
    """Return the line that a schema complains about: the complaint itself names none."""
    parser = _checker(schema)
    seen = 0
    with path.open("rb") as stream:
        for line in stream:
            seen += 1
            parser.feed(line)
            if _complaint(parser) is not None:
                break
    return seen


def main(arguments: list[str]) -> int:
    """Run the command line: `fetch [DIR]`."""
    if not arguments or arguments[0] != "fetch":
        sys.stderr.write("usage: python -m bank_adapters.xsd fetch [DIR]\n")
        return 2
    try:
        written = fetch(Path(arguments[1]) if len(arguments) > 1 else None)
    except MissingXsd as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 1
    if written:
        sys.stdout.write(f"{written} XSD schemas in {folder()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
