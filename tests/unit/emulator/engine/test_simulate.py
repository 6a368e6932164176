"""What ``simulate`` returns, refuses, and keeps after an interruption."""

import re

import numpy as np
import pytest

from emulator.engine.simulate import simulate
from models.errors import CapacityError, ParameterError, UnknownNameError
from models.network import AllToAll, LifCurrExp, Network, Population, Uniform
from reference_case import drive, projection, rich_network, spikes_at, spikes_of


def interrupt_at(fraction):
    """Return a progress callback that acts as Ctrl-C once a fraction of the simulation is done."""

    def progress(stage, done):
        if stage == "simulate" and done >= fraction:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("n_threads", [1, 2])
def test_interruption_keeps_what_was_finished(n_threads):
    whole = simulate(rich_network(), n_steps=600, seed=1, probes=[0, 30], n_threads=n_threads)
    part = simulate(
        rich_network(), n_steps=600, seed=1, probes=[0, 30], n_threads=n_threads, progress=interrupt_at(0.4)
    )
    assert whole.is_complete
    assert not part.is_complete
    assert 240 <= part.n_steps < 600
    assert spikes_of(part) == [spike for spike in spikes_of(whole) if spike[0] < part.n_steps]
    np.testing.assert_array_equal(part.v_mv, whole.v_mv[: part.n_steps])


def test_interruption_after_the_last_step_is_complete():
    run = simulate(rich_network(), n_steps=50, seed=1, progress=interrupt_at(1.0))
    assert (run.is_complete, run.n_steps) == (True, 50)


def test_interruption_of_the_build_is_passed_on():
    def progress(stage, done):
        if stage == "build":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(rich_network(), n_steps=50, seed=1, progress=progress)


def test_progress_runs_through_its_stages_to_one():
    seen = []
    simulate(rich_network(), n_steps=450, seed=1, progress=lambda stage, done: seen.append((stage, done)))
    stages = [stage for stage, _ in seen if stage != "compile"]  # only before the first simulation of a process
    assert stages == sorted(stages, key=["build", "simulate"].index)
    for stage in ("build", "simulate"):
        fractions = [done for name, done in seen if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0


def test_spikes_are_sorted_and_probes_are_in_the_order_given():
    run = simulate(rich_network(), n_steps=300, seed=3, probes=[40, 0, 17])
    spikes = spikes_of(run)
    assert spikes == sorted(spikes)
    assert run.v_mv.shape == (300, 3)
    each = [simulate(rich_network(), n_steps=300, seed=3, probes=[i]).v_mv[:, 0] for i in (40, 0, 17)]
    np.testing.assert_array_equal(run.v_mv, np.array(each).T)


def test_sources_may_fire_in_every_step():
    n_sources, n_steps = 60, 100  # up to 60 * 64 segments due at once
    source = spikes_at("S", n_sources, [(0.1 * t, i) for t in range(n_steps) for i in range(n_sources)])
    cells = Population(name="A", n_neurons=64, neuron=LifCurrExp(v_thresh_mv=1000.0))
    delays = Uniform(low=0.1, high=6.4)
    network = Network(
        name="dense",
        populations=(cells,),
        sources=(source,),
        projections=(projection("S", "A", AllToAll(), weight_pa=1.0, delay_ms=delays),),
    )
    run = simulate(network, n_steps=n_steps, seed=1, probes=[0], n_threads=1)
    assert run.spike_step.size == n_sources * n_steps
    assert run.v_mv[-1, 0] > run.v_mv[50, 0] > -65.0


def test_delay_that_no_list_can_hold_is_refused():
    def refused(message, delay_ms):
        cells = Population(name="A", n_neurons=2)
        late = projection("A", "A", AllToAll(), delay_ms=delay_ms)
        with pytest.raises(CapacityError, match=f"^{re.escape(message)}$"):
            simulate(Network(name="late", populations=(cells,), projections=(late,)), n_steps=1, seed=1, n_threads=2)

    message = "longest delay at state engine: needs {} steps, has 1,048,576 steps; shorten the delays"
    refused(message.format("10,000,000"), 1e6)
    refused(message.format("10,000,000,000,000,000"), 1e15)
    refused(
        "due lists at state engine: needs 17,179,869,184 bytes of addresses, has 8,589,934,592 bytes of addresses; "
        "shorten the longest delay, now 1,000,000 steps",
        1e5,
    )


def test_float_and_fixed_agree_on_one_neuron_s_potential():
    cells = Population(name="A", n_neurons=5, neuron=LifCurrExp(v_thresh_mv=0.0), poisson=drive(8000.0, 20.0))
    network = Network(name="one", populations=(cells,))
    fixed, floating = (
        simulate(network, n_steps=300, seed=1, probes=range(5), arithmetic=a).v_mv for a in ("fixed", "float")
    )
    assert not np.array_equal(fixed, floating)
    # exp(-dt/tau_m) is 0.4 units of 2**-15 too small, so the membrane leaks 0.2 % too fast
    np.testing.assert_allclose(fixed, floating, rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps: needs a whole number of steps, 1 to 2,000,000,000, has 0"),
        ({"n_threads": 0}, "n_threads: needs a whole number of threads, 1 to 256, has 0"),
        ({"n_threads": 1_000_000}, "n_threads: needs a whole number of threads, 1 to 256, has 1000000"),
        ({"probes": [3, 51]}, "probes: needs neuron ids in [0, 51), has 51"),
        ({"probes": [-1]}, "probes: needs ids that are whole numbers >= 0, has -1"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        simulate(rich_network(), **({"n_steps": 1, "seed": 1} | options))


@pytest.mark.parametrize("option", ["arithmetic", "delay_convention"])
def test_unknown_option_is_refused(option):
    with pytest.raises(UnknownNameError, match=rf"^{option}: needs one of .*, has 'x'$"):
        simulate(rich_network(), n_steps=1, seed=1, **{option: "x"})


def test_inhibiting_drive_is_refused():
    cells = Population(name="A", n_neurons=1, poisson=drive(weight_pa=-1.0))
    with pytest.raises(
        ParameterError, match=r"^Population\('A'\)\.poisson\.weight_pa: needs a value >= 0 pA, has -1\.0$"
    ):
        simulate(Network(name="one", populations=(cells,)), n_steps=1, seed=1)
