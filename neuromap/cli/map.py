"""The command ``neuromap map``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from mapping.recipe import STAGES
from models.errors import ParameterError
from neuromap.cli.options import MapOptions, out_folder, read_experiment
from neuromap.experiment.option_use import check_needs
from neuromap.output.file import FIGURE_ENDINGS, check_output_file

if TYPE_CHECKING:  # type checkers cannot read the names out of the tuple
    StageName = str
else:
    StageName = Literal[STAGES]

_DEFAULTS = MapOptions()


def map_(
    network: str | None = None,
    /,
    *,
    options: MapOptions = _DEFAULTS,
    resume: Annotated[Path | None, Parameter(name="--from")] = None,
    stage: StageName | None = None,
    figure: Path | None = None,
    net: str | None = None,
) -> int:
    """Map a network onto a machine, check the mapping and save it; nothing is simulated.

    Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network (pd14, brunel, chain ...) or an experiment file (.yaml); not with --from.
    resume
        Folder of an earlier mapping. Its experiment is mapped again from --stage on, with the options given here.
    stage
        First stage to run again with --from; the results of the stages before it are kept [partition].
    figure
        File into which the mapping is drawn (.png, .svg or .pdf) [none].
    net
        Population whose routing tree the figure shows [the population that sends the most packets].
    """
    from neuromap.cli import terminal
    from neuromap.experiment.fixed_point import fixed_point_notes
    from neuromap.runs.mapping_folder import check_same_network, load_folder

    if (network is None) == (resume is None):
        raise ParameterError("neuromap map", network, "either a network or --from DIR")
    check_needs("--stage", stage, "--from DIR", resume is not None)
    check_needs("--net", net, "--figure FILE", figure is not None)
    if figure is not None:
        check_output_file("--figure", figure, FIGURE_ENDINGS)
    given, source = (None, str(network)) if resume is None else load_folder(resume)
    prepared = read_experiment(source, options, "map")
    if not isinstance(source, str):
        check_same_network(source.experiment, prepared.experiment, stage or "partition")
    out = out_folder(prepared.experiment, options, prefix="map-")
    from mapping.files.resume import Resume
    from neuromap.runs.map import map_network

    with terminal.ProgressView() as progress:
        mapping = map_network(
            prepared,
            out=out,
            overwrite=options.overwrite,
            progress=progress,
            resume=None if given is None else Resume(given, stage or "partition"),
        )
    terminal.print_mapping(mapping)
    terminal.print_notes(fixed_point_notes(prepared.experiment, prepared.network))
    print(f"mapping in {out}")
    if figure is not None:
        from neuromap.report.figures import mapping_maps

        mapping_maps(mapping, prepared.network, figure, net=net)
        print(f"figure in {figure}")
    return 0
