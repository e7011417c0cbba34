"""Reading ahead gives exactly what reading one after the other gives, in the same order."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bank_adapters import ahead, answers
from bank_adapters.contract import AdapterError, ParsedAnswer, RefusedFile, RefusedRow
from bank_adapters.spool import Spool
from tests.bank_adapters.build import entry, statement


def _files(folder: Path, count: int) -> list[Path]:
    paths = []
    for n in range(count):
        path = folder / f"{n}.xml"
        one = entry(str(810_000 + n))
        path.write_bytes(statement(one * 3, opening=3 * (810_000 + n)))
        paths.append(path)
    return paths


def _read(paths: Sequence[Path]) -> Iterator[tuple[str, object]]:
    with closing(ahead.read_ahead(answers.parse, paths)) as reads:
        for path, read in zip(paths, reads, strict=True):
            try:
                parsed = read()
            except RefusedFile as error:
                yield path.name, (error.code, error.sentence, error.line, error.do)
            else:
                yield path.name, [[list(s.entries) for s in parsed.statements()], parsed.message_id]


def test_the_same_answers_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _files(tmp_path, 7)
    paths[5].write_bytes(paths[5].read_bytes()[:-40])  # cut: refused, and the seventh still read
    here = list(_read(paths))
    monkeypatch.setattr(ahead, "WORTHWHILE", 1)
    there = list(_read(paths))
    assert there == here
    assert [name for name, _ in there] == [p.name for p in paths]
    assert [type(found) for _, found in there] == [list] * 5 + [tuple, list]


def _dies(path: Path) -> ParsedAnswer:
    if os.getpid() != int((path.parent / "parent").read_text()):
        os._exit(3)
    return answers.parse(path)


def test_a_process_that_dies_costs_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "WORTHWHILE", 1)
    (tmp_path / "parent").write_text(str(os.getpid()))
    paths = _files(tmp_path, 6)
    with closing(ahead.read_ahead(_dies, paths)) as reads:
        found = [len(read().statements()) for read in reads]
    assert found == [1] * 6


def test_errors_and_rows_cross_whole() -> None:
    for error in (
        RefusedFile("cut", "tệp bị cắt", "Xin lại.", line=7, en="cut"),
        RefusedRow(3, "name", "text_empty", "Thiếu tên.", en="no name"),
        AdapterError("x", "Câu.", en="sentence"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (again.args, vars(again)) == (error.args, vars(error))
    spool: Spool[object] = Spool()
    for n in range(1_000):
        spool.append((n, f"row {n}", None))
    again = pickle.loads(pickle.dumps(spool))
    again.append((1_000, "more", None))
    assert list(spool.rows()) == list(again.rows())[:-1]
    assert len(again) == 1_001
