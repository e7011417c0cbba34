"""Meritorious service, rule by rule: the tables of 2024 and 2026, supplements, survivors, one-offs.

June 2026 is NĐ 77/2024 (seen). October 2026 is NĐ 321/2026: exact multiples of the base are as
sure as the base (secondary), every other row is derived and held until a document confirms it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.entitlements.asking import JUNE, answer, case, event, months, paid, person, sums, told

JUN, OCT = "2026-06", "2026-10"
OCTOBER = {"run_month": OCT, "known_on": "2026-10-02"}
BORN = "1948-01-01"


def wound(pct: int, **more: Any) -> dict[str, Any]:
    return case("TB", injury_pct=pct, **more)


def dead(*merits: str, pct: int = 70) -> dict[str, Any]:
    return {"merits": list(merits), "injury_pct": pct}


def survivor(*deceased: dict[str, Any], **more: Any) -> dict[str, Any]:
    return case("SURVIVOR", deceased=list(deceased), **{"relation": "parent", **more})


#: name, case, {rate: amount in June}, {rate: amount in October}, rates of October that are sure
TABLE: list[Any] = [
    ("TB 21", wound(21), {"TB.21": 1_878_000}, {"TB.21": 2_028_000}, set()),
    ("TB 80", wound(80), {"TB.80": 7_150_000}, {"TB.80": 7_722_000}, set()),
    (
        "TB 81",
        wound(81),
        {"TB.81": 7_240_000, "TB.PC81": 1_399_000},
        {"TB.81": 7_819_000, "TB.PC81": 1_511_000},
        set(),
    ),
    (
        "TB 90 at home, special",
        wound(90, special_severity=True, carer_at_home=True),
        {"TB.90": 8_050_000, "TB.PC81N": 2_867_000, "TB.PV81N": 3_582_000},
        {"TB.90": 8_694_000, "TB.PC81N": 3_096_000, "TB.PV81N": 3_869_000},
        set(),
    ),
    (
        "TB 81 at home",
        wound(81, carer_at_home=True),
        {"TB.81": 7_240_000, "TB.PC81": 1_399_000, "TB.PV81": 2_789_000},
        {"TB.81": 7_819_000, "TB.PC81": 1_511_000, "TB.PV81": 3_012_000},
        {"TB.PV81"},
    ),
    (
        "TBB 85",
        case("TBB", injury_pct=85),
        {"TBB.85": 6_303_000, "TB.PC81": 1_399_000},
        {"TBB.85": 6_807_000, "TB.PC81": 1_511_000},
        set(),
    ),
    ("BB 61", case("BB", injury_pct=61), {"BB.61_70": 4_622_000}, {"BB.61_70": 4_992_000}, set()),
    (
        "BB 85 special",
        case("BB", injury_pct=85, special_severity=True),
        {"BB.81_90": 6_378_000, "BB.PC81N": 2_789_000},
        {"BB.81_90": 6_888_000, "BB.PC81N": 3_012_000},
        {"BB.PC81N"},
    ),
    (
        "CDHH 85 special at home: no special carer",
        case("CDHH", injury_pct=85, special_severity=True, carer_at_home=True),
        {"CDHH.GE81": 6_358_000, "CDHH.PC81N": 2_789_000, "CDHH.PV81": 2_789_000},
        {"CDHH.GE81": 6_867_000, "CDHH.PC81N": 3_012_000, "CDHH.PV81": 3_012_000},
        {"CDHH.PC81N", "CDHH.PV81"},
    ),
    (
        "CDHH 21",
        case("CDHH", injury_pct=21),
        {"CDHH.21_40": 2_120_000},
        {"CDHH.21_40": 2_290_000},
        set(),
    ),
    (
        "child 61",
        case("CDHH.CON", injury_pct=61),
        {"CDHH.CON.61_80": 1_673_000},
        {"CDHH.CON.61_80": 1_807_000},
        set(),
    ),
    (
        "child 81",
        case("CDHH.CON", injury_pct=81),
        {"CDHH.CON.GE81": 2_789_000},
        {"CDHH.CON.GE81": 3_012_000},
        {"CDHH.CON.GE81"},
    ),
    (
        "before 1945, seniority 5",
        case("PRE45", full_time=True, seniority=5),
        {"PRE45.TL": 3_117_000, "PRE45.TL.SENIORITY": 5 * 529_000},
        {"PRE45.TL": 3_366_000, "PRE45.TL.SENIORITY": 5 * 571_000},
        set(),
    ),
    (
        "before 1945, not full-time",
        case("PRE45", full_time=False),
        {"PRE45.KTL": 5_291_000},
        {"PRE45.KTL": 5_714_000},
        set(),
    ),
    ("1945", case("TKN"), {"TKN": 2_884_000}, {"TKN": 3_115_000}, set()),
    ("hero", case("AH"), {"AH": 2_337_000}, {"AH": 2_524_000}, set()),
    ("prisoner", case("TUDAY"), {"TUDAY": 1_673_000}, {"TUDAY": 1_807_000}, set()),
    (
        "helper with medal, alone",
        case("CCGD", award="TQGC", lives_alone=True),
        {"CCGD.TQGC": 2_789_000, "CCGD.ND": 2_231_000},
        {"CCGD.TQGC": 3_012_000, "CCGD.ND": 2_409_000},
        {"CCGD.TQGC"},
    ),
    (
        "helper with order",
        case("CCGD", award="HCKC"),
        {"CCGD.HCKC": 1_639_000},
        {"CCGD.HCKC": 1_770_000},
        set(),
    ),
    (
        "student A",
        case("EDU", student_group="A"),
        {"EDU.A": 2_789_000},
        {"EDU.A": 3_012_000},
        {"EDU.A"},
    ),
    (
        "student B",
        case("EDU", student_group="B"),
        {"EDU.B": 1_399_000},
        {"EDU.B": 1_511_000},
        set(),
    ),
    (
        "heroic mother",
        case("BMVNAH"),
        {"BMVNAH": 8_367_000, "BMVNAH.PC": 2_337_000},
        {"BMVNAH": 9_036_000, "BMVNAH.PC": 2_524_000},
        {"BMVNAH"},
    ),
    (
        "heroic mother, carer, alone",
        case("BMVNAH", carer_at_home=True, lives_alone=True),
        {
            "BMVNAH": 8_367_000,
            "BMVNAH.PC": 2_337_000,
            "BMVNAH.PV": 2_789_000,
            "LS.TUATND": 2_231_000,
        },
        {
            "BMVNAH": 9_036_000,
            "BMVNAH.PC": 2_524_000,
            "BMVNAH.PV": 3_012_000,
            "LS.TUATND": 2_409_000,
        },
        {"BMVNAH", "BMVNAH.PV"},
    ),
    ("one martyr", survivor(dead("LS")), {"LS.1": 2_789_000}, {"LS.1": 3_012_000}, {"LS.1"}),
    (
        "four martyrs",
        case("SURVIVOR", martyrs=4, relation="parent"),
        {"LS.3": 8_367_000},
        {"LS.3": 9_036_000},
        {"LS.3"},
    ),
    (
        "one martyr and a war invalid, orphan",
        survivor(dead("LS"), dead("TB"), relation="child", orphan=True),
        {"LS.1": 2_789_000, "TB.TUAT": 1_565_000, "LS.TUATND": 2_231_000},
        {"LS.1": 3_012_000, "TB.TUAT": 1_690_000, "LS.TUATND": 2_409_000},
        {"LS.1"},
    ),
    (
        "two martyrs and a war invalid: the martyrs only",
        survivor(dead("LS"), dead("LS"), dead("TB")),
        {"LS.2": 5_578_000},
        {"LS.2": 6_024_000},
        {"LS.2"},
    ),
    (
        "three of other merits: two shares",
        survivor(dead("TB"), dead("BB"), dead("PRE45")),
        {"PRE45.TUAT": 2_789_000, "TB.TUAT": 1_565_000},
        {"PRE45.TUAT": 3_012_000, "TB.TUAT": 1_690_000},
        {"PRE45.TUAT"},
    ),
    (
        "one deceased of two merits: one share",
        survivor(dead("TB", "CDHH")),
        {"TB.TUAT": 1_565_000},
        {"TB.TUAT": 1_690_000},
        set(),
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=[r[0] for r in TABLE])
def test_each_row_of_both_tables(row):
    _, one, june, october, sure = row
    found = answer(one, months=JUN, born=BORN, **JUNE)
    assert told(found) == {("due", v, JUN, c, "seen") for c, v in june.items()}
    assert sums(found) == (sum(june.values()), 0, 0)
    found = answer(one, months=OCT, born=BORN, **OCTOBER)
    assert told(found) == {
        ("due", v, OCT, c, "secondary") if c in sure else ("held", v, OCT, c, "derived")
        for c, v in october.items()
    }
    confirmed = [event("document", "2026-10-01", confirms="NCC26", number="321/2026/NĐ-CP")]
    found = answer(one, months=OCT, born=BORN, events=confirmed, **OCTOBER)
    assert sums(found) == (sum(october.values()), 0, 0)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (wound(20), "TB 20 %"),
        (case("BB", injury_pct=40), "BB 40 %"),
        (case("CDHH", injury_pct=20), "CDHH 20 %"),
        (case("CDHH.CON", injury_pct=60), "CDHH.CON 60 %"),
        (survivor(dead("TB", pct=60)), "61 per cent"),
        (case("ONE.WOUND", injury_pct=4, event_date="2026-06-01"), "5 to 20"),
        (case("ONE.WOUND", injury_pct=21, event_date="2026-06-01"), "5 to 20"),
    ],
)
def test_below_the_table_is_not_covered(one, words):
    found = answer(one, months=JUN, born=BORN, **JUNE)
    assert (sums(found), found["lines"]) == ((0, 0, 0), [])
    (sentence,) = found["not_covered"]
    assert sentence.startswith("not covered: ")
    assert words in sentence


def test_allowances_add_up_and_carers_do_not():
    both = [
        wound(85, special_severity=True, carer_at_home=True),
        case("CDHH", injury_pct=85, carer_at_home=True),
    ]
    found = answer(*both, months=JUN, born=BORN, **JUNE)
    assert sums(found) == (7_601_000 + 2_867_000 + 3_582_000 + 6_358_000 + 1_399_000, 0, 0)


def test_one_nurturing_allowance_only():
    both = [
        survivor(dead("LS"), id="a", lives_alone=True),
        survivor(dead("TB"), id="b", lives_alone=True),
    ]
    found = answer(*both, months=JUN, born=BORN, **JUNE)
    assert sums(found) == (2_789_000 + 1_565_000 + 2_231_000, 0, 0)


def shares_of(*cases: dict[str, Any], **more: Any) -> dict[str, list[tuple[str, int]]]:
    found = answer(*cases, months=JUN, born=BORN, **JUNE, **more)
    assert sums(found)[1:] == (0, 0)
    return {
        c["id"]: [(x["rate_code"], x["amount_vnd"]) for x in found["lines"] if x["case"] == c["id"]]
        for c in cases
    }


def test_two_shares_a_person_in_however_many_cases_they_are_told():
    """[PL] Art. 6.5, 6.6: at most two; of two or more martyrs the martyrs' level only."""
    wound, ill, poisoned = (
        survivor(dead(m), id=m.lower(), relation="child") for m in ("TB", "BB", "CDHH")
    )
    assert shares_of(wound, poisoned, ill) == {
        "tb": [("TB.TUAT", 1_565_000)],
        "cdhh": [("", 0)],
        "bb": [("BB.TUAT", 1_565_000)],
    }
    martyrs = case("SURVIVOR", id="ls", martyrs=2, relation="parent")
    assert shares_of(wound, martyrs) == {"tb": [("", 0)], "ls": [("LS.2", 5_578_000)]}
    one = [case("SURVIVOR", id=f"ls{n}", martyrs=1, relation="parent") for n in range(2)]
    assert shares_of(*one, wound) == {
        "ls0": [("LS.1", 2_789_000)],
        "ls1": [("LS.1", 2_789_000)],
        "tb": [("", 0)],
    }
    three = case("SURVIVOR", id="ls3", martyrs=3, relation="parent")
    assert shares_of(martyrs, three) == {
        "ls": [("LS.2", 5_578_000)],
        "ls3": [("LS.1", 2_789_000)],
    }


