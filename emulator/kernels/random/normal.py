"""Computes the standard normal quantile, by tables and, in the far tails, by Wichura's rational functions."""

import math

from numba import njit

_N_QUANTILE_CELLS = 4096  # the top 12 bits of a word
_TAIL_P = 1.0 / 64.0
_FAR_TAIL_P = 1.0 / 4096.0

# Wichura 1988, algorithm AS 241 (PPND16), doi:10.2307/2347330: coefficients from the highest power down, for
# sqrt(-log p) - 1.6 up to 5, and sqrt(-log p) - 5 beyond
_NEAR_TOP = (
    *(7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258),
    *(3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734),
)
_NEAR_BOTTOM = (
    *(1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1),
    *(6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1.0),
)
_FAR_TOP = (
    *(2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2),
    *(2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720),
)
_FAR_BOTTOM = (
    *(2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4),
    *(1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)


@njit(cache=True)
def _polynomial(x, coefficients):
    """Return the value of a polynomial, coefficients from the highest power down."""
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


@njit(cache=True)
def normal_quantile_tail(p):
    """Return the standard normal quantile for ``0 < p < 0.075`` (AS 241, relative error 1e-16)."""
    r = math.sqrt(-math.log(p))
    if r <= 5.0:
        return -_polynomial(r - 1.6, _NEAR_TOP) / _polynomial(r - 1.6, _NEAR_BOTTOM)
    return -_polynomial(r - 5.0, _FAR_TOP) / _polynomial(r - 5.0, _FAR_BOTTOM)


@njit(cache=True)
def normal_quantile(p, table):
    """Return the standard normal quantile: by two interpolated tables, and by AS 241 in the outer 1/4096 on each side.

    ``table``: float64, shape (3, 4097): the quantile at k/4096, at k/(64 * 4096), and the differences of the first
    row (places that would be infinite are never read). Largest error 1.1e-5.
    """
    q = min(p, 1.0 - p)
    if q >= _TAIL_P:
        x = p * _N_QUANTILE_CELLS
        k = int(x)
        return table[0, k] + (x - k) * (table[0, k + 1] - table[0, k])
    if q >= _FAR_TAIL_P:
        x = q * (_N_QUANTILE_CELLS * 64)
        k = int(x)
        z = table[1, k] + (x - k) * (table[1, k + 1] - table[1, k])
    else:
        z = normal_quantile_tail(q)
    return z if p < 0.5 else -z
