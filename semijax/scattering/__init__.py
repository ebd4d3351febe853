"""Collisions as transformations of steps."""

from semijax.scattering.relaxation import with_relaxation

__all__ = ["with_relaxation"]
