"""Reads arrays from an npz file that may be damaged or forged.

An npz file is a zip file with one member ``<name>.npy`` per array: ten bytes, a text header with type, order and shape,
and the values. The reader checks names, types, shapes and sizes in the directory of the zip file and in the headers
before it unpacks any values, and then the values of each array. It never unpickles anything and uses no name as a path.
"""

from __future__ import annotations

import math
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ArrayFileError, shown_path
from models.files.array_layout import ArrayLayout, ArraySpec, Dimensions, value_fault

#: Exceptions other than OSError that zipfile and zlib raise on damaged files.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ArithmeticError, RuntimeError, ValueError)
_ENCRYPTED = 0x2041  # flag bits of an encrypted member of a zip file
_END_RECORD, _END_BYTES, _MAX_COMMENT_BYTES = b"PK\5\6", 22, 65_535
_END64_RECORD, _END64_BYTES, _LOCATOR64, _LOCATOR64_BYTES = b"PK\6\6", 56, b"PK\6\7", 20
#: Largest directory: bytes per array, and bytes on top. An entry usually takes 100 bytes.
_ENTRY_BYTES, _FREE_DIRECTORY_BYTES = 512, 1 << 16
_MAX_HEADER_BYTES = 1024  # numpy writes 118
_HEADER = re.compile(
    r"\s*\{\s*'descr'\s*:\s*'([<>=|]?[a-zA-Z?]\d{0,9})'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    r"\s*'shape'\s*:\s*\(([\d\s,]*)\)\s*,?\s*\}\s*"
)
_MAX_DIMENSION = 1 << 48
_CHUNK_BYTES = 1 << 20
#: A file is refused if its arrays take more than ``_FREE_BYTES`` and more than ``_MAX_UNPACK_RATIO`` times its size.
_FREE_BYTES, _MAX_UNPACK_RATIO = 64 << 20, 200


@dataclass(frozen=True, slots=True)
class _Member:
    """One array in the file, as its header describes it; ``offset_bytes`` is the length of that header."""

    spec: ArraySpec
    info: zipfile.ZipInfo
    dtype: np.dtype[Any]
    is_fortran: bool
    shape: tuple[int, ...]
    offset_bytes: int

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_arrays(
    path: str | Path, layout: ArrayLayout, *, dimensions: Mapping[str, int] | None = None
) -> dict[str, NDArray[Any]]:
    """Read the arrays of an npz file that a layout declares, and check all of them.

    Parameters
    ----------
    path : str or Path
    layout : ArrayLayout
    dimensions : mapping of str to int, optional
        Sizes of named dimensions that are known from elsewhere (``{"n_slices": 12}``).

    Returns
    -------
    dict of str to ndarray
        Read-only arrays, in the order of the layout, in this computer's byte order, contiguous in C order. Optional
        arrays that the file lacks are not in it.

    Raises
    ------
    ArrayFileError
        If the file is missing, unreadable, damaged or not a zip file, or if its content differs from the layout. The
        message is one line with the file, the array, the requirement and the finding.
    """
    shown = shown_path(path)
    try:
        with _opened(Path(path), shown) as file, _damage(shown, None):
            _check_directory_size(file, layout, shown)
            n_file_bytes = file.seek(0, 2)
            archive = zipfile.ZipFile(file)
            infos = _directory(archive, layout, shown)
            sizes = Dimensions(dict(dimensions or {}))
            members = [
                _member(archive, infos[spec.name], spec, sizes, shown) for spec in layout.arrays if spec.name in infos
            ]
            _check_total(members, layout, n_file_bytes, shown)
            return {member.spec.name: _values(archive, member, shown) for member in members}
    except OSError as error:
        raise ArrayFileError(shown, None, "a file that can be read", error.strerror or str(error)) from error


@contextmanager
def _damage(shown: str, array: str | None) -> Iterator[None]:
    """Turn the exceptions of zipfile on damaged files into ArrayFileError."""
    try:
        yield
    except ArrayFileError:
        raise
    except MemoryError as error:
        raise ArrayFileError(shown, array, "more memory than is free", "too little memory") from error
    except _DAMAGE as error:
        what = (str(error) or type(error).__name__).split("\n")[0]
        raise ArrayFileError(shown, array, "an undamaged npz file", f"a damaged one ({what})") from error


