"""Hamiltonians of textbooks and papers: bands.bloch(bands.models.haldane(), index=0) is a Band."""

from semijax.bands.models.lattices import bilayer_graphene, haldane, kane_mele, ssh, weyl
from semijax.bands.models.semiconductors import bhz, kane, luttinger
from semijax.bands.models.slater_koster import as_wannier, slater_koster

__all__ = ["as_wannier", "bhz", "bilayer_graphene", "haldane", "kane", "kane_mele", "luttinger", "slater_koster", "ssh", "weyl"]
