"""Holds the result of ``neuromap.accuracy``."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import UnknownNameError
from neuromap.studies.accuracy.arrays import AccuracyArrays
from neuromap.studies.accuracy.report import AccuracyReport, Variant


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyResult:
    """The report of an accuracy run and the arrays behind its figures."""

    report: AccuracyReport
    arrays: AccuracyArrays

    def variant(self, label: str) -> Variant:
        """Return the variant with a label such as ``S16.15 floor``."""
        known = {variant.label: variant for variant in self.report.variants}
        if label not in known:
            raise UnknownNameError("variant", label, known)
        return known[label]

    def _repr_html_(self) -> str:
        from neuromap.studies.accuracy.page import render_accuracy_html

        return render_accuracy_html(self.report, self.arrays)
