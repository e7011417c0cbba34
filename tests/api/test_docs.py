from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from disbursement.identity import service
from tests.api.conftest import SECRET, Site

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_example_in_the_manual_signs_a_list(site: Site) -> None:
    (code,) = re.findall("```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    site.client.headers.update(site.headers("binh"))
    names: dict[str, Any] = {
        "client": site.client,
        "pem": service.key_path(site.world.ctx, "binh").read_bytes(),
        "passphrase": SECRET.encode(),
        "print": lambda _: None,
    }
    exec(code, names)
    assert names["answer"].status_code == 201
    assert names["answer"].json()["state"] == "checked"
