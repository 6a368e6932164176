"""Prepares an experiment: reads it, checks it and builds its network and its machine, once for all later steps."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import ParameterError
from models.machine import Machine
from models.network import Network
from neuromap.experiment.check import check_experiment
from neuromap.experiment.load import located, named, read_source, with_applied
from neuromap.experiment.nouns import Experiment
from neuromap.experiment.option_use import Job, given_by_path, names_of_options
from neuromap.experiment.options import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An experiment that was checked, with the network and the machine that it names."""

    experiment: Experiment
    network: Network
    machine: Machine


#: What the public functions take as the network: a name, an experiment file, an object, or an experiment.
Runnable = str | Network | Experiment | Prepared


def prepare(
    source: Runnable,
    *,
    job: Job | None = None,
    network: Network | None = None,
    settings: Settings = (),
    **options: object,
) -> Prepared:
    """Read and check an experiment, and build its network and machine.

    The parameters are those of `neuromap.experiment.load.make_experiment`, and ``network``: the `Network` object if the
    experiment file names one by its digest. A `Prepared` experiment without further options is returned unchanged.

    Raises
    ------
    UnknownNameError, ParameterError, CapacityError
        For wrong input, with file and line where it comes from a file.
    """
    given = given_by_path({**options, "settings": settings})[0]
    if isinstance(source, Prepared):
        if not given:
            return source
        source = source.experiment
    experiment, leaves = read_source(source, network)
    made = with_applied(experiment, job=job, settings=settings, **options)
    try:
        network, machine = check_experiment(made)
    except ParameterError as err:
        of_file = {path: leaf for path, leaf in leaves.items() if path not in given}
        raise located(named(err, names_of_options(options)), of_file) from err
    return Prepared(made, network, machine)
