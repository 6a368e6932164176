"""Derives the constants of SpiNNaker's Poisson source from a rate, and seeds its generators, as a core does.

A core is sent a rate (U16.16, Hz) and the length of a step (U0.32, s). It forms ``lambda``, the mean count a step, as
an S16.15, and chooses one of three methods:

* *slow*, ``lambda`` below 0.01: intervals from von Neumann's comparison method, in whole units of 1/1000 of the mean
  interval, which is itself cut to whole steps. The mean count is ``1 / floor(1 / lambda)``, up to 1 % too high;
* *fast*, up to 10: Knuth's product of uniform numbers against ``exp(-lambda)``. The core computes the exponential as
  an S16.15, with 15 fractional bits. The mean count is ``-log`` of this rounded exponential, up to 7 % too high just
  below 10;
* *Gaussian*, from 10 on: ``(z / 2 + sqrt(lambda))**2``, rounded, ``z`` the normal quantile of 16 random bits. The
  mean is ``lambda + 1/4``.

All of this is reproduced; ``KissRate.mean_per_step`` is the resulting mean. Two things differ from the device:

* A core has one generator for all its sources (up to 500), so its counts depend on how sources were cut into cores.
  Here every source has its own, seeded by (seed, neuron id), as on a core with one source.
* The quantile is exact and rounded to nearest, the square root exact and cut. The device's polynomials for the
  quantile are up to 22 units of 2^-15 off in the tails (1.6 units in the mean), its square root one unit in one case of
  20,000: at ``lambda`` = 10 to 20, one count in 5,000 differs, by one.

References
----------
facts/spinnaker.md 2.5. SpiNNakerManchester/sPyNNaker 7.4.1, neural_modelling/src/spike_source/poisson/
spike_source_poisson.c:260-365 (methods, arithmetic), spynnaker/pyNN/models/spike_source/
spike_source_poisson_machine_vertex.py:223-226 (limits of the methods); SpiNNakerManchester/spinn_common, src/random.c
(generator, seeds). The code here was written from the description above. The generator is JKISS of D. Jones, "Good
practice in (pseudo) random number generation for bioinformatics applications" (2010), after G. Marsaglia.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.random import poisson_kiss as kernel
from emulator.kernels.random.philox import fill_philox
from emulator.numbers.device_math import exp_s1615
from emulator.runtime.random_stream import Stream, stream_key
from models.errors import ParameterError
from models.network import Network, PoissonSource
from models.units import ms_to_steps

_ONE_S1615 = 1 << 15
_SLOW_CUTOFF_RAW = round(0.01 * _ONE_S1615)
_FAST_CUTOFF_RAW = 10 * _ONE_S1615
_RATE_LIMIT_HZ = 65_536.0  # U16.16
NEVER = np.iinfo(np.int64).max
_N_QUANTILES = 1 << 16
_QUANTILE_OF_ZERO_RAW = -7 * _ONE_S1615  # the device's value for the quantile of 0


@dataclass(frozen=True, slots=True)
class KissRate:
    """The constants that a core derives from a rate.

    Attributes
    ----------
    method : int
        ``kernel.SILENT``, ``SLOW``, ``FAST`` or ``GAUSSIAN``.
    exp_minus_lambda_u032, sqrt_lambda_raw : int
        U0.32 of a fast source, S16.15 of a Gaussian one; else 0.
    mean_isi_steps : int
        Mean interval between the spikes of a slow source; else 0.
    """

    method: int
    exp_minus_lambda_u032: int = 0
    sqrt_lambda_raw: int = 0
    mean_isi_steps: int = 0

    @property
    def mean_per_step(self) -> float:
        """Mean count that the method sends."""
        match self.method:
            case kernel.SLOW:
                return 1.0 / self.mean_isi_steps
            case kernel.FAST:
                return -math.log(self.exp_minus_lambda_u032 / 2**32)
            case kernel.GAUSSIAN:
                return (self.sqrt_lambda_raw / _ONE_S1615) ** 2 + 0.25
            case _:
                return 0.0

    def as_row(self, first_step: int = 0, end_step: int = NEVER) -> list[int]:
        """Return the constants in the order in which the kernel reads them."""
        return [
            self.method,
            self.exp_minus_lambda_u032,
            self.sqrt_lambda_raw,
            self.mean_isi_steps,
            first_step,
            end_step,
        ]


def kiss_rate(rate_hz: float, dt_ms: float, name: str) -> KissRate:
    """Derive the constants of a source as the core does.

    Parameters
    ----------
    rate_hz, dt_ms : float
    name : str
        For errors.

    Raises
    ------
    ParameterError
        If the rate or the step does not fit the core's formats.
    """
    rate_raw = math.floor(rate_hz * 2**16 + 0.5)
    step_u032 = math.floor(dt_ms * 1e-3 * 2**32 + 0.5)
    if rate_raw >= 1 << 32:
        remedy = "lower n_inputs or rate_hz, or draw with poisson='counter'"
        allowed = f"below {_RATE_LIMIT_HZ:,.0f} Hz with the KISS source ({remedy})"
        raise ParameterError(name, f"{rate_hz:g} Hz", allowed)
    if step_u032 >= 1 << 32:
        raise ParameterError("Network.dt_ms", dt_ms, "below 1000 ms with the KISS source")
    lambda_raw = (rate_raw * step_u032) >> 33
    if lambda_raw >= _FAST_CUTOFF_RAW:
        return KissRate(kernel.GAUSSIAN, sqrt_lambda_raw=math.isqrt(lambda_raw << 15))
    if lambda_raw >= _SLOW_CUTOFF_RAW:
        return KissRate(kernel.FAST, exp_minus_lambda_u032=exp_s1615(-lambda_raw) << 17)
    if rate_raw == 0:
        return KissRate(kernel.SILENT)
    steps_per_s_raw = 1000 * math.floor(2**16 / dt_ms + 0.5)
    mean_isi = steps_per_s_raw // rate_raw
    if mean_isi >= 1 << 32:
        raise ParameterError(name, f"{rate_hz:g} Hz", "0 Hz, or a mean interval of less than 2**32 steps")
    return KissRate(kernel.SLOW, mean_isi_steps=mean_isi)


def kiss_seeds(seed: int, first_id: int, n: int) -> NDArray[np.uint32]:
    """Return the initial states of the generators of ``n`` neurons from ``first_id`` on.

    A state starts with the four words of the Philox block with counter (neuron id, 0, 0, stream), corrected as the
    core corrects a seed.

    Returns
    -------
    ndarray, shape (n, N_KISS_STATE), uint32
        The last word of each, the time to the next spike, is zero.
    """
    key = stream_key(seed, Stream.KISS)
    words = np.zeros((n, 4), np.uint32)
    fill_philox(first_id, 0, 0, int(Stream.KISS), key[0], key[1], words)
    words[words[:, 1] == 0, 1] = 13031301
    words[:, 3] = words[:, 3] % np.uint32(698769068) + np.uint32(1)
    return np.column_stack([words, np.zeros(n, np.uint32)])


@lru_cache(maxsize=1)
def quantile_table() -> NDArray[np.int32]:
    """Return the standard normal quantile of k / 65536, raw S16.15, nearest: int32, shape (65536,)."""
    normal = NormalDist()
    above = [round(normal.inv_cdf(k / _N_QUANTILES) * _ONE_S1615) for k in range(_N_QUANTILES // 2, _N_QUANTILES)]
    table = np.array([_QUANTILE_OF_ZERO_RAW, *(-z for z in above[:0:-1]), *above], np.int32)
    table.setflags(write=False)
    return table


def quantiles_for(rows: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return a copy of the table if a row needs it, else one number in its place.

    The copy can be written to: numba would compile the engine once more for a read-only array.
    """
    is_needed = bool((rows[:, kernel.K_METHOD] == kernel.GAUSSIAN).any())
    return quantile_table().copy() if is_needed else np.zeros(1, np.int32)


