"""A layered convolutional network: images of spikes pass through layers of shared kernels, as in spiking vision.

The network is synthetic: the kernels are drawn at random, not trained. It has the structure of such networks: it is
feed-forward, local and regular, the structure from which a mapping can gain most. Neuron (channel, y, x) of a layer
receives from the ``kernel_size`` x ``kernel_size`` pixels around (y, x) of every channel of the layer before; pixels
outside the image are silent. Every layer is cut into bands of image rows, one population each, so that the mapping sees
that a band sends only to the same band of the next layer and to the bands beside it.

Kernel values are normal with mean 1 and standard deviation 2, drawn once for each (channel, channel, dy, dx). They are
scaled so that the mean input of a neuron in the middle of an image is ``gain`` times the current that takes it to
threshold, if every neuron of the layer before fires at ``rate_hz``. A third of the synapses is inhibitory. Neurons are
those of PD14 with a membrane time constant of 20 ms and synapses of 5 ms, as in rate-coded vision networks.

References
----------
LeCun, Bottou, Bengio & Haffner (1998), Proc IEEE 86(11), 2278-2324, doi:10.1109/5.726791: shared local kernels.
Cao, Chen & Khosla (2015), Int J Comput Vis 113, 54-66, doi:10.1007/s11263-014-0788-3: convolutional networks of spikes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from models.bounds import Bound, checked_arguments
from models.errors import CapacityError, ParameterError
from models.network import (
    Constant,
    Explicit,
    LifCurrExp,
    Network,
    PoissonSource,
    Population,
    Projection,
    Uniform,
)
from models.network.neuron import capped_rate_hz
from models.networks.check import DelayMs, Factor, Seed, StepMs, rheobase_pa
from models.units import ms_to_steps

KERNEL_MEAN, KERNEL_SD = 1.0, 2.0
MAX_SYNAPSES = 50_000_000  # all are listed one by one, which takes some 10 s and 2 GiB
Pixels = Annotated[int, Bound(1, 4096, "pixels")]
NEURON = LifCurrExp(tau_mem_ms=20.0, tau_syn_exc_ms=5.0, tau_syn_inh_ms=5.0)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer; ``edges`` holds the first image row of every band, and the row after the last."""

    name: str
    n_channels: int
    edges: tuple[int, ...]

    def band(self, index: int) -> str:
        return f"{self.name}_{index}"

    @property
    def n_bands(self) -> int:
        return len(self.edges) - 1

    def n_rows(self, index: int) -> int:
        return self.edges[index + 1] - self.edges[index]


def kernel_values(n_in: int, n_out: int, kernel_size: int, seed: int) -> NDArray[np.float64]:
    """Draw the kernels of one layer: float64, shape (n_out, n_in, kernel_size, kernel_size), without unit."""
    rng = np.random.default_rng(seed)
    return rng.normal(KERNEL_MEAN, KERNEL_SD, (n_out, n_in, kernel_size, kernel_size))


