from __future__ import annotations

import pytest

from disbursement.sample.writer import SampleReport, write_sample

PEOPLE = 3_000
SEED = 7


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    """A sample of 3,000 good people of Phú Thọ as workbooks."""
    folder = tmp_path_factory.mktemp("sample")
    return write_sample(folder, people=PEOPLE, province="25", seed=SEED, payers=2)
