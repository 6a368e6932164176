"""Reproduces SpiNNaker's Poisson source in plain integers, one source at a time.

``emulator.engine.poisson_kiss`` describes the methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

from emulator.engine.poisson_kiss import KissRate, kiss_rates
from emulator.kernels.random import poisson_kiss as method
from emulator.reference.philox import philox_block
from emulator.runtime.random_stream import Stream, stream_key
from models.network import Network

_WORD = 2**32


@dataclass(slots=True)
class Kiss:
    """Marsaglia's generator with 64-bit products: the sum of a congruence, a shift register, a multiply with carry."""

    x: int
    y: int
    z: int
    c: int

    @classmethod
    def seeded(cls, seed: int, neuron_id: int) -> Kiss:
        """Return the generator of one neuron."""
        k0, k1 = stream_key(seed, Stream.KISS).tolist()
        x, y, z, c = philox_block((neuron_id, 0, 0, int(Stream.KISS)), (k0, k1))
        return cls(x, y or 13031301, z, c % 698769068 + 1)

    def word(self) -> int:
        """Return the next 32 random bits."""
        self.x = (314527869 * self.x + 1234567) % _WORD
        self.y ^= self.y * 2**5 % _WORD
        self.y ^= self.y // 2**7
        self.y ^= self.y * 2**22 % _WORD
        self.c, self.z = divmod(4294584393 * self.z + self.c, _WORD)
        return (self.x + self.y + self.z) % _WORD


def _ends(run: list[int]) -> bool:
    """Return whether a run of falling words ends with its last one; after an even number of them equality ends it."""
    return run[-1] > run[-2] if len(run) % 2 == 0 else run[-1] >= run[-2]


class KissSource:
    """One source: ``tick`` returns its count in the next step."""

    def __init__(self, rate: KissRate, generator: Kiss) -> None:
        self._rate, self._generator = rate, generator
        self._time_to_spike = self._interval() if rate.method == method.SLOW else 0

    def tick(self) -> int:
        """Return how often the source fires in the next step."""
        match self._rate.method:
            case method.SLOW:
                return self._tick_slow()
            case method.FAST:
                return self._tick_fast()
            case method.GAUSSIAN:
                return self._tick_gaussian()
            case _:
                return 0

    def _interval(self) -> int:
        """Draw an interval: an exponential variate (S16.15) times 1000, rounded, times the mean interval."""
        draw = self._generator.word
        n_failures = 0
        while True:
            run = [draw()]
            while len(run) == 1 or not _ends(run):
                run.append(draw())
            if len(run) % 2 == 0:  # the words fell an odd number of times: a success
                variate = n_failures * 2**15 + run[0] // 2**17
                return (variate * 1000 + 2**14) // 2**15 * self._rate.mean_isi_steps % _WORD
            n_failures += 1

    def _tick_slow(self) -> int:
        count = 0
        while self._time_to_spike < 1000:
            self._time_to_spike = (self._time_to_spike + self._interval()) % _WORD
            count += 1
        self._time_to_spike -= 1000
        return count

    def _tick_fast(self) -> int:
        if self._rate.exp_minus_lambda_u032 == 0:
            return 0
        product, n_factors = _WORD - 1, 0
        while product > self._rate.exp_minus_lambda_u032:
            product = product * self._generator.word() // _WORD
            n_factors += 1
        return n_factors - 1

    def _tick_gaussian(self) -> int:
        upper = self._generator.word() // 2**16
        k = (upper + 2**15) % 2**16  # the half is read as a signed number, -0.5 to 0.5
        z = round(NormalDist().inv_cdf(k / 2**16) * 2**15) if k else -7 * 2**15
        root = z // 2 + self._rate.sqrt_lambda_raw
        return (root * root // 2**15 + 2**14) // 2**15


class KissInput:
    """The drives and Poisson sources of a network; every step is asked for once, in order."""

    def __init__(self, network: Network, seed: int) -> None:
        rates = kiss_rates(network)
        self._first_step = {
            population.name: round(population.poisson.delay_ms / network.dt_ms)
            for population in network.populations
            if population.poisson is not None
        }
        groups = (*network.populations, *network.sources)
        self._name_of = [group.name for group in groups for _ in range(group.n_neurons)]
        self._sources = {
            i: KissSource(rates[name], Kiss.seeded(seed, i)) for i, name in enumerate(self._name_of) if name in rates
        }

    def drive_count(self, neuron_id: int, step: int) -> int:
        """Return the Poisson events that a neuron receives in a step; there are none before the drive's delay."""
        name = self._name_of[neuron_id]
        if name not in self._first_step or step < self._first_step[name]:
            return 0
        return self._sources[neuron_id].tick()

    def source_count(self, neuron_id: int) -> int:
        """Return how often a neuron of an active Poisson source fires in the next step."""
        return self._sources[neuron_id].tick()
