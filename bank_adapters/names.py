"""How well the name a bank or wallet knows fits the beneficiary's: a score that explains itself.

100 less the price of each rule that was needed to make one name of the other; what no rule
explains scores at most 45. Banks write upper case without marks, order and middle names vary, old
identity papers spell i for y and d for đ, and some answer with a mask only ("N*** V** A**"). A
rule says what was seen, so that a person can judge it; whether a score is enough is a policy of
the payer, never of this module. The prices are our own judgement, tried on the table of pairs in
the tests; no published standard exists for Vietnam.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

RULES: dict[str, tuple[int, str]] = {
    "marks": (2, "viết không dấu"),
    "tone_place": (1, "dấu thanh đặt ở chữ khác (hoà, hòa)"),
    "d_stroke": (4, "d thay cho đ"),
    "i_y": (3, "i thay cho y hoặc ngược lại"),
    "title": (2, "có chữ ông, bà"),
    "spaces": (3, "viết liền hoặc tách chữ khác"),
    "order": (10, "đảo thứ tự họ, tên"),
    "missing_mark": (10, "thiếu dấu ở một chữ"),
    "hoi_nga": (10, "lẫn hỏi, ngã"),
    "middle_missing": (15, "thiếu chữ đệm"),
    "initials": (15, "chữ viết tắt"),
    "spelling": (20, "phụ âm viết khác"),
    "cut": (20, "tên bị cắt ở cuối"),
    "regional": (25, "tên đọc theo vùng (Hoàng, Huỳnh)"),
    "other_marks": (30, "dấu khác: có thể là tên khác"),
    "given_initial": (40, "tên gọi chỉ còn chữ cái đầu"),
    "joint": (40, "tài khoản đứng tên nhiều người"),
}
"""Rule -> price in points, what it says. `masked` has a price by how little is shown."""
MASKED_VI = "ngân hàng chỉ cho biết một phần tên"
DIFFERENT_VI = "tên khác"
MAX_NAME = 200
MOST_WORDS = 8
"""More words are no person's name; it also bounds the search for another order."""
MOST_UNEXPLAINED = 45
SHORTEST_CUT = 20
"""Fields that cut names hold at least this many characters."""

_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_HOI_NGA = {"\u0309", "\u0303"}
_TITLES = {"ong", "ba", "mr", "mrs", "ms"}
_REGIONAL = tuple(
    frozenset(pair.split("/"))
    for pair in (
        "hoàng/huỳnh", "vũ/võ", "phúc/phước", "cảnh/kiểng", "nhân/nhơn", "tính/tánh", "chu/châu",
        "bảo/bửu", "hồng/hường", "thái/thới", "tùng/tòng", "nghĩa/ngãi", "hoa/huê", "sinh/sanh",
        "lĩnh/lãnh", "trường/tràng", "dũng/dõng", "an/yên",
    )
)  # fmt: skip
"""Names that north and south write differently; the same person's papers may hold both."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A score of 0 to 100, and the rules that cost points, the dearest first."""

    score: int
    rules: tuple[str, ...]

    @property
    def words_vi(self) -> str:
        """Say why in Vietnamese, for the person who decides."""
        if not self.rules:
            return "trùng khớp"
        told = {"masked": MASKED_VI, "different": DIFFERENT_VI, "empty": "không có tên"}
        return "; ".join(told.get(r) or RULES[r][1] for r in self.rules)


def compare_names(ours: str, theirs: str) -> NameMatch:
    """Compare a beneficiary's name with what the provider calls the account's holder."""
    if len(ours) > MAX_NAME or len(theirs) > MAX_NAME:
        return NameMatch(0, ("different",))
    found: set[str] = set()
    mine, other = _words(ours, found), _words(theirs, found)
    if not mine or not other:
        return NameMatch(0, ("empty",))
    if "*" in theirs or "*" in ours:
        return _masked(mine, other)
    best = _explain(mine, other)
    if best is None:
        best = _joint(mine, other)
    if best is None:
        return NameMatch(_shared(mine, other), ("different",))
    return _priced(found | best)


def _priced(rules: set[str]) -> NameMatch:
    ordered = tuple(sorted(rules, key=lambda r: (-RULES[r][0], r)))
    return NameMatch(max(0, 100 - sum(RULES[r][0] for r in ordered)), ordered)


def _words(name: str, found: set[str]) -> list[str]:
    """Split into lower-case words in NFC; a leading title is noted and left out."""
    text = unicodedata.normalize("NFC", name).casefold().replace("ð", "đ")
    text = unicodedata.normalize("NFC", text)
    kept = re.sub(r"[^\w*]+|_", " ", text)
    words = kept.split()
    if len(words) > 2 and _plain(words[0]) in _TITLES and words[0] not in ("bá", "bạ"):
        found.add("title")
        words = words[1:]
    return words


