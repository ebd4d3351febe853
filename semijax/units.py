"""Units: eV, Å, fs, K, elementary charges inside; plain floats that convert at the border (CODATA 2018)."""

import math

# SI, exact by definition except the electron mass (CODATA 2018; SciPy ships 2022, whose mass differs by 1.4e-9).
_E = 1.602176634e-19  # C
_H = 6.62607015e-34  # J s
_KB = 1.380649e-23  # J/K
_M0 = 9.1093837015e-31  # kg

HBAR = _H / (2 * math.pi * _E) * 1e15  # eV fs
PLANCK = _H / _E * 1e15  # eV fs
KB = _KB / _E  # eV/K
M0 = _M0 / _E * 1e10  # free-electron mass, eV fs²/Å² (1 Å/fs = 1e5 m/s)
HBAR2_M0 = HBAR**2 / M0  # ħ²/m0, eV Å²

# Multiply by these to enter, divide to leave: 3 * units.KV_PER_CM is in V/Å; result / units.PS is in ps.
EV, MEV = 1.0, 1e-3  # energy, eV
ANGSTROM, NM, UM, CM, M = 1.0, 10.0, 1e4, 1e8, 1e10  # length, Å
FS, PS, NS, S = 1.0, 1e3, 1e6, 1e15  # time, fs
KELVIN, TESLA = 1.0, 1.0  # tesla stays tesla wherever a user meets it
V_PER_ANGSTROM, V_PER_M, V_PER_CM, KV_PER_CM, MV_PER_CM = 1.0, 1e-10, 1e-8, 1e-5, 1e-2  # electric field, V/Å
HZ, GHZ, THZ = 1e-12, 1e-3, 1.0  # frequency of a field, THz
M_PER_S, KM_PER_S, CM_PER_S = 1e-5, 1e-2, 1e-7  # velocity, Å/fs
PER_CM3, PER_M3, PER_CM2, PER_M2 = 1e-24, 1e-30, 1e-16, 1e-20  # density, Å⁻³ and Å⁻²

TESLA_INTERNAL = 1e-5  # 1 T in V fs/Å², the unit in which q v × B is eV/Å; only the equations of motion use it
THZ_INTERNAL = 1e-3  # 1 THz in 1/fs
A_PER_CM2 = 1.0 / (_E * 1e15 * 1e16)  # 1 A/cm² in elementary charges per fs per Å²