@contextmanager
def _opened(path: Path, shown: str) -> Iterator[IO[bytes]]:
    """Open a regular file that is not empty."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a null byte in the name
        raise ArrayFileError(shown, None, "the name of a file", str(error)) from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
        raise ArrayFileError(shown, None, "an npz file", what)
    with path.open("rb") as file:
        n_bytes = file.seek(0, 2)
        if not n_bytes:
            raise ArrayFileError(shown, None, "an npz file", "an empty file (0 bytes)")
        yield file


def _check_directory_size(file: IO[bytes], layout: ArrayLayout, shown: str) -> None:
    """Refuse a file without a directory, or with one too long for the declared arrays, before the directory is read.

    The record at the end of a zip file holds the directory's length at byte 12. A longer record (zip64)
    may stand before it, or where its locator points; the length at byte 40 of that record counts too.
    """
    end = file.seek(0, 2)
    first = max(0, end - _END_BYTES - _MAX_COMMENT_BYTES - _LOCATOR64_BYTES - _END64_BYTES)
    file.seek(first)
    tail = file.read()
    at = tail.rfind(_END_RECORD)
    if at < 0 or len(tail) < at + _END_BYTES:
        file.seek(0)
        what = "only the beginning of one" if file.read(4) == b"PK\3\4" else "another kind of file"
        raise ArrayFileError(shown, None, "an npz file", what)
    n_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    locator = tail[max(0, at - _LOCATOR64_BYTES) : at]
    if locator.startswith(_LOCATOR64):
        file.seek(min(int.from_bytes(locator[8:16], "little"), end))
        before = max(0, at - _LOCATOR64_BYTES - _END64_BYTES)
        for record in (file.read(_END64_BYTES), tail[before : before + _END64_BYTES]):
            if record.startswith(_END64_RECORD):
                n_bytes = max(n_bytes, int.from_bytes(record[40:48], "little"))
    most = _FREE_DIRECTORY_BYTES + _ENTRY_BYTES * len(layout.arrays)
    if n_bytes > most:
        raise ArrayFileError(shown, None, f"a directory of at most {most:,} bytes", f"{n_bytes:,} bytes")


def _directory(archive: zipfile.ZipFile, layout: ArrayLayout, shown: str) -> dict[str, zipfile.ZipInfo]:
    """Return the directory entries of the declared arrays, by the names of the arrays."""
    declared = {spec.name: spec for spec in layout.arrays}
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name not in declared or name == info.filename:
            if layout.has_others:
                continue
            raise ArrayFileError(shown, info.filename, f"only arrays of {layout.what}", "another member")
        if name in found:
            raise ArrayFileError(shown, name, "one array of that name", "several")
        if info.flag_bits & _ENCRYPTED:
            raise ArrayFileError(shown, name, "an array that is not encrypted", "an encrypted one")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            has = f"method {info.compress_type} of zip files"
            raise ArrayFileError(shown, name, "values that are stored or deflated", has)
        found[name] = info
    missing = [name for name, spec in declared.items() if name not in found and not spec.is_optional]
    if missing:
        raise ArrayFileError(shown, missing[0], f"an array of that name, as in {layout.what}", "none")
    return found


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, spec: ArraySpec, sizes: Dimensions, shown: str) -> _Member:
    """Read the header of an array and check it against the layout and the zip directory."""
    with _damage(shown, spec.name), archive.open(info) as file:
        head = file.read(10)
        n_header_bytes = int.from_bytes(head[8:10], "little")
        is_version_1 = head[:8] == b"\x93NUMPY\1\0"
        text = file.read(n_header_bytes).decode("latin1") if n_header_bytes <= _MAX_HEADER_BYTES else ""
    header = _HEADER.fullmatch(text)
    if not is_version_1 or header is None:
        has = "a Python object (a pickle)" if "'|O'" in text or head[:1] == b"\x80" else "another one"
        raise ArrayFileError(shown, spec.name, "the npy header (version 1.0) of a plain array", has)
    try:
        dtype = np.dtype(header[1])
    except (TypeError, ValueError, OverflowError) as error:
        raise ArrayFileError(shown, spec.name, spec.type_text, f"type {header[1]!r}") from error
    if not spec.allows(dtype):
        has = "Python objects (a pickle), which are never read" if dtype.hasobject else f"type {dtype.name}"
        raise ArrayFileError(shown, spec.name, spec.type_text, has)
    shape = tuple(int(size) for size in header[3].replace(",", " ").split())
    wanted = sizes.mismatch(spec, shape)
    if wanted or any(size > _MAX_DIMENSION for size in shape):
        raise ArrayFileError(shown, spec.name, wanted or f"sizes of at most {_MAX_DIMENSION}", f"shape {shape}")
    member = _Member(spec, info, dtype, header[2] == "True", shape, 10 + n_header_bytes)
    if info.file_size != member.offset_bytes + member.n_bytes:
        needs = f"{member.n_bytes:,} bytes for shape {shape} of {dtype.name}"
        raise ArrayFileError(shown, spec.name, needs, f"{max(0, info.file_size - member.offset_bytes):,} bytes")
    return member


def _check_total(members: list[_Member], layout: ArrayLayout, n_file_bytes: int, shown: str) -> None:
    """Refuse arrays that take too much memory, or far more than a file of this size plausibly holds."""
    total = sum(member.n_bytes for member in members)
    if total > layout.max_bytes:
        raise ArrayFileError(shown, None, f"arrays of at most {layout.max_bytes:,} bytes", f"{total:,} bytes")
    if total > _FREE_BYTES and total > _MAX_UNPACK_RATIO * n_file_bytes:
        needs = f"arrays of at most {_MAX_UNPACK_RATIO} times the {n_file_bytes:,} bytes of the file"
        raise ArrayFileError(shown, None, needs, f"{total:,} bytes (a zip bomb)")


def _values(archive: zipfile.ZipFile, member: _Member, shown: str) -> NDArray[Any]:
    """Unpack an array and check its values."""
    with _damage(shown, member.spec.name), archive.open(member.info) as file:
        raw = np.empty(member.n_bytes, dtype=np.uint8)
        file.read(member.offset_bytes)
        done = 0
        while chunk := file.read(_CHUNK_BYTES):
            raw[done : done + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
            done += len(chunk)
        if done != member.n_bytes:
            raise EOFError(f"{done:,} of {member.n_bytes:,} bytes")
        order = member.shape[::-1] if member.is_fortran else member.shape
        values: NDArray[Any] = raw.view(member.dtype).reshape(order)
        values = values.T if member.is_fortran else values
        values = np.ascontiguousarray(values, dtype=member.dtype.newbyteorder("=")).reshape(member.shape)
    fault = value_fault(member.spec, values)
    if fault is not None:
        raise ArrayFileError(shown, member.spec.name, *fault)
    values.setflags(write=False)
    return values
