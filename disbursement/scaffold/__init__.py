"""Lays down the package of a new rail: adapter, profile, simulator, samples, tests.

The files are templates beside this module; what is laid down works at once, under the contract
suite, with an invented protocol (`called`) or our own plain CSV (`table`) that the provider's
document then replaces.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from bank_adapters import sheets
from bank_adapters.api.registry import api_adapters
from bank_adapters.conformance.orders import header, row
from bank_adapters.registry import names
from bank_adapters.sheets.profile import from_mapping, is_sheet
from bank_adapters.sheets.render import render
from disbursement.platform import files
from disbursement.platform.errors import RefusedError, UsageError

RAILS = ("bank", "wallet", "mobile_money")
"""Kinds of destination that a called rail pays."""
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}(?:-[a-z0-9]{1,11})?")
KINDS = ("called", "table")
"""A rail that is called, and a bank that is sent tables, which needs a profile and no code."""
_HERE = Path(__file__).parent
_PATTERN = "csv-vn-1"
"""Our own profile that a new table starts from."""
_PLACES: Mapping[str, str] = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "__init__.py": "{module}/__init__.py",
    "adapter.py": "{module}/adapter.py",
    "simulator.py": "{module}/simulator.py",
    "codes.csv": "{module}/codes.csv",
    "py.typed": "{module}/py.typed",
    "profiles_init.py": "{module}/profiles/__init__.py",
    "profile.yaml": "{module}/profiles/{name}-1.yaml",
    "test_contract.py": "tests/test_contract.py",
    "test_samples.py": "tests/test_samples.py",
}
"""Template -> where it goes; samples keep their names."""


def new_adapter(
    name: str, folder: Path, *, title: str = "", kind: str = "called", rail: str = "wallet"
) -> list[Path]:
    """Write the package of a rail called `name` into `folder`; return the files.

    `kind` is one of KINDS, `rail` the kind of destination that a called rail pays, `title` the
    provider's name as people read it. Raises UsageError for a name, kind or rail that cannot be,
    RefusedError where the name is taken or the folder is in the product's tree or holds anything;
    nothing is written then.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "name",
            "Tên kênh gồm chữ thường không dấu và chữ số, bắt đầu bằng chữ, có thể có một dấu gạch "
            "ngang, ví dụ: vietbank hoặc viet-pay.",
        )
    if rail not in RAILS:
        raise UsageError("rail", f"--rail chỉ nhận: {', '.join(RAILS)}.")
    if kind not in KINDS:
        raise UsageError("kind", f"--kind chỉ nhận: {', '.join(KINDS)}.")
    title = title or name
    if not re.fullmatch(r"[\w .,&()-]{1,60}", title):
        raise UsageError("title", "--title gồm chữ, số, dấu cách và . , & ( ) -, tối đa 60 ký tự.")
    if name in (*api_adapters(), *names()) or is_sheet(f"{name}-1"):
        raise RefusedError(
            "adapter_exists", f"Đã có kênh chi trả tên “{name}”; chọn tên khác. Chưa ghi gì."
        )
    _free(folder)
    module = f"disburse_{name.replace('-', '_')}"
    words = {
        "name": name, "module": module, "title": title, "rail": rail,
        "class": "".join(part.capitalize() for part in name.split("-")),
    }  # fmt: skip
    made = {
        _place(template, words): _filled(template.read_text("utf-8"), words).encode()
        for part in ("shared", kind)
        for template in sorted((_HERE / part).rglob("*.txt"))
    }
    if kind == "table":
        profile = _table(words)
        made[_PLACES["profile.yaml"].format(**words)] = profile.encode()
        made["samples/out.csv"] = _sample(profile)
    for place, data in made.items():
        files.write(folder / place, data)
    return [folder / place for place in made]


def _place(template: Path, words: Mapping[str, str]) -> str:
    stem = template.name.removesuffix(".txt")
    if template.parent.name == "samples":
        return f"samples/{stem}"
    return _PLACES[stem].format(**words)


def _table(words: Mapping[str, str]) -> str:
    """Return our own plain CSV as the first profile of a new table."""
    path = Path(sheets.__file__).parent / "profiles" / f"{_PATTERN}.yaml"
    body = path.read_text("utf-8").partition("\n")[2]
    body = body.replace(f"id: {_PATTERN}\n", f"id: {words['name']}-1\n")
    body = re.sub(r"(?m)^title: .*$", f"title: {words['title']}", body)
    body = body[: body.index("source: ")] + (
        "source: >-\n  Laid down by disburse new-adapter as a copy of our own plain CSV; nothing "
        "in it is the\n  bank's until its document says so.\n"
    )
    return f"# {words['title']}. Replace each value by the bank's own template.\n{body}"


def _sample(profile: str) -> bytes:
    """Return two orders as the profile writes them."""
    rows, out = [row(1), row(2, amount_vnd=540_000)], io.BytesIO()
    render(from_mapping(yaml.safe_load(profile), "profile.yaml"), header(rows), rows, out)
    return out.getvalue()


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: words[found[1]], text)


def _free(folder: Path) -> None:
    """Refuse a folder that holds anything, or lies in the product's own tree."""
    product = Path(__file__).resolve().parents[1]
    tree = product.parent
    inside = folder.resolve().is_relative_to(product) or (
        (tree / "pyproject.toml").is_file() and folder.resolve().is_relative_to(tree)
    )
    if inside:
        raise RefusedError(
            "inside_product",
            f"Thư mục {folder} nằm trong cây mã nguồn của hệ thống; kênh mới là một gói riêng, hãy "
            "chọn thư mục khác bằng --out. Chưa ghi gì.",
            en=f"{folder} lies in the product's own tree; choose another folder with --out.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RefusedError(
            "not_empty",
            f"Thư mục {folder} đã có tệp; chọn thư mục trống bằng --out. Chưa ghi gì.",
            en=f"{folder} is not empty; choose another folder with --out.",
        )
