"""Lays down the package of a new rail: adapter, profile, simulator, samples, tests.

The files are templates beside this module (`called/`); what is laid down works at once, under the
contract suite, with an invented protocol that the provider's document then replaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bank_adapters.api.registry import api_adapters
from bank_adapters.registry import names
from disbursement.platform import files
from disbursement.platform.errors import RefusedError, UsageError

RAILS = ("bank", "wallet", "mobile_money")
"""Kinds of destination that a called rail pays."""
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}(?:-[a-z0-9]{1,11})?")
_HERE = Path(__file__).parent / "called"
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


def new_adapter(name: str, folder: Path, *, title: str = "", rail: str = "wallet") -> list[Path]:
    """Write the package of a rail called `name` into `folder`; return the files.

    `rail` is the kind of destination it pays, `title` the provider's name as people read it. Raises
    UsageError for a name or rail that cannot be, RefusedError where an adapter has the name or the
    folder is in the product's tree or holds anything; nothing is written then.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "name",
            "Tên kênh gồm chữ thường không dấu và chữ số, bắt đầu bằng chữ, có thể có một dấu gạch "
            "ngang, ví dụ: vietbank hoặc viet-pay.",
        )
    if rail not in RAILS:
        raise UsageError("rail", f"--rail chỉ nhận: {', '.join(RAILS)}.")
    title = title or name
    if not re.fullmatch(r"[\w .,&()-]{1,60}", title):
        raise UsageError("title", "--title gồm chữ, số, dấu cách và . , & ( ) -, tối đa 60 ký tự.")
    if name in api_adapters() or name in names():
        raise RefusedError(
            "adapter_exists", f"Đã có kênh chi trả tên “{name}”; chọn tên khác. Chưa ghi gì."
        )
    _free(folder)
    module = f"disburse_{name.replace('-', '_')}"
    words = {
        "name": name, "module": module, "title": title, "rail": rail,
        "class": "".join(part.capitalize() for part in name.split("-")),
    }  # fmt: skip
    out = []
    for template in sorted(_HERE.rglob("*.txt")):
        stem = template.name.removesuffix(".txt")
        place = (
            f"samples/{stem}" if template.parent != _HERE
            else _PLACES[stem].format(module=module, name=name)
        )  # fmt: skip
        files.write(folder / place, _filled(template.read_text("utf-8"), words).encode())
        out.append(folder / place)
    return out


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
