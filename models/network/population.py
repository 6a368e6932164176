"""A population: neurons of one type, with their initial potential and their background input."""

from __future__ import annotations

from dataclasses import dataclass

from models.check import check_kind, check_number
from models.network.distribution import Constant, Distribution
from models.network.neuron import LifCurrExp, NeuronModel
from models.network.stimulus import CurrentDrive, PoissonDrive, check_group
from models.network.weight_unit import check_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Neurons of one type.

    ``rate_hz`` is the rate that a mapping plans with (measured or published); with ``None``, it plans with the
    machine's default. The rate never enters the simulation.
    """

    name: str
    n_neurons: int
    neuron: NeuronModel = LifCurrExp()  # noqa: RUF009 - frozen, so it can be shared
    v_init_mv: Distribution = Constant(value=-65.0)  # noqa: RUF009 - frozen, so it can be shared
    poisson: PoissonDrive | None = None
    current: CurrentDrive | None = None
    rate_hz: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_neurons", check_group("Population", self.name, self.n_neurons))
        where = f"Population({self.name!r})"
        check_kind(f"{where}.neuron", self.neuron, NeuronModel, "a neuron model")
        check_kind(f"{where}.v_init_mv", self.v_init_mv, Distribution, "a distribution")
        check_kind(f"{where}.poisson", self.poisson, PoissonDrive | None, "a PoissonDrive or None")
        check_kind(f"{where}.current", self.current, CurrentDrive | None, "a CurrentDrive or None")
        if self.rate_hz is not None:
            object.__setattr__(self, "rate_hz", check_number(f"{where}.rate_hz", self.rate_hz, at_least=0, unit="Hz"))
        if self.poisson is not None:
            unit, model = self.neuron.weight_unit, type(self.neuron).__name__
            check_unit(f"{where}.poisson", self.poisson.weight_unit, unit, model)
