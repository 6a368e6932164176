"""Wrong inputs for the fuzz test: valid files, options and folders in which a few things are changed at random.

Mutation knows the structure (keys, values, arrays), so that most inputs get past the first check; some bytes are
changed as well. Everything is drawn from one `random.Random`.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

#: Values that a number, a name or a list may be replaced by, as YAML writes them.
SCALARS = (
    "0",
    "1",
    "-1",
    "2",
    "1.5",
    "-0.0",
    "1e-30",
    "1e30",
    "1e308",
    "1e999",
    "-1e999",
    ".nan",
    ".inf",
    "-.inf",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "1" * 500,
    "0x10",
    "0o17",
    "007",
    "1_000",
    "true",
    "false",
    "null",
    "~",
    "''",
    "' '",
    "on",
    "yes",
    "auto",
    "2020-01-01",
    "12:30",
    "abc",
    "'5'",
    "'\\u0000'",
    '"\\0"',
    "[]",
    "{}",
    "[1]",
    "[[1, 2]]",
    "[[[[]]]]",
    "{a: 1}",
    "{value: 1}",
    "{value: 1, low: 2, high: 0}",
    "[true]",
    "[null]",
    "[[0, 0]]",
    "[[0, 0, 0]]",
    "[[-1, 0]]",
    "[[99999, 99999]]",
    "[[1.5, 2]]",
    "!!python/object:os.system x",
    "!x 1",
    "*a",
    "&a [*a]",
    "<<",
    "x: y: z",
    "[",
    '"',
    "'",
    "|",
    ">",
    "%",
    "@",
    "- 1",
    "é",
    "\U0001f600",
    "\\",
    "../..",
    "/",
    "/dev/null",
)
NAMES = (
    "x",
    "",
    "network",
    "name",
    "seconds",
    "core.clock_hz",
    "<<",
    "1",
    "null",
    "a b",
    "é",
    "clock_mhz",
    "__class__",
)


def block(value: Any, indent: int = 0) -> list[str]:
    """Lines of a nested dict as YAML; leaves are texts that stand for themselves."""
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [" " * indent + f"{key}:", *block(item, indent + 2)]
        else:
            lines.append(" " * indent + f"{key}: {item}")
    return lines


def places(value: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Every mapping and key of a nested dict."""
    found = []
    for key, item in value.items():
        found.append((value, key))
        if isinstance(item, dict):
            found += places(item)
    return found


def mutate_tree(rng: random.Random, value: dict[str, Any]) -> None:
    """Change one thing of a nested dict: a value, a key, or what is there at all."""
    owner, key = rng.choice(places(value))
    match rng.choice(("value", "value", "value", "value", "delete", "rename", "add", "nest", "swap")):
        case "value":
            owner[key] = rng.choice(SCALARS)
        case "delete":
            del owner[key]
        case "rename":
            owner[rng.choice(NAMES)] = owner.pop(key)
        case "add":
            owner[rng.choice(NAMES)] = rng.choice(SCALARS)
        case "nest":
            owner[key] = {rng.choice(NAMES): owner[key]}
        case "swap":
            other, name = rng.choice(places(value))
            if not isinstance(other[name], dict) or not isinstance(owner[key], dict):
                owner[key], other[name] = other[name], owner[key]
    if not value:
        value["x"] = "1"


def mutate_bytes(rng: random.Random, content: bytes) -> bytes:
    """Change bytes anywhere: flip, insert, remove, repeat, cut."""
    for _ in range(rng.randint(1, 3)):
        i = rng.randrange(len(content) + 1)
        j = min(len(content), i + rng.randint(1, 16))
        match rng.choice(("flip", "insert", "remove", "repeat", "cut")):
            case "flip":
                content = content[:i] + bytes([rng.randrange(256)]) + content[i + 1 :]
            case "insert":
                new = rng.choice(
                    (b"\0", b"\xff", b"\n", b"\t", b":", b"[", b"}", b"&", b"*", b"#", b"\xef\xbb\xbf", b"-" * 9)
                )
                content = content[:i] + new + content[i:]
            case "remove":
                content = content[:i] + content[j:]
            case "repeat":
                content = content[:j] + content[i:j] * rng.choice((1, 5, 50)) + content[j:]
            case "cut":
                content = content[:i]
    return content


def mutated_yaml(rng: random.Random, tree: dict[str, Any]) -> bytes:
    """Return a YAML file made of a valid one with one to three changes."""
    tree = json.loads(json.dumps(tree))
    for _ in range(rng.randint(1, 3)):
        mutate_tree(rng, tree)
    content = ("\n".join(block(tree)) + "\n").encode("utf-8", "surrogatepass")
    return mutate_bytes(rng, content) if rng.random() < 0.2 else content


