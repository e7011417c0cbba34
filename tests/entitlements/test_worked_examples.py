"""The worked examples of the law pages that concern monthly SA and SP allowances.

Born, decided and signed as the example says; totals are those of the page.
"""

from __future__ import annotations

from datetime import date

from disbursement.entitlements.facts import with_end
from disbursement.entitlements.rules import Law
from tests.entitlements.cases import DECEMBER, ND335, NOVEMBER, OCTOBER, case, due, held, total


def back_pay(rows, birth, months, paid, law=NOVEMBER):
    return sum(total(rows, birth, m, law) - paid for m in months)


def test_s01_orphan_of_three():
    d = due(case("K1", start_month=202401), "2023-03-10", 202611)
    assert d.total_vnd == 1_350_000
    assert [line.arithmetic for line in d.lines] == ["2,5 × 540.000 = 1.350.000"]
    assert d.lines[0].confidence == "seen"
    assert "Điều 5 khoản 1" in d.lines[0].citation


def test_s02_change_acts_in_the_month_of_the_fourth_birthday():
    orphan = case("K1", start_month=202401)
    assert total(orphan, "2023-03-10", 202702) == 1_350_000
    march = due(orphan, "2023-03-10", 202703)
    assert march.total_vnd == 810_000
    assert march.lines[0].confidence == "inference"  # a decrease by age is a reading of Art. 8.4
    assert due(orphan, "2023-03-10", 202704).lines[0].confidence == "seen"


def test_s03_severely_disabled_adult():
    assert total(case("K6"), "1991-05-05", 202611) == 810_000


def test_s04_elder_with_especially_severe_disability_own_part():
    assert total(case("K6", degree="ES"), "1963-02-01", 202611) == 1_350_000


def test_s05_poor_single_mother_draws_k4_and_k6():
    d = due([case("K4", children=2), case("K6")], "1991-05-05", 202611)
    assert d.total_vnd == 1_890_000
    assert [(line.clause, line.amount_vnd) for line in d.lines] == [
        ("K4", 1_080_000),
        ("K6", 810_000),
    ]
    assert d.lines[0].arithmetic == "2 × 1,0 × 540.000 = 1.080.000"


def test_s06_child_in_two_categories_draws_the_highest():
    d = due([case("K1"), case("K6")], "2020-04-04", 202611)
    assert d.total_vnd == 1_080_000
    assert [line.clause for line in d.lines] == ["K6"]
    assert [(r.code, r.clause) for r in d.reasons] == [("not_highest", "K1")]


def test_s07_poor_elder_of_77_the_higher_of_sa_and_sp():
    elder = [case("K5a"), case("SP", household="poor")]
    d = due(elder, "1949-03-03", 202611)
    assert (d.total_vnd, d.programme) == (1_080_000, "SA")
    assert total(elder, "1949-03-03", 202606) == 750_000


def test_s08_plain_social_pensioner():
    d = due(case("SP"), "1950-01-20", 202611)
    assert (d.total_vnd, d.programme) == (540_000, "SP")


def test_s09_near_poor_at_72():
    assert total(case("SP", household="near_poor"), "1954-06-06", 202611) == 540_000


def test_s10_not_poor_at_72():
    d = due(case("SP"), "1954-06-06", 202611)
    assert (d.total_vnd, d.lines, d.held) == (0, (), ())
    assert [r.code for r in d.reasons] == ["household"]


def test_s11_back_pay_of_the_rise():
    adult = case("K6")
    months = [202607, 202608, 202609, 202610]
    assert [total(adult, "1991-05-05", m, OCTOBER) for m in months] == [750_000] * 4
    assert back_pay(adult, "1991-05-05", months, 750_000) == 240_000
    assert total(adult, "1991-05-05", 202611, NOVEMBER) + 240_000 == 1_050_000


