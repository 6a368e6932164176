"""The commands on files: ``neuromap check``, ``neuromap template`` and ``neuromap schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from neuromap.cli.values import SET


def check(file: str, /, *, settings: Annotated[tuple[str, ...], SET] = ()) -> int:
    """Check an experiment file without running it.

    Parameters
    ----------
    file
        Experiment file (.yaml).
    settings
        path=value: replace a value of the file before the check. May be repeated with other paths.
    """
    from neuromap.cli import terminal
    from neuromap.experiment.check import check_experiment
    from neuromap.experiment.fixed_point import fixed_point_notes
    from neuromap.experiment.load import apply_settings, load_experiment

    experiment = apply_settings(load_experiment(file), settings)
    network, machine = check_experiment(experiment)
    print(f"{file}: no errors found")
    terminal.print_network(network)
    terminal.print_notes(fixed_point_notes(experiment, network))
    print(f"machine {machine.name}: {machine.description}")
    terminal.print_unverified(machine)
    return 0


def template() -> int:
    """Print an experiment file that explains every key and gives its default."""
    from neuromap.experiment.template import experiment_template

    print(experiment_template(), end="")
    return 0


def schema(kind: Literal["experiment", "machine"] = "experiment", /) -> int:
    """Print the JSON Schema of experiment or machine files.

    Parameters
    ----------
    kind
        Kind of file: experiment or machine.
    """
    from neuromap.experiment.schema import schema_path

    print(schema_path(kind).read_text(encoding="utf-8"), end="")
    return 0
