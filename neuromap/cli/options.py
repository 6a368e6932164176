"""Holds the options that several commands share, and makes the experiment and the output folder from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from models.vocabulary import (
    ArithmeticName,
    DelayConventionName,
    DriveName,
    EndOfTickName,
    EngineName,
    PoissonMethodName,
    WeightRoundingName,
)
from neuromap.cli.values import FLAG, HIDDEN, NUMBER, SET, told
from neuromap.experiment.nouns import MinimiserName, PlaceName, RecipeName, RouteName
from neuromap.experiment.option_use import Job, check_needs

if TYPE_CHECKING:
    from neuromap.experiment.nouns import Experiment
    from neuromap.experiment.prepare import Prepared, Runnable


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of ``run``, ``map`` and ``sweep``; None keeps the value of the experiment file, or the default."""

    machine: Annotated[str | None, told("machine")] = None
    recipe: Annotated[RecipeName | None, told("recipe")] = None
    neurons_per_core: Annotated[int | Literal["auto"] | None, NUMBER, told("neurons_per_core")] = None
    place: Annotated[PlaceName | None, told("place")] = None
    route: Annotated[RouteName | None, told("route")] = None
    minimise: Annotated[MinimiserName | None, told("minimise")] = None
    scale: Annotated[float | None, NUMBER, told("scale")] = None
    seconds: Annotated[float | None, NUMBER, told("seconds")] = None
    seed: Annotated[int | None, NUMBER, told("seed")] = None
    drive: Annotated[DriveName | None, told("drive")] = None
    arithmetic: Annotated[ArithmeticName | None, told("arithmetic")] = None
    delay_convention: Annotated[DelayConventionName | None, told("delay_convention")] = None
    poisson: Annotated[PoissonMethodName | None, told("poisson")] = None
    weight_rounding: Annotated[WeightRoundingName | None, told("weight_rounding")] = None
    time_scale_factor: Annotated[float | None, NUMBER, told("time_scale_factor")] = None
    threads: Annotated[int | None, NUMBER, told("threads")] = None
    memory_gib: Annotated[float | None, NUMBER, told("memory_gib")] = None
    settings: Annotated[tuple[str, ...], SET] = ()
    "path=value: replace a value of the experiment, its network or its machine. May be repeated with other paths."
    out: Path | None = None
    "Folder for the results [a new folder in out/ that is named after network, machine, recipe and seed]."
    overwrite: Annotated[bool, FLAG] = False
    "Replace the results of an earlier run in an output folder that is not empty."

    def given(self) -> dict[str, Any]:
        """Return the options that belong to the experiment, as `neuromap.experiment.prepare.prepare` takes them."""
        return {key: value for key, value in asdict(self).items() if key not in ("out", "overwrite")}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MapOptions(Options):
    """Options of ``map``. The help leaves out the options that ``map`` refuses; the error for them says why."""

    seconds: Annotated[float | None, NUMBER, HIDDEN] = None
    arithmetic: Annotated[ArithmeticName | None, HIDDEN] = None
    delay_convention: Annotated[DelayConventionName | None, HIDDEN] = None
    poisson: Annotated[PoissonMethodName | None, HIDDEN] = None
    weight_rounding: Annotated[WeightRoundingName | None, HIDDEN] = None
    threads: Annotated[int | None, NUMBER, HIDDEN] = None
    memory_gib: Annotated[float | None, NUMBER, HIDDEN] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SweepOptions(Options):
    """Options of ``sweep``. The help leaves out ``--threads``, which ``sweep`` refuses."""

    threads: Annotated[int | None, NUMBER, HIDDEN] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PacketOptions:
    """Options of ``run`` at the depths dynamic and full."""

    spikes: Annotated[Path | None, told("spikes")] = None
    trace: Annotated[Path | None, told("trace")] = None
    engine: Annotated[EngineName | None, told("engine")] = None
    end_of_tick: Annotated[EndOfTickName | None, told("end_of_tick")] = None
    in_phase: Annotated[bool | None, told("in_phase")] = None

    def given(self) -> dict[str, Any]:
        """Return the options as `neuromap.run` takes them; None stands for an option that is not given."""
        return asdict(self)


def read_experiment(source: Runnable, options: Options, job: Job) -> Prepared:
    """Return the experiment that a command names, with its options applied and everything checked."""
    from neuromap.experiment.prepare import prepare

    check_needs("--overwrite", options.overwrite, "--out", options.out is not None)
    return prepare(source, job=job, **options.given())


def out_folder(experiment: Experiment, options: Options, prefix: str = "") -> Path:
    """Make and check the output folder, and return it."""
    from neuromap.output.folder import prepare_out_folder, unused_folder

    if options.out is not None:
        return prepare_out_folder(options.out, overwrite=options.overwrite)
    machine = Path(experiment.machine.name).stem
    name = f"{prefix}{experiment.network.name}-{machine}-{experiment.recipe.name}-seed{experiment.seed}"
    return prepare_out_folder(unused_folder(Path("out") / name))
