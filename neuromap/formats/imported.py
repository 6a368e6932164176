"""Defines what an importer returns, and the error for what neuromap cannot express."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import NeuromapError
from models.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A network that was read from a file of another tool.

    Attributes
    ----------
    network : Network
    format : str
        Name of the format, for example ``NIR``.
    notes : tuple of str
        Every approximation that the importer made, one sentence each; a report shows them.
    seconds : float, optional
        Model time that the file asks for, if it names one.
    """

    network: Network
    format: str
    notes: tuple[str, ...] = ()
    seconds: float | None = None


class NotSupportedError(NeuromapError):
    """Parts of a file that neuromap cannot express; one message names all of them and what to use instead.

    Attributes
    ----------
    where : str
        The file.
    refusals : tuple of str
        One sentence for each part: its name, and what to use instead.
    """

    def __init__(self, where: str, refusals: Sequence[str]) -> None:
        self.where, self.refusals = where, tuple(refusals)
        lines = "".join(f"\n  - {refusal}" for refusal in self.refusals)
        super().__init__(f"{where} contains what neuromap cannot express:{lines}")


class MissingPackageError(NeuromapError, ImportError):
    """An optional package that a format needs is not installed."""

    def __init__(self, package: str, format_name: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(
            f"{format_name} at import: needs the package {package}, has none; "
            f'run pip install "neuromap-toolchain[{extra}]"'
        )
