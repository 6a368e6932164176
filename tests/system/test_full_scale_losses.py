"""The closed loop of full-scale PD14 (slow). A file of its own, after the one whose tests look at peak memory."""

import pytest

from neuromap.runs.run import run


@pytest.mark.slow
def test_full_scale_ensembles_lose_nothing_and_combined_cores_do():
    start = {"settings": ("warmup_ms=0",)}
    ensembles = run("pd14", depth="full", seconds=0.1, **start).report
    assert ensembles.feedback.n_events > 90_000_000
    assert (ensembles.feedback.n_late, ensembles.feedback.n_lost) == (0, 0)
    combined = run("pd14", depth="full", recipe="combined", seconds=0.03, **start).report
    assert combined.feedback.n_late > 0.1 * combined.feedback.n_events
    assert combined.feedback.n_lost > 0
    assert not combined.verdict.loses_nothing