def band_synapses(
    kernels_pa: NDArray[np.float64], source_rows: tuple[int, int], target_rows: tuple[int, int], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """List the synapses from one band to another.

    A neuron's number in its band is ``(channel * rows + row) * width + column``.

    Parameters
    ----------
    kernels_pa : ndarray, shape (n_out, n_in, kernel_size, kernel_size), float64, pA
    source_rows, target_rows : tuple of int
        First image row of the band and the row after its last.
    width : int

    Returns
    -------
    sources, targets : ndarray, int64
    weights_pa : ndarray, float64, pA
    """
    n_out, n_in, size, _ = kernels_pa.shape
    reach = size // 2
    # only the kernel rows through which some row of the target receives from some row of the source
    first_dy = max(0, source_rows[0] - target_rows[1] + 1 + reach)
    last_dy = min(size, source_rows[1] - target_rows[0] + reach)
    shape = (n_out, n_in, target_rows[1] - target_rows[0], width, max(0, last_dy - first_dy), size)
    out, channel, row, column, dy, dx = (index.ravel() for index in np.indices(shape, sparse=False))
    dy = dy + first_dy
    y, x = target_rows[0] + row + dy - reach, column + dx - reach
    inside = (y >= source_rows[0]) & (y < source_rows[1]) & (x >= 0) & (x < width)
    out, channel, row, column, dy, dx, y, x = (a[inside] for a in (out, channel, row, column, dy, dx, y, x))
    sources = (channel * (source_rows[1] - source_rows[0]) + y - source_rows[0]) * width + x
    targets = (out * (target_rows[1] - target_rows[0]) + row) * width + column
    return sources, targets, kernels_pa[out, channel, dy, dx]


def _layer_projections(
    before: _Layer, layer: _Layer, kernels_pa: NDArray[np.float64], width: int, delay_ms: float
) -> list[Projection]:
    """Return the projections from one layer to the next: one per sign for every pair of bands that are connected."""
    found = []
    reach = kernels_pa.shape[2] // 2
    for target in range(layer.n_bands):
        rows = layer.edges[target], layer.edges[target + 1]
        for source in range(before.n_bands):
            seen = before.edges[source], before.edges[source + 1]
            if seen[1] <= rows[0] - reach or seen[0] >= rows[1] + reach:
                continue
            sources, targets, weights_pa = band_synapses(kernels_pa, seen, rows, width)
            for is_exc in (True, False):
                chosen = (weights_pa > 0) == is_exc
                if not chosen.any():
                    continue
                weights = weights_pa[chosen]
                found.append(
                    Projection(
                        source=before.band(source),
                        target=layer.band(target),
                        connector=Explicit(sources=sources[chosen], targets=targets[chosen], weights_pa=weights),
                        weight_pa=Constant(value=float(weights.mean())),
                        delay_ms=Constant(value=delay_ms),
                    )
                )
    return found


def _check(counts: dict[str, int], kernel_size: int) -> None:
    if kernel_size % 2 == 0:
        raise ParameterError("layered_conv(kernel_size)", kernel_size, "an odd number")
    if counts["n_bands"] > counts["height"]:
        raise ParameterError("layered_conv(n_bands)", counts["n_bands"], f"at most height = {counts['height']}")
    smaller = min(counts["width"], counts["height"])
    if kernel_size > max(3, smaller):
        largest = smaller - 1 + smaller % 2
        allowed = f"at most {max(3, largest)} on an image of {counts['width']} x {counts['height']} pixels"
        raise ParameterError("layered_conv(kernel_size)", kernel_size, allowed)
    n_synapses = most_synapses(counts, kernel_size)
    if n_synapses > MAX_SYNAPSES:
        hint = "lower width, height, n_layers, n_channels or kernel_size"
        raise CapacityError(
            "synapses listed one by one", "layered_conv", need=n_synapses, have=MAX_SYNAPSES, unit="synapses", hint=hint
        )


def most_synapses(counts: dict[str, int], kernel_size: int) -> int:
    """Return the synapses that the network would have if no kernel reached over the edge of an image."""
    pixels, n_out, n_deep = counts["width"] * counts["height"], counts["n_channels"], counts["n_layers"] - 1
    return pixels * n_out * (1 + n_deep * n_out) * kernel_size**2


@checked_arguments
def layered_conv(
    *,
    width: Pixels = 32,
    height: Pixels = 32,
    n_layers: Annotated[int, Bound(1, 100, "layers")] = 3,
    n_channels: Annotated[int, Bound(1, 1024, "channels")] = 4,
    kernel_size: Pixels = 5,
    n_bands: Annotated[int, Bound(1, 4096, "bands")] = 8,
    rate_hz: Annotated[float, Bound(1e-6, 1e5, "Hz")] = 20.0,
    gain: Factor = 1.0,
    delay_ms: DelayMs = 1.0,
    kernel_seed: Seed = 1,
    dt_ms: StepMs = 0.1,
) -> Network:
    """Build the network.

    Parameters
    ----------
    width, height : int
        Pixels of an image.
    n_layers, n_channels : int
        Layers after the input; channels of each. The input has one channel.
    kernel_size : int
        Odd, and no larger than the image (3 fits every image).
    n_bands : int
        Populations that a layer is cut into, at most ``height``.
    rate_hz : float, Hz
        Rate of every input pixel (Poisson), and the rate of a layer for which the kernels of the next are scaled.
    gain : float
        Mean input over the current that takes a neuron to threshold.
    delay_ms, dt_ms : float, ms
    kernel_seed : int
        Seed of the kernels.

    Returns
    -------
    Network
        Sources ``input_0`` ..., populations ``conv1_0`` ... ``conv2_0`` ...

    Raises
    ------
    ParameterError
        If a value is out of range or a time is not a whole number of steps.
    CapacityError
        If the network has more than `MAX_SYNAPSES` synapses.
    """
    counts = {"width": width, "height": height, "n_layers": n_layers, "n_channels": n_channels, "n_bands": n_bands}
    _check(counts, kernel_size)
    ms_to_steps(delay_ms, dt_ms, name="layered_conv(delay_ms)")
    ms_to_steps(NEURON.t_ref_ms, dt_ms, name="layered_conv: t_ref_ms")
    edges = tuple(round(k * height / n_bands) for k in range(n_bands + 1))
    before = _Layer("input", 1, edges)
    sources = tuple(
        PoissonSource(name=before.band(k), n_neurons=before.n_rows(k) * width, rate_hz=rate_hz) for k in range(n_bands)
    )
    populations: list[Population] = []
    projections: list[Projection] = []
    for depth in range(1, n_layers + 1):
        layer = _Layer(f"conv{depth}", n_channels, edges)
        populations += [
            Population(
                name=layer.band(k),
                n_neurons=n_channels * layer.n_rows(k) * width,
                neuron=NEURON,
                v_init_mv=Uniform(low=NEURON.v_reset_mv, high=NEURON.v_thresh_mv),
                rate_hz=capped_rate_hz(NEURON, rate_hz),
            )
            for k in range(n_bands)
        ]
        kernels = kernel_values(before.n_channels, n_channels, kernel_size, kernel_seed + depth)
        mean_pa = gain * rheobase_pa(NEURON) / (rate_hz * 1e-3 * NEURON.tau_syn_exc_ms)
        kernels_pa = kernels * (mean_pa / (KERNEL_MEAN * before.n_channels * kernel_size**2))
        projections += _layer_projections(before, layer, kernels_pa, width, delay_ms)
        before = layer
    return Network(
        name="layered_conv",
        populations=tuple(populations),
        projections=tuple(projections),
        sources=sources,
        dt_ms=dt_ms,
    )
