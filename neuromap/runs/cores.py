"""Runs the depth cores: maps, verifies, simulates, times every core, measures, and writes the results."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.engine.advance import Couple
from emulator.engine.simulate import run_simulation
from emulator.engine.simulation import Simulation
from mapping.model import Mapping
from mapping.verify import verify
from models.errors import NeuromapWarning
from models.network import Network
from models.progress import Progress, silent
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.prepare import Prepared
from neuromap.measures.arrays import RunArrays
from neuromap.measures.measure import make_arrays, make_report
from neuromap.measures.measured import Measured
from neuromap.measures.results import Report
from neuromap.measures.timed import time_simulation
from neuromap.output.folder import NO_OUTPUT, Output, remove_results
from neuromap.output.spikes import write_spikes
from neuromap.runs.map import run_stages
from neuromap.runs.mapping_folder import check_machine, check_network, save_folder
from neuromap.runs.pace_remedy import with_tried_remedy

if TYPE_CHECKING:
    from neuromap.report.html import Section


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The result of a run: its report, the arrays behind its figures, its mapping and its simulation."""

    report: Report
    arrays: RunArrays
    mapping: Mapping
    simulation: Simulation

    def _repr_html_(self) -> str:
        from neuromap.report.html import render_html

        return render_html(self.report, self.arrays)


def run_cores(
    prepared: Prepared,
    output: Output = NO_OUTPUT,
    *,
    progress: Progress = silent,
    mapping: Mapping | None = None,
    simulation: Simulation | None = None,
    remedies: bool = True,
) -> Result:
    """Run an experiment at the depth cores.

    Parameters
    ----------
    prepared : Prepared
    output : Output
        Its folder gets ``report.json``, ``report.html``, ``spikes.npz``, ``arrays.npz`` and ``mapping/``.
    progress : Progress
    mapping : Mapping, optional
        An earlier mapping of the network onto this machine, which is used instead of a new one.
    simulation : Simulation, optional
        An earlier complete simulation of the network, which is used instead of a new one. It does not depend on
        machine and recipe.
    remedies : bool
        If the network does not fit or does not keep up, look for a change that helps and name it.

    Returns
    -------
    Result
        ``report.status`` is ``"partial"`` after Ctrl-C during the simulation; the simulated steps are kept.

    Raises
    ------
    NeuromapError
        For a network that does not fit, or a mapping of another network or machine.
    """
    with output.alone():
        folder = output.prepare()
        experiment, network = prepared.experiment, prepared.network
        begin, map_s = time.perf_counter(), 0.0
        if mapping is None:
            mapping = run_stages(prepared, progress, remedies=remedies)
            map_s = time.perf_counter() - begin
        check_network(mapping, network)
        check_machine(mapping, prepared.machine)
        progress("verify", 0.0)
        violations = tuple(str(violation) for violation in verify(mapping, network))
        progress("verify", 1.0)
        if folder is not None:
            remove_results(folder)
            save_folder(mapping, network, experiment, folder)
        if simulation is None:
            simulation = simulate_experiment(experiment, network, progress)
        if folder is not None:
            write_spikes(simulation, folder, warmup_ms=experiment.warmup_ms)  # kept if the rest is interrupted
        progress("time", 0.0)
        timing = time_simulation(experiment, mapping, simulation, progress)
        progress("report", 0.0)
        measured = Measured(experiment, mapping, violations, simulation, timing, map_s)
        report = make_report(measured)
        if remedies:
            report = with_tried_remedy(measured, report)
        result = Result(report, make_arrays(measured), mapping, simulation)
        if folder is not None:
            write_results(result, folder, html=output.html)
        progress("report", 1.0)
    return result


def simulate_experiment(
    experiment: Experiment, network: Network, progress: Progress, *, couple: Couple | None = None
) -> Simulation:
    """Simulate the network of an experiment. Ctrl-C ends it early.

    The result depends on the machine and the recipe only through ``couple``
    (``emulator.engine.simulate.run_simulation``).
    """
    options = experiment.simulation_options(network.dt_ms)
    model_ms = options.n_steps * network.dt_ms

    def on_stage(stage: str, fraction: float, note: str = "") -> None:
        progress(stage, fraction, f"{fraction * model_ms:,.0f} of {model_ms:,.0f} ms" if stage == "simulate" else note)
        if stage == "build" and fraction >= 1:
            progress("simulate", 0.0, "")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NeuromapWarning)  # the notes of the report name these parameters
        return run_simulation(network, options, couple=couple, progress=on_stage)


def write_results(result: Result, folder: Path, *, html: bool = True, sections: Sequence[Section] = ()) -> None:
    """Write ``arrays.npz``, then ``report.html`` if asked for, and last ``report.json``, which marks complete results.

    ``sections`` are added to the page (``neuromap.report.html``).
    """
    arrays = result.arrays
    arrays.write(folder / "arrays.npz")
    if html:
        from neuromap.report.html import write_html

        write_html(result.report, arrays, folder / "report.html", sections)
    result.report.write(folder / "report.json")
