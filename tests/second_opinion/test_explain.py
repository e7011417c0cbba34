"""The second opinion and `explain` say the same of random people, months and histories."""

import os
from random import Random

import pytest

from tests.second_opinion.differ import differences
from tests.second_opinion.people import dossier

PEOPLE = 20_000
MANY = 1_000_000
WORKERS = 4


def compare(seed: int, people: int) -> tuple[int, int]:
    """Compare until that many holders of cases were compared; return them and the refused."""
    rng, seen, refused = Random(seed), 0, 0
    while seen < people:
        drawn = rng.getrandbits(48)
        asked = dossier(Random(drawn))
        found = differences(asked)
        if found is None:
            refused += 1
            continue
        assert not found, f"Random({drawn}): {asked}\n" + "\n".join(found)
        seen += len({case["holder"] for case in asked["cases"]})
    return seen, refused


def test_no_difference_for_twenty_thousand_people():
    seen, refused = compare(20_261_126, PEOPLE)
    assert seen >= PEOPLE
    assert refused < PEOPLE // 50


@pytest.mark.parametrize(
    "drawn",
    [
        140914936210257,  # a student under 22 who died days before the decree
        166996307977394,  # a pensioner with a small pension who died days before it
        226905360113277,  # a household left the list days before a birthday of the child
        29240205675222,  # a pensioner who withdrew the request days before the decree
        179085825867990,  # poor for nine days of one month
        192406633929626,  # especially severely disabled for three days of one month
        210456273906104,  # granted in September for a student of 17 who no longer counts
        31735440560454,  # the same, at the level before
        62478990524066,  # a household granted under the decree, after prison before it
        272018414114381,  # sixteen and less severely disabled on the same day
    ],
)
def test_what_a_long_run_found_stays_settled(drawn: int) -> None:
    assert differences(dossier(Random(drawn))) == []


@pytest.mark.soak
@pytest.mark.parametrize("part", range(WORKERS))
def test_no_difference_for_a_million_people(part):
    seed = int(os.environ.get("SOAK_SEED", "335"))
    seen, refused = compare(seed * WORKERS + part, MANY // WORKERS)
    assert seen >= MANY // WORKERS
    assert refused < seen // 50
