"""The command ``neuromap accuracy``."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from models.vocabulary import DelayConventionName, DriveName
from neuromap.cli.values import FLAG, NUMBER, SET, plain


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AccuracyOptions:
    """Options of ``accuracy``; None keeps the value of the experiment file, or the default."""

    scale: Annotated[float | None, NUMBER, plain("scale")] = None
    seconds: Annotated[float | None, NUMBER] = None
    "Model time that the results cover, in seconds [5, or the value of the experiment file]."
    seed: Annotated[int | None, NUMBER] = None
    "Seed of all random numbers [1234]; the second float64 run takes the next seed."
    drive: Annotated[DriveName | None, plain("drive")] = None
    delay_convention: Annotated[DelayConventionName | None, plain("delay_convention")] = None
    threads: Annotated[int | None, NUMBER, plain("threads")] = None
    settings: Annotated[tuple[str, ...], SET] = ()
    "path=value: replace a value of the experiment, its network or its machine. May be repeated with other paths."
    out: Path | None = None
    "Folder for the results [out/accuracy-NETWORK-seedN, or that name with a number if it is taken]."
    overwrite: Annotated[bool, FLAG] = False
    "Replace the results of an earlier run in an output folder that is not empty."

    def given(self) -> dict[str, Any]:
        """Return the options that belong to the experiment."""
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
    """Compare number formats: run a network in each arithmetic and compare it with float64.

    A second float64 run with another seed shows how large a difference chance alone makes.
    Defaults are in brackets.

    Parameters
    ----------
    network
        Name of a built-in network (pd14, brunel, chain ...) or an experiment file (.yaml).
    formats
        Number formats of the neurons' state: S<integer bits>.<fractional bits> of at most 32 bits, or float32.
    rounding
        How products are rounded: floor, nearest (ties up), stochastic.
    weights
        Numbers of bits of a weight, 1 to 16.
        The first runs with every format and rounding, the others only with the first format and rounding.
    weight_rounding
        How a weight is rounded to its bits: nearest, stochastic.
        The first runs with every format and rounding, the others only with the first format and rounding.
    all_combinations
        Run every number of weight bits and every weight rounding with every format and rounding.
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
            out.rmdir()  # fails unless the folder is empty
        raise
    terminal.stdout().print(render_accuracy(result.report))
    print(f"results in {out}")
    return EXIT_INTERRUPTED if result.report.status == "partial" else 0
