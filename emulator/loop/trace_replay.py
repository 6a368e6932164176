"""Replays recorded single-neuron traces of the device through the reference and through the kernels.

A file (npz) holds ``params``, ``ring``, ``constants``, ``v``, ``i_exc``, ``i_inh``, ``spike`` and for Izhikevich
neurons ``u``; one row is one neuron. The arrays tell the neuron model: a file with ``u`` has Izhikevich neurons, one
with 16 columns of ``params`` LIF neurons with conductances, and one with 14 columns LIF neurons with currents. The
columns are listed below; ``shift_exc``, ``shift_inh`` and ``n_steps`` are whole numbers, all others raw S16.15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emulator.kernels.neuron import lif as engine_kernel
from emulator.kernels.neuron import trace as trace_kernel
from emulator.numbers.device_math import LifDeviceConstants, SynapseDeviceConstants, lif_device_constants
from emulator.numbers.device_math import synapse_device_constants as derive_synapse
from emulator.reference.neuron.spinnaker import (
    IzhikevichNeuron,
    IzhikevichParameters,
    LifNeuron,
    LifParameters,
    Synapse,
)
from models.errors import ArrayFileError, ParameterError
from models.files.array_file import read_arrays
from models.files.array_layout import ArrayLayout, ArraySpec

_LIF_COLUMNS = (
    "v_init",
    "v_rest",
    "c_m",
    "tau_m",
    "i_offset",
    "v_reset",
    "t_refract",
    "dt",
    "tau_syn_exc",
    "tau_syn_inh",
    "v_thresh",
    "shift_exc",
    "shift_inh",
    "n_steps",
)
_IZHIKEVICH_COLUMNS = (
    "a",
    "b",
    "c",
    "d",
    "v_init",
    "u_init",
    "i_offset",
    "dt",
    "tau_syn_exc",
    "tau_syn_inh",
    "v_peak",
    "shift_exc",
    "shift_inh",
    "n_steps",
)


class TraceKind(StrEnum):
    """The neuron model of a file, and the columns of its ``params``."""

    LIF = "LIF with currents"
    LIF_CONDUCTANCE = "LIF with conductances"
    IZHIKEVICH = "Izhikevich"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of ``params``."""
        if self is TraceKind.IZHIKEVICH:
            return _IZHIKEVICH_COLUMNS
        return _LIF_COLUMNS if self is TraceKind.LIF else (*_LIF_COLUMNS, "reversal_exc", "reversal_inh")

    @property
    def n_constants(self) -> int:
        """Number of columns of ``constants``."""
        return 4 if self is TraceKind.IZHIKEVICH else 7

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the recorded arrays."""
        return (
            ("v", "u", "i_exc", "i_inh", "spike") if self is TraceKind.IZHIKEVICH else ("v", "i_exc", "i_inh", "spike")
        )


Constants = LifDeviceConstants | tuple[SynapseDeviceConstants, SynapseDeviceConstants]
Trace = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class TraceFile:
    """The content of one file.

    Attributes
    ----------
    kind : TraceKind
    params : ndarray, int64, shape (n_traces, n_columns)
    ring : ndarray, uint16, shape (n_traces, n_steps, 2)
        Ring words, excitatory and inhibitory.
    constants : ndarray, int64, shape (n_traces, 7 or 4), or None
        Constants that the device derived from the parameters, in the order of ``LifDeviceConstants.as_row``; for
        Izhikevich neurons only the constants of the synapses.
    recorded : dict of ndarray, int64, shape (n_traces, n_steps)
        Recorded values by variable.
    """

    kind: TraceKind
    params: NDArray[np.int64]
    ring: NDArray[np.uint16]
    constants: NDArray[np.int64] | None
    recorded: Trace

    @property
    def n_traces(self) -> int:
        return len(self.params)

    def parameters(self, index: int) -> dict[str, int]:
        """Return the parameters of one trace by name."""
        return dict(zip(self.kind.columns, (int(x) for x in self.params[index]), strict=True))

    def n_steps(self, index: int) -> int:
        """Return the length of one trace."""
        return min(self.parameters(index)["n_steps"], int(self.ring.shape[1]))


_EACH_STEP = ("n_traces", "n_steps")


def _raw(name: str, shape: tuple[str, str], *, is_optional: bool = False) -> ArraySpec:
    """Declare an array of raw fixed-point numbers, signed or unsigned, of 32 bits."""
    return ArraySpec(name=name, dtype="integer", shape=shape, low=-(2**31), high=2**32 - 1, is_optional=is_optional)


LAYOUT = ArrayLayout(
    what="a file of recorded traces",
    arrays=(
        _raw("params", ("n_traces", "n_columns")),
        ArraySpec(name="ring", dtype="integer", shape=(*_EACH_STEP, 2), low=0, high=2**16 - 1),
        _raw("v", _EACH_STEP),
        _raw("i_exc", _EACH_STEP),
        _raw("i_inh", _EACH_STEP),
        ArraySpec(name="spike", dtype="integer", shape=_EACH_STEP, low=0, high=1),
        _raw("u", _EACH_STEP, is_optional=True),
        _raw("constants", ("n_traces", "n_constants"), is_optional=True),
    ),
    has_others=True,
)
_POSITIVE = ("c_m", "tau_m", "dt", "tau_syn_exc", "tau_syn_inh")


def read_traces(path: Path) -> TraceFile:
    """Read a file and check its arrays.

    Raises
    ------
    ArrayFileError
        If the file is damaged, or an array is missing, or has another type, shape or range.
    """
    arrays = read_arrays(path, LAYOUT)
    n_columns = arrays["params"].shape[1]
    if "u" in arrays:
        kind = TraceKind.IZHIKEVICH
    else:
        kind = TraceKind.LIF_CONDUCTANCE if n_columns > len(_LIF_COLUMNS) else TraceKind.LIF
    if n_columns != len(kind.columns):
        raise ArrayFileError(str(path), "params", f"the {len(kind.columns)} columns of {kind}", f"{n_columns}")
    n_constants = arrays["constants"].shape[1] if "constants" in arrays else kind.n_constants
    if n_constants != kind.n_constants:
        raise ArrayFileError(str(path), "constants", f"the {kind.n_constants} columns of {kind}", f"{n_constants}")
    for index, name in enumerate(kind.columns):
        least = 1 if name in _POSITIVE else 0 if name in ("shift_exc", "shift_inh", "n_steps") else None
        smallest = int(arrays["params"][:, index].min(initial=2**31))
        if least is not None and smallest < least:
            raise ArrayFileError(str(path), "params", f"a column {name} of at least {least}", f"{smallest}")
    return TraceFile(
        kind,
        arrays["params"].astype(np.int64),
        arrays["ring"].astype(np.uint16),
        arrays["constants"].astype(np.int64) if "constants" in arrays else None,
        {name: arrays[name].astype(np.int64) for name in kind.variables},
    )


def derived_constants(traces: TraceFile, index: int) -> Constants:
    """Derive the constants of one trace from its parameters, as the device does."""
    p = traces.parameters(index)
    if traces.kind is TraceKind.IZHIKEVICH:
        return derive_synapse(p["tau_syn_exc"], p["dt"]), derive_synapse(p["tau_syn_inh"], p["dt"])
    names = ("c_m", "tau_m", "t_refract", "dt", "tau_syn_exc", "tau_syn_inh")
    return lif_device_constants(**{f"{name}_raw": p[name] for name in names})


def recorded_constants(traces: TraceFile, index: int) -> Constants:
    """Return the constants of one trace that the file holds."""
    if traces.constants is None:
        raise ParameterError("trace file", "no array 'constants'", "the array 'constants'; derive them instead")
    row = [int(x) for x in traces.constants[index]]
    if traces.kind is TraceKind.IZHIKEVICH:
        return SynapseDeviceConstants(*row[:2]), SynapseDeviceConstants(*row[2:])
    synapses = SynapseDeviceConstants(*row[2:4]), SynapseDeviceConstants(*row[4:6])
    return LifDeviceConstants(row[0], row[1], *synapses, row[6])


def _synapses(constants: Constants) -> tuple[SynapseDeviceConstants, SynapseDeviceConstants]:
    return (constants.exc, constants.inh) if isinstance(constants, LifDeviceConstants) else constants


def _neuron(traces: TraceFile, index: int, constants: Constants) -> LifNeuron | IzhikevichNeuron:
    p = traces.parameters(index)
    exc, inh = _synapses(constants)
    synapses = Synapse(exc, p["shift_exc"]), Synapse(inh, p["shift_inh"])
    if not isinstance(constants, LifDeviceConstants):
        names = ("a", "b", "c", "d", "i_offset", "dt", "v_peak")
        return IzhikevichNeuron(IzhikevichParameters(*(p[n] for n in names)), *synapses, p["v_init"], p["u_init"])
    reversal = (p["reversal_exc"], p["reversal_inh"]) if "reversal_exc" in p else None
    lif = LifParameters(p["v_rest"], p["v_reset"], p["v_thresh"], p["i_offset"], constants, reversal)
    return LifNeuron(lif, *synapses, p["v_init"])


def replay_reference(traces: TraceFile, index: int, constants: Constants) -> Trace:
    """Replay one trace through ``emulator.reference.neuron.spinnaker``."""
    neuron = _neuron(traces, index, constants)
    steps = []
    for exc, inh in traces.ring[index, : traces.n_steps(index)].tolist():
        fires = neuron.step(exc, inh)
        u = (neuron.u,) if isinstance(neuron, IzhikevichNeuron) else ()
        steps.append((neuron.v, *u, neuron.exc.value, neuron.inh.value, int(fires)))
    return dict(zip(traces.kind.variables, np.array(steps, np.int64).T, strict=True))


def replay_kernel(traces: TraceFile, index: int, constants: Constants) -> Trace:
    """Replay one trace through the compiled kernels.

    LIF with currents runs through the engine's own update, except a neuron with ``v_reset >= v_thresh``, which networks
    do not allow; this one runs through the general update.
    """
    p = traces.parameters(index)
    ring = np.ascontiguousarray(traces.ring[index, : traces.n_steps(index)])
    out = {n: np.zeros(len(ring), np.uint8 if n == "spike" else np.int32) for n in traces.kind.variables}
    exc, inh = _synapses(constants)
    synapse = np.array(
        (exc.decay_u032, exc.init_u032, inh.decay_u032, inh.init_u032, p["shift_exc"], p["shift_inh"]), np.int64
    )
    if not isinstance(constants, LifDeviceConstants):
        row = np.array([p[n] for n in ("a", "b", "c", "d", "i_offset", "dt", "v_peak")], np.int64)
        trace_kernel.trace_izhikevich_s1615(row, synapse, p["v_init"], p["u_init"], ring, *out.values())
    elif traces.kind is TraceKind.LIF and p["v_reset"] < p["v_thresh"]:
        trace_kernel.trace_engine_lif_s1615(_engine_row(p, constants), p["v_init"], ring, *out.values())
    else:
        reversal = [p["reversal_exc"], p["reversal_inh"]] if "reversal_exc" in p else [0, 0]
        middle = [p["v_rest"], p["v_reset"], p["v_thresh"], p["i_offset"], constants.t_refract_steps]
        row = np.array(
            [constants.r_membrane_raw, constants.exp_tc_raw, *middle, int("reversal_exc" in p), *reversal], np.int64
        )
        trace_kernel.trace_lif_s1615(row, synapse, p["v_init"], ring, *out.values())
    return {name: array.astype(np.int64) for name, array in out.items()}


def _engine_row(p: dict[str, int], constants: LifDeviceConstants) -> NDArray[np.int64]:
    row = np.zeros(engine_kernel.N_LIF_INT, np.int64)
    k = engine_kernel
    row[k.L_R], row[k.L_EXP_TC], row[k.L_T_REFRACT] = (
        constants.r_membrane_raw,
        constants.exp_tc_raw,
        constants.t_refract_steps,
    )
    row[k.L_DECAY_EXC], row[k.L_INIT_EXC] = constants.exc.decay_u032, constants.exc.init_u032
    row[k.L_DECAY_INH], row[k.L_INIT_INH] = constants.inh.decay_u032, constants.inh.init_u032
    row[k.L_V_REST], row[k.L_V_RESET], row[k.L_V_THRESH] = p["v_rest"], p["v_reset"], p["v_thresh"]
    row[k.L_I_OFFSET], row[k.L_SHIFT_EXC], row[k.L_SHIFT_INH] = p["i_offset"], p["shift_exc"], p["shift_inh"]
    return row


def differences(traces: TraceFile, index: int, replayed: Trace) -> Iterator[str]:
    """Yield, for each variable in which a trace differs from the recording, a line that says where it first differs."""
    n_steps = traces.n_steps(index)
    for name in traces.kind.variables:
        wrong = np.flatnonzero(traces.recorded[name][index, :n_steps] != replayed[name])
        if len(wrong):
            t = int(wrong[0])
            has, needs = int(replayed[name][t]), int(traces.recorded[name][index, t])
            yield f"trace {index}: {name} at step {t}: needs {needs} raw, has {has} raw; {len(wrong)} steps differ"