def test_s12_back_pay_with_a_changed_coefficient():
    elder = case("K5a")
    months = [202607, 202608, 202609, 202610]
    assert [total(elder, "1949-03-03", m, OCTOBER) for m in months] == [750_000] * 4
    arrears = back_pay(elder, "1949-03-03", months, 750_000)
    assert arrears == 1_320_000
    assert total(elder, "1949-03-03", 202611, NOVEMBER) + arrears == 2_400_000
    assert due(elder, "1949-03-03", 202608, NOVEMBER).lines[0].confidence == "inference"
    assert due(elder, "1949-03-03", 202611, NOVEMBER).lines[0].confidence == "seen"


def test_s13_birthday_inside_the_arrears():
    elder = case("K5a")
    born = "1951-08-20"
    assert total(elder, born, 202607, NOVEMBER) - 750_000 == 60_000
    assert back_pay(elder, born, [202608, 202609, 202610], 750_000) == 990_000
    assert total(elder, born, 202611, NOVEMBER) + 60_000 + 990_000 == 2_130_000


def test_s14_death_in_the_month_allowance_part():
    dead = with_end(case("K6"), date(2026, 11, 3), "death")
    assert total(dead, "1991-05-05", 202611) == 810_000
    assert total(dead, "1991-05-05", 202612) == 0


def test_s15_move_to_a_commune_at_another_rate():
    old = case("K6", end_month=202611, end_cause="moved")
    new = case(
        "K6",
        province="01",
        start_month=202612,
        decision_date=date(2026, 12, 20),
        decision_kind="move_in",
    )
    amounts = [total([old, new], "1991-05-05", m) for m in (202611, 202612)]
    assert amounts == [810_000, 975_000]
    assert sum(amounts) == 1_785_000


def test_s16_suspended_months_come_back_when_resumed():
    stopped = case("K6", status="suspended", suspended_from=202611)
    assert [total(stopped, "1991-05-05", m) for m in (202610, 202611, 202612)] == [810_000, 0, 0]
    assert [r.code for r in due(stopped, "1991-05-05", 202612).reasons] == ["suspended"]
    resumed = case("K6")
    assert sum(total(resumed, "1991-05-05", m) for m in (202611, 202612)) == 1_620_000


def test_s17_decision_after_the_cut_off():
    new = case("K6", start_month=202610, decision_date=date(2026, 10, 28))
    assert sum(total(new, "1991-05-05", m) for m in (202610, 202611)) == 1_620_000
    assert total(new, "1991-05-05", 202612) == 810_000
    assert held(new, "1991-05-05", 202610, DECEMBER.before(ND335)) == {}  # granted under NĐ 335


def test_s18_old_law_start_by_certificate_and_a_rise_inside():
    law = Law(date(2024, 8, 23), DECEMBER.rates)
    new = case(
        "K6",
        start_month=202405,
        decision_date=date(2024, 8, 20),
        certificate_date=date(2024, 5, 10),
    )
    amounts = [total(new, "1991-05-05", m, law) for m in range(202404, 202410)]
    assert amounts == [0, 540_000, 540_000, 750_000, 750_000, 750_000]
    assert sum(amounts) == 3_330_000


def test_s19_and_s20_own_allowances():
    assert total(case("K6"), "1998-05-05", 202611) == 810_000
    couple = total(case("K6"), "1990-01-01", 202611) + total(case("K6"), "1992-01-01", 202611)
    assert couple == 1_620_000


def test_s21_stop_acts_in_the_month_after():
    child = case("K7", start_month=202404, household="poor")
    amounts = [total(child, "2023-12-12", m) for m in (202612, 202701)]
    assert amounts == [810_000, 0]
    assert [r.code for r in due(child, "2023-12-12", 202701).reasons] == ["too_old"]


def test_s22_higher_local_base():
    d = due(case("K6", province="01"), "1991-05-05", 202611)
    assert d.total_vnd == 975_000
    assert d.lines[0].confidence == "secondary"
    assert d.lines[0].arithmetic == "1,5 × 650.000 = 975.000"
