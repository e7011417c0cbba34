"""What people write for the words of a dossier: other spellings, read before the models.

Only what can mean one thing is read: data in programmes/data/dossier_spellings.csv, folded to
lower-case letters without marks, so that `đặc biệt nặng` and `especially severe` are both ES.
Anything else stays as written, and the models refuse it by name. The canonical words, and they
alone, are in docs/dossier.schema.json.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from disbursement.entitlements.dossier_error import DossierError, written
from disbursement.entitlements.told import asked_months, born_of_age, folded, province_code
from disbursement.platform.clock import add_months
from disbursement.programmes.catalogue import Category, canonical, fact_kinds, fixed_categories
from disbursement.programmes.list_rates import shipped_list_rates
from disbursement.programmes.rates import data_file

Json = dict[str, Any]
_MONTH_KEYS = frozenset({"covers_month", "run_month", "on_roll_since", "first_month", "from_month"})
_OR_DAY = frozenset({"on_roll_since", "first_month", "from_month"})
_INJURED = re.compile(r"(TB|TBB)\.?([0-9]{2,3})")
_UNDATED = frozenset({"change", "resume"})  # events that may carry facts
UNCOLLECTED = 3
"""Months meant by `three_months_uncollected` where none are named: up to that of its date."""


class Meaning(NamedTuple):
    """What one spelling means; for a yes or no that stands for a choice, which choice."""

    word: str
    if_true: str
    if_false: str


@lru_cache(maxsize=1)
def spellings() -> Mapping[tuple[str, str], Meaning]:
    """Return every spelling by its place and folded text."""
    rows = csv.DictReader(io.StringIO(data_file("dossier_spellings.csv").decode("utf-8")))
    return MappingProxyType(
        {
            (r["place"], folded(r["written"])): Meaning(r["means"], r["if_true"], r["if_false"])
            for r in rows
        }
    )


@lru_cache(maxsize=4096)
def _word(place: str, text: str, known: frozenset[str] = frozenset()) -> str:
    """Return the canonical word of a text, or the text itself."""
    if text in known:
        return text
    plain = folded(text)
    found = spellings().get((place, plain))
    if found is not None:
        return found.word
    return next((k for k in known if folded(k) == plain), text)


def canonical_dossier(value: Any) -> Any:
    """Return the dossier in its canonical words. Raises DossierError for what is told twice.

    Anything that is not the expected kind of value is left for the models to refuse.
    """
    if not isinstance(value, dict):
        return value
    out = _keys("dossier", value, "gốc")
    out.pop("$schema", None)
    if any(not isinstance(out.get(k, []), list) for k in ("people", "cases", "events")):
        return out
    house = out.get("household")
    if house is not None:
        out["household"] = house = _household(house)
    if isinstance(out.get("ask"), dict):
        out["ask"] = _ask(out["ask"])
    _paid(out)
    reader = _Reader(out)
    for name in ("people", "cases", "events"):
        if name in out:
            out[name] = getattr(reader, name)()
    _paid_cases(out, reader)
    if isinstance(house, dict):
        reader.area(house.pop("difficult_area", None))
    if reader.people_made or reader.events_made:
        out["people"] = [*out.get("people", []), *reader.people_made]
        out["events"] = [*out.get("events", []), *reader.events_made]
    return out


def _keys(place: str, value: Json, where: str) -> Json:
    """Return a group with its canonical names; what has no value (null) is left as it is."""
    out: Json = {}
    for key, item in value.items():
        name = _word(place, key)
        if name in out or (name != key and name in value):
            raise DossierError(
                f"{where}.{key}",
                f"'{key}' là '{name}', ghi hai lần; bỏ một",
                f"'{key}' means '{name}', which is told twice; leave one out",
            )
        out[name] = month(item, days=name in _OR_DAY) if name in _MONTH_KEYS else item
    return out


def month(value: Any, *, days: bool = False) -> Any:
    """Return a month written 202611 or 11/2026 (`days`: or as one of its days) as `2026-11`."""
    if isinstance(value, int) and not isinstance(value, bool) and 190001 <= value <= 210012:
        return f"{value // 100}-{value % 100:02d}"
    if isinstance(value, str):
        if found := re.fullmatch(r"(0?[1-9]|1[0-2])/((?:19|20)[0-9]{2})", value):
            return f"{found[2]}-{int(found[1]):02d}"
        if days and (found := re.fullmatch(r"([0-9]{4}-[0-9]{2})-[0-9]{2}", value)):
            return found[1]
    return value


def _by_code(group: Json) -> None:
    """Write the code of a province told by its name."""
    if "province" in group:
        group["province"] = province_code(group["province"])


def _household(house: Any) -> Any:
    if isinstance(house, str):
        return {"status": _word("household_status", house, frozenset({"poor", "near_poor"}))}
    if not isinstance(house, dict):
        return house
    out = _poverty(_keys("household", house, "household"), "status", "household")
    if isinstance(out.get("status"), str):
        out["status"] = _word("household_status", out["status"])
    return out


def _poverty(value: Json, name: str, where: str) -> Json:
    """Read `poor` and `near_poor` said as yes or no into one status."""
    said = {k: value[k] for k in ("poor", "near_poor") if isinstance(value.get(k), bool)}
    if not said:
        return value
    out = {k: v for k, v in value.items() if k not in said}
    yes = [k for k, v in said.items() if v]
    if len(yes) > 1 or name in out:
        raise DossierError(
            f"{where}.{min(said)}",
            f"mâu thuẫn hoặc ghi hai lần tình trạng hộ; chỉ ghi {name}",
            f"the household is told twice; write {name} only",
        )
    if not yes and said.keys() != {"poor", "near_poor"} and "poor" in said:
        raise DossierError(
            f"{where}.poor",
            f"không nghèo: cận nghèo hay không? Ghi {name}: near_poor hoặc none",
            f"not poor may be near-poor or neither; write {name}: near_poor or none",
        )
    if yes or len(said) == 2:
        out[name] = yes[0] if yes else "none"
    return out


class _Reader:
    """Reads the parts of one dossier that point at each other."""

    def __init__(self, dossier: Json) -> None:
        self.dossier = dossier
        self.asked = asked_months(dossier)
        self.people_made: list[Json] = []
        self.events_made: list[Json] = []
        self.read_cases: list[Json] = []
        self.spouses: dict[str, Any] = {}

    def people(self) -> list[Any]:
        for n, person in enumerate(self.dossier["people"], start=1):
            if isinstance(person, dict):
                person.setdefault("id", f"person{n}")
        return [self._person(p) if isinstance(p, dict) else p for p in self.dossier["people"]]

    def _person(self, person: Json) -> Json:
        where = f"people {person.get('id', '')}"
        out = born_of_age(_keys("person", person, where), self.asked, where)
        born = out.get("born")
        if isinstance(born, int) and not isinstance(born, bool):
            out["born"] = str(born)
        if isinstance(out.get("sex"), str):
            out["sex"] = _word("sex", out["sex"], frozenset({"M", "F"}))
        died = out.pop("died", None)
        if died is not None:
            self._death(out.get("id"), died)
        spouse = out.pop("spouse", None)
        if spouse is not None:
            self.spouses[str(out.get("id"))] = spouse
        agent = out.get("representative")
        if isinstance(agent, dict) and isinstance(agent.get("role"), str):
            out["representative"] = {**agent, "role": _word("role", agent["role"])}
        return out

    def _death(self, person: Any, day: Any) -> None:
        events = [
            _keys("event", e, "events")
            for e in self.dossier.get("events", [])
            if isinstance(e, dict)
        ]
        told = [
            e.get("date")
            for e in events
            if _word("kind", str(e.get("kind"))) == "death" and e.get("person", person) == person
        ]
        if any(t != day for t in told):
            raise DossierError(
                f"people {person}.died",
                "khác ngày của sự kiện death",
                "differs from the day of the death event",
            )
        if not told:
            self.events_made.append({"kind": "death", "date": day, "person": person})

    # Cases

    def cases(self) -> list[Any]:
        out: list[Any] = []
        for n, case in enumerate(self.dossier["cases"], start=1):
            read = self._case(case, n) if isinstance(case, dict) else case
            if isinstance(read, dict):
                self.read_cases.append(read)
            out.append(read)
        return out

    def _case(self, case: Json, number: int) -> Json:
        out = _keys("case", case, f"cases {case.get('id', number)}")
        out.setdefault("id", f"case{number}")
        where = f"cases {out['id']}"
        _by_code(out)
        people = [p for p in self.dossier.get("people", []) if isinstance(p, dict)]
        if "holder" not in out and len(people) == 1:
            out["holder"] = people[0].get("id")
        self._dates(out, where)
        facts = out.get("facts")
        if facts is not None and not isinstance(facts, dict):
            return out
        facts = self._inline("case", out, dict(facts or {}), where)
        implied: Json = {}
        if isinstance(out.get("category"), str):
            out["category"], implied = split_category(out["category"])
        category = _category(out.get("category"))
        if category is not None:
            facts = self._facts(category, facts, where, str(out["id"]))
        if (
            category is not None
            and "spouse" in category.facts
            and out.get("holder") in self.spouses
        ):
            facts.setdefault("spouse", self.spouses[out["holder"]])
        for name, value in implied.items():
            if facts.setdefault(name, value) != value:
                raise DossierError(
                    f"{where}.facts.{name}",
                    f"mâu thuẫn với diện '{case.get('category', case.get('type'))}'",
                    f"contradicts the category '{case.get('category', case.get('type'))}'",
                )
        out["facts"] = facts
        return out

    def _dates(self, case: Json, where: str) -> None:
        """Read `dates`, `decision_date` and a decision that is only a day."""
        dates = case.pop("dates", None)
        if isinstance(dates, dict):
            for name, day in _keys("dates", dates, f"{where}.dates").items():
                target = "decision_date" if name == "decision" else name
                if target in case:
                    raise DossierError(f"{where}.dates.{name}", "ghi hai lần", "is told twice")
                case[target] = day
        elif dates is not None:
            case["dates"] = dates
        decision = case.get("decision")
        if isinstance(decision, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", decision):
            decision = {"date": decision}
        elif isinstance(decision, dict):
            decision = _keys("decision", decision, f"{where}.decision")
        day = case.pop("decision_date", None)
        if day is not None:
            if isinstance(decision, dict) and decision.get("date", day) != day:
                raise DossierError(
                    f"{where}.decision.date", "ghi hai ngày khác nhau", "is told twice"
                )
            decision = {**(decision if isinstance(decision, dict) else {}), "date": day}
        if decision is not None:
            case["decision"] = decision
        if "on_roll_since" in case:
            case["on_roll_since"] = month(case["on_roll_since"], days=True)

    def _inline(self, place: str, group: Json, facts: Json, where: str) -> Json:
        """Move facts that stand beside `facts` into it."""
        own = _MEMBERS[place]
        for key in [k for k in group if k not in own]:
            name = _word("fact", key)
            if name in fact_kinds() or key in ("poor", "near_poor"):
                if key in facts or name in facts:
                    raise DossierError(f"{where}.{key}", "ghi hai lần", "is told twice")
                facts[key] = group.pop(key)
        return facts

    def _facts(self, category: Category, facts: Json, where: str, case: str) -> Json:
        """Return facts in canonical names and values, as far as the category knows them."""
        at = f"{where}.facts"
        if "household" in category.facts:
            facts = _poverty(facts, "household", at)
        out: Json = {}
        for key, value in facts.items():
            name, read = _fact(category, key, value, at)
            if name in out:
                raise DossierError(
                    f"{at}.{key}",
                    f"'{key}' là '{name}', ghi hai lần; bỏ một",
                    f"'{key}' means '{name}', which is told twice; leave one out",
                )
            if read is not None:
                out[name] = read
        if isinstance(out.get("children"), list):
            self._children(out, case)
        return out

    def _children(self, facts: Json, case: str) -> None:
        """Make people of children who are told by their birth only."""
        ids: list[Any] = []
        for n, child in enumerate(facts["children"], start=1):
            told = {"born": child} if isinstance(child, str) and _DAY.fullmatch(child) else child
            if not isinstance(told, dict):
                ids.append(child)
                continue
            person = self._person({"id": f"{case}.child{n}", **told})
            if person.pop("studying", False) is True:
                facts.setdefault("studying_children", []).append(person["id"])
            if person["id"] not in [
                p.get("id") for p in self.dossier.get("people", []) if isinstance(p, dict)
            ]:
                self.people_made.append(person)
            ids.append(person["id"])
        facts["children"] = ids

    def area(self, difficult: Any) -> None:
        """Give the household's area to the cases that ask for it."""
        for case in self.read_cases if difficult is not None else ():
            category = _category(case.get("category"))
            if category is not None and "difficult_area" in category.facts:
                case["facts"].setdefault("difficult_area", difficult)

    # Events

    def events(self) -> list[Any]:
        out: list[Any] = []
        for event in self.dossier["events"]:
            if not isinstance(event, dict):
                out.append(event)
                continue
            read = _keys("event", event, "events")
            _by_code(read)
            if isinstance(read.get("kind"), str):
                read["kind"] = _word("kind", read["kind"])
            self._whom(read)
            if read.get("kind") == "grant":
                self._grant(read)
            elif read.get("kind") == "household":
                out += self._household_event(read)
            else:
                out.append(self._event(read, event))
        return out

    def _whom(self, event: Json) -> None:
        """Find whom an event reaches where it can only be one; drop the person of a case named."""
        holders = {c.get("holder") for c in self.read_cases}
        if event.get("kind") in ("document", "household"):
            return
        if "person" not in event and "case" not in event and len(holders) == 1:
            event["person"] = holders.pop()
        elif event.get("person") is not None and event.get("case") is not None:
            case = next((c for c in self.read_cases if c["id"] == event["case"]), None)
            if case is not None and case.get("holder") == event["person"]:
                del event["person"]

    def _event(self, event: Json, raw: Json) -> Json:
        kind = event.get("kind")
        where = f"events ({kind} {event.get('date')})"
        if kind == "stop" and "cause" not in event and "reason" in event:
            event["cause"] = event.pop("reason")
        if kind == "suspend" and "reason" not in event and "cause" in event:
            event["reason"] = event.pop("cause")
        for name in ("cause", "conditions", "reason"):
            if isinstance(event.get(name), str):
                event[name] = _word(name, event[name])
        if kind == "stop" and event.get("cause") == "death" and "from_month" not in event:
            event["kind"] = "death"
            del event["cause"]
        if kind == "uncollected":
            self._uncollected(event, raw)
        if kind in _UNDATED and isinstance(event.get("facts", {}), dict):
            facts = self._inline("event", event, dict(event.get("facts", {})), where)
            category = self._category_of(event, facts)
            if facts:
                event["facts"] = self._facts(category, facts, where, "event") if category else facts
        return event

    def _category_of(self, event: Json, facts: Json) -> Category | None:
        """Return the category whose facts change: the case's, or the only one that knows them."""
        reached = [
            c
            for c in self.read_cases
            if event.get("case") in (None, c["id"])
            and event.get("person") in (None, c.get("holder"))
        ]
        found = [_category(c.get("category")) for c in reached]
        names = {_word("fact", k) for k in facts} - {"poor", "near_poor"}
        return next((c for c in found if c is not None and names <= set(c.facts)), None)

    def _uncollected(self, event: Json, raw: Json) -> None:
        named = event.get("months")
        if isinstance(named, list):
            event["months"] = [month(m) for m in named]
        told = folded(str(raw.get("kind", raw.get("type", raw.get("event", "")))))
        last = month(event.get("date"), days=True)
        if named is None and told in _THREE and isinstance(last, str) and len(last) == 7:
            at = int(last[:4]) * 100 + int(last[5:])
            months = [add_months(at, -n) for n in reversed(range(UNCOLLECTED))]
            event["months"] = [f"{m // 100}-{m % 100:02d}" for m in months]

    def _grant(self, event: Json) -> None:
        """Read a grant among the events as the decision of its case."""
        members = {"date", "number", "signer", "first_month"}
        first = event.get("from_month")
        decision = {k: v for k, v in event.items() if k in members}
        if first is not None:
            decision["first_month"] = first
        where = f"events (grant {event.get('date')})"
        reached = [
            c
            for c in self.read_cases
            if c["id"] == event.get("case") or c.get("holder") == event.get("person")
        ]
        unknown = set(event) - members - {"kind", "person", "case", "from_month", "note"}
        if unknown:
            raise DossierError(
                f"{where}.{min(unknown)}", "không có mục tên này", "is not known here"
            )
        for case in reached:
            if "decision" in case or "on_roll_since" in case:
                raise DossierError(
                    where,
                    f"hồ sơ '{case['id']}' đã có quyết định; bỏ một",
                    f"case '{case['id']}' has its decision already; leave one out",
                )
            case["decision"] = dict(decision)
        if not reached:
            raise DossierError(where, "không có hồ sơ nào", "reaches no case")

    def _household_event(self, event: Json) -> list[Json]:
        """Read a household that enters or leaves the register as a change of its cases."""
        where = f"events (household {event.get('date')})"
        read = _poverty(event, "status", where)
        status = read.get("status")
        if not isinstance(status, str):
            raise DossierError(
                f"{where}.status", "thiếu: poor, near_poor hoặc none", "needs a status"
            )
        unknown = set(read) - {"kind", "date", "status", "number", "signer", "note", "from_month",
                               "person", "case"}  # fmt: skip
        if unknown:
            raise DossierError(
                f"{where}.{min(unknown)}", "không có mục tên này", "is not known here"
            )
        rest = {k: v for k, v in read.items() if k not in ("kind", "status", "person", "case")}
        facts = {"household": _word("household_status", status)}
        return [
            {**rest, "kind": "change", "case": c["id"], "facts": facts}
            for c in self.read_cases
            if event.get("case") in (None, c["id"])
            and event.get("person") in (None, c.get("holder"))
            and "household" in getattr(_category(c.get("category")), "facts", ())
        ]


