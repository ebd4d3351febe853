"""Who searches: sj.least_squares, differential evolution, Nelder-Mead; each until it is within 1 % of the best, or has asked too often."""

import time
import warnings
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import semijax as sj
from semijax import fits

from .fit_problems import Problem


@dataclass
class Search:
    """What a search took. values: the model asked for its residuals or loss; jacobians: for all derivatives, p further passes each, so
    that `evaluations` is values + (p + 1) jacobians. loss: the least; starts: how often it began anew.
    """

    count: int
    values: int = 0
    jacobians: int = 0
    loss: float = float("inf")
    starts: int = 0
    seconds: float = 0.0
    compile: float = 0.0
    ended: str = ""

    @property
    def evaluations(self) -> int:
        return self.values + (self.count + 1) * self.jacobians


class _Over(Exception):
    """A search that need not go on."""


class Asked:
    """The loss as scipy asks for it: counted, and raising _Over where the search is over."""

    def __init__(self, problem: Problem, search: Search, most: int, seconds: float):
        self.search, self.most, self.wanted = search, most, problem.wanted
        self.loss = jax.jit(lambda x: fits.misfit(problem.model(x), problem.data))
        _, search.compile = _timed(lambda: self.loss(problem.box.mean(axis=1)).block_until_ready())
        self.until = time.monotonic() + seconds

    def __call__(self, x: Any) -> float:
        loss = float(self.loss(np.asarray(x, np.float64)))
        self.search.values += 1
        self.search.loss = min(self.search.loss, loss)
        if over(self.search, self.wanted, self.most, self.until):
            raise _Over
        return loss


def over(search: Search, wanted: float, most: int, until: float) -> bool:
    """Whether a search is over; says why in `ended`."""
    reached, spent, late = search.loss <= wanted, search.evaluations >= most, time.monotonic() > until
    search.ended = "reached" if reached else "evaluations spent" if spent else "time spent" if late else ""
    return bool(search.ended)


def least_squares(problem: Problem, seed: int, most: int, seconds: float) -> Search:
    """From one start of the box after another."""
    search, rng = Search(problem.count), np.random.default_rng(seed)
    _, search.compile = _timed(lambda: _fitted(problem, problem.box.mean(axis=1), 1))
    begin = time.monotonic()
    while not over(search, problem.wanted, most, begin + seconds):
        fit = _fitted(problem, problem.start(rng), 200)
        search.starts += 1
        search.values += int(fit.evaluations)
        search.jacobians += len(fit.losses) + 1  # the last for the covariance
        search.loss = min(search.loss, float(fit.chi2) / 2)
    search.seconds = time.monotonic() - begin
    return search


def _fitted(problem: Problem, start: np.ndarray, steps: int) -> fits.Fit:
    """A fit that stops where it is good enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of being stopped
        return sj.least_squares(
            fits.residuals,
            problem.model(start),
            problem.data,
            steps=steps,
            progress=lambda evaluations, steps, loss: loss <= problem.wanted,
        )


def evolution(problem: Problem, seed: int, most: int, seconds: float) -> Search:
    """scipy.optimize.differential_evolution as it comes, in the box."""
    from scipy.optimize import differential_evolution

    return _asking(problem, seed, most, seconds, lambda asked, rng: differential_evolution(asked, problem.box, rng=rng))


def simplex(problem: Problem, seed: int, most: int, seconds: float) -> Search:
    """Nelder and Mead's, with coefficients that suit many parameters, from a simplex a twentieth of the box in size."""
    from scipy.optimize import minimize

    def once(asked, rng):
        first = problem.start(rng)
        corners = np.concatenate([first[None], first + np.diag(np.diff(problem.box)[:, 0] / 20)])
        options = {"initial_simplex": corners, "adaptive": True, "maxfev": most, "xatol": 1e-5, "fatol": 1e-4 * problem.best}
        minimize(asked, first, method="Nelder-Mead", options=options)

    return _asking(problem, seed, most, seconds, once)


def _asking(problem: Problem, seed: int, most: int, seconds: float, once) -> Search:
    search, rng = Search(problem.count), np.random.default_rng(seed)
    asked = Asked(problem, search, most, seconds)
    begin = time.monotonic()
    try:
        while not search.ended:
            search.starts += 1
            once(asked, rng)
    except _Over:
        pass
    search.seconds = time.monotonic() - begin
    return search


def _timed(work) -> tuple[Any, float]:
    begin = time.monotonic()
    return work(), time.monotonic() - begin


SEARCHES = {"semijax": least_squares, "differential evolution": evolution, "Nelder-Mead": simplex}