def _plain(word: str) -> str:
    marks = unicodedata.normalize("NFD", word.replace("đ", "d"))
    return "".join(c for c in marks if not unicodedata.combining(c))


def _split(word: str) -> tuple[str, str]:
    """Return the letters with their hats and horns, and the tones apart."""
    marks = unicodedata.normalize("NFD", word)
    tones = "".join(sorted(c for c in marks if c in _TONES))
    return "".join(c for c in marks if c not in _TONES), tones


def _with_i(word: str) -> str:
    """Write the y that sounds like i as i: ly, my, quy, y; never in uy, ay, yen."""
    marks = unicodedata.normalize("NFD", word)
    changed = re.sub(r"^(qu|[bcdđghklmnpqrstvx]*)y([\u0300-\u036f]*)$", r"\1i\2", marks)
    return unicodedata.normalize("NFC", changed)


def _sound(word: str) -> str:
    """Write consonants that are mistaken for each other alike; of a word without marks."""
    start = re.sub(r"^(ngh|gh|k|q|tr|s|gi|r|ph|l)", lambda m: _ALIKE[m[1]], word)
    return re.sub(r"t$", "c", re.sub(r"ng$", "n", start))


_ALIKE = {
    "ngh": "ng", "gh": "g", "k": "c", "q": "c", "tr": "ch", "s": "x", "gi": "d", "r": "d",
    "ph": "f", "l": "n",
}  # fmt: skip


def _pair(a: str, b: str, *, bare: bool, last: bool) -> set[str] | None:
    """Return the rules under which two words are one; None where no rule explains it.

    `bare`: one of the two names carries no mark at all; `last`: the words are the given names.
    """
    if a == b:
        return set()
    x, y = _with_i(a), _with_i(b)
    if x == y:
        return {"i_y"}
    if len(a) == 1 or len(b) == 1 or _is_abbreviation(a, b):
        return _initial(a, b, last=last)
    rules: set[str] = set()
    if (x, y) != (a, b) and _plain(x) == _plain(y) and _plain(a) != _plain(b):
        rules.add("i_y")
        a, b = x, y
    if _plain(a) == _plain(b):
        return rules | _marks(a, b, bare=bare)
    if frozenset((_plain(a), _plain(b))) in _PLAIN_REGIONAL:
        return rules | {"regional"}
    if _sound(_plain(a)) == _sound(_plain(b)):
        return rules | {"spelling"}
    return None


_PLAIN_REGIONAL = frozenset(frozenset(_plain(w) for w in pair) for pair in _REGIONAL)


def _marks(a: str, b: str, *, bare: bool) -> set[str]:
    """Say how two words differ that are the same without marks."""
    if bare:
        return {"marks"}
    (la, ta), (lb, tb) = _split(a), _split(b)
    if la == lb and ta == tb:
        return {"tone_place"}
    rules: set[str] = set()
    if la.replace("đ", "d") == lb.replace("đ", "d"):
        if la != lb:
            rules.add("d_stroke")
        if ta == tb:
            return rules
        if {*ta, *tb} == _HOI_NGA and len(ta) == len(tb) == 1:
            return rules | {"hoi_nga"}
    if a == _plain(a) or b == _plain(b):
        return {"missing_mark"}
    return {"other_marks"}