def test_one_deceased_told_in_two_cases_gives_one_share():
    both = [survivor({**dead(m), "name": "Ông Ba"}, id=m.lower()) for m in ("TB", "CDHH")]
    assert shares_of(*both) == {"tb": [("TB.TUAT", 1_565_000)], "cdhh": [("", 0)]}


def test_a_remarried_spouses_share_is_one_of_the_two():
    wife = case("SURVIVOR", id="wife", martyrs=1, relation="spouse")
    others = [survivor(dead(m), id=m.lower(), relation="child") for m in ("TB", "BB")]
    events = [{"kind": "remarriage", "date": "2026-01-05", "case": "wife", "qualifies": True}]
    assert shares_of(wife, *others, events=events) == {
        "wife": [("LS.REMARRIED", 2_789_000)],
        "tb": [("TB.TUAT", 1_565_000)],
        "bb": [("", 0)],
    }


def test_a_heroic_mother_draws_no_martyrs_share_but_others():
    mother = case("BMVNAH")
    found = answer(mother, survivor(dead("LS"), dead("LS")), months=JUN, born=BORN, **JUNE)
    assert sums(found) == (8_367_000 + 2_337_000, 0, 0)
    found = answer(mother, survivor(dead("TB")), months=JUN, born=BORN, **JUNE)
    assert sums(found) == (8_367_000 + 2_337_000 + 1_565_000, 0, 0)


