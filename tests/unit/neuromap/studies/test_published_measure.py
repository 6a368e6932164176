"""Arithmetic of the published table."""

import json

import pytest

from emulator.timing.energy import Energy
from models.published import PD14_POINTS
from neuromap.studies.published.measure import Measure, PublishedRow, against, energy_measures, factor_measures
from neuromap.studies.published.rows import ROWS

VAL18 = next(row for row in ROWS if row.row_id == "vAl18")
RHODES = next(row for row in ROWS if row.row_id == "Rho19b")


def measure(ours, low=None, high=None, published=(4.0, 5.0), claim="predicted", target=1.25):
    return Measure(
        quantity="energy",
        unit="uJ",
        claim=claim,
        published_low=published and published[0],
        published_high=published and published[1],
        ours=ours,
        ours_low=low,
        ours_high=high,
        target=target,
    )


@pytest.mark.parametrize(
    ("ours", "ratio", "is_within"),
    [(4.4, 1.0, True), (5.0, 1.0, True), (6.0, 1.2, True), (6.5, 1.3, False), (3.2, 0.8, True), (3.0, 0.75, False)],
)
def test_ratio_is_over_the_nearer_end_of_what_was_published(ours, ratio, is_within):
    one = measure(ours)
    assert one.ratio == pytest.approx(ratio)
    assert one.is_within is is_within


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (measure(5.0), "predicted, within 25%"),
        (measure(8.0, 7.0, 9.0), "predicted, OUTSIDE 25%"),
        (measure(8.0, 6.0, 9.0), "predicted, OUTSIDE 25% (its range reaches it)"),
        (measure(2.0, 1.0, 3.3), "predicted, OUTSIDE 25% (its range reaches it)"),
        (measure(7.5, target=1.5, claim="calibrated"), "calibrated, within a factor 1.5"),
        (measure(5.05, target=1.02, claim="reproduced"), "reproduced, within 2%"),
        (measure(5.0, published=None, claim="open"), "open"),
        (measure(5.0, target=None), "predicted"),
        (measure(None), "not worked out"),
    ],
)
def test_verdict_says_what_is_claimed_and_whether_it_holds(one, verdict):
    assert one.verdict == verdict


def test_nothing_published_or_nothing_of_ours_has_no_ratio():
    assert measure(5.0, published=None).ratio is None
    assert measure(None).ratio is None
    assert measure(None).is_within is None


def test_range_is_from_the_least_to_the_most_of_the_ends():
    one = against("vAl18c.energy", "predicted", (3.0, 4.0, 2.0), quantity="energy", unit="uJ", target=1.25)
    assert (one.published_low, one.published_high) == (4.4, 5.9)
    assert (one.ours_low, one.ours, one.ours_high) == (2.0, 3.0, 4.0)
    assert one.source == PD14_POINTS["vAl18c.energy"].source
    alone = against(None, "open", (3.0,), quantity="energy")
    assert (alone.published_low, alone.ours_low, alone.ours_high, alone.target) == (None, 3.0, 3.0, None)


def test_a_time_scale_factor_is_compared_as_the_smallest_lossless_one_with_and_without_the_start():
    after, whole = factor_measures(VAL18, (7.0, 5.0, 9.0), (500.0, 300.0, 700.0), warmup_ms=500.0)
    assert (after.quantity, whole.quantity) == (
        "smallest lossless factor, after 500 ms",
        "smallest lossless factor, whole run",
    )
    assert (after.ratio, whole.ratio) == (0.35, 25.0)
    assert (after.is_within, whole.is_within) == (False, False)


def test_hard_real_time_is_compared_as_a_factor_of_at_least_one():
    real, after, whole = factor_measures(RHODES, (0.8, 0.6, 1.2), (0.9, 0.7, 1.3), warmup_ms=500.0)
    assert (real.ours, real.ours_low, real.ours_high, real.ratio) == (1.0, 1.0, 1.2, 1.0)
    assert (after.ours, whole.ours, after.target, whole.published_low) == (0.8, 0.9, None, None)


def test_energy_and_the_activity_that_the_published_energy_implies():
    parts = {"idle boards": 100.0, "active cores": 20.0, "waiting cores": 5.0}
    found = Energy(125.0, parts, 500.0)
    ends = (Energy(120.0, parts, 480.0), Energy(150.0, parts, 600.0))
    measures, published_w = energy_measures(
        RHODES, found, ends, events_per_s=250e6, factor=1.0, busy_ratio=0.25, full_w=80.0
    )
    energy, share = measures
    assert (energy.ours, energy.ours_low, energy.ours_high) == (0.5, 0.48, 0.6)
    assert energy.ratio == pytest.approx(0.5 / 0.628)
    assert published_w == pytest.approx(0.628e-6 * 250e6)  # 157 W
    assert share.published_low == pytest.approx(100 * (157.0 - 100.0) / 80.0)
    assert (share.ours, share.target) == (25.0, None)


def test_a_row_survives_being_written():
    one = against("Rho19a.factor", "predicted", (1.0, 1.0, 1.2), quantity="real-time factor", target=1.5, note="n")
    row = PublishedRow(
        row_id="a",
        system="b",
        configuration="c",
        given="d",
        calibrated="e",
        note="f",
        measures=(one,),
        parts_w={"frames": 1.0},
        published_power_w=None,
        wall_s=0.5,
    )
    assert PublishedRow.from_dict(json.loads(json.dumps(row.to_dict()))) == row
    assert row.to_dict()["measures"][0]["verdict"] == "predicted, within a factor 1.5"


def test_rows_name_points_that_exist_and_rows_that_come_before():
    names = [row.row_id for row in ROWS]
    assert len(set(names)) == len(names)
    for index, row in enumerate(ROWS):
        assert {row.factor_point, row.energy_point} - {None} <= set(PD14_POINTS)
        assert not row.same_as or row.same_as in names[:index]
    for point in PD14_POINTS.values():
        assert 0 < point.low <= point.high
        assert point.source
