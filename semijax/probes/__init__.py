"""Probes: what an experiment would see, from a band or a Hamiltonian."""

from semijax.probes import transport

__all__ = ["transport"]
