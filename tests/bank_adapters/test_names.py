"""The name check: a table of pairs with the rules that must be named, and what holds for all."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.names import MOST_UNEXPLAINED, RULES, compare_names

# ours | theirs | rules. Made up for this table after the cases that banks' answers, the old
# identity papers and the published masks ("N*** V** A**") show; nobody real.
PAIRS = """
Nguyễn Văn An | Nguyễn Văn An |
Nguyễn Văn An | NGUYỄN VĂN AN |
nguyễn văn an | Nguyễn  Văn   An |
Nguyễn Văn Hùng | NGUYEN VAN HUNG | marks
Nguyễn Văn Hưng | NGUYEN VAN HUNG | marks
Đỗ Thị Đào | DO THI DAO | marks
Đặng Thị Hồng Nhung | DANG THI HONG NHUNG | marks
Trần Thị Thuý | Trần Thị Thúy | tone_place
Hoàng Thị Hoà | Hoàng Thị Hòa | tone_place
Lê Thị Khoẻ | Lê Thị Khỏe | tone_place
Đặng Văn An | Dặng Văn An | d_stroke
Đinh Văn Đức | Đinh Văn Dức | d_stroke
Đỗ Văn Ðịnh | Đỗ Văn Định |
Lý Thị Lan | Lí Thị Lan | i_y
Lý Thị Mỹ | LI THI MI | i_y marks
Nguyễn Thị Mỹ | Nguyễn Thị Mĩ | i_y
Vũ Văn Quý | Vũ Văn Quí | i_y
Trần Văn Kỳ | TRAN VAN KI | i_y marks
Hà Văn Sỹ | Hà Văn Sĩ | i_y
Lê Thị Y | Lê Thị I | i_y
Nguyễn Văn Huy | NGUYEN VAN HUI | different
Trần Thị Thúy | TRAN THI THUI | different
Nguyễn Văn An | ÔNG NGUYEN VAN AN | marks title
Nguyễn Thị An | BÀ NGUYỄN THỊ AN | title
Nguyễn Thị An | MRS NGUYEN THI AN | marks title
Bá Thị Lan | BA THI LAN | different
Nguyễn Văn An | NGUYENVANAN | spaces marks
Nguyễn Văn An | Nguyễn VănAn | spaces
Lê Thị Kim Anh | LE THI KIMANH | spaces marks
Nguyễn Văn An | An Nguyễn Văn | order
Nguyễn Văn An | AN NGUYEN VAN | order marks
Nguyễn Văn An | An Văn Nguyễn | order
Trần Thị Kim Chi | KIM CHI TRAN THI | order marks
Trần Thị Kim Chi | Chi Trần Thị Kim | order
Nguyễn Thị Hoa | Nguyễn Thi Hoa | missing_mark
Trần Thị Bích Hạnh | Trần Thị Bich Hạnh | missing_mark
Nguyễn Văn Dũng | Nguyển Văn Dũng | hoi_nga
Lê Thị Diễm | Lê Thị Diểm | hoi_nga
Vũ Thị Nhã | Vủ Thị Nhã | hoi_nga
Nguyễn Văn An | Nguyễn An | middle_missing
Nguyễn Văn An | NGUYEN AN | middle_missing marks
Nguyễn Thị Kim Anh | Nguyễn Kim Anh | middle_missing
Nguyễn Thị Kim Anh | NGUYEN THI ANH | middle_missing marks
Phạm Hồng Thái | Phạm Văn Hồng Thái | middle_missing
Tôn Nữ Thị Ninh | TON NU NINH | middle_missing marks
Nguyễn Văn An | Nguyễn V. An | initials
Nguyễn Văn An | N. V. An | initials
Nguyễn Văn An | Ng. V. An | initials
Trần Thị Bình | Tr. Thị Bình | initials
Phan Thị Thu Hà | PHAN T T HA | initials marks
Nguyễn Văn An | Nguyễn Văn A. | given_initial
Nguyễn Văn An | N. V. A. | given_initial initials
Nguyễn Văn Nghĩa | Nguyễn Văn Ngĩa | spelling
Nguyễn Văn Kiên | NGUYEN VAN CIEN | marks spelling
Trần Thị Sương | TRAN THI XUONG | marks spelling
Lê Thị Trâm | Lê Thị Châm | spelling
Lê Văn Giang | Lê Văn Dang | spelling
Đoàn Văn Lam | DOAN VAN NAM | marks spelling
Hoàng Văn Thụ | Huỳnh Văn Thụ | regional
Vũ Thị Lan | VO THI LAN | marks regional
Nguyễn Hồng Phúc | Nguyễn Hồng Phước | regional
Trần Văn Nhân | Trần Văn Nhơn | regional
Nguyễn Văn Hùng | Nguyễn Văn Hưng | other_marks
Lê Thị Lan | Lê Thị Lân | missing_mark
Lê Thị Hồng | Lê Thị Hòng | other_marks
Trần Văn Tuấn | Trần Văn Tuân | other_marks
Nguyễn Thị Hồng Nhung Anh Thư | NGUYEN THI HONG NHUNG AN | cut marks
Nguyễn Thị Phương Thảo Nguyên | Nguyễn Thị Phương Thảo Ngu | cut
Nguyễn Văn An | NGUYEN VAN AN VA TRAN THI BE | joint marks
Trần Thị Bé | NGUYEN VAN AN VA TRAN THI BE | joint marks
Trần Thị Bé | Nguyễn Văn An hoặc Trần Thị Bé | joint
Nguyễn Văn An | N*** V** A** | masked
Nguyễn Văn An | NGUYEN V** A* | masked
Nguyễn Văn An | N***** *** AN | masked
Nguyễn Văn Bình | N*** V** A** | different
Nguyễn Văn An | N*** A** | different
Nguyễn Văn An | *** *** *** | different
Nguyễn Văn An | Trần Văn An | different
Nguyễn Văn An | NGUYEN VAN BINH | different
Nguyễn Văn An | Lê Thị Cúc | different
Nguyễn Thị An | NGUYEN VAN AN | different
Nguyễn Văn An | NGUYEN THI AN | different
Nguyễn Văn An | CONG TY TNHH AN PHAT | different
Nguyễn Văn An | | empty
 | NGUYEN VAN AN | empty
