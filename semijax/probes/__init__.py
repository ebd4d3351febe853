"""Probes: what an experiment would see, from a band, a Hamiltonian or a run."""

from semijax.probes import one_band, transport

__all__ = ["one_band", "transport"]
