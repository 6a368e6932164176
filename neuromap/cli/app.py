"""The command line: each command reads its options, calls one library function and prints what it returned.

Exit codes: 0 done, 2 wrong input (one message on stderr, no traceback; ``--debug`` shows it), 130 interrupted (what
was measured so far is printed and kept). Everything heavy is imported inside the commands, for a quick ``--help``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from models.errors import FileWriteError, NeuromapError, ParameterError, UnknownNameError
from neuromap.cli.accuracy import accuracy
from neuromap.cli.machines import machines
from neuromap.cli.packets import PacketOptions, animate, run_depth_dynamic, run_depth_full
from neuromap.cli.process import (
    EXIT_INTERRUPTED,
    EXIT_SYSTEM,
    EXIT_WRONG_INPUT,
    ending_signals,
    exit_code_of,
    forget_closed_streams,
    resource_message,
    streams_that_exist,
    streams_that_never_fail,
    system_message,
)
from neuromap.cli.values import NUMBER, RECIPE_HELP
from neuromap.experiment.nouns import MinimiserName, PlaceName, RecipeName, RouteName
from neuromap.experiment.option_use import Job, check_depth_options, check_needs
from neuromap.output.file import FIGURE_ENDINGS, check_output_file

if TYPE_CHECKING:
    from neuromap.experiment.load import Experiment

_FLAG = Parameter(negative=(), show_default=False)
_REPEATED = Parameter(name="--set", negative=(), show_default=False)


def _version() -> str:
    from importlib.metadata import version

    return f"neuromap {version('neuromap-toolchain')}"


app = App(
    name="neuromap",
    help="Map a spiking network onto a neuromorphic machine and find out whether it fits, keeps up, and what it costs.",
    help_epilogue="--debug, anywhere: show the traceback of an error. Errors in the input end with exit code 2.",
    version=_version,
    suppress_keyboard_interrupt=False,  # main() says what happened
    help_format="plaintext",
)
app.command(machines)
app.command(accuracy)
app.command(animate)
app.command(
    "neuromap.cli.sweep:sweep", name="sweep", help="Run an experiment at every point of a grid of settings."
)  # it takes the options below
app.command("neuromap.cli.published:published", name="published", help="Print the published results of PD14 and ours.")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of ``run`` and ``map``; None leaves what the experiment file or the default says."""

    machine: str | None = None
    "Machine: a name (see `neuromap machines`) or a YAML file [spinnaker1]."
    recipe: Annotated[RecipeName | None, Parameter(help=RECIPE_HELP)] = None
    neurons_per_core: Annotated[int | Literal["auto"] | None, NUMBER] = None
    "Neurons on a core; auto: as many as memory and the cycles of a tick allow [the recipe's own]."
    place: PlaceName | None = None
    "How slices get their chips [connected]."
    route: RouteName | None = None
    "How packets get to their targets [shared_tree]."
    minimise: MinimiserName | None = None
    "How routing tables are shortened [auto: only if they are too long]."
    scale: Annotated[float | None, NUMBER] = None
    "Factor of the size of the network [1]."
    seconds: Annotated[float | None, NUMBER] = None
    "Model time that is kept, s [1]."
    seed: Annotated[int | None, NUMBER] = None
    "The one seed of all random numbers [1234]."
    drive: Literal["poisson", "dc"] | None = None
    "Background input of the network [poisson]."
    arithmetic: Literal["fixed", "float"] | None = None
    "The machine's fixed point, or double precision [fixed]."
    delay_convention: Literal["nest", "device"] | None = None
    "How a delay is counted [nest]."
    poisson: Literal["counter", "kiss"] | None = None
    "Poisson input: exact counts, or SpiNNaker's generator and methods [counter]."
    weight_rounding: Literal["nearest", "stochastic"] | None = None
    "How weights are rounded to units of the machine [nearest]."
    time_scale_factor: Annotated[float | None, NUMBER] = None
    "Slow-down that the machine is given [1]."
    threads: Annotated[int | None, NUMBER] = None
    "Threads of the emulator; they do not change the result [2]."
    memory_gib: Annotated[float | None, NUMBER] = None
    "Memory limit in GiB; does not affect results [most of what is free]."
    settings: Annotated[tuple[str, ...], _REPEATED] = ()
    "path=value: replace a value of the experiment, its network or its machine; may be repeated, each path once."
    out: Path | None = None
    "Folder for the results [out/NETWORK-MACHINE-RECIPE-seedN, or the next free one of that name]."
    overwrite: Annotated[bool, _FLAG] = False
    "Replace the files in an output folder that is not empty."

    def given(self) -> dict[str, Any]:
        """Return the options that say something of the experiment, as `make_experiment` takes them."""
        return {key: value for key, value in asdict(self).items() if key not in ("out", "overwrite")}


_DEFAULTS = Options()
_PACKETS = PacketOptions()


