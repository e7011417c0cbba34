"""Preparing a list asks no table from end to end for each person: read from the query plans.

SQLite says how it will run each statement. A scan inside a correlated subquery is work that grows
with the square of the register: 400,000 people once waited three minutes for one of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from disbursement.runs import service
from tests.runs.test_month import FOUR, budget
from tests.runs.world import World, add_people

SMALL = frozenset({"payer", "provider", "run", "work_payer", "work_route", "work_list"})
"""Tables that grow with communes, providers and months, not with people."""


def walks(plan: list[tuple[int, int, int, str]]) -> list[str]:
    """Return the tables of a plan that are scanned for each row of another."""
    parents = {node: parent for node, parent, _, _ in plan}
    inside = {node for node, _, _, what in plan if what.startswith("CORRELATED")}
    found = []
    for node, _, _, what in plan:
        at = node
        while at and at not in inside:
            at = parents.get(at, 0)
        if at and what.startswith("SCAN ") and not what.startswith("SCAN CONSTANT"):
            found.append(what.split()[1])
    return found


@contextmanager
def watched(world: World) -> Iterator[dict[str, list[str]]]:
    """Collect the statements that walk over a table for each row of another."""
    found: dict[str, list[str]] = {}
    engine = world.ctx.database.engine(world.ctx.cell.name)

    def look(_conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        words = statement.lstrip().partition(" ")[0].upper()
        if words not in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            return
        plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        names = [name for name in walks(plan) if name not in SMALL]
        if names:
            found[" ".join(statement.split())[:300]] = names

    event.listen(engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", look)


def test_no_statement_of_a_preparation_walks_over_a_table_for_each_row(world: World) -> None:
    if world.ctx.database.engine(world.ctx.cell.name).dialect.name != "sqlite":
        pytest.skip("the plans are SQLite's")
    add_people(world, FOUR)
    budget(world)
    with watched(world) as found:
        service.prepare(world.ctx, 202610, world.signers["an"])
    assert found == {}
