"""The benchmark of fits: searches are counted and stop where they should, what is known best is best, results say what was reached."""

import time

import numpy as np
import pytest

import semijax as sj
from semijax import fits, suite

suite.load()
bench, peers, problems = suite.part("fits"), suite.part("fit_peers"), suite.part("fit_problems")


@pytest.fixture(scope="module")
def germanium():
    return problems.germanium()


def test_the_problems_have_2_8_and_20_parameters():
    assert [one.count for one in problems.problems().values()] == [2, 8, 20]
    assert all((one.box[:, 0] < one.box[:, 1]).all() for one in problems.problems().values())


def test_what_is_known_best_is_where_least_squares_end(germanium):
    fit = sj.least_squares(fits.residuals, germanium.model(np.array([1.5, 0.1])), germanium.data)
    assert float(fit.chi2) / 2 == pytest.approx(germanium.best, rel=1e-5)


@pytest.mark.parametrize("peer", peers.SEARCHES)
def test_a_search_is_over_within_a_percent_or_when_it_has_asked_enough(peer, germanium):
    search = peers.SEARCHES[peer](germanium, 0, 20_000, 100.0)
    assert search.ended == "reached"
    assert germanium.best * (1 - 1e-5) < search.loss <= germanium.wanted
    assert search.evaluations == search.values + 3 * search.jacobians > 2
    assert (search.jacobians > 0) == (peer == "semijax")
    spent = peers.SEARCHES[peer](germanium, 0, 5, 100.0)
    assert spent.ended == ("reached" if spent.loss <= germanium.wanted else "evaluations spent")
    assert peers.SEARCHES[peer](germanium, 0, 20_000, -1.0).ended == "time spent"


def test_no_search_is_asked_for_its_loss_uncounted(germanium):
    search = peers.Search(2)
    asked = peers.Asked(germanium, search, 3, 100.0)
    first = asked(germanium.box[:, 1])
    assert (search.values, search.loss) == (1, first)
    assert asked(germanium.box[:, 0]) > germanium.wanted
    with pytest.raises(peers._Over):
        asked(germanium.box[:, 0])
    assert search.ended == "evaluations spent"


def rows(evaluations, ended, count=8):
    """Three rows of semijax, 100 evaluations each, and three of differential evolution."""
    each = {"problem": "x", "title": "X", "count": count}
    ours = [each | {"peer": "semijax", "evaluations": 100, "ended": "reached"}] * 3
    return ours + [each | {"peer": "differential evolution", "evaluations": n, "ended": e} for n, e in zip(evaluations, ended)]


@pytest.mark.parametrize(
    ("evaluations", "ended", "found"),
    [
        ((6000, 7000, 9000), ["reached"] * 3, (70.0, False, True)),
        ((600, 700, 9000), ["reached"] * 3, (7.0, False, False)),
        ((6000, 6000, 6000), ["evaluations spent"] * 3, (60.0, True, True)),
        ((600, 600, 600), ["evaluations spent"] * 3, (6.0, True, None)),  # who stops early proves nothing
    ],
)
def test_the_target_is_a_bound_where_a_search_did_not_get_there(evaluations, ended, found):
    (target,) = bench.targets(rows(evaluations, ended))
    assert (target["found"], target["at_least"], target["holds"]) == found
    assert not bench.targets(rows(evaluations, ended, count=2))


def test_a_row_and_the_tables_say_where_a_search_got_to(germanium):
    begin = time.monotonic()
    search = peers.SEARCHES["Nelder-Mead"](germanium, 0, 3, 100.0)
    assert 0 <= search.seconds <= time.monotonic() - begin
    row = bench.row_of(germanium, "Nelder-Mead", 0, search)
    assert (row["evaluations"], row["count"], row["ended"]) == (3, 2, "evaluations spent")
    facts = {"processor": "P", "cores": 2, "created": "2026-01-01", "commit": "c"}
    facts["versions"] = dict.fromkeys(("semijax", "jax", "numpy", "scipy"), "1")
    text = bench.markdown({"machine": facts, "rows": [row], "targets": bench.targets(rows((6000,) * 3, ["time spent"] * 3))})
    assert "| Ge: two cyclotron masses | 2 | Nelder-Mead | 0 of 1 | 3 |" in text
    assert "÷ semijax: at least 60, wanted 50: holds" in text