_THREE = frozenset({"three_months_uncollected", "uncollected_three_months"})
_DAY = re.compile(r"(19|20)[0-9]{2}(-[0-9]{2}(-[0-9]{2})?)?")
_MEMBERS: Mapping[str, frozenset[str]] = {
    "case": frozenset(
        [
            "id",
            "holder",
            "category",
            "facts",
            "decision",
            "on_roll_since",
            "commune",
            "province",
            "payee",
            "note",
        ]
    ),
    "event": frozenset(
        [
            "kind",
            "date",
            "person",
            "case",
            "number",
            "signer",
            "note",
            "facts",
            "from_month",
            "conditions",
        ]
    ),
}


@lru_cache(maxsize=1)
def _categories() -> Mapping[str, Category]:
    return MappingProxyType({**fixed_categories(), **shipped_list_rates().categories()})


def _category(code: Any) -> Category | None:
    return _categories().get(code) if isinstance(code, str) else None


def split_category(text: str) -> tuple[str, Json]:
    """Return a category's code and the facts that the spelling says: `SA26.K6.S.ADULT`, `LS.2`.

    A text that means nothing is returned as it is.
    """
    plain = re.sub(r"^(SA|SA21|SA26|NCC)[./: _-]+(?=\S)", "", text.strip(), flags=re.IGNORECASE)
    code = canonical(plain)
    if _category(code) is not None:
        return code, {}
    if found := _INJURED.fullmatch(plain.upper()):
        return found[1], {"injury_pct": int(found[2])}
    known = spellings().get(("category", folded(plain)))
    if known is None:
        return next((c for c in _categories() if folded(c) == folded(plain)), text), {}
    code, _, implied = known.word.partition("?")
    facts: Json = {}
    if implied:
        name, _, value = implied.partition("=")
        kind = fact_kinds()[name].type
        facts[name] = (
            int(value) if kind == "count" else value == "true" if kind == "yes_no" else value
        )
    return code, facts


