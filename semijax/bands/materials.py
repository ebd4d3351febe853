"""Band parameters of Si, Ge, GaAs and InSb near 0 K, and where they are from.

GaAs, InSb: the recommended sets of Vurgaftman, Meyer, Ram-Mohan (2001), tables of GaAs and of InSb; InSb's valleys at L and X are left
out. Si: γ of Landolt-Börnstein and Δ (Venitucci et al. (2018), appendix D), masses of the valleys as in Green (1990), their gap of
Bludau et al. (1974). Ge: γ of Hensel, Suzuki (1974), masses of the valleys as in the NSM archive (Ioffe Institute) and in G4CMP. E_P of
both: the five-level model of Lawaetz (1971), whose own γ are computed, not measured, and not used here.

Every number was found in tables of other programs or in handbooks; the papers themselves were not at hand. So these of Si and Ge are
as such tables have them, with no paper named: lattice constants, gaps at Γ, Ge's Δ (0.29 to 0.30 there), 0.744 eV (0.74 to 0.744) and
0.038, the 0.85 of Si's valleys. Not confirmed: that E_P is Lawaetz's; that the valleys' masses were first measured by Hensel et al.
(1965) and Levinger, Frankl (1961); the DOIs of those two.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Valley:
    """Minima of the conduction band, equal by symmetry: `count` ellipsoids at `where`; energy above the valence band's top [eV].

    longitudinal, transverse: masses along and across the valley's axis, free-electron masses. distance: of the minimum from Γ, as a
    part of the way to the zone's face (X or L).
    """

    where: str
    count: int
    energy: float
    longitudinal: float
    transverse: float
    distance: float = 1.0


@dataclass(frozen=True)
class Material:
    """A cubic semiconductor: the numbers that bands.models.luttinger(gamma) and bands.models.kane(...) ask for, and its valleys.

    lattice_constant: Å (300 K). gap: at Γ to the s-like band, eV (in Si p-like ones lie below it, at 3.4 eV). split_off: Δ, eV. gamma:
    Luttinger's γ1, γ2, γ3. kane_energy: E_P, eV. mass: of the s-like band at Γ, free-electron masses; None where none is measured.
    valleys: the lowest of each kind. sources: DOIs.
    """

    lattice_constant: float
    gap: float
    split_off: float
    gamma: tuple[float, float, float]
    kane_energy: float
    mass: float | None
    valleys: tuple[Valley, ...]
    sources: tuple[str, ...]


_VURGAFTMAN = "10.1063/1.1368156"  # Vurgaftman, Meyer, Ram-Mohan, J. Appl. Phys. 89, 5815 (2001): all of GaAs and InSb
_LAWAETZ = "10.1103/PhysRevB.4.3460"  # Lawaetz, Phys. Rev. B 4, 3460 (1971): E_P of Si and Ge
_VENITUCCI = "10.1103/PhysRevB.98.155319"  # Venitucci, Bourdet, Pouzada, Niquet, Phys. Rev. B 98, 155319 (2018): γ and Δ of Si
_BLUDAU = "10.1063/1.1663501"  # Bludau, Onton, Heinke, J. Appl. Phys. 45, 1846 (1974): gap of Si
_GREEN = "10.1063/1.345414"  # Green, J. Appl. Phys. 67, 2944 (1990): masses of Si's valleys
_HENSEL = "10.1103/PhysRev.138.A225"  # Hensel, Hasegawa, Nakayama, Phys. Rev. 138, A225 (1965): the same, measured
_HENSEL_SUZUKI = "10.1103/PhysRevB.9.4219"  # Hensel, Suzuki, Phys. Rev. B 9, 4219 (1974): γ of Ge
_LEVINGER = "10.1016/0022-3697(61)90016-6"  # Levinger, Frankl, J. Phys. Chem. Solids 20, 281 (1961): masses of Ge's valleys

Si = Material(
    5.431,
    4.185,
    0.044,
    (4.285, 0.339, 1.446),
    21.6,
    None,
    (Valley("X", 6, 1.170, 0.9163, 0.1905, 0.85),),
    (_LAWAETZ, _VENITUCCI, _BLUDAU, _GREEN, _HENSEL),
)
Ge = Material(
    5.658,
    0.89,
    0.297,
    (13.38, 4.24, 5.69),
    26.3,
    0.038,
    (Valley("L", 4, 0.744, 1.588, 0.0815),),
    (_LAWAETZ, _HENSEL_SUZUKI, _LEVINGER),
)
GaAs = Material(
    5.65325,
    1.519,
    0.341,
    (6.98, 2.06, 2.93),
    28.8,
    0.067,
    (Valley("Γ", 1, 1.519, 0.067, 0.067, 0.0), Valley("L", 4, 1.815, 1.9, 0.0754), Valley("X", 3, 1.981, 1.3, 0.23)),
    (_VURGAFTMAN,),
)
InSb = Material(
    6.4794, 0.235, 0.81, (34.8, 15.5, 16.5), 23.3, 0.0135, (Valley("Γ", 1, 0.235, 0.0135, 0.0135, 0.0),), (_VURGAFTMAN,)
)