Nguyễn Văn An | 123 456 789 | different
Y Blơm Niê | Y BLOM NIE | marks
H'Hen Niê | H HEN NIE | marks
Giàng A Páo | GIANG A PAO | marks
Thạch Sa Rây | Thạch Xa Rây | spelling
Nguyễn Văn Út Em | NGUYEN VAN UT | different
"""


def _pairs() -> list[tuple[str, str, set[str]]]:
    rows = [line.split("|") for line in PAIRS.strip("\n").splitlines()]
    return [(a.strip(), b.strip(), set(rules.split())) for a, b, rules in rows]


@pytest.mark.parametrize(("ours", "theirs", "rules"), _pairs())
def test_the_rules_that_explain_a_pair_are_named(ours: str, theirs: str, rules: set[str]) -> None:
    found = compare_names(ours, theirs)
    assert set(found.rules) == rules
    if not rules & {"masked", "different", "empty"}:
        assert found.score == 100 - sum(RULES[r][0] for r in rules)
    elif rules == {"masked"}:
        assert 60 < found.score < 85
    else:
        assert found.score <= MOST_UNEXPLAINED
    assert found.words_vi


def test_the_table_is_long_enough() -> None:
    assert len(_pairs()) >= 80


WORDS = (
    "Nguyễn Trần Lê Phạm Hoàng Đặng Đỗ Lý Vũ Văn Thị Hữu Đức Kim Hồng An Bình Cúc Dũng Giang Hạnh "
    "Khánh Mỹ Nghĩa Quý Sơn Thúy Trâm Vinh Xuân Yến"
)
WORD = st.sampled_from(WORDS.split())
NAME = st.lists(WORD, min_size=2, max_size=5).map(" ".join)


@given(NAME)
def test_a_name_is_itself_in_every_spelling_of_unicode(name: str) -> None:
    for form in ("NFC", "NFD"):
        assert compare_names(name, unicodedata.normalize(form, name)).score == 100  # type: ignore[arg-type]
    assert compare_names(name, name.upper()).score == 100
    plain = "".join(
        c
        for c in unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
        if not unicodedata.combining(c)
    )
    assert compare_names(name, plain.upper()).score >= 98


@given(NAME, NAME)
def test_both_ways_give_the_same_score(one: str, other: str) -> None:
    assert compare_names(one, other).score == compare_names(other, one).score


@given(NAME, NAME)
def test_another_given_name_is_never_enough(one: str, other: str) -> None:
    plain = {
        unicodedata.normalize("NFD", w).encode("ascii", "ignore")
        for w in (one + " " + other).split()
    }
    if len(plain) < len({*one.split(), *other.split()}):
        return
    if set(one.split()).isdisjoint(other.split()):
        assert compare_names(one, other).score < 90


@given(NAME, st.integers(0, 4))
def test_a_mask_of_the_name_fits_and_stays_below_every_full_spelling(name: str, keep: int) -> None:
    masked = " ".join(w[: max(1, keep)] + "***" for w in name.upper().split())
    found = compare_names(name, masked)
    assert found.rules == ("masked",)
    assert found.score <= 85


@given(st.text(max_size=250), st.text(max_size=250))
def test_any_two_texts_have_a_score_and_a_reason(one: str, other: str) -> None:
    found = compare_names(one, other)
    assert 0 <= found.score <= 100
    assert found.words_vi
    assert (found.score == 100) == (found.rules == ())
