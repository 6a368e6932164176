"""Files of arrays: what is declared is read as it was written; anything else is refused with one line, before it is
unpacked where it could be large."""

import os
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from models.errors import ArrayFileError, ParameterError
from models.files.array_file import read_arrays
from models.files.array_layout import ArrayLayout, ArraySpec

LAYOUT = ArrayLayout(
    what="a file of spikes",
    arrays=(
        ArraySpec(name="step", dtype="integer", shape=("n_spikes",), low=0, high=999, order="sorted"),
        ArraySpec(name="neuron", dtype="int32", shape=("n_spikes",), low=0),
        ArraySpec(name="edge", dtype="int64", shape=("n_groups+1",), order="strictly increasing"),
        ArraySpec(name="name", dtype="text", shape=("n_groups",)),
        ArraySpec(name="dt_ms", dtype="float", low=1e-3),
        ArraySpec(name="place", dtype="number", shape=("n_groups", 3)),
        ArraySpec(name="is_on", dtype="bool", shape=("n_groups",), is_optional=True),
    ),
    max_bytes=1 << 30,
)


def good():
    return {
        "step": np.array([0, 0, 5, 999]),
        "neuron": np.array([1, 2, 0, 7], np.int32),
        "edge": np.array([0, 4, 8]),
        "name": np.array(["E", "Inh µ"]),
        "dt_ms": np.float64(0.1),
        "place": np.arange(6.0).reshape(2, 3),
        "is_on": np.array([True, False]),
    }


def header(descr="<i8", shape="(4,)", order="False", version=(1, 0)):
    text = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    text += b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text


def write(path, arrays, raw=(), method=zipfile.ZIP_DEFLATED):
    """Write arrays, and raw members as (name, bytes), as they are."""
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path, "a", method) as archive:
        for name, content in raw:
            archive.writestr(name, content)
    return path


def refusal(path, **options):
    with pytest.raises(ArrayFileError) as caught:
        read_arrays(path, LAYOUT, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert isinstance(caught.value, ParameterError)
    return text


def without(*names):
    return {name: array for name, array in good().items() if name not in names}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_was_written_is_read(path, save):
    save(path, **good())
    read = read_arrays(path, LAYOUT)
    assert list(read) == list(good())
    for name, wanted in good().items():
        np.testing.assert_array_equal(read[name], wanted)
        assert read[name].dtype == np.asarray(wanted).dtype
        assert read[name].shape == np.shape(wanted)
        assert not read[name].flags.writeable


def test_optional_array_may_be_missing_and_empty_arrays_may_be_there(path):
    arrays = without("is_on") | {"step": np.zeros(0, int), "neuron": np.zeros(0, np.int32)}
    np.savez(path, **arrays)
    read = read_arrays(path, LAYOUT)
    assert "is_on" not in read
    assert read["step"].shape == (0,)


def test_byte_order_and_fortran_order_are_only_ways_to_write_the_same(path):
    place = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    np.savez(path, **good() | {"place": place, "neuron": np.array([1, 2, 0, 7], ">i4")})
    read = read_arrays(path, LAYOUT)
    assert read["place"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read["place"].flags.c_contiguous
    assert read["neuron"].dtype == np.dtype("int32")
    assert read["neuron"].dtype.isnative
    assert read["neuron"].tolist() == [1, 2, 0, 7]


def test_known_dimensions(path):
    np.savez(path, **good())
    assert len(read_arrays(path, LAYOUT, dimensions={"n_spikes": 4, "n_groups": 2})["step"]) == 4
    text = refusal(path, dimensions={"n_spikes": 5})
    assert text == f"array 'step' of {path}: needs shape (n_spikes = 5,), has shape (4,)"


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"neuron": np.zeros(3, np.int32)}, "'neuron'.*shape (n_spikes = 4,), as of array 'step', has shape (3,)"),
        ({"neuron": np.zeros((4, 1), np.int32)}, "'neuron'.*needs shape (n_spikes = 4,), has shape (4, 1)"),
        ({"edge": np.zeros(0, int)}, "'edge'.*needs shape (n_groups+1,), has shape (0,)"),
        ({"edge": np.arange(4)}, "'name'.*needs shape (n_groups = 3,), as of array 'edge', has shape (2,)"),
        ({"place": np.zeros((2, 4))}, "'place'.*needs shape (n_groups = 2, 3), has shape (2, 4)"),
        ({"dt_ms": np.array([0.1])}, "'dt_ms'.*needs shape (), has shape (1,)"),
        ({"neuron": np.zeros(4, np.int64)}, "'neuron'.*needs type int32, has type int64"),
        ({"step": np.zeros(4)}, "'step'.*needs whole numbers, has type float64"),
        ({"place": np.zeros((2, 3), complex)}, "'place'.*needs numbers, has type complex128"),
        ({"name": np.array([b"a", b"b"])}, "'name'.*needs text, has type bytes8"),
        ({"step": np.array([0, 0, 5, 1000])}, "'step'.*needs values from 0 to 999, has 1000 at index 3"),
        ({"step": np.array([0, -7, -9, 3])}, "'step'.*needs values from 0 to 999, has -7 at index 1"),
        ({"step": np.array([0, 1, 1 << 63, 3], np.uint64)}, "'step'.*999, has 9223372036854775808 at index 2"),
        ({"neuron": np.array([0, 0, -1, 0], np.int32)}, "'neuron'.*needs values of at least 0, has -1 at index 2"),
        ({"step": np.array([0, 6, 5, 9])}, "'step'.*needs sorted values, has 6 before 5 at index 1"),
        ({"edge": np.array([0, 4, 4])}, "'edge'.*needs strictly increasing values, has 4 before 4 at index 1"),
        ({"dt_ms": np.float64("nan")}, "'dt_ms'.*needs finite numbers, has nan"),
        ({"dt_ms": np.float32(0)}, "'dt_ms'.*needs values of at least 0.001, has 0.0"),
        ({"place": np.array([[0, 0, 0], [0, np.inf, 0]])}, "'place'.*needs finite numbers, has inf at index 1, 1"),
        ({"extra": np.zeros(3)}, "array 'extra.npy'.*needs only arrays of a file of spikes, has another member"),
    ],
)
def test_other_names_shapes_types_and_values_are_refused(path, changed, wanted):
    np.savez(path, **good() | changed)
    assert re.fullmatch(".*" + ".*".join(map(re.escape, wanted.split(".*"))), refusal(path))