def _is_abbreviation(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return bool(re.fullmatch(r"ng|nh|tr|th|ph|kh|ch|gi", short)) and len(long) > len(short)


def _initial(a: str, b: str, *, last: bool) -> set[str] | None:
    short, long = sorted((_plain(a), _plain(b)), key=len)
    if len(short) == len(long):  # one letter each: ý and y are the same, a and b are not
        return {"marks"} if short == long else None
    if not long.startswith(short):
        return None
    return {"given_initial" if last else "initials"}


def _explain(mine: Sequence[str], other: Sequence[str]) -> set[str] | None:
    """Return the cheapest set of rules that makes one name of the other."""
    bare = _bare(mine) or _bare(other)
    found = [
        _in_place(mine, other, bare=bare),
        _reordered(mine, other, bare=bare),
        _without_middle(mine, other, bare=bare),
        _joined(mine, other, bare=bare),
        _cut(mine, other, bare=bare),
    ]
    known = [rules for rules in found if rules is not None]
    return min(known, key=lambda r: sum(RULES[x][0] for x in r), default=None)


def _bare(words: Sequence[str]) -> bool:
    return all(w == _plain(w) for w in words)


def _in_place(mine: Sequence[str], other: Sequence[str], *, bare: bool) -> set[str] | None:
    if len(mine) != len(other):
        return None
    rules: set[str] = set()
    for n, (a, b) in enumerate(zip(mine, other, strict=True)):
        one = _pair(a, b, bare=bare, last=n == len(mine) - 1)
        if one is None:
            return None
        rules |= one
    return rules


def _reordered(mine: Sequence[str], other: Sequence[str], *, bare: bool) -> set[str] | None:
    """Try other orders, of whole words only: an initial in another place proves nothing."""
    if len(mine) != len(other) or len(mine) > MOST_WORDS:
        return None
    if sorted(map(_plain, mine)) != sorted(map(_plain, other)) or min(map(len, mine)) < 2:
        return None
    rotated = [[*other[n:], *other[:n]] for n in range(1, len(other))]
    orders = permutations(other) if len(other) <= 4 else iter(map(tuple, rotated))
    found = [
        rules | {"order"}
        for order in orders
        if list(order) != list(other) and (rules := _in_place(mine, order, bare=bare)) is not None
    ]
    return min(found, key=lambda r: sum(RULES[x][0] for x in r), default=None)


def _without_middle(mine: Sequence[str], other: Sequence[str], *, bare: bool) -> set[str] | None:
    short, long = sorted((mine, other), key=len)
    if len(short) == len(long) or len(short) < 2:
        return None
    rules: set[str] = {"middle_missing"}
    ends = ((short[0], long[0], False), (short[-1], long[-1], True))
    for a, b, last in ends:
        one = _pair(a, b, bare=bare, last=last)
        if one is None:
            return None
        rules |= one
    at = 0
    middle = long[1:-1]
    for word in short[1:-1]:
        while at < len(middle) and (one := _pair(word, middle[at], bare=bare, last=False)) is None:
            at += 1
        if at == len(middle):
            return None
        rules |= one or set()
        at += 1
    return rules


def _joined(mine: Sequence[str], other: Sequence[str], *, bare: bool) -> set[str] | None:
    a, b = "".join(mine), "".join(other)
    if len(mine) == len(other) or _plain(a) != _plain(b):
        return None
    return {"spaces"} | (set() if a == b else {"marks"} if bare else {"other_marks"})


def _cut(mine: Sequence[str], other: Sequence[str], *, bare: bool) -> set[str] | None:
    short, long = sorted((" ".join(mine), " ".join(other)), key=len)
    if len(short) < SHORTEST_CUT or len(short) == len(long):
        return None
    if not _plain(long).startswith(_plain(short)):
        return None
    same = long.startswith(short)
    return {"cut"} | (set() if same else {"marks"} if bare else {"other_marks"})


def _joint(mine: Sequence[str], other: Sequence[str]) -> set[str] | None:
    """One of several holders: "A và B", "A hoặc B"."""
    for words, single in ((other, mine), (mine, other)):
        for n, word in enumerate(words):
            if _plain(word) in ("va", "hoac", "and", "or") and 2 <= n < len(words) - 1:
                for part in (words[:n], words[n + 1 :]):
                    if (rules := _explain(single, part)) is not None:
                        return rules | {"joint"}
    return None


def _masked(mine: Sequence[str], other: Sequence[str]) -> NameMatch:
    """Compare what a mask leaves; a star stands for any letters, their number tells nothing."""
    known, mask = (mine, other) if any("*" in w for w in other) else (other, mine)
    if len(known) != len(mask) or any("*" in w for w in known):
        return NameMatch(0, ("different",))
    shown = 0
    for word, hidden in zip(map(_plain, known), map(_plain, mask), strict=True):
        pattern = re.sub(r"\\\*(\\\*)*", "[^ ]*", re.escape(hidden))
        if not re.fullmatch(pattern, word):
            return NameMatch(0, ("different",))
        shown += len(hidden.replace("*", ""))
    if shown == 0:
        return NameMatch(0, ("different",))
    whole = sum(len(w) for w in known)
    return NameMatch(60 + 25 * min(shown, whole) // whole, ("masked",))


def _shared(mine: Sequence[str], other: Sequence[str]) -> int:
    """Return how much two names share that no rule makes one: at most MOST_UNEXPLAINED."""
    left = [_plain(w) for w in other]
    both = 0
    for word in map(_plain, mine):
        if word in left:
            left.remove(word)
            both += 1
    return MOST_UNEXPLAINED * both // max(len(mine), len(other))
