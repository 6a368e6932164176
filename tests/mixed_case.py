"""A network of every neuron model, all joined to all, driven, with both receptors onto each."""

from models.network import (
    Constant,
    FixedTotalNumber,
    Izhikevich,
    LifAdaptThresh,
    LifCondExp,
    LifCurrAlpha,
    LifCurrExp,
    LifDelta,
    Network,
    NeuronModel,
    PoissonDrive,
    Population,
    Projection,
    Uniform,
)

MODELS: dict[str, NeuronModel] = {
    "C": LifCurrExp(),
    "A": LifCurrAlpha(tau_syn_exc_ms=0.8),
    "G": LifCondExp(c_m_pf=300.0, t_ref_ms=1.5),
    "T": LifAdaptThresh(),
    "D": LifDelta(),
    "Z": Izhikevich(),
}
WEIGHT = {"C": 240.0, "A": 100.0, "G": 6.0, "T": 240.0, "D": 0.8, "Z": 2500.0}  # in each model's unit
INHIBITS = ("G", "Z")


def weight_of(name: str, factor: float = 1.0) -> dict[str, float]:
    """The weight onto a population as an argument: ``{"weight_pa": 240.0}``."""
    return {f"weight_{MODELS[name].weight_unit.suffix}": factor * WEIGHT[name]}


def mixed_network(dt_ms: float = 0.1, names: str = "CAGTDZ", n_neurons: int = 9) -> Network:
    """Populations of the named models; those of INHIBITS inhibit, the others excite."""
    populations = tuple(
        Population(
            name=name,
            n_neurons=n_neurons,
            neuron=MODELS[name],
            v_init_mv=Uniform(low=-66.0, high=-52.0),
            poisson=PoissonDrive(n_inputs=1, rate_hz=6000.0, delay_ms=5 * dt_ms, **weight_of(name)),
        )
        for name in names
    )
    projections = []
    for source in names:
        for target in names:
            weight = weight_of(target, -0.7 if source in INHIBITS else 0.7)
            projections.append(
                Projection(
                    source=source,
                    target=target,
                    connector=FixedTotalNumber(n_synapses=20),
                    delay_ms=Uniform(low=dt_ms, high=30 * dt_ms),
                    **{unit: Constant(value=value) for unit, value in weight.items()},
                )
            )
    return Network(name="mixed", populations=populations, projections=tuple(projections), dt_ms=dt_ms)
