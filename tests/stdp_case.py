"""Single plastic synapses: trains through the kernels, and the reference's rule for the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emulator.kernels.synapses import stdp
from emulator.numbers.weight_scale import weight_scales
from emulator.reference.stdp import FixedRule, FloatRule, weight_after
from emulator.synapses.plasticity import build_plastic_rows, plastic_arrays
from models.network import AllToAll, Constant, Network, Population, Projection, SpikeArraySource
from models.network.plasticity import PairStdp

DT_MS = 0.1
GROUP_OF_SOURCE = np.array([0, 1], np.int16)  # the population's neuron, then the source's


def one_synapse(rule: PairStdp, delay_steps: int, weight_pa: float, dt_ms: float = DT_MS) -> Network:
    """A source and a neuron joined by one plastic synapse."""
    source = SpikeArraySource(name="pre", n_neurons=1, times_ms=np.zeros(0), ids=np.zeros(0, np.int64))
    projection = Projection(
        source="pre",
        target="post",
        connector=AllToAll(),
        weight_pa=Constant(value=weight_pa),
        delay_ms=Constant(value=delay_steps * dt_ms),
        plasticity=rule,
    )
    cells = Population(name="post", n_neurons=1)
    return Network(name="one", populations=(cells,), projections=(projection,), sources=(source,), dt_ms=dt_ms)


def kernel_weights(
    network: Network, pre: Sequence[int], post: Sequence[int], *, is_fixed: bool
) -> tuple[list[float], int]:
    """Stored weight after each presynaptic spike, and the number of updates that missed spikes."""
    scales = weight_scales(network) if is_fixed else {}
    rows = build_plastic_rows(network, scales, seed=1, n_shards=1, n_threads=1)
    n_slots = 1 << int(rows[0].delay[0]).bit_length()
    plastic = plastic_arrays(network, rows, scales, n_shards=1, n_slots=n_slots, max_post_spikes=len(post))
    due: Any = np.zeros(2, plastic.input.dtype)
    after, n_cut = [], 0
    pre_steps, post_steps = set(pre), set(post)
    for step in range(max([*pre, *post]) + 1):
        stdp.add_input(0, step, plastic, due)
        if step in pre_steps:
            spikes = np.array([1], np.int32)
            n_cut += stdp.deliver_rows(0, 1, step, 0, spikes, 1, GROUP_OF_SOURCE, plastic)
            after.append(plastic.weight[0].item())
        if step in post_steps:
            stdp.add_post_spikes(0, 0, step, np.array([0], np.int32), 1, plastic)
    assert np.isclose(
        due[0] + plastic.input.sum(), sum(after), rtol=1e-12
    )  # what was delivered is what the updates gave
    return after, n_cut


def reference_weights(network: Network, pre: Sequence[int], post: Sequence[int], *, is_fixed: bool) -> list[float]:
    """The same from the plain-Python reference."""
    projection = network.projections[0]
    rule, weight_pa = projection.plasticity, projection.weight.mean
    assert rule is not None
    delay_steps = round(projection.delay_ms.mean / network.dt_ms)
    trains = {"pre": pre, "post": post, "delay_steps": delay_steps, "pairs_all": rule.pairs_all}
    if not is_fixed:
        return weight_after(FloatRule(rule, network.dt_ms), first=weight_pa, **trains)
    scale = weight_scales(network)["post", projection.receptor]
    fixed = FixedRule(rule, network.dt_ms, scale.shift)
    return weight_after(fixed, first=int(weight_pa * scale.raw_per_pa + 0.5), **trains)
