"""Maps the network of an experiment onto its machine, verifies the mapping and saves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Unpack

from mapping.files.resume import Resume
from mapping.flow import REMEDY
from mapping.flow import map_network as map_stages
from mapping.model import Mapping
from mapping.recipe import STAGES
from mapping.verify import verify
from models.errors import NeuromapError, ParameterError, VerificationError
from models.progress import Progress, silent, with_note
from neuromap.experiment.constraints import recipe_of
from neuromap.experiment.option_help import with_options
from neuromap.experiment.options import MapOptions, of_experiment
from neuromap.experiment.prepare import Prepared, Runnable, prepare
from neuromap.output.folder import NO_OUTPUT, Output, remove_results
from neuromap.runs.mapping_folder import asked_for, check_network, save_folder
from neuromap.runs.remedy import describe_load


@with_options(MapOptions)
def map_network(network: Runnable, *, resume: Resume | None = None, **options: Unpack[MapOptions]) -> Mapping:
    """Map a network onto a machine, verify the mapping and save it.

    Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network, a `Network` object, or an experiment (an `Experiment` or a YAML file).
    resume
        `mapping.files.resume.Resume`: an earlier mapping of the network and the first stage to run again (partition,
        place, route, keys or tables); the results of the earlier stages are kept [none].
    **options
        The options of `neuromap.experiment.options.MapOptions`, which ``help(neuromap.map_network)`` explains.

    Returns
    -------
    Mapping

    Raises
    ------
    NeuromapError
        For wrong input, a network that does not fit, or a mapping that breaks an invariant.
    """
    return map_prepared(
        prepare(network, job="map", **of_experiment(options)),
        Output.of(options),
        progress=with_note(options.get("progress")),
        resume=resume,
        remedies=options.get("remedies", True),
    )


def map_prepared(
    prepared: Prepared,
    output: Output = NO_OUTPUT,
    *,
    progress: Progress = silent,
    resume: Resume | None = None,
    remedies: bool = True,
) -> Mapping:
    """Map the network of an experiment as `map_network` does.

    Raises
    ------
    NeuromapError
        As `map_network`.
    """
    experiment, network = prepared.experiment, prepared.network
    with output.alone():
        folder = output.prepare()
        if resume is not None:
            check_network(resume.mapping, network)
        with _kept_is_sound(resume):
            mapping = run_stages(prepared, progress, resume=resume, remedies=remedies)
        progress("verify", 0.0)
        violations = verify(mapping, network, asked_for(prepared))
        progress("verify", 1.0)
        if violations:
            raise VerificationError(tuple(str(violation) for violation in violations))
        if folder is not None:
            remove_results(folder)
            save_folder(mapping, network, experiment, folder)
    return mapping


def run_stages(
    prepared: Prepared,
    progress: Progress,
    *,
    resume: Resume | None = None,
    remedies: bool = True,
) -> Mapping:
    """Run the mapping stages of an experiment, with ``resume`` only the later ones; nothing is verified or saved."""

    def on_stage(stage: str, fraction: float) -> None:
        done = 0.99 if stage == REMEDY else (STAGES.index(stage) + fraction) / len(STAGES)
        progress("map", done, stage)

    return map_stages(
        prepared.network,
        prepared.machine,
        recipe_of(prepared.experiment, prepared.network),
        seed=prepared.experiment.seed,
        resume=resume,
        progress=on_stage,
        describe=describe_load if remedies else None,
    )


@contextmanager
def _kept_is_sound(resume: Resume | None) -> Iterator[None]:
    """Turn the errors that a stage raises because the earlier mapping is damaged into a ParameterError."""
    try:
        yield
    except NeuromapError:
        raise
    except (IndexError, KeyError, TypeError, ValueError, OverflowError) as err:
        if resume is None:
            raise
        has = f"{type(err).__name__}: {err}"
        raise ParameterError("mapping to resume from", has, "one that `neuromap verify` accepts") from err
