"""Computes the rows that need no simulation: the step model of FPGA nodes, and one volley of spikes."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

from emulator.timing.energy import Traffic, energy, energy_range
from emulator.timing.pipeline_step import pipeline_step
from models.machine.ranges import with_sections_at
from models.network import LifCurrExp
from neuromap.experiment.check import check_experiment
from neuromap.experiment.nouns import Experiment
from neuromap.studies.published.measure import (
    FACTOR_TARGET,
    REPRODUCED_TARGET,
    RowNumbers,
    against,
    energy_measures,
)
from neuromap.studies.published.rows import RowSpec
from neuromap.studies.published.software import volley_ticks

#: Inputs of the neuroAIx authors' static model of PD14 (microcircuit.txt; fact sheet architectures 1.1).
NEUROAIX_PD14 = {"n_neurons": 77_169, "rate_hz": 3.2, "n_synapses_per_neuron": 3880}
#: Initial potentials of the run of 2017: mean and standard deviation (microcircuit_model common_params.py:145).
_V_INIT_2017_MV = (-58.0, 5.0)


def numbers_of_pipeline(spec: RowSpec, experiment: Experiment) -> RowNumbers:
    """Return the numbers of the static step model, with its authors' firing rate and synapses per neuron."""
    _, machine = check_experiment(experiment)
    step = pipeline_step(machine, **NEUROAIX_PD14)
    factor = step.step_ns / (step.dt_ms * 1e6)
    events_per_s = float(np.prod([float(value) for value in NEUROAIX_PD14.values()]))
    n_nodes = machine.topology.shape[0] * machine.topology.shape[1]
    given: dict[str, Any] = {"n_boards": n_nodes, "n_cores": 0, "busy_cores": 0.0, "real_time_factor": factor}
    done = Traffic(events_per_s=events_per_s)
    found = energy(machine, done, **given)
    measures = [
        against(
            spec.factor_point,
            spec.factor_claim,
            [factor],
            quantity="real-time factor",
            target=REPRODUCED_TARGET,
            note=f"a step of {step.step_ns:,.1f} ns",
        )
    ]
    more, published_w = energy_measures(
        spec,
        found,
        energy_range(machine, done, **given),
        events_per_s=events_per_s,
        factor=factor,
        busy_ratio=0.0,
        full_w=0.0,
    )
    return RowNumbers(measures + more, found.parts_w, published_w)


def numbers_of_volley(experiment: Experiment) -> RowNumbers:
    """Return the ticks that the volley of step 0 takes from N(-58, 5) mV, at factor 20, with 80 neurons per core."""
    network, machine = check_experiment(experiment)
    fired_ratio = 1.0 - NormalDist(*_V_INIT_2017_MV).cdf(LifCurrExp().v_thresh_mv)
    ticks = [
        volley_ticks(one, network, n_neurons=80, fired_ratio=fired_ratio, time_scale_factor=20.0)
        for one in (machine, *(with_sections_at(machine, bound, ("cost",)) for bound in ("low", "high")))
    ]  # type: ignore[arg-type]
    quantity = "ticks that the busiest core overran"
    return RowNumbers(
        [against("vAl18c.overruns", "predicted", ticks, quantity=quantity, unit="ticks", target=FACTOR_TARGET)]
    )
