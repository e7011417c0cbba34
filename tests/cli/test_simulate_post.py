"""`disburse simulate post`: lists in, results out; refused in a cell that pays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Type


def test_the_post_office_takes_a_list_and_answers(typed: Type, tmp_path: Path) -> None:
    out = tmp_path / "post" / "out"
    out.mkdir(parents=True)
    (out / "ky.csv").write_text("Mã lệnh,Số tiền\nDS25000000000001,500000\n", encoding="utf-8")
    done = typed("simulate", "post", "--folder", tmp_path / "post", "--profile", "clean")
    assert done.code == 0, done
    assert "nhận 1 lệnh mới, đến nay đã chi 1 lệnh, 500.000 đồng" in done.out
    [path] = (tmp_path / "post" / "in").iterdir()
    assert (
        path.read_text(encoding="utf-8")
        .splitlines()[1]
        .startswith("DS25000000000001,500000,08/10/2026")
    )
    again = typed("simulate", "post", "--folder", tmp_path / "post", "--profile", "clean")
    assert "nhận 0 lệnh mới, đến nay đã chi 1 lệnh" in again.out


@pytest.mark.parametrize("words", [("--profile", "x"), ("--fault", "x")])
def test_wrong_words_are_refused(typed: Type, words: tuple[str, str]) -> None:
    typed("simulate", "post", *words).refused(words[0].removeprefix("--"), 2)
