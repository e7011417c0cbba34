"""A sentence that tells somebody to type a command names one that exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from disbursement.cli.app import app

ROOT = Path(__file__).parents[2]
PLACES = ("disbursement/**/*.py", "bank_adapters/**/*.py", "docs/*.md", "README*.md")
_NAMED = re.compile(r"`disburse ([a-z][a-z-]*)(?:\s+([a-z][a-z-]*)\b)?")
_CONTINUED = re.compile(r'"\s*\n\s*f?"')
"""One sentence over two lines of source."""


def _commands() -> dict[str, set[str]]:
    root: Any = typer.main.get_command(app)
    return {name: set(getattr(one, "commands", ())) for name, one in root.commands.items()}


def unknown(words: str, commands: dict[str, set[str]]) -> list[str]:
    """Return what is named and does not exist; a group alone is a name."""
    return [
        f"{group} {name}".strip()
        for group, name in _NAMED.findall(_CONTINUED.sub("", words))
        if group not in commands or (name and commands[group] and name not in commands[group])
    ]


@pytest.mark.parametrize("place", PLACES)
def test_commands_that_are_named_exist(place: str) -> None:
    commands = _commands()
    files = sorted(ROOT.glob(place))
    assert files
    found = {
        str(p.relative_to(ROOT)): wrong
        for p in files
        if (wrong := unknown(p.read_text(encoding="utf-8"), commands))
    }
    assert found == {}


def test_the_check_finds_what_it_is_for() -> None:
    commands = _commands()
    assert unknown("xem `disburse run show` và `disburse paint`", commands) == ["run show", "paint"]
    assert unknown("`disburse run status --month`, `disburse run`, `disburse demo`", commands) == []