def read_experiment(network_or_file: Experiment | str, options: Options, job: Job) -> Experiment:
    """Return the experiment that a command names, its options applied and everything checked."""
    from neuromap.experiment.load import check_experiment, make_experiment

    check_needs("--overwrite", options.overwrite, "--out", options.out is not None)
    experiment = make_experiment(network_or_file, job=job, **options.given())
    check_experiment(experiment)
    return experiment


def _out_folder(experiment: Experiment, options: Options, prefix: str = "") -> Path:
    """Return the output folder, made and checked."""
    from neuromap.output.folder import prepare_out_folder, unused_folder

    if options.out is not None:
        return prepare_out_folder(options.out, overwrite=options.overwrite)
    machine = Path(experiment.machine.name).stem
    name = f"{prefix}{experiment.network.name}-{machine}-{experiment.recipe.name}-seed{experiment.seed}"
    return prepare_out_folder(unused_folder(Path("out") / name))


@app.command
def run(
    network: str,
    /,
    *,
    options: Options = _DEFAULTS,
    depth: Literal["static", "dynamic", "cores", "full"] = "cores",
    packets: PacketOptions = _PACKETS,
    no_html: Annotated[bool, _FLAG] = False,
) -> int:
    """Run a network on a machine: does it fit, keep up, lose anything, and what does it cost?

    Parameters
    ----------
    network
        Built-in network (pd14, brunel, chain ...) or an experiment file (.yaml).
    depth
        static: only map it and print what it is expected to load; dynamic: follow the packets of given spikes; cores:
        simulate the network and time every core; full: network and packets together, losses act on the network.
    no_html
        Write no report.html or packets.html.
    """
    from neuromap.cli import terminal

    check_depth_options(depth, {**packets.given(), "--no-html": no_html})
    if packets.trace is not None:
        check_output_file("--trace", packets.trace)
    experiment = read_experiment(network, options, depth)
    out = _out_folder(experiment, options)
    from neuromap.runs import cores as flow

    if depth == "static":
        from neuromap.runs.static import static_text

        with terminal.ProgressView() as progress:
            static = flow.run_static(experiment, out=out, overwrite=options.overwrite, progress=progress)
        print(f"{static_text(static)}\nresults in {out}")
        return 0
    if depth == "dynamic":
        return run_depth_dynamic(experiment, out, packets, overwrite=options.overwrite, html=not no_html)
    try:
        with terminal.ProgressView() as progress:
            if depth == "full":
                report = run_depth_full(
                    experiment, out, packets, overwrite=options.overwrite, html=not no_html, progress=progress
                )
            else:
                report = flow.run(
                    experiment, out=out, overwrite=options.overwrite, html=not no_html, progress=progress
                ).report
    except KeyboardInterrupt:
        from neuromap.output.folder import kept_results

        kept = ", ".join(kept_results(out))
        terminal.print_error(f"interrupted before the end; kept in {out}: {kept or 'nothing'}")
        return EXIT_INTERRUPTED
    terminal.print_verdict(report)
    print(f"results in {out}")
    return EXIT_INTERRUPTED if report.status == "partial" else 0


@app.command(name="map")
def map_(
    network: str | None = None,
    /,
    *,
    options: Options = _DEFAULTS,
    resume: Annotated[Path | None, Parameter(name="--from")] = None,
    stage: Literal["partition", "place", "route", "keys", "tables"] | None = None,
    figure: Path | None = None,
    net: str | None = None,
) -> int:
    """Only map a network onto a machine, check the mapping and save it.

    Parameters
    ----------
    network
        Built-in network (pd14, brunel, chain ...) or an experiment file (.yaml); not with --from.
    resume
        Folder of an earlier mapping: its experiment is mapped again, with the options given here, from --stage on.
    stage
        First stage to run again with --from; what the earlier ones made is kept [partition].
    figure
        Also draw the mapping into this file (.png, .svg or .pdf).
    net
        Population whose tree the figure shows [the busiest].
    """
    from neuromap.cli import terminal
    from neuromap.experiment.fixed_point import fixed_point_notes
    from neuromap.experiment.load import check_experiment
    from neuromap.runs.mapping_folder import check_same_network, load_folder

    if (network is None) == (resume is None):
        raise ParameterError("neuromap map", network, "either a network or --from DIR")
    check_needs("--stage", stage, "--from DIR", resume is not None)
    check_needs("--net", net, "--figure FILE", figure is not None)
    if figure is not None:
        check_output_file("figure", figure, FIGURE_ENDINGS)
    given, source = (None, str(network)) if resume is None else load_folder(resume)
    experiment = read_experiment(source, options, "map")
    if not isinstance(source, str):
        check_same_network(source, experiment, stage or "partition")
    out = _out_folder(experiment, options, prefix="map-")
    from neuromap.runs import cores as flow

    with terminal.ProgressView() as progress:
        mapping = flow.map_network(
            experiment, out=out, overwrite=options.overwrite, progress=progress, given=given, stage=stage or "partition"
        )
    terminal.print_mapping(mapping)
    terminal.print_notes(fixed_point_notes(experiment, check_experiment(experiment)[0]))
    print(f"mapping in {out}")
    if figure is not None:
        from neuromap.report.mapping_figure import write_mapping_figure

        write_mapping_figure(mapping, check_experiment(experiment)[0], figure, net=net)
        print(f"figure in {figure}")
    return 0