def test_merit_beside_social_assistance_is_a_switch():
    both = [case("TUDAY"), case("K6", degree="S")]
    ask = {"months": JUN, "born": BORN, **JUNE}
    assert sums(answer(*both, **ask)) == (1_673_000, 0, 1_000_000)
    found = answer(*both, settings={"merit_with_sa": "both"}, **ask)
    assert sums(found) == (2_673_000, 0, 0)


def test_a_student_allowance_is_no_merit_of_ones_own():
    both = [case("EDU", student_group="A"), case("K6", degree="S")]
    found = answer(*both, months=JUN, born="2005-01-01", **JUNE)
    assert sums(found) == (2_789_000 + 750_000, 0, 0)


STARTS: list[Any] = [
    ("the medical board", wound(61, medical_board_date="2026-03-10"), "2026-03"),
    ("the decision", case("TUDAY"), "2026-05"),
    ("the President", case("BMVNAH", president_date="2026-04-30"), "2026-04"),
    ("the month after the death", survivor({**dead("TB"), "died": "2026-03-10"}), "2026-04"),
]


@pytest.mark.parametrize("row", STARTS, ids=[r[0] for r in STARTS])
def test_the_first_month(row):
    _, one, first = row
    one = {**one, "decision": {"date": "2026-05-20"}}
    del one["on_roll_since"]
    found = answer(one, months=months("2026-02", JUN), born=BORN, **JUNE)
    covered = {m for line in found["lines"] if line["amount_vnd"] for m in line["covers_months"]}
    assert sorted(covered) == months(first, JUN)


