"""Stores the compiled code of one kernel on disk: one file per signature, each with a checksum.

`KernelStore` replaces numba's ``FunctionCache`` and has the same methods. A damaged file or a full disk is never an
error: the kernel is then compiled, as if there were no file yet.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core import compiler, serialize

_dumps: Callable[[Any], bytes] = serialize.dumps
_rebuild: Callable[..., Any] = compiler.CompileResult._rebuild
_MAGIC = b"neuromap kernel 1\n"
_DIGEST_BYTES = 32


class KernelStore:
    """The kept code of one compiled function.

    Parameters
    ----------
    function : callable
        The Python function.
    module : str
        Dotted name of its module.
    folder : Path or None
        Folder of the files; without it, nothing is kept.
    """

    def __init__(self, function: Callable[..., Any], module: str, folder: Path | None) -> None:
        code = function.__code__
        self._function, self._folder, self._is_enabled = function, folder, folder is not None
        self._base = f"{module}.{function.__qualname__}-{code.co_firstlineno}".replace("<", "").replace(">", "")

    @property
    def cache_path(self) -> str | None:
        """The folder, in the form that numba expects."""
        return None if self._folder is None else str(self._folder)

    def enable(self) -> None:
        """Start to keep code and to look for kept code."""
        self._is_enabled = self._folder is not None

    def disable(self) -> None:
        """Stop keeping code and looking for it."""
        self._is_enabled = False

    def flush(self) -> None:
        """Delete the kept code of all signatures."""
        if self._folder is not None:
            for path in self._folder.glob(f"{self._base}.*.nbc"):
                with contextlib.suppress(OSError):
                    path.unlink()

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the compiled function of a signature, or None if it has to be compiled."""
        if not self._is_enabled:
            return None
        target_context.refresh()
        content = _checked(self._path(signature, target_context.codegen()))
        if content is None:
            return None
        try:
            kept = _rebuild(target_context, *pickle.loads(content))
        except Exception:  # whatever the fault is, compiling again gives the same function
            return None
        # numba looks for the function under this signature at the next call, and would load the file again and again
        return kept if kept.signature.args == _arguments(signature) else None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a compiled function, if its code can be used by another process."""
        can_be_kept = all(lifted.can_cache for lifted in compiled.lifted) and not compiled.library.has_dynamic_globals
        if self._is_enabled and can_be_kept:
            content = _dumps(compiled._reduce())
            _write(self._path(signature, compiled.codegen), _MAGIC + hashlib.sha256(content).digest() + content)

    def _path(self, signature: Any, codegen: Any) -> Path:
        """Return the file of a signature on this processor."""
        assert self._folder is not None
        closure = self._function.__closure__
        cells = b"" if closure is None else _dumps(tuple(cell.cell_contents for cell in closure))
        # numba writes some types that differ in the same way, such as the tuple of ``*args`` and any other tuple
        types = [(type(argument).__name__, argument) for argument in _arguments(signature)]
        key = repr((types, codegen.magic_tuple())).encode() + self._function.__code__.co_code + cells
        return self._folder / f"{self._base}.{hashlib.sha256(key).hexdigest()[:24]}.nbc"


def _arguments(signature: Any) -> tuple[Any, ...]:
    """Return the types of the arguments; numba gives them alone, or with the type of the result."""
    return tuple(getattr(signature, "args", signature))


def _checked(path: Path) -> bytes | None:
    """Return the content of a file, or None if the file is missing or differs from what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST_BYTES
    digest = hashlib.sha256(content[start:]).digest()
    return content[start:] if content[:start] == _MAGIC + digest else None


def _write(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it; leave nothing behind if the disk is full."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
