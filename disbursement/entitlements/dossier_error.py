"""The refusal of a dossier, apart so that everything that reads one can say it."""

from __future__ import annotations

from disbursement.platform.errors import RefusedError

_MOST_SHOWN = 40
_PLACES = {"toàn văn": "the whole text", "gốc": "top level"}


class DossierError(RefusedError):
    """The dossier is refused: one sentence says where and what."""

    def __init__(self, where: str, what_vi: str, what_en: str) -> None:
        self.what_vi, self.what_en, self.where = what_vi, what_en, where
        where = "".join(c for c in where if c.isprintable() and c not in "<>&")[:120]
        super().__init__(
            "dossier",
            f"Hồ sơ đề nghị giải thích, {where}: {what_vi}.",
            en=f"dossier, {_PLACES.get(where, where)}: {what_en}",
        )


def written(value: object) -> str:
    """Return a wrong value as a sentence may show it: short, printable, no markup; else ''."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return "".join(c for c in str(value) if c.isprintable() and c not in "<>&'\"")[:_MOST_SHOWN]
