"""Pictures: what the tests of semijax.plot share: the house style around every test, and readers of an Axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from semijax import bands, plot

PERIOD, WIDTH, FIELD = 114.0, 0.018, 1e-4
MINIBAND = bands.superlattice(WIDTH, PERIOD, 0.067)
TIME = np.linspace(0.0, 4000.0, 401)
VELOCITY = 1.5 * np.exp(-TIME / 1000) * np.sin(2 * np.pi * 2.7565e-3 * TIME)


@pytest.fixture(autouse=True)
def styled_and_closed():
    """Every picture of a test is made in the house style and closed after it."""
    with plot.style():
        yield
    plt.close("all")


def line(ax, label):
    """The line with a label."""
    return next(one for one in ax.lines if one.get_label() == label)


def legend(ax):
    """The texts of a legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]