def mutate_json(rng: random.Random, path: Path) -> None:
    """Change values of a JSON file, or its bytes."""
    content = path.read_bytes()
    if rng.random() < 0.25:
        path.write_bytes(mutate_bytes(rng, content))
        return
    value = json.loads(content)
    for _ in range(rng.randint(1, 2)):
        value = _mutated_json(rng, value)
    path.write_text(json.dumps(value), encoding="utf-8")


_JSON = (
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    2**31,
    2**63,
    2**64,
    10**400,
    "",
    "x",
    "auto",
    [],
    {},
    [[]],
    [0],
    {"a": 1},
)


def _mutated_json(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        match rng.choice(("go", "go", "go", "go", "delete", "rename")):
            case "go":
                return {**value, key: _mutated_json(rng, value[key])}
            case "delete":
                return {name: item for name, item in value.items() if name != key}
            case _:
                return {("x" if name == key else name): item for name, item in value.items()}
    if isinstance(value, list) and value and rng.random() < 0.9:
        i = rng.randrange(len(value))
        match rng.choice(("go", "go", "go", "go", "delete", "repeat")):
            case "go":
                return [*value[:i], _mutated_json(rng, value[i]), *value[i + 1 :]]
            case "delete":
                return value[:i] + value[i + 1 :]
            case _:
                return value[:i] + [value[i]] * rng.choice((2, 300)) + value[i + 1 :]
    return rng.choice(_JSON)


def mutate_npz(rng: random.Random, path: Path) -> None:
    """Change arrays of an npz file (values, type, shape, name), or its bytes."""
    content = path.read_bytes()
    if rng.random() < 0.25:
        path.write_bytes(mutate_bytes(rng, content))
        return
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for _ in range(rng.randint(1, 2)):
        name = rng.choice(list(arrays))
        match rng.choice(("value", "value", "value", "dtype", "shape", "delete", "rename", "header")):
            case "value":
                arrays[name] = _other_values(rng, arrays[name])
            case "dtype":
                kind = rng.choice(("f8", "i1", "i8", "u8", "?", "U3", "c16", "M8[s]", "S2", "f2"))
                with np.errstate(all="ignore"):
                    arrays[name] = arrays[name].astype(str).astype("U3") if kind == "U3" else _cast(arrays[name], kind)
            case "shape":
                shapes = (
                    arrays[name].ravel(),
                    arrays[name][None],
                    arrays[name].ravel()[:-1],
                    np.repeat(arrays[name].ravel(), 2),
                )
                arrays[name] = rng.choice((*shapes, arrays[name].ravel()[:0], np.array(0)))
            case "delete":
                if len(arrays) > 1:
                    del arrays[name]
            case "rename":
                arrays[rng.choice(("x", "step", "neuron", "vertex", "a/b"))] = arrays.pop(name)
            case "header":
                _write_with_header(rng, path, arrays, name)
                return
    with path.open("wb") as out:
        np.savez_compressed(out, **arrays)


def _cast(array: np.ndarray, kind: str) -> np.ndarray:
    try:
        return array.astype(kind)
    except (TypeError, ValueError):
        return np.zeros(array.shape, kind)


def _other_values(rng: random.Random, array: np.ndarray) -> np.ndarray:
    array = np.array(array)
    flat = array.reshape(-1)
    if not flat.size or array.dtype.kind not in "iufb":
        return np.zeros(array.shape, np.int64)
    for _ in range(rng.choice((1, 1, 3, 10))):
        i, j = rng.randrange(flat.size), rng.randrange(flat.size)
        extremes = (
            (np.nan, np.inf, -1.0, 1e9, 0.0)
            if array.dtype.kind == "f"
            else (0, 1, -1, 2**31 - 1, 2**40, -(2**63), 2**63 - 1)
        )
        with np.errstate(all="ignore"):
            new = rng.choice((flat[j], flat[i] + flat.dtype.type(1), *extremes))
            flat[i] = np.asarray(new).astype(array.dtype)
    return array


def _write_with_header(rng: random.Random, path: Path, arrays: dict[str, np.ndarray], name: str) -> None:
    """Write an npz file in which the header of one array says something else than its data."""
    shape = rng.choice(
        (
            "(10000000000,)",
            "(1000000000,1000000000,1000000000)",
            "(-1,)",
            "()",
            "(2,3)",
            "(1.5,)",
            "[[]]",
            "(((((",
            "None",
        )
    )
    kind = rng.choice(("'|O'", "'<i4'", "'<f8'", "[('a', '<i4')]", "'x'", "5"))
    text = (
        "{'descr': " + kind + ", 'fortran_order': " + rng.choice(("False", "True", "3")) + ", 'shape': " + shape + ", }"
    )
    head = b"\x93NUMPY\x01\x00" + len(text + "\n").to_bytes(2, "little") + (text + "\n").encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for key, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array)
            content = buffer.getvalue()
            out.writestr(f"{key}.npy", head + content[128:] if key == name else content)
