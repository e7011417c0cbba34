from tests.runs.conftest import world

__all__ = ["world"]