def test_missing_array(path):
    np.savez(path, **without("neuron"))
    wanted = f"array 'neuron' of {path}: needs an array of that name, as in a file of spikes, has none"
    assert refusal(path) == wanted


def test_other_arrays_are_left_unread_where_a_layout_has_others(path):
    write(path, good() | {"extra": np.zeros(3)}, raw=[("readme.txt", b"hello"), ("../../x.npy", b"no array")])
    layout = ArrayLayout(what="spikes", arrays=LAYOUT.arrays, has_others=True)
    assert list(read_arrays(path, layout)) == list(good())


def test_objects_are_never_unpickled(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    np.savez(path, **without("place"), place=np.array([[Evil()] * 3] * 2, dtype=object))
    assert refusal(path).endswith("needs numbers, has Python objects (a pickle), which are never read")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["step", "./step.npy", "/step.npy", "a/step.npy", "../step.npy", "step.npy.npy"])
def test_other_member_names_are_no_arrays(path, name):
    write(path, without("step"), raw=[(name, header() + bytes(32))])
    assert "needs only arrays of a file of spikes, has another member" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name(path):
    write(path, good(), raw=[("step.npy", header() + bytes(32))])
    assert refusal(path) == f"array 'step' of {path}: needs one array of that name, has several"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", "needs the npy header (version 1.0) of a plain array, has another one"),
        (b"\x93NUMPY\1", "needs the npy header (version 1.0) of a plain array, has another one"),
        (b"\x80\x04K\x01.", "needs the npy header (version 1.0) of a plain array, has a Python object (a pickle)"),
        (header()[:60], "needs the npy header (version 1.0) of a plain array, has another one"),
        (header(version=(3, 0)) + bytes(32), "needs the npy header (version 1.0) of a plain array, has another one"),
        (header(shape="(-4,)"), "needs the npy header (version 1.0) of a plain array, has another one"),
        (header(shape="(" * 50), "needs the npy header (version 1.0) of a plain array, has another one"),
        (header(descr="<q8"), "needs whole numbers, has type '<q8'"),
        (header(descr="<U999999999"), "needs whole numbers, has type"),
        (header(shape="(1000000000000,)"), "8,000,000,000,000 bytes for shape (1000000000000,) of int64, has 0 b"),
        (header(shape="(9999999999999999999,)"), "sizes of at most 281474976710656, has shape (9999999999999999999,)"),
        (header() + bytes(31), "needs 32 bytes for shape (4,) of int64, has 31 bytes"),
        (header() + bytes(33), "needs 32 bytes for shape (4,) of int64, has 33 bytes"),
        (header(shape="(4, 1000000)"), "needs shape (n_spikes,), has shape (4, 1000000)"),
    ],
)
def test_headers_that_lie(path, content, wanted):
    write(path, without("step"), raw=[("step.npy", content)])
    assert wanted in refusal(path)


