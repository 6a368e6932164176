"""The model of a population by its code: one function for each arithmetic."""

from numba import njit

from emulator.kernels.neuron.adapt import step_adapt_f64, step_adapt_s1615
from emulator.kernels.neuron.alpha import step_alpha_f64, step_alpha_s1615
from emulator.kernels.neuron.cond import step_cond_f64, step_cond_s1615
from emulator.kernels.neuron.delta import step_delta_f64, step_delta_s1615
from emulator.kernels.neuron.izhikevich import step_izhikevich_model_f64, step_izhikevich_model_s1615
from emulator.kernels.neuron.parts import IZHIKEVICH, LIF_ADAPT_THRESH, LIF_COND_EXP, LIF_CURR_ALPHA


@njit(cache=True)
def step_model_s1615(
    code,
    first,
    last,
    shard,
    shard_bits,
    row,
    count,
    accumulator,
    v,
    i_exc,
    i_inh,
    extra,
    out_spikes,
    n_spikes,
    out_counters,
):
    """One step in S16.15 of a population of any model but ``LifCurrExp``; arguments as in ``neuron_parts``."""
    if code == LIF_CURR_ALPHA:
        return step_alpha_s1615(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    if code == LIF_COND_EXP:
        return step_cond_s1615(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    if code == LIF_ADAPT_THRESH:
        return step_adapt_s1615(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    if code == IZHIKEVICH:
        return step_izhikevich_model_s1615(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    return step_delta_s1615(
        first,
        last,
        shard,
        shard_bits,
        row,
        count,
        accumulator,
        v,
        i_exc,
        i_inh,
        extra,
        out_spikes,
        n_spikes,
        out_counters,
    )


@njit(cache=True)
def step_model_f64(
    code,
    first,
    last,
    shard,
    shard_bits,
    row,
    count,
    accumulator,
    v,
    i_exc,
    i_inh,
    extra,
    out_spikes,
    n_spikes,
    out_counters,
):
    """As ``step_model_s1615`` in float64."""
    if code == LIF_CURR_ALPHA:
        return step_alpha_f64(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    if code == LIF_COND_EXP:
        return step_cond_f64(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    if code == LIF_ADAPT_THRESH:
        return step_adapt_f64(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    if code == IZHIKEVICH:
        return step_izhikevich_model_f64(
            first,
            last,
            shard,
            shard_bits,
            row,
            count,
            accumulator,
            v,
            i_exc,
            i_inh,
            extra,
            out_spikes,
            n_spikes,
            out_counters,
        )
    return step_delta_f64(
        first,
        last,
        shard,
        shard_bits,
        row,
        count,
        accumulator,
        v,
        i_exc,
        i_inh,
        extra,
        out_spikes,
        n_spikes,
        out_counters,
    )
