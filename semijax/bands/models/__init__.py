"""Hamiltonians of textbooks and papers: bands.bloch(bands.models.haldane(), index=0) is a Band."""

from semijax.bands.models.lattices import bilayer_graphene, haldane, kane_mele, ssh, weyl
from semijax.bands.models.semiconductors import bhz, kane, luttinger

__all__ = ["bhz", "bilayer_graphene", "haldane", "kane", "kane_mele", "luttinger", "ssh", "weyl"]
