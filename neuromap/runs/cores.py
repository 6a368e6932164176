"""The main job: experiment in, report out. Map, verify, simulate, time the cores, measure, write."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.engine.advance import Couple
from emulator.engine.simulate import run_simulation
from emulator.engine.simulation import Simulation
from mapping.flow import REMEDY
from mapping.flow import map_network as map_stages
from mapping.model import Mapping
from mapping.verify import Asked, verify
from models.errors import NeuromapError, NeuromapWarning, ParameterError, VerificationError
from models.machine import Machine
from models.network import Network
from neuromap.experiment.constraints import constraints_of
from neuromap.experiment.fixed_point import fixed_point_notes
from neuromap.experiment.load import Experiment, check_experiment, make_experiment
from neuromap.measures.arrays import RunArrays
from neuromap.measures.measure import Measured, make_arrays, make_report
from neuromap.measures.results import Report
from neuromap.measures.timed import time_simulation
from neuromap.output.folder import one_writer, prepare_out_folder, remove_results
from neuromap.output.spikes import write_spikes
from neuromap.runs.mapping_folder import asked_for, check_machine, check_network, save_folder
from neuromap.runs.pace_remedy import with_tried_remedy
from neuromap.runs.remedy import describe_load

if TYPE_CHECKING:
    from neuromap.report.html import Section
    from neuromap.runs.static import StaticReport

Progress = Callable[[str, float, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a run returns: the report, the arrays behind its figures, the mapping, and the simulation."""

    report: Report
    arrays: RunArrays
    mapping: Mapping
    simulation: Simulation

    def _repr_html_(self) -> str:
        from neuromap.report.html import render_html

        return render_html(self.report, self.arrays)


def silent(stage: str, fraction: float, note: str = "") -> None:
    """Report no progress."""


def _map(
    experiment: Experiment,
    network: Network,
    machine: Machine,
    progress: Progress,
    given: Mapping | None = None,
    first_stage: str = "partition",
    *,
    remedies: bool = True,
) -> tuple[Mapping, float]:
    """Run the mapping stages from ``first_stage`` on; return the mapping and the seconds it took."""
    start = time.perf_counter()
    stages = ("partition", "place", "route", "keys", "tables")

    def on_stage(stage: str, fraction: float) -> None:
        done = 0.99 if stage == REMEDY else (stages.index(stage) + fraction) / len(stages)
        progress("map", done, stage)

    recipe = experiment.recipe
    mapping = map_stages(
        network,
        machine,
        recipe=recipe.name,
        neurons_per_core=recipe.neurons_per_core,
        n_synapse_cores=recipe.n_synapse_cores,
        place=recipe.place,
        route=recipe.route,
        keys=recipe.keys,
        minimise=recipe.minimise,
        constraints=constraints_of(recipe, network),
        seed=experiment.seed,
        time_scale_factor=experiment.time_scale_factor,
        progress=on_stage,
        given=given,
        stage=first_stage,
        describe=describe_load if remedies else None,
    )
    return mapping, time.perf_counter() - start


@one_writer
def map_network(
    experiment: Experiment | str,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    given: Mapping | None = None,
    stage: str = "partition",
    remedies: bool = True,
    **options: Any,
) -> Mapping:
    """Map the network of an experiment onto its machine, verify the mapping and save it.

    Parameters
    ----------
    experiment : Experiment or str
        Or the name of a built-in network, or an experiment file.
    out : str or Path, optional
        Folder to save the mapping in.
    overwrite : bool
    progress : callable, optional
        Called with (stage, fraction, note).
    given : Mapping, optional
        An earlier mapping of the network, whose results before ``stage`` are kept.
    stage : str
        First mapping stage to run (``mapping.flow.STAGES``).
    remedies : bool
        If the network does not fit, look for a change with which it does, and name it in the error.
    **options
        As in ``make_experiment``.

    Raises
    ------
    NeuromapError
        For wrong input, a network that does not fit, or a mapping that breaks an invariant.
    """
    experiment = make_experiment(experiment, job="map", **options)
    network, machine = check_experiment(experiment)
    folder = None if out is None else prepare_out_folder(out, overwrite=overwrite)
    if given is not None:
        check_network(given, network)
    report = progress or silent
    with _kept_is_sound(given):
        mapping, _ = _map(experiment, network, machine, report, given, stage, remedies=remedies)
    _verify(mapping, network, asked_for(experiment, network, machine), report)
    if folder is not None:
        remove_results(folder)
        save_folder(mapping, network, experiment, folder)
    return mapping


