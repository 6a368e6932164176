"""A modular network of 10 areas by default, each a PD14 column; a part of the excitatory synapses joins the areas.

The network is synthetic, in the spirit of multi-area models (Schmidt et al. 2018), not a model of any brain: all areas
are equal and lie on a square grid, and no connectome data enter. As in those models, long-range synapses are
excitatory, come only from layers 2/3, 5 and 6, become fewer with distance (exponential rule), and have a delay
proportional to the distance.

Synapses between areas replace local ones of the same kind: of the synapses that a population receives from L23E, L5E or
L6E, a fixed part comes from that population of other areas. All in-degrees and weights are therefore those of PD14, an
area receives the 298,880,968 synapses of PD14, and the stationary mean-field state does not depend on the coupling.
Activity differs from PD14 only because delays are longer and neurons of one area share less input.

References
----------
Potjans & Diesmann (2014), Cerebral Cortex 24(3), 785-806, doi:10.1093/cercor/bhs358: the column.
Schmidt, Bakker, Hilgetag, Diesmann & van Albada (2018), Brain Struct Funct 223, 1409-1435,
doi:10.1007/s00429-017-1554-4: areas as columns, delays from distances with a spread of half the mean.
Ercsey-Ravasz et al. (2013), Neuron 80, 184-197, doi:10.1016/j.neuron.2013.07.036: exponential distance rule, 0.19/mm.
Girard, Hupe & Bullier (2001), J Neurophysiol 85, 1328-1331: 3.5 m/s between areas of visual cortex.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from models.bounds import Bound, checked_arguments
from models.errors import ParameterError
from models.network import FixedTotalNumber, Network, Normal, Population, Projection
from models.networks.check import Ratio, Scale, StepMs, check_projections
from models.networks.pd14 import pd14
from models.vocabulary import DriveName

LONG_RANGE = ("L23E", "L5E", "L6E")  # populations whose axons leave their area
DECAY_PER_MM = 0.19  # Ercsey-Ravasz et al. 2013
VELOCITY_MM_PER_MS = 3.5  # Girard et al. 2001
DELAY_REL_SD = 0.5  # Schmidt et al. 2018
MAX_REL_DELAY = 2.0  # our choice: delays are redrawn above twice their mean, which keeps rows and ring buffers short


def area_positions_mm(n_areas: int, distance_mm: float) -> NDArray[np.float64]:
    """Place areas row by row on the smallest square grid that holds them, mm; float64, shape (n_areas, 2)."""
    n_columns = math.ceil(math.sqrt(n_areas))
    index = np.arange(n_areas)
    return np.asarray(np.stack([index % n_columns, index // n_columns], axis=1) * distance_mm, np.float64)


def shares(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Split a whole number in proportion to weights, by largest remainder (ties to the first).

    Parameters
    ----------
    total : int
    weights : ndarray, shape (n,), float64
        Not all zero.

    Returns
    -------
    ndarray, shape (n,), int64
        Sums to ``total``.
    """
    exact = total * weights / weights.sum()
    parts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return parts


def _long_range_fraction(column: Network, inter_area: float) -> float:
    """Return the fraction of the synapses of the long-range populations that must come from other areas."""
    n_synapses = {p: p.connector.n_synapses for p in column.projections if isinstance(p.connector, FixedTotalNumber)}
    n_long = sum(n for p, n in n_synapses.items() if p.source in LONG_RANGE)
    n_all = sum(n_synapses.values())
    fraction = inter_area * n_all / n_long
    if fraction > 1.0:
        raise ParameterError("modular(inter_area)", inter_area, f"a number in [0, {n_long / n_all:.3f}]")
    return fraction


def _long_delay(distance_mm: float, dt_ms: float) -> Normal:
    """Return the delay between two areas; its mean is at least one step."""
    mean_ms = max(distance_mm / VELOCITY_MM_PER_MS, dt_ms)
    return Normal(mean=mean_ms, sd=DELAY_REL_SD * mean_ms, low=0.5 * dt_ms, high=MAX_REL_DELAY * mean_ms)


def _area_projections(
    column: Network, area: int, fraction: float, position_mm: NDArray[np.float64], dt_ms: float
) -> list[Projection]:
    """Return all projections onto the populations of one area."""
    distance_mm = np.hypot(*(position_mm - position_mm[area]).T)
    weights = np.exp(-DECAY_PER_MM * distance_mm)
    weights[area] = 0.0
    found = []
    for local in column.projections:
        assert isinstance(local.connector, FixedTotalNumber)  # as all connectors of `pd14`
        n = local.connector.n_synapses
        n_away = round(fraction * n) if local.source in LONG_RANGE else 0
        parts = shares(n_away, weights) if n_away else np.zeros(len(weights), np.int64)
        parts[area] = n - n_away
        for source in np.flatnonzero(parts).tolist():
            delay = local.delay_ms if source == area else _long_delay(float(distance_mm[source]), dt_ms)
            found.append(
                replace(
                    local,
                    source=area_population(source, local.source),
                    target=area_population(area, local.target),
                    connector=FixedTotalNumber(n_synapses=int(parts[source])),
                    delay_ms=delay,
                )
            )
    return found


def area_population(area: int, name: str) -> str:
    """Return the name of a column's population in one area, such as ``A3_L5E``."""
    return f"A{area}_{name}"


@checked_arguments
def modular(
    *,
    n_areas: Annotated[int, Bound(1, 1000, "areas")] = 10,
    scale: Scale = 1.0,
    n_scale: Scale | None = None,
    k_scale: Scale | None = None,
    inter_area: Ratio = 0.2,
    distance_mm: Annotated[float, Bound(1e-3, 10_000.0, "mm")] = 3.0,
    drive: DriveName = "poisson",
    dt_ms: StepMs = 0.1,
) -> Network:
    """Build the network.

    Parameters
    ----------
    n_areas : int
        Number of areas, each a PD14 column.
    scale, n_scale, k_scale : float
        Factors of neurons and in-degrees of every column, with weights and currents compensated as in ``pd14``.
    inter_area : float
        Fraction of all recurrent synapses that come from other areas; ignored for a single area.
    distance_mm : float, mm
        Distance between neighbouring areas on the grid; the delay is distance over 3.5 m/s.
    drive : {"poisson", "dc"}
        Background input, as in ``pd14``.
    dt_ms : float, ms

    Returns
    -------
    Network
        Populations ``A0_L23E`` ... ``A0_L6I``, ``A1_L23E`` ...; at full scale 77,169 neurons and 298,880,968
        synapses per area.

    Raises
    ------
    ParameterError
        If a value is out of range, or the long-range populations have fewer synapses than ``inter_area`` asks for.
    UnknownNameError
        If ``drive`` is not one of the names above.
    """
    column = pd14(scale=scale, n_scale=n_scale, k_scale=k_scale, drive=drive, dt_ms=dt_ms)
    fraction = _long_range_fraction(column, inter_area) if n_areas > 1 else 0.0
    n_long = sum(local.source in LONG_RANGE for local in column.projections) * (n_areas - 1) * (fraction > 0)
    check_projections("modular(n_areas)", n_areas, n_areas * (len(column.projections) + n_long))
    position_mm = area_positions_mm(n_areas, distance_mm)
    populations: list[Population] = []
    projections: list[Projection] = []
    for area in range(n_areas):
        populations += [replace(p, name=area_population(area, p.name)) for p in column.populations]
        projections += _area_projections(column, area, fraction, position_mm, dt_ms)
    return Network(
        name="modular",
        populations=tuple(populations),
        projections=tuple(projections),
        dt_ms=dt_ms,
        scale=column.scale,
    )