def test_prison_suspends_from_its_month_until_the_month_after_release():
    events = [event("prison", "2026-02-20"), event("release", "2026-04-03")]
    asked = months("2026-01", JUN)
    found = answer(case("TUDAY"), months=asked, events=events, born=BORN, **JUNE)
    assert sums(found) == (3 * 1_673_000, 0, 0)
    zeros = [line["covers_months"] for line in found["lines"] if not line["amount_vnd"]]
    assert zeros == [["2026-02", "2026-03", "2026-04"]]


def test_a_false_file_stops_in_the_month_of_the_conclusion():
    events = [event("false_file", "2026-04-20")]
    found = answer(
        case("TUDAY"),
        months=[],
        already_paid=paid("tuday", 1_673_000, "2026-03", "2026-04", "2026-05"),
        events=events,
        born=BORN,
        purpose="recover",
        **JUNE,
    )
    assert told(found) == {("recover", 2 * 1_673_000, "2026-04..2026-05", "TUDAY", "seen")}


@pytest.mark.parametrize(
    ("relation", "qualifies", "amount"),
    [("spouse", False, 0), ("spouse", True, 2_789_000), ("parent", False, 2_789_000)],
)
def test_remarriage_acts_from_the_month_of_registration(relation, qualifies, amount):
    events = [event("remarriage", "2026-05-22", qualifies=qualifies)]
    one = case("SURVIVOR", martyrs=1, relation=relation)
    found = answer(one, months=["2026-04", "2026-05"], events=events, born=BORN, **JUNE)
    by = {
        m: li["amount_vnd"] // len(li["covers_months"])
        for li in found["lines"]
        for m in li["covers_months"]
    }
    assert by == {"2026-04": 2_789_000, "2026-05": amount}


