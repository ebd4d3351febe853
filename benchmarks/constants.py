"""Physical constants of the suite, from SI as in semijax.units, but not from there: peers import no semijax."""

import math

_E, _H, _M0 = 1.602176634e-19, 6.62607015e-34, 9.1093837015e-31  # C, J s, kg (CODATA 2018)
HBAR = _H / (2 * math.pi * _E) * 1e15  # eV fs
HBAR2_M0 = HBAR**2 / (_M0 / _E * 1e10)  # ħ²/m0, eV Å²
TESLA = 1e-5  # V fs/Å²