@contextmanager
def _kept_is_sound(given: Mapping | None) -> Iterator[None]:
    """Turn the errors that a stage raises on a damaged kept mapping into a ParameterError."""
    try:
        yield
    except NeuromapError:
        raise
    except (IndexError, KeyError, TypeError, ValueError, OverflowError) as err:
        if given is None:
            raise
        has = f"{type(err).__name__}: {err}"
        raise ParameterError("mapping to go on from", has, "one that `neuromap verify` accepts") from err


def _verify(mapping: Mapping, network: Network, asked: Asked, progress: Progress) -> None:
    """Raise VerificationError if the mapping breaks an invariant."""
    progress("verify", 0.0, "")
    violations = verify(mapping, network, asked)
    progress("verify", 1.0, "")
    if violations:
        raise VerificationError(tuple(str(violation) for violation in violations))


@one_writer
def run_static(
    experiment: Experiment | str,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> StaticReport:
    """Map an experiment, verify the mapping and work out its expected loads; nothing is simulated.

    Parameters are those of `map_network`; ``static.json`` is written beside the mapping.

    Raises
    ------
    NeuromapError
        As `map_network`.
    """
    from neuromap.runs.static import static_report

    experiment = make_experiment(experiment, job="static", **options)
    mapping = map_network(experiment, out=out, overwrite=overwrite, progress=progress)
    network, _ = check_experiment(experiment)
    report = static_report(mapping, network, time_scale_factor=experiment.time_scale_factor)
    report = replace(report, notes=list(fixed_point_notes(experiment, network)))
    if out is not None:
        report.write(Path(out) / "static.json")
    return report


@one_writer
def run(
    experiment: Experiment | str,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    html: bool = True,
    mapping: Mapping | None = None,
    simulation: Simulation | None = None,
    remedies: bool = True,
    **options: Any,
) -> Result:
    """Run an experiment: map, verify, simulate, time every core, measure, and write the results.

    Parameters
    ----------
    experiment : Experiment or str
        Or the name of a built-in network, or an experiment file.
    out : str or Path, optional
        Folder for ``report.json``, ``report.html``, ``spikes.npz``, ``arrays.npz`` and ``mapping/``; nothing is
        written without it.
    overwrite : bool
        Replace the files of an earlier run in ``out``.
    progress : callable, optional
        Called with (stage, fraction, note).
    html : bool
        Write ``report.html``.
    mapping : Mapping, optional
        An earlier mapping of the network onto this machine, which is taken instead of making one.
    simulation : Simulation, optional
        An earlier complete simulation that this experiment would repeat (machine and recipe do not matter to it).
    remedies : bool
        Where the network does not fit or does not keep up, look for a change that helps, and name it.
    **options
        As in ``make_experiment``: ``scale=0.1, seconds=2, recipe="combined", ...``.

    Returns
    -------
    Result
        ``report.status`` is ``"partial"`` after Ctrl-C during the simulation; what was simulated is kept.

    Raises
    ------
    NeuromapError
        For wrong input or a network that does not fit, before any long work.
    """
    experiment = make_experiment(experiment, job="cores", **options)
    network, machine = check_experiment(experiment)
    folder = None if out is None else prepare_out_folder(out, overwrite=overwrite)
    report_progress = progress or silent
    map_s = 0.0
    if mapping is None:
        mapping, map_s = _map(experiment, network, machine, report_progress, remedies=remedies)
    check_network(mapping, network)
    check_machine(mapping, machine)
    report_progress("verify", 0.0, "")
    violations = tuple(str(violation) for violation in verify(mapping, network))
    report_progress("verify", 1.0, "")
    if folder is not None:
        remove_results(folder)
        save_folder(mapping, network, experiment, folder)
    if simulation is None:
        simulation = simulate_experiment(experiment, network, report_progress)
    if folder is not None:
        write_spikes(simulation, folder, warmup_ms=experiment.warmup_ms)  # kept if what follows is interrupted
    report_progress("time", 0.0, "")
    timing = time_simulation(experiment, mapping, simulation, lambda done: report_progress("time", done, ""))
    report_progress("report", 0.0, "")
    measured = Measured(experiment, mapping, violations, simulation, timing, map_s)
    report = make_report(measured)
    if remedies:
        report = with_tried_remedy(measured, report)
    result = Result(report, make_arrays(measured), mapping, simulation)
    if folder is not None:
        write_results(result, folder, html=html)
    report_progress("report", 1.0, "")
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
    """Write ``arrays.npz``, if asked for ``report.html``, and last ``report.json``, which says that all is there.

    ``sections`` are added to the page (``neuromap.report.html``).
    """
    arrays = result.arrays
    arrays.write(folder / "arrays.npz")
    if html:
        from neuromap.report.html import write_html

        write_html(result.report, arrays, folder / "report.html", sections)
    result.report.write(folder / "report.json")