def test_a_higher_percentage_pays_its_difference_once():
    events = [event("change", "2026-04-10", facts={"injury_pct": 70}, from_month="2026-04")]
    old = paid("tb", 5_450_000, "2026-04", "2026-05")
    found = answer(wound(61), months=JUN, events=events, already_paid=old, born=BORN, **JUNE)
    assert told(found) == {
        ("due", 6_257_000, JUN, "TB.70", "seen"),
        ("due", 2 * (6_257_000 - 5_450_000), "2026-04..2026-05", "TB.70", "seen"),
    }


def test_the_rise_of_2023_reached_back_two_months():
    september = {"run_month": "2023-09", "known_on": "2023-09-05"}
    old = paid("survivor", 1_624_000, "2023-07", "2023-08")
    one = case("SURVIVOR", martyrs=1, relation="parent", since="2000-01")
    found = answer(one, months="2023-09", already_paid=old, born="1940", **september)
    assert told(found) == {
        ("due", 2_055_000, "2023-09", "LS.1", "seen"),
        ("due", 862_000, "2023-07..2023-08", "LS.1", "seen"),
    }
    early = {"run_month": "2023-09", "known_on": "2023-09-04"}
    found = answer(one, months="2023-09", born="1940", **early)
    assert sums(found) == (0, 0, 0)
    assert len(found["not_covered"]) == 1


def test_the_rise_of_2026_waits_for_its_document_where_it_is_derived():
    old = paid("tb", 7_601_000 + 1_399_000, "2026-07", "2026-08", "2026-09")
    found = answer(wound(85), months=OCT, already_paid=old, born=BORN, **OCTOBER)
    assert told(found) == {
        ("held", 8_209_000, OCT, "TB.85", "derived"),
        ("held", 1_511_000, OCT, "TB.PC81", "derived"),
        ("held", 3 * 608_000, "2026-07..2026-09", "TB.85", "derived"),
        ("held", 3 * 112_000, "2026-07..2026-09", "TB.PC81", "derived"),
    }
    september = {"run_month": "2026-09", "known_on": "2026-09-10"}
    found = answer(wound(85), months="2026-09", born=BORN, **september)
    assert sums(found) == (9_000_000, 0, 0)


ONCE: list[Any] = [
    ("ONE.PRE45.TN", 86_459_000, 93_372_000),
    ("ONE.PRE45.TC", 17_292_000, 18_674_000),
    ("ONE.TKN.TN", 43_230_000, 46_686_000),
    ("ONE.TKN.TC", 17_292_000, 18_674_000),
    ("ONE.LS.TRUYTANG", 55_780_000, 60_240_000),
    ("ONE.LS.BAOTU", 2_789_000, 3_012_000),
    ("ONE.BMVNAH", 55_780_000, 60_240_000),
    ("ONE.AH", 55_780_000, 60_240_000),
    ("ONE.TUDAY", 4_184_000, 4_518_000),
    ("ONE.CCGD.HUYCHUONG", 4_184_000, 4_518_000),
    ("ONE.KC.CHET", 4_184_000, 4_518_000),
    ("ONE.CCGD.CHET", 4_184_000, 4_518_000),
    ("REST.HOME", 2_510_000, 2_711_000),
    ("REST.CENTRE", 5_020_000, 5_422_000),
    ("EDU.YEAR.PRE", 558_000, 602_000),
    ("EDU.YEAR.GEN", 1_116_000, 1_205_000),
    ("EDU.YEAR.HIGH", 1_116_000, 1_205_000),
    ("WORSHIP", 1_400_000, 1_400_000),
]


@pytest.mark.parametrize(("code", "june", "october"), ONCE)
def test_each_one_off(code, june, october):
    one = case(code, event_date="2026-06-10")
    found = answer(one, months=[], born=BORN, purpose="one_off", **JUNE)
    assert told(found) == {("due", june, JUN, code, "seen")}
    one = case(code, event_date="2026-10-01")
    found = answer(one, months=[], born=BORN, purpose="one_off", **OCTOBER)
    assert sums(found) == (october, 0, 0)


@pytest.mark.parametrize(("pct", "times"), [(5, 4), (10, 4), (11, 6), (15, 6), (16, 8), (20, 8)])
def test_a_wound_of_5_to_20_per_cent(pct, times):
    one = case("ONE.WOUND", injury_pct=pct, event_date="2026-06-10")
    assert sums(answer(one, months=JUN, born=BORN, **JUNE)) == (times * 2_789_000, 0, 0)


