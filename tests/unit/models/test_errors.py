"""Every error says what, where, need, have and remedy, and keeps the numbers as attributes."""

import linecache
import pickle
import re
import threading

import pytest

from models.errors import (
    ArrayFileError,
    CapacityError,
    FileWriteError,
    NeuromapError,
    NeuromapWarning,
    ParameterError,
    TableOverflowError,
    UnknownNameError,
    UnroutableError,
    VerificationError,
    shown,
    warn,
)

EXAMPLES = {
    "parameter": (
        ParameterError("Population('A').n_neurons", -3, "at least 1 neuron"),
        "Population('A').n_neurons: needs at least 1 neuron, has -3",
    ),
    "unknown name, near": (
        UnknownNameError("machine", "spinaker1", ["spinnaker1", "loihi1"]),
        "machine: needs one of loihi1, spinnaker1, has 'spinaker1'; did you mean 'spinnaker1'?",
    ),
    "unknown name, far": (
        UnknownNameError("machine", "abacus", ["spinnaker1", "loihi1"]),
        "machine: needs one of loihi1, spinnaker1, has 'abacus'",
    ),
    "array of a file": (
        ArrayFileError("out/spikes.npz", "step", "values of at least 0", "-3 at index 7"),
        "array 'step' of out/spikes.npz: needs values of at least 0, has -3 at index 7",
    ),
    "file of arrays": (
        ArrayFileError("out/spikes.npz", None, "an npz file", "a folder"),
        "file out/spikes.npz: needs an npz file, has a folder",
    ),
    "file that cannot be written": (
        FileWriteError("out/report.json", "No space left on device", "free space on its disk"),
        "file out/report.json: needs to be written, has 'No space left on device'; free space on its disk",
    ),
    "capacity": (
        CapacityError("DTCM", "core", need=71204, have=65536, unit="bytes", hint="lower max_neurons_per_core"),
        "DTCM at core: needs 71,204 bytes, has 65,536 bytes; lower max_neurons_per_core",
    ),
    "table": (
        TableOverflowError((3, 1), 1500, 1023, "use default routes"),
        "routing table at chip (3, 1): needs 1,500 entries, has 1,023 entries; use default routes",
    ),
    "unroutable": (
        UnroutableError("net 4", (0, 0), (1, 1), 6),
        "route of net 4: needs a path from chip (0, 0) to chip (1, 1), has none (6 dead links); "
        "list fewer dead chips and links, or use another part of the machine",
    ),
    "verification": (
        VerificationError(("one", "two")),
        "the mapping breaks its invariants:\n  one\n  two",
    ),
}


@pytest.mark.parametrize(("error", "message"), EXAMPLES.values(), ids=EXAMPLES)
def test_message_is_exact(error, message):
    with pytest.raises(NeuromapError, match=f"^{re.escape(message)}$"):
        raise error


@pytest.mark.parametrize(("error", "message"), EXAMPLES.values(), ids=EXAMPLES)
def test_pickled_error_keeps_message_and_attributes(error, message):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == message
    assert copy.__dict__ == error.__dict__


def test_every_error_class_has_an_example():
    def subclasses(kind):
        return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))

    ours = {kind for kind in subclasses(NeuromapError) if kind.__module__ == "models.errors"}
    assert ours - {NeuromapError} == {type(error) for error, _ in EXAMPLES.values()}


def test_numbers_stay_on_the_exception():
    capacity, table = EXAMPLES["capacity"][0], EXAMPLES["table"][0]
    assert (capacity.need, capacity.have, capacity.unit) == (71204, 65536, "bytes")
    assert (table.chip, table.need, table.have) == ((3, 1), 1500, 1023)


def test_parameter_errors_are_value_errors():
    assert issubclass(ParameterError, ValueError)
    assert issubclass(UnknownNameError, ParameterError)
    assert not issubclass(CapacityError, ValueError)


def test_verification_error_prints_five_violations_and_counts_the_rest():
    error = VerificationError(tuple(f"violation {i}" for i in range(17)))
    lines = str(error).splitlines()
    assert lines[1:6] == [f"  violation {i}" for i in range(5)]
    assert lines[6:] == ["  and 12 more"]
    assert len(error.violations) == 17


def test_the_warning_class_is_a_user_warning():
    assert issubclass(NeuromapWarning, UserWarning)


def test_a_warning_points_at_the_line_outside_the_packages():
    with pytest.warns(NeuromapWarning, match=r"^look$") as given:
        warn("look")
    assert (given[0].filename, linecache.getline(__file__, given[0].lineno).strip()) == (__file__, 'warn("look")')


def test_a_warning_of_a_thread_has_a_place():
    def warn_in_a_thread():
        thread = threading.Thread(target=warn, args=("look",))
        thread.start()
        thread.join()

    with pytest.warns(NeuromapWarning, match=r"^look$") as given:
        warn_in_a_thread()
    assert given[0].filename == threading.__file__


def test_hint_of_a_capacity_error_can_be_replaced():
    error = CapacityError("DTCM", "core (0, 0, 1)", need=2, have=1, unit="bytes", hint="a").with_hint("b")
    assert str(error) == "DTCM at core (0, 0, 1): needs 2 bytes, has 1 bytes; b"
    assert (error.hint, error.need) == ("b", 2)


def test_value_that_python_does_not_print():
    assert shown([10**5000]) == "a list"
