"""Invented people with the facts their clause needs, one after the other, from one seed.

Published: 76 % have an account (46,503 of 60,894 people of Vĩnh Phúc, April 2024). Everything
else (the mix of clauses, ages, wallets, families) is a guess for exercise, and said to be one.
Dates hold together: nobody is decided before the age or the certificate the clause asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from disbursement.entitlements.facts import Birth, Case
from disbursement.platform.clock import month_of
from disbursement.runs.check_rules import birth_provinces
from disbursement.sample.names import new_name, other_name

ACCOUNT_SHARE = 46_503 / 60_894
"""Vĩnh Phúc, April 2024: people with an account over all people paid."""
WALLET_SHARE = 0.015
MOBILE_MONEY_SHARE = 0.01
WALLET_COMMUNES = 4
"""E-wallets and Mobile Money are found in every fourth commune, four times as often there."""
CLOSED_WALLETS = 41
"""One number in this many has been closed since it was registered."""
ROLL_DAY = date(2026, 9, 15)
"""The register is exported on this day; nothing in it is later."""
_K7_BORN = date(2023, 9, 1)
"""A child of K7 is born from here on: the allowance of an older one has ended before go-live, or
ends so early that a clean register would hold the commune's decision to stop."""
LATE = ((date(2026, 10, 6), date(2026, 10, 22)), (date(2026, 11, 2), date(2026, 11, 23)))
"""First and last day of the decisions in the later files."""

_MIX = (
    ("K6", 0.46), ("SP", 0.36), ("K4", 0.05), ("K5a", 0.05), ("K1", 0.025), ("K7", 0.03),
    ("K8", 0.012), ("K3", 0.003), ("K4+K6", 0.01),
)  # fmt: skip
_BANKS = (
    ("VBAAVNVX", "1500", 13), ("ICBVVNVX", "1010", 12), ("BIDVVNVX", "2151", 14),
    ("BFTVVNVX", "0011", 13), ("LVBKVNVX", "0270", 12), ("MSCBVNVX", "0680", 13),
)  # fmt: skip
_OWNER_SHARES = {"K1": 0.9, "K3": 0.9, "K7": 0.95}
_SIGNERS = ("Trần Văn Mẫu", "Lê Thị Mẫu", "Nguyễn Văn Thử", "Phạm Thị Thử")
_SERIAL = 618_033  # odd and no multiple of 5: i -> i * _SERIAL mod 10^6 is a permutation


def has_wallets(commune: str) -> bool:
    """Whether people of a commune have e-wallets and Mobile Money."""
    return int(commune) % WALLET_COMMUNES == 0


@dataclass(frozen=True)
class Person:
    """An invented person: one or two cases, one destination. `kind` is what was planted, or ''."""

    index: int
    identity: str
    name: str
    birth: date
    birth_text: str
    sex: str
    commune: str
    cases: tuple[Case, ...]
    payee_name: str
    payee_relation: str
    destination: str
    bank: str
    account: str
    owner_name: str
    owner_relation: str
    late: int = 0  # 0: on the roll; 1, 2: in a later file
    kind: str = ""
    died_on: date | None = None
    true_owner: str | None = None  # where the bank knows the account under another name
    closed: bool = False

    @property
    def birth_span(self) -> Birth:
        """Return the months of birth as the file tells them."""
        text = self.birth_text
        return Birth.in_year(self.birth.year) if len(text) == 4 else Birth.on(self.birth)


@dataclass
class _Family:
    """What the next person shares with the one before: a guardian's or a spouse's account."""

    kind: str = ""  # guardian | spouse
    bank: str = ""
    account: str = ""
    owner: str = ""
    commune: str = ""


