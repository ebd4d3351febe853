"""Cases of a test that take long and show little that the others do not: for the slow run."""

import pytest


def but_for(chosen, every):
    """All of `every` as parameters, those not in `chosen` for the slow run."""
    assert set(chosen) <= set(every)

    def slow(one):
        return pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=pytest.mark.slow)

    return [one if one in chosen else slow(one) for one in every]