def kiss_rates(network: Network) -> dict[str, KissRate]:
    """Return the constants that cores derive for every population with a drive and every Poisson source.

    Raises
    ------
    ParameterError
        If a rate does not fit.
    """
    given = [
        (population.name, population.poisson.total_rate_hz, f"Population({population.name!r}).poisson")
        for population in network.populations
        if population.poisson is not None
    ]
    given += [
        (source.name, source.rate_hz, f"PoissonSource({source.name!r}).rate_hz")
        for source in network.sources
        if isinstance(source, PoissonSource)
    ]
    return {name: kiss_rate(rate_hz, network.dt_ms, where) for name, rate_hz, where in given}


@dataclass(frozen=True, slots=True, eq=False)
class KissDrive:
    """The drive of all populations: ``rows`` (n_populations, N_KISS_INT), ``state`` (n_shards, n, N_KISS_STATE)."""

    rows: NDArray[np.int64]
    state: NDArray[np.uint32]
    quantiles: NDArray[np.int32]


def no_kiss_drive(n_populations: int, n_shards: int) -> KissDrive:
    """Return rows that draw nothing, for the counter-based drive."""
    return KissDrive(
        np.zeros((n_populations, kernel.N_KISS_INT), np.int64),
        np.zeros((n_shards, 1, kernel.N_KISS_STATE), np.uint32),
        np.zeros(1, np.int32),
    )


def kiss_drive(network: Network, seed: int, n_shards: int) -> KissDrive:
    """Return the drive of a network: one source for every neuron, whose counts arrive the drive's delay later."""
    rates = kiss_rates(network)
    n_local = -(-network.n_neurons // n_shards)
    rows = np.zeros((len(network.populations), kernel.N_KISS_INT), np.int64)
    states = np.zeros((n_local * n_shards, kernel.N_KISS_STATE), np.uint32)
    states[: network.n_neurons] = kiss_seeds(seed, 0, network.n_neurons)
    for i, population in enumerate(network.populations):
        if population.poisson is None:
            continue
        delay = ms_to_steps(population.poisson.delay_ms, network.dt_ms, name=f"{population.name}.delay_ms")
        rows[i] = rates[population.name].as_row(first_step=delay)
        first = network.offsets[population.name]
        kernel.start_kiss(rows[i], states[first : first + population.n_neurons])
    dealt = states.reshape(n_local, n_shards, kernel.N_KISS_STATE).transpose(1, 0, 2)
    return KissDrive(rows, np.ascontiguousarray(dealt), quantiles_for(rows))
