"""Makes the constants of every population, and the state of neuron models beyond potential and currents.

A network of only ``LifCurrExp`` has no further state, and its engine is compiled without the other models.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import lif
from emulator.kernels.neuron import parts as part
from emulator.numbers.lif_constants import raw_s1615
from emulator.numbers.neuron_constants import model_code, neuron_constants_f64, neuron_constants_s1615
from emulator.numbers.weight_scale import WeightScale
from models.errors import ParameterError
from models.network import Izhikevich, LifCurrExp, LifDelta, Network, Population, Receptor


def has_other_models(network: Network) -> bool:
    """Return whether a population has another model than ``LifCurrExp``."""
    return not all(isinstance(population.neuron, LifCurrExp) for population in network.populations)


def population_rows(network: Network, scales: dict[tuple[str, Receptor], WeightScale]) -> NDArray[Any]:
    """Return the constants of every population, in fixed point if there are weight scales.

    Returns
    -------
    ndarray
        int64 or float64, a row for each population, with only the columns of ``LifCurrExp`` if that is the only model.

    Raises
    ------
    ParameterError
        For a parameter outside the arithmetic (the error names its population), or a drive with a negative weight.
    """
    rows = []
    for population in network.populations:
        try:
            rows.append(_row(population, network.dt_ms, scales))
        except ParameterError as err:
            where = f"Population({population.name!r})"
            if err.name.startswith(where):
                raise
            name = f"{where}.{err.name}" if err.name.isidentifier() else f"{where}: {err.name}"
            raise ParameterError(name, err.value, err.allowed) from err
    n_columns = lif.N_LIF_INT if scales else lif.N_LIF_FLOAT
    table: NDArray[Any] = np.array(rows)
    return table if has_other_models(network) else np.ascontiguousarray(table[:, :n_columns])


def _row(population: Population, dt_ms: float, scales: dict[tuple[str, Receptor], WeightScale]) -> NDArray[Any]:
    current_pa = 0.0 if population.current is None else population.current.amplitude_pa
    weight = 0.0 if population.poisson is None else population.poisson.weight
    if weight < 0:
        unit = population.neuron.weight_unit
        name = f"Population({population.name!r}).poisson.weight_{unit.suffix}"
        raise ParameterError(name, weight, f"a value >= 0 {unit.value}")
    if not scales:
        return neuron_constants_f64(population.neuron, dt_ms, current_pa=current_pa, poisson_magnitude=weight)
    exc, inh = scales[population.name, Receptor.EXC], scales[population.name, Receptor.INH]
    return neuron_constants_s1615(
        population.neuron,
        dt_ms,
        current_pa=current_pa,
        shift_exc=exc.shift,
        shift_inh=inh.shift,
        poisson_weight_raw=round(weight * exc.raw_per_pa),
    )


def population_codes(network: Network) -> NDArray[np.int64]:
    """Return the code of every population's model (`emulator.kernels.neuron.parts`): int64, shape (n_populations,)."""
    return np.array([model_code(population.neuron) for population in network.populations], np.int64)


def initial_extra(network: Network, v_mv: NDArray[np.float64], *, is_fixed: bool) -> NDArray[np.float64]:
    """Return the initial state beyond potentials and currents, in neuron order.

    Parameters
    ----------
    v_mv : ndarray, float64, shape (n_neurons,), mV
        Initial potentials.

    Returns
    -------
    ndarray, float64, shape (N_EXTRA, n_neurons)
        Raw S16.15 if ``is_fixed``. All zero except the recovery variable of Izhikevich neurons, ``b v``.
    """
    extra = np.zeros((part.N_EXTRA, network.n_neurons))
    for population in network.populations:
        if isinstance(population.neuron, Izhikevich):
            first = network.offsets[population.name]
            own = slice(first, first + population.n_neurons)
            u = population.neuron.b_per_ms * v_mv[own]
            if is_fixed:
                raw_s1615(float(np.abs(u).max()), f"Population({population.name!r}): initial u = b v")
                u = np.rint(u * (1 << 15))
            extra[part.E_U, own] = u
    return extra


def delay_beyond(network: Network, *, is_nest: bool) -> int:
    """Return the steps that a delay convention adds to every delay.

    NEST's convention adds one step, since its models with synaptic currents first move the membrane in the step after
    the arrival. ``iaf_psc_delta`` moves it in the step of the arrival, so a network of only ``LifDelta`` adds none. A
    mixed network adds one step, so its delta synapses act one step later than in NEST.
    """
    is_delta = all(isinstance(population.neuron, LifDelta) for population in network.populations)
    return int(is_nest and not is_delta)
