"""A Hamiltonian in Wannier functions: H(R), where the functions sit, and the matrix elements of position where they are known."""

from typing import Any

from semijax._pytree import record


@record
class Model:
    """H_ab(k) = Σ_R exp(ik·R) ⟨0a|H|Rb⟩, every weight (ndegen) and replica (wsvec) written out.

    lattice: rows are direct lattice vectors [3 3], Å. translations: R in lattice vectors, int [R 3], each once, with R also −R.
    hopping: ⟨0a|H|Rb⟩, complex [R n n], eV. centres: of the functions, [n 3], Å; None where no file tells. positions: ⟨0a|r|Rb⟩, complex
    [R n n 3], Å; None where no file tells.
    """

    lattice: Any
    translations: Any
    hopping: Any
    centres: Any = None
    positions: Any = None