@app.command(name="verify")
def verify_(folder: Path, /) -> int:
    """Check a saved mapping: follow every key through its tables, count every resource again.

    Parameters
    ----------
    folder
        Folder that `neuromap map` or `neuromap run` wrote.
    """
    from models.errors import VerificationError
    from neuromap.runs.mapping_folder import verify_folder

    mapping, violations = verify_folder(folder)
    if violations:
        raise VerificationError(tuple(str(violation) for violation in violations))
    n_entries, n_slices = len(mapping.tables.key), len(mapping.partition.slices)
    print(f"{folder}: no invariant broken; keys of {n_slices:,} slices followed through {n_entries:,} table entries")
    return 0


@app.command
def check(file: str, /, *, settings: Annotated[tuple[str, ...], _REPEATED] = ()) -> int:
    """Check an experiment file without running it.

    Parameters
    ----------
    file
        Experiment file (.yaml).
    settings
        path=value: replace a value before the check; may be repeated.
    """
    from neuromap.cli import terminal
    from neuromap.experiment.fixed_point import fixed_point_notes
    from neuromap.experiment.load import apply_settings, check_experiment, load_experiment

    experiment = apply_settings(load_experiment(file), settings)
    network, machine = check_experiment(experiment)
    print(f"{file}: no errors found")
    terminal.print_network(network)
    terminal.print_notes(fixed_point_notes(experiment, network))
    print(f"machine {machine.name}: {machine.description}")
    terminal.print_unverified(machine)
    return 0


@app.command
def template() -> int:
    """Print an experiment file with every key, its default and what it means."""
    from neuromap.experiment.template import experiment_template

    print(experiment_template(), end="")
    return 0


@app.command
def schema(kind: Literal["experiment", "machine"] = "experiment", /) -> int:
    """Print the JSON Schema of experiment or machine files.

    Parameters
    ----------
    kind
        Which of the two.
    """
    from neuromap.experiment.schema import schema_path

    print(schema_path(kind).read_text(encoding="utf-8"), end="")
    return 0


def _explain(err: BaseException, tokens: list[str]) -> tuple[str, int]:
    """Return what to tell the user about an error, and the exit code."""
    if isinstance(err, KeyboardInterrupt):
        return "interrupted before anything was measured", EXIT_INTERRUPTED
    if isinstance(err, UnusedCliTokensError):
        if tokens[0] == "machines":
            return str(
                UnknownNameError("command of 'neuromap machines'", tokens[1], ["show", "check"])
            ), EXIT_WRONG_INPUT
        unused = " ".join(err.unused_tokens or [])
        return (
            f"arguments: needs none after the first, has {unused!r}; see `neuromap {tokens[0]} --help`",
            EXIT_WRONG_INPUT,
        )
    if isinstance(err, CycloptsError) and isinstance(err.__cause__, ParameterError):
        return str(err.__cause__), EXIT_WRONG_INPUT
    if (message := resource_message(err)) is not None:
        return message, EXIT_SYSTEM
    if isinstance(err, FileNotFoundError):
        return f"file {err.filename}: needs to exist, has {err.strerror!r}", EXIT_WRONG_INPUT
    if isinstance(err, OSError | FileWriteError):
        return system_message(err), EXIT_SYSTEM
    return str(err), EXIT_WRONG_INPUT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; taken from ``sys.argv`` if not given.
    """
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = "--debug" in tokens
    tokens = [token for token in tokens if token != "--debug"]
    with streams_that_exist(), streams_that_never_fail(), ending_signals() as received:
        code = exit_code_of(_run(tokens, is_debug=is_debug), received)
        forget_closed_streams()
    return code


def _run(tokens: list[str], *, is_debug: bool) -> int:
    """Run a command, print the error that ended it, and return the exit code."""
    from neuromap.cli.terminal import print_error

    try:
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # `neuromap schema | head`: nobody reads any more
        return EXIT_SYSTEM
    except (NeuromapError, CycloptsError, OSError, KeyboardInterrupt, MemoryError, RuntimeError, ImportError) as err:
        if isinstance(err, RuntimeError | ImportError) and resource_message(err) is None:
            raise
        if is_debug:
            import traceback

            traceback.print_exc()
        message, exit_code = _explain(err, tokens)
        print_error(message)
        return exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