def test_bytes_that_are_no_truth_values_and_no_text(path):
    write(path, without("is_on"), raw=[("is_on.npy", header("|b1", "(2,)") + b"\0\2")])
    assert refusal(path).endswith("needs bytes 0 or 1, for false and true, has byte 2")
    text = np.array([0x41, 0xD800], "<u4").tobytes()
    write(path, without("name"), raw=[("name.npy", header("<U1", "(2,)") + text)])
    assert refusal(path).endswith("needs text in Unicode, has code point 0xd800")


def peak_bytes(path):
    tracemalloc.start()
    try:
        text = refusal(path)
        return text, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bomb(path, n_bytes, descr="<i8"):
    """Write a file whose array 'step' is zeros that unpack to ``n_bytes``, and is honest about it."""
    head = header(descr, f"({n_bytes // 8},)")
    np.savez(path, **without("step", "neuron"), neuron=np.zeros(n_bytes // 8, np.int32)[:0])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("step.npy", "w") as file:
        file.write(head)
        for _ in range(n_bytes >> 20):
            file.write(bytes(1 << 20))


def test_zip_bomb_is_refused_without_unpacking(path):
    bomb(path, 1 << 28)
    layout = ArrayLayout(what="x", arrays=(LAYOUT.arrays[0],), has_others=True)
    tracemalloc.start()
    with pytest.raises(
        ArrayFileError, match=r"needs arrays of at most 200 times the .* of the file, has 268,435,456 b"
    ):
        read_arrays(path, layout)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    small = ArrayLayout(what="x", arrays=(LAYOUT.arrays[0],), has_others=True, max_bytes=1 << 27)
    with pytest.raises(ArrayFileError, match=r"needs arrays of at most 134,217,728 bytes, has 268,435,456 bytes$"):
        read_arrays(path, small)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_long_header_and_long_directory_are_not_unpacked(path):
    content = b"\x93NUMPY\2\0" + struct.pack("<I", 1 << 27) + b" " * (1 << 27)
    write(path, without("step"), raw=[("step.npy", content)])
    del content
    text, n_bytes = peak_bytes(path)
    assert "needs the npy header (version 1.0)" in text
    assert n_bytes < 1 << 20
    write(path, good(), raw=[(f"{i:06d}", b"") for i in range(20_000)])
    text, n_bytes = peak_bytes(path)
    assert re.search(r"needs a directory of at most 69,120 bytes, has 1,0\d\d,\d\d\d bytes$", text)
    assert n_bytes < 1 << 20


def test_encrypted_member_and_unknown_compression(path):
    np.savez(path, **good())
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\1\2")
    content[entry + 8] |= 1
    path.write_bytes(content)
    assert refusal(path) == f"array 'step' of {path}: needs an array that is not encrypted, has an encrypted one"
    write(path, without("step"), raw=[("step.npy", header() + bytes(32))], method=zipfile.ZIP_LZMA)
    assert (
        refusal(path) == f"array 'step' of {path}: needs values that are stored or deflated, has method 14 of zip files"
    )


def test_every_cut_and_every_changed_byte_is_an_error_of_one_line_or_changes_nothing(path):
    """The data of an array are held by their checksum, everything else by the header and the layout."""
    np.savez_compressed(path, **good())
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert refusal(path)
    messages = []
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 0x15]) + whole[index + 1 :])
        try:
            read = read_arrays(path, LAYOUT)
        except ArrayFileError as error:
            messages.append(str(error))
        else:
            for name, wanted in good().items():
                if name in read:  # the name of an optional array is changed
                    np.testing.assert_array_equal(read[name], wanted)
    assert len(messages) > len(whole) / 2
    assert not [message for message in messages if "\n" in message]


def test_wrong_checksum(path):
    np.savez(path, **good())
    content = path.read_bytes()
    assert content.count(struct.pack("<i", 7)) >= 1
    place = content.find(np.array([1, 2, 0, 7], np.int32).tobytes())
    path.write_bytes(content[: place + 4] + b"\3" + content[place + 5 :])
    has = "a damaged one (Bad CRC-32 for file 'neuron.npy')"
    assert refusal(path) == f"array 'neuron' of {path}: needs an undamaged npz file, has {has}"


