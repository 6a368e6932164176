"""Holds the plastic synapses of a network, each with its own copy of its traces and histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from emulator.numbers.weight_scale import WeightScale
from emulator.reference.row import Synapse
from emulator.reference.stdp import FixedRule, FloatRule, PlasticSynapse
from emulator.synapses.plasticity import PlasticRows
from models.network import Network, Receptor


@dataclass(slots=True)
class _Joint:
    """A plastic synapse with its target (a neuron id) and its receptor."""

    target: int
    receptor: Receptor
    synapse: PlasticSynapse


class PlasticSynapses:
    """All plastic synapses of a network.

    Parameters
    ----------
    network : Network
    rows : sequence of PlasticRows
        Synapses with their initial weights.
    scales : dict of (population, receptor) to WeightScale
        Empty for float64.
    """

    def __init__(
        self, network: Network, rows: Sequence[PlasticRows], scales: dict[tuple[str, Receptor], WeightScale]
    ) -> None:
        self._from: dict[int, list[_Joint]] = {}
        self._onto: dict[int, list[_Joint]] = {}
        self._by_projection: list[list[_Joint]] = []
        for part in rows:
            projection = network.projections[part.index]
            rule = projection.plasticity
            assert rule is not None
            arithmetic: FixedRule | FloatRule = FloatRule(rule, network.dt_ms)
            if scales:
                shift = scales[projection.target, projection.receptor].shift
                arithmetic = FixedRule(rule, network.dt_ms, shift)
            joints = []
            for source, target, delay, weight in zip(part.source, part.target, part.delay, part.weight, strict=True):
                synapse = PlasticSynapse(arithmetic, rule.pairs_all, int(delay), weight.item())
                joint = _Joint(int(target), projection.receptor, synapse)
                joints.append(joint)
                self._from.setdefault(int(source), []).append(joint)
                self._onto.setdefault(int(target), []).append(joint)
            self._by_projection.append(joints)

    @property
    def longest_delay_steps(self) -> int:
        return max((joint.synapse.delay_steps for joints in self._by_projection for joint in joints), default=1)

    def send(self, step: int, source: int) -> list[Synapse]:
        """Update the synapses of a neuron that fires; return them with the weights that they deliver."""
        return [
            Synapse(joint.target, joint.receptor, joint.synapse.delay_steps, joint.synapse.add_pre_spike(step))
            for joint in self._from.get(source, [])
        ]

    def add_post_spikes(self, step: int, neurons: Iterable[int]) -> None:
        """Enter the spikes of a step as postsynaptic ones, after ``send`` was called for all spikes of the step."""
        for neuron in neurons:
            for joint in self._onto.get(neuron, []):
                joint.synapse.add_post_spike(step)

    def weights(self) -> list[list[float]]:
        """Return the stored weights of every projection, in the order of its rows."""
        return [[joint.synapse.stored for joint in joints] for joints in self._by_projection]
