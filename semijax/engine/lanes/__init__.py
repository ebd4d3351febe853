"""Lanes: a step of one carrier rewritten as a straight-line program in which every component of every carrier is a lane."""

from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.program import Program

__all__ = ["Program", "Unsupported"]