def _fact(category: Category, key: str, value: Any, where: str) -> tuple[str, Any]:
    """Return one fact in canonical name and value; a fact without a value is left out."""
    name = key
    if key not in category.facts:
        found = spellings().get(("fact", folded(key)))
        if found is not None and found.word in category.facts:
            name = found.word
            if isinstance(value, bool) and (found.if_true or found.if_false):
                return name, _choice_of(found, value, f"{where}.{key}", name)
            if name == "pension_vnd" and isinstance(value, bool):
                if value or "income" not in category.facts:
                    raise DossierError(
                        f"{where}.{key}",
                        "ghi số tiền (pension_vnd) hoặc income",
                        "write the amount (pension_vnd) or income",
                    )
                return "income", "none"
            if name == "pension_vnd" and isinstance(value, str) and "income" in category.facts:
                choices = frozenset(fact_kinds()["income"].choices)
                word = _word("income", value, choices)
                if word in choices:  # a pension of "none", "lower": no figure, but an answer
                    return "income", word
        else:
            name = next((f for f in category.facts if folded(f) == folded(key)), key)
    if name not in category.facts:
        return name, value
    kind = fact_kinds()[name]
    if isinstance(value, bool) and name == "carer":
        return name, "has_carer" if value else "no_obliged"
    if kind.type == "choice" and isinstance(value, str):
        place = "household_status" if name == "household" else name
        return name, _word(place, value, frozenset(kind.choices))
    if name == "single" and isinstance(value, str):
        return name, _married(value, f"{where}.{key}")
    if kind.type == "months" and isinstance(value, list):
        return name, [month(m) for m in value]
    if kind.type == "deceased" and isinstance(value, list):
        return name, [_deceased(d, where) if isinstance(d, dict) else d for d in value]
    return name, value