@pytest.mark.parametrize("is_before", [True, False])
def test_long_directory_in_a_longer_record(path, is_before):
    """The record of zip64 stands right before its locator, or where that says."""
    np.savez(path, **good())
    content = path.read_bytes()
    record = b"PK\6\6" + bytes(36) + struct.pack("<Q", 1 << 30) + bytes(8)
    locator = b"PK\6\7" + bytes(4) + struct.pack("<Q", 0 if is_before else len(content) - 22) + bytes(4)
    between = b"" if is_before else bytes(56)
    path.write_bytes(content[:-22] + record + between + locator + content[-22:])
    assert refusal(path) == f"file {path}: needs a directory of at most 69,120 bytes, has 1,073,741,824 bytes"


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda path: None, "needs a file that can be read, has No such file or directory"),
        (lambda path: path.mkdir(), "needs an npz file, has a folder"),
        (lambda path: path.touch(), "needs an npz file, has an empty file (0 bytes)"),
        (lambda path: path.write_text("step,neuron\n1,2\n"), "needs an npz file, has another kind of file"),
        (lambda path: np.save(path.open("wb"), np.arange(3)), "needs an npz file, has another kind of file"),
        (lambda path: path.write_bytes(b"PK\3\4" + bytes(90)), "needs an npz file, has only the beginning of one"),
        (lambda path: os.mkfifo(path), "needs an npz file, has a device or pipe"),
        (lambda path: path.symlink_to(path), "needs a file that can be read, has Too many levels of symbolic links"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed file")
def test_what_is_no_npz_file(path, make, wanted):
    make(path)
    assert refusal(path) == f"file {path}: {wanted}"


def test_no_permission(path, monkeypatch):
    np.savez(path, **good())

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(path) == f"file {path}: needs a file that can be read, has Permission denied"


def test_names_that_would_break_the_line(tmp_path):
    has = "needs a file that can be read, has No such file or directory"
    assert refusal(tmp_path / "a\nb.npz") == f"file '{tmp_path}/a\\nb.npz': {has}"
    assert refusal("a\0b.npz") == "file 'a\\x00b.npz': needs the name of a file, has embedded null byte"


def test_memory_that_is_not_there(path, monkeypatch):
    np.savez(path, **good())

    def no_memory(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(np, "empty", no_memory)
    assert refusal(path) == f"array 'step' of {path}: needs more memory than is free, has too little memory"


def test_files_that_neuromap_holds_can_be_read():
    folder = Path(__file__).parents[4] / "tests" / "data"
    layout = ArrayLayout(
        what="x", arrays=(ArraySpec(name="params", dtype="integer", shape=("a", "b")),), has_others=True
    )
    assert read_arrays(folder / "spinnaker_lif.npz", layout)["params"].shape[1] == 14


def test_array_that_ends_before_its_last_value(tmp_path):
    path = tmp_path / "short.npz"
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }"
    header += b" " * (117 - len(header)) + b"\n"
    npy = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("step.npy", npy + bytes(3 * 8))  # the header declares four values
    raw = bytearray(path.read_bytes())
    at = raw.rfind(b"PK\1\2") + 24  # size in the directory
    raw[at : at + 4] = struct.pack("<I", len(npy) + 4 * 8)
    path.write_bytes(raw)
    layout = ArrayLayout(what="x", arrays=(ArraySpec(name="step", dtype="integer", shape=("n",)),))
    with pytest.raises(ArrayFileError, match=re.escape("a damaged one (24 of 32 bytes)")):
        read_arrays(path, layout)


def test_least_and_largest_value_alone(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.array([5, 3]), empty=np.array(["", ""]))
    text = ArraySpec(name="empty", dtype="text", shape=("n",))
    for bounds, needs in (({"high": 4}, "values of at most 4, has 5"), ({"low": 4}, "values of at least 4, has 3")):
        layout = ArrayLayout(what="x", arrays=(ArraySpec(name="x", dtype="integer", shape=("n",), **bounds), text))
        with pytest.raises(ArrayFileError, match=f"needs {needs} at index"):
            read_arrays(path, layout)
    layout = ArrayLayout(what="x", arrays=(ArraySpec(name="x", dtype="integer", shape=("n",)), text))
    assert read_arrays(path, layout)["empty"].tolist() == ["", ""]
