"""The command ``neuromap accuracy``."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from models.vocabulary import DelayConventionName, DriveName
from neuromap.cli.values import FLAG, NUMBER, SET


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AccuracyOptions:
    """Options of ``accuracy``; None leaves what the experiment file or the default says."""

    scale: Annotated[float | None, NUMBER] = None
    "Factor of the size of the network [1]."
    seconds: Annotated[float | None, NUMBER] = None
    "Model time that is kept, s [5, or what the experiment file says]."
    seed: Annotated[int | None, NUMBER] = None
    "The one seed of all random numbers [1234]; the next one is the second seed of float64."
    drive: DriveName | None = None
    "Background input of the network [poisson]."
    delay_convention: DelayConventionName | None = None
    "How a delay is counted [nest]."
    threads: Annotated[int | None, NUMBER] = None
    "Threads of the emulator; they do not change the result [2]."
    settings: Annotated[tuple[str, ...], SET] = ()
    "path=value: replace a value of the experiment or its machine; may be repeated."
    out: Path | None = None
    "Folder for the results [out/accuracy-NETWORK-seedN, or the next free one of that name]."
    overwrite: Annotated[bool, FLAG] = False
    "Replace the files in an output folder that is not empty."

    def given(self) -> dict[str, Any]:
        """Return the options that say something of the experiment, as `make_experiment` takes them."""
        names = ("scale", "seconds", "seed", "drive", "delay_convention", "threads", "settings")
        return {name: getattr(self, name) for name in names}


_DEFAULTS = AccuracyOptions()


def accuracy(
    network: str,
    /,
    *,
    formats: str = "S16.15,S8.7,S8.23,float32",
    rounding: str = "floor,nearest,stochastic",
    weights: str = "16,8,4",
    weight_rounding: str = "nearest",
    all_combinations: Annotated[bool, FLAG] = False,
    options: AccuracyOptions = _DEFAULTS,
    no_html: Annotated[bool, FLAG] = False,
) -> int:
    """Compare number formats: the same network in each arithmetic, against float64 and another seed of it.

    Parameters
    ----------
    network
        Built-in network (pd14, brunel, chain ...) or an experiment file (.yaml).
    formats
        State formats: S<integer bits>.<fractional bits> of at most 32 bits, or float32.
    rounding
        Roundings of every product: floor, nearest (ties up), stochastic.
    weights
        Bits of a weight, 1 to 16; those after the first are tried in the first format and rounding only.
    weight_rounding
        Roundings of a weight to its bits: nearest, stochastic; tried as the weights are.
    all_combinations
        Try every width and rounding of weights in every format and rounding.
    no_html
        Write no accuracy.html.
    """
    from neuromap.cli import terminal
    from neuromap.cli.exit_codes import EXIT_INTERRUPTED
    from neuromap.experiment.option_use import check_needs
    from neuromap.output.folder import prepare_out_folder, unused_folder
    from neuromap.studies.accuracy.run import accuracy as compare
    from neuromap.studies.accuracy.text import render_accuracy

    extra: dict[str, Any] = {
        "formats": formats,
        "roundings": rounding,
        "weights": weights,
        "weight_roundings": weight_rounding,
        "all_combinations": all_combinations,
    }
    check_needs("--overwrite", options.overwrite, "--out", options.out is not None)
    seed = options.seed if options.seed is not None else "default"
    out = options.out or unused_folder(Path("out") / f"accuracy-{Path(network).stem}-seed{seed}")
    if options.out is not None:
        prepare_out_folder(out, overwrite=options.overwrite)
    try:
        with terminal.ProgressView() as progress:
            result = compare(
                network,
                **extra,
                **options.given(),
                out=out,
                overwrite=options.overwrite,
                progress=progress,
                html=not no_html,
            )
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            out.rmdir()  # if it is empty
        raise
    terminal.stdout().print(render_accuracy(result.report))
    print(f"results in {out}")
    return EXIT_INTERRUPTED if result.report.status == "partial" else 0