@dataclass
class Maker:
    """Makes people by index; the same seed gives the same people in the same order."""

    seed: int
    province: str
    rng: Random = field(init=False)
    family: _Family = field(default_factory=_Family)

    def __post_init__(self) -> None:
        self.rng = Random(f"{self.seed}/{self.province}")  # noqa: S311 - invented data, no secret

    # ---- the pieces

    def _between(self, first: date, last: date) -> date:
        days = (last - first).days
        return first + timedelta(days=int(self.rng.random() * (days + 1))) if days > 0 else first

    def _born(self, low: int, high: int, on: date) -> date:
        """Return a birth day that makes a person `low` to `high` years old on a day."""
        return self._between(_years(on, -high - 1) + timedelta(days=1), _years(on, -low))

    def _identity(self, index: int, birth: date, sex: str) -> str:
        digit = 2 * ((birth.year - 1900) // 100) + (sex == "female")
        block, serial = divmod(index, 1_000_000)
        known = sorted(birth_provinces())  # a million numbers a year and sex, then the next one's
        prefix = known[(known.index(f"0{self.province}") + block) % len(known)]
        return f"{prefix}{digit}{birth.year % 100:02d}{serial * _SERIAL % 1_000_000:06d}"

    def _account(self, index: int) -> tuple[str, str]:
        bic, start, length = _BANKS[int(self.rng.random() * len(_BANKS))]
        width = length - len(start)
        return bic, f"{start}{index * 7_919_131 % 10**width:0{width}d}"

    # ---- a person

    def person(self, index: int, commune: str, late: int = 0) -> Person:
        """Make the next person; call with rising indexes."""
        rng = self.rng
        if self.family.kind == "spouse" and self.family.commune == commune and not late:
            clause = "SP"
        else:
            clause = _choose(rng.random())
        sex = "female" if rng.random() < (0.62 if clause in ("SP", "K4", "K4+K6") else 0.47) else (
            "male"
        )  # fmt: skip
        cases, birth = self._cases(clause, index, late)
        name = new_name(rng, sex)
        person = Person(
            index, self._identity(index, birth, sex), name, birth, f"{birth:%d/%m/%Y}", sex,
            commune, cases, name, "self", "cash", "", "", name, "self", late,
        )  # fmt: skip
        person = self._destination(person, clause)
        return self._papers(person)

    def _destination(self, person: Person, clause: str) -> Person:
        rng, family = self.rng, self.family
        shared = family.kind and family.commune == person.commune and not person.late
        if shared and (family.kind == "spouse" or clause in _OWNER_SHARES):
            found = replace(
                person, destination="bank", bank=family.bank, account=family.account,
                owner_name=family.owner, owner_relation=family.kind,
            )  # fmt: skip
            if family.kind == "guardian":
                found = replace(found, payee_name=family.owner, payee_relation="guardian")
            self.family = _Family()
            return found
        draw = rng.random()
        person = self._payee(person, clause)
        if draw < ACCOUNT_SHARE:
            bank, account = self._account(person.index)
            found = replace(
                person, destination="bank", bank=bank, account=account,
                owner_name=person.payee_name, owner_relation=person.payee_relation,
                closed=rng.random() < 0.002,
            )  # fmt: skip
            self._share(found, clause)
            return found
        if not has_wallets(person.commune):
            return person
        draw -= ACCOUNT_SHARE
        for kind, share, operator in (
            ("wallet", WALLET_SHARE * WALLET_COMMUNES * 2 / 3, "MoMo"),
            ("wallet", WALLET_SHARE * WALLET_COMMUNES / 3, "ZaloPay"),
            ("mobile_money", MOBILE_MONEY_SHARE * WALLET_COMMUNES, "MobiFone Money"),
        ):
            share_before, draw = draw, draw - share
            if share_before < share:
                phone = f"09{person.index * 7_919_131 % 10**8:08d}"
                return replace(
                    person, destination=kind, bank=operator, account=phone,
                    owner_name=person.payee_name, owner_relation=person.payee_relation,
                    closed=person.index % CLOSED_WALLETS == 0,
                )  # fmt: skip
        return person

    def _payee(self, person: Person, clause: str) -> Person:
        rng = self.rng
        if rng.random() < _OWNER_SHARES.get(clause, 0.0) or (
            clause == "K6" and person.birth > _years(ROLL_DAY, -16)
        ):
            sex = "female" if rng.random() < 0.7 else "male"
            parent = new_name(rng, sex, person.name.split()[0])
            return replace(person, payee_name=parent, payee_relation="guardian")
        if clause == "K6" and rng.random() < 0.04:
            carer = new_name(rng, "female" if rng.random() < 0.7 else "male")
            return replace(person, payee_name=carer, payee_relation="carer")
        return person

    def _share(self, person: Person, clause: str) -> None:
        """Let some of the next people belong to this one's family."""
        rng = self.rng
        if person.owner_relation == "guardian" and rng.random() < 0.25:
            kind = "guardian"
        elif clause == "SP" and person.owner_relation == "self" and rng.random() < 0.05:
            kind = "spouse"
        else:
            return
        if not person.closed:
            self.family = _Family(
                kind, person.bank, person.account, person.owner_name, person.commune
            )

    def _papers(self, person: Person) -> Person:
        """Give a few people the old papers: no number, a CMND, only a year or month of birth."""
        draw = self.rng.random()
        if draw < 0.001:
            return replace(person, identity="")
        if draw < 0.0025:
            return replace(person, identity=f"13{person.index * 611_953 % 10**7:07d}")
        if draw < 0.0045:
            return replace(person, birth_text=f"{person.birth.year}")
        if draw < 0.005:
            return replace(person, birth_text=f"{person.birth:%m/%Y}")
        return person

    # ---- cases

    def _decided(self, earliest: date, late: int) -> date:
        if late:
            return self._between(*LATE[late - 1])
        first = max(earliest, date(2021, 8, 1))
        if self.rng.random() < 0.004 and first < date(2026, 9, 1):
            return self._between(date(2026, 9, 1), date(2026, 9, 11))
        return self._between(first, max(first, date(2026, 8, 28)))

    def _cases(self, clause: str, index: int, late: int) -> tuple[tuple[Case, ...], date]:
        if clause == "K4+K6":
            first, birth = self._case("K4", index, late)
            second, _ = self._case("K6", index, late, birth=birth)
            return (first, second), birth
        case, birth = self._case(clause, index, late)
        return (case,), birth

    def _case(
        self, clause: str, index: int, late: int, *, birth: date | None = None
    ) -> tuple[Case, date]:
        rng = self.rng
        until = LATE[late - 1][0] if late else ROLL_DAY
        values: dict[str, object] = {}
        poor = {
            "household_decision": f"{100 + index % 400}/QĐ-UBND",
            "household_from": date(2026, 1, 1),
            "household_to": date(2026, 12, 31),
        }
        ages = {
            "K1": (1, 14), "K3": (1, 14), "K4": (24, 48), "K5a": (61, 92), "K7": (0, 2),
            "K8": (22, 58), "SP": (76, 97), "K6": (3, 85),
        }[clause]  # fmt: skip
        if clause == "K7" and birth is None:
            birth = self._between(_K7_BORN, until - timedelta(days=70))
        born = birth or self._born(*ages, until)
        reached = _years(born, ages[0])
        if clause in ("K5a", "SP"):
            reached = _years(born, 60 if clause == "K5a" else 75)
        if clause == "SP":
            if rng.random() < 0.15:  # 70 to 74, poor or near poor
                born = self._born(70, 73, until)
                reached = _years(born, 70)
                values |= {**poor, "household": "near_poor" if rng.random() < 0.6 else "poor"}
            else:
                values["household"] = "none"
            values |= {"income": "none", "written_request": True}
            reached = max(reached, date(2025, 7, 1))
        elif clause == "K6":
            values["degree"] = "ES" if rng.random() < 0.27 else "S"
        elif clause == "K1":
            values["studying"] = True
        elif clause == "K4":
            near = rng.random() < 0.5
            children = 1 if rng.random() < 0.55 else 2 if rng.random() < 0.8 else 3
            values |= {**poor, "household": "near_poor" if near else "poor", "children": children}
        elif clause == "K5a":
            values |= {**poor, "household": "poor", "carer": "no_obliged"}
        elif clause == "K7":
            values |= {**poor, "household": "poor", "difficult_area": True}
        elif clause == "K8":
            values |= {**poor, "household": "poor", "income": "none"}
        elif clause == "K3":
            values |= {**poor, "household": "poor"}
        decided = self._decided(max(reached, born + timedelta(days=40)), late)
        if clause == "K7":  # nobody is decided after the age either
            born = max(born, _years(decided, -3) + timedelta(days=1))
        start = month_of(decided)
        if clause == "K6":
            certified = max(decided - timedelta(days=int(rng.random() * 45)), born)
            values["certificate_date"] = certified
            if not late:
                start = month_of(certified)
        case = Case(
            programme="SP" if clause == "SP" else "SA", clause=clause, province=self.province,  # type: ignore[arg-type]  # from _MIX
            start_month=start, decision_date=decided,
            decision_number=f"{1 + index % 2_999}/QĐ-UBND",
            decision_signer=_SIGNERS[index % len(_SIGNERS)], **values,  # type: ignore[arg-type]  # each by its name above
        )  # fmt: skip
        return case, born

    # ---- planted faults

    def planted(self, kind: str, index: int, commune: str) -> Iterator[Person]:
        """Make the people of one planted fault (one; two where an account is shared)."""
        person = self._banked(index, commune)
        rng = self.rng
        if kind == "dead":
            day = self._between(date(2026, 8, 1), date(2026, 9, 14))
            yield replace(person, kind=kind, died_on=day)
        elif kind == "wrong_name":
            yield replace(person, kind=kind, true_owner=other_name(rng, person.name))
        elif kind == "bad_identity":
            yield replace(person, kind=kind, identity=_spoil(person.identity, index))
        elif kind == "shared_account":
            other = self._banked(index + 1, commune)
            yield replace(person, kind=kind)
            yield replace(other, kind=kind, bank=person.bank, account=person.account)

    def _banked(self, index: int, commune: str) -> Person:
        """Make an adult on K6 with an account of their own and good papers."""
        rng = self.rng
        sex = "female" if rng.random() < 0.5 else "male"
        birth = self._born(20, 80, ROLL_DAY)
        case, _ = self._case("K6", index, 0, birth=birth)
        name = new_name(rng, sex)
        bank, account = self._account(index)
        return Person(
            index, self._identity(index, birth, sex), name, birth, f"{birth:%d/%m/%Y}", sex,
            commune, (case,), name, "self", "bank", bank, account, name, "self",
        )  # fmt: skip


def _years(day: date, n: int) -> date:
    """Return the same day n years on (29 February becomes the 28th)."""
    year = day.year + n
    return date(year, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


def _choose(draw: float) -> str:
    for clause, share in _MIX:
        draw -= share
        if draw < 0:
            return clause
    return "K6"


def _spoil(identity: str, index: int) -> str:
    """Break a number the ways people do: another birth year, the other sex, a digit lost."""
    way = index % 3
    if way == 0:
        return f"{identity[:4]}{(int(identity[4:6]) + 7) % 100:02d}{identity[6:]}"
    if way == 1:
        return f"{identity[:3]}{int(identity[3]) ^ 1}{identity[4:]}"
    return identity[:-1]