def _married(value: str, where: str) -> bool:
    """Read a marital status: unmarried, widowed or spouse missing is single (Art. 5.4)."""
    word = _word("marital_status", value)
    if word not in ("true", "false"):
        raise DossierError(
            where,
            f"'{written(value)}' chưa đủ rõ; ghi single: true nếu chưa kết hôn, hoặc vợ, chồng "
            "đã chết hay mất tích",
            f"'{written(value)}' says too little; write single: true for unmarried, widowed, or "
            "spouse missing",
        )
    return word == "true"


def _choice_of(found: Meaning, value: bool, where: str, name: str) -> Any:
    """Return the choice that a yes or no stands for. Raises DossierError if it says too little."""
    word = found.if_true if value else found.if_false
    if not word:
        raise DossierError(
            where, f"chưa đủ rõ; ghi {name} theo docs", f"says too little; write {name} itself"
        )
    return word == "true" if word in ("true", "false") else word


def _deceased(item: Json, where: str) -> Json:
    out = _keys("deceased", item, f"{where}.deceased")
    merits = out.get("merits")
    if isinstance(merits, str):
        merits = [merits]
    if isinstance(merits, list):
        out["merits"] = [_word("merits", m) if isinstance(m, str) else m for m in merits]
    return out


def _paid(out: Json) -> None:
    if isinstance(out.get("already_paid"), list):
        out["already_paid"] = [
            _keys("paid", item, f"already_paid.{n}") if isinstance(item, dict) else item
            for n, item in enumerate(out["already_paid"])
        ]


def _paid_cases(out: Json, reader: _Reader) -> None:
    """Name the case of what was paid where there is only one."""
    paid = out.get("already_paid")
    for item in paid if isinstance(paid, list) and len(reader.read_cases) == 1 else ():
        if isinstance(item, dict):
            item.setdefault("case", reader.read_cases[0]["id"])


def _ask(ask: Json) -> Json:
    out = _keys("ask", ask, "ask")
    months = out.get("months")
    if isinstance(months, str | int) and not isinstance(months, bool):
        months = [months]
    if isinstance(months, list):
        out["months"] = [month(m) for m in months]
    if isinstance(out.get("purpose"), str):
        out["purpose"] = _word("purpose", out["purpose"], frozenset({"due", "recover", "one_off"}))
    return out
