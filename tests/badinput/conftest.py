"""One archive of stages per database; `at` gives a test an office at a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.badinput.office import Archive, Office

Databases = dict[str, Archive]


@pytest.fixture(scope="session")
def archives() -> Databases:
    return {}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def archive(
    request: pytest.FixtureRequest, archives: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Archive:
    kind = request.param
    if kind not in archives:
        made = (
            (request.getfixturevalue("new_pg_database"), request.getfixturevalue("pg_admin_url"))
            if kind == "postgres"
            else (None, None)
        )
        archives[kind] = Archive(tmp_path_factory.mktemp(kind), *made)
    return archives[kind]


@pytest.fixture(scope="module")
def stages(
    archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Office]]:
    """Give one office per module and stage: what changes nothing needs no copy of its own."""
    open_ones: dict[str, Office] = {}

    def at(stage: str) -> Office:
        if stage not in open_ones:
            open_ones[stage] = archive.copy(stage, tmp_path_factory.mktemp(stage))
        return open_ones[stage]

    yield at
    for office in open_ones.values():
        office.database.dispose()


@pytest.fixture
def at(archive: Archive, tmp_path: Path) -> Iterator[Callable[[str], Office]]:
    """Give an office of this test's own, for what changes something on the way."""
    open_ones: list[Office] = []

    def make(stage: str) -> Office:
        open_ones.append(archive.copy(stage, tmp_path / f"{stage}{len(open_ones)}"))
        return open_ones[-1]

    yield make
    for office in open_ones:
        office.database.dispose()
