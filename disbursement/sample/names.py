"""Invented Vietnamese names: common syllables put together at random. Nobody real is meant."""

from __future__ import annotations

from random import Random

# Family names with rough weights (Nguyễn is the name of about two in five).
_FAMILY = (
    ("Nguyễn", 38), ("Trần", 11), ("Lê", 9), ("Phạm", 7), ("Hoàng", 5), ("Phan", 4), ("Vũ", 4),
    ("Đặng", 3), ("Bùi", 3), ("Đỗ", 3), ("Hồ", 2), ("Ngô", 2), ("Dương", 2), ("Lý", 1), ("Đinh", 1),
    ("Hà", 1), ("Lương", 1), ("Mai", 1), ("Trịnh", 1), ("Tạ", 1),
)  # fmt: skip
_MIDDLE = {
    "male": ("Văn", "Đình", "Hữu", "Quang", "Xuân", "Đức", "Công", "Minh", "Ngọc", "Thế", "Bá"),
    "female": ("Thị", "Thị", "Thị", "Ngọc", "Thu", "Thanh", "Bích", "Hồng", "Kim", "Mai", "Lan"),
}
_GIVEN = {
    "male": (
        "An", "Bình", "Cường", "Chiến", "Dũng", "Duy", "Đạt", "Đông", "Giang", "Hải", "Hiếu",
        "Hòa", "Hùng", "Huy", "Khánh", "Kiên", "Lâm", "Long", "Lực", "Mạnh", "Nam", "Nghĩa",
        "Phong", "Phúc", "Quân", "Quý", "Sơn", "Tài", "Tâm", "Thắng", "Thành", "Thịnh", "Tiến",
        "Toàn", "Trung", "Tú", "Tuấn", "Tùng", "Việt", "Vinh",
    ),
    "female": (
        "Ánh", "Bích", "Chi", "Cúc", "Dung", "Duyên", "Đào", "Hà", "Hạnh", "Hằng", "Hiền", "Hoa",
        "Hồng", "Huệ", "Hương", "Huyền", "Lan", "Liên", "Linh", "Loan", "Mai", "Minh", "Nga",
        "Ngân", "Nhung", "Nhàn", "Oanh", "Phượng", "Quyên", "Sen", "Tâm", "Thảo", "Thoa", "Thu",
        "Thủy", "Trang", "Tuyết", "Vân", "Xuân", "Yến",
    ),
}  # fmt: skip
_FAMILIES = tuple(name for name, weight in _FAMILY for _ in range(weight))


def _pick(rng: Random, values: tuple[str, ...]) -> str:
    return values[int(rng.random() * len(values))]


def new_name(rng: Random, sex: str, family: str | None = None) -> str:
    """Return a name; `family` keeps a child's family name that of the parent."""
    given = _pick(rng, _GIVEN[sex])
    middle = _pick(rng, _MIDDLE[sex])
    if middle == given:
        middle = _MIDDLE[sex][0]
    return f"{family or _pick(rng, _FAMILIES)} {middle} {given}"


def other_name(rng: Random, name: str) -> str:
    """Return a name that is certainly not this one: another given name, another family."""
    family, given = name.split()[0], name.split()[-1]  # noqa: PLC0207 - both ends are needed
    while True:
        found = new_name(rng, "male" if rng.random() < 0.5 else "female").split()
        if found[-1] != given and found[0] != family:
            return " ".join(found)
