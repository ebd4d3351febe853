"""materials_report: what `semijax bands PREFIX` says about a Hamiltonian in Wannier functions: gathered, as tables, as pictures."""