@pytest.mark.parametrize(
    ("years", "odd", "amount"),
    [(9, 0, 7_530_000), (9, 5, 7_949_000), (9, 6, 8_367_000), (3, 11, 3_347_000), (0, 7, 837_000)],
)
def test_seniority_counts_odd_months_as_half_or_whole_years(years, odd, amount):
    one = case("ONE.KC.THAMNIEN", event_date="2026-06-10")
    one["facts"] |= {"years": years, "months": odd}
    assert sums(answer(one, months=JUN, born=BORN, **JUNE)) == (amount, 0, 0)


def test_death_pays_three_months_without_the_carer_and_one_funeral_allowance():
    people = [person("an", BORN), person("vo", "1950")]
    cases = [
        wound(85, carer_at_home=True),
        case("DEATH.LUMP3", payee="vo"),
        case("FUNERAL.NCC", payee="vo"),
    ]
    events = [event("death", "2026-05-10")]
    found = answer(*cases, people=people, events=events, months=["2026-05", JUN], **JUNE)
    assert told(found) == {
        ("due", 7_601_000, "2026-05", "TB.85", "seen"),
        ("due", 1_399_000, "2026-05", "TB.PC81", "seen"),
        ("due", 2_789_000, "2026-05", "TB.PV81", "seen"),
        ("due", 27_000_000, "2026-05", "DEATH.LUMP3", "seen"),
        ("held", 23_400_000, "2026-05", "FUNERAL.NCC", "known_unconfirmed"),
        ("due", 0, JUN, "", "inference"),
    }
    confirmed = [*events, event("document", "2026-05-20", confirms="FUNERAL.NCC", number="1")]
    found = answer(*cases, people=people, events=confirmed, months="2026-05", **JUNE)
    assert sums(found) == (11_789_000 + 27_000_000 + 23_400_000, 0, 0)


def test_the_same_merit_in_two_cases_is_refused():
    with pytest.raises(Exception, match="cùng một diện TB") as refused:
        answer(wound(61), wound(61, id="b"), months=JUN, born=BORN, **JUNE)
    assert "is the same merit TB of the same person as case 'tb'" in refused.value.en


@pytest.mark.parametrize(
    ("facts", "month", "known_on", "said"),
    [
        (survivor(dead("AH")), JUN, "2026-05-22", "in the tables for AH"),
        (survivor(dead("TUDAY", "CCGD")), JUN, "2026-05-22", "in the tables for CCGD, TUDAY"),
        (survivor(dead("TB", pct=60)), JUN, "2026-05-22", "from 61 per cent"),
        (survivor(dead("LS")), "2023-06", "2026-05-22", "06/2023: no table is loaded for LS.1"),
        (survivor(dead("LS")), "2023-07", "2023-09-04", "07/2023: no table is loaded for LS.1"),
    ],
)
def test_survivors_whom_no_table_reaches_are_told_so(facts, month, known_on, said):
    found = answer(facts, people=[person(born=BORN)], months=[month], known_on=known_on,
                   run_month=month)  # fmt: skip
    assert (found["total_vnd"], found["held_vnd"]) == (0, 0)
    assert len(found["not_covered"]) == 1
    assert found["not_covered"][0].startswith("not covered: SURVIVOR")
    assert said in found["not_covered"][0]


def test_a_merit_without_a_survivors_row_takes_nothing_from_one_that_has():
    found = answer(survivor(dead("AH", "TB", pct=71), lives_alone=True),
                   people=[person(born=BORN)], months=[JUN], **JUNE)  # fmt: skip
    alone = answer(survivor(dead("TB", pct=71), lives_alone=True),
                   people=[person(born=BORN)], months=[JUN], **JUNE)  # fmt: skip
    assert found["total_vnd"] == alone["total_vnd"] > 0
    assert found["not_covered"] == []


def test_a_remarried_spouse_of_who_was_no_martyr_is_not_covered():
    wed = event("remarriage", "2026-02-14", qualifies=True)
    found = answer(survivor(dead("TB", pct=71), relation="spouse"),
                   people=[person(born=BORN)], events=[wed], months=[JUN], **JUNE)  # fmt: skip
    assert found["total_vnd"] == 0
    assert "a remarried spouse keeps a share of a martyr only" in found["not_covered"][0]
