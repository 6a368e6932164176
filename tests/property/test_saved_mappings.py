"""Damaged folders of mappings: `neuromap verify` finds every change of a record, in one line, without a traceback."""

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import NeuromapError
from neuromap.cli.app import main
from neuromap.experiment.load import load_experiment

FILES = ("mapping.json", "mapping.npz", "experiment.yaml", "vertices.json", "nets.json", "loads.npz")
EXPERIMENTS = {
    "ensemble": ["chain"],
    "constraints": [
        "brunel",
        "--scale",
        "0.01",
        "--recipe",
        "combined",
        "--set",
        "network.in_degree_exc=40",
        "--set",
        "recipe.reserved_cores=1",
        "--set",
        'recipe.fixed_chips=[["I",[2,2]]]',
        "--set",
        "machine.topology.n_boards=1",
    ],
    "spread": [
        "pd14",
        "--scale",
        "0.01",
        "--machine",
        "neuroaix",
        "--set",
        "machine.topology.shape=[2,3]",
        "--drive",
        "dc",
    ],
}

#: A change of one folder, and whether it must be found (else it must only not end in a traceback).
Damage = tuple[str, Callable[[Path], None], bool]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of sound mappings by name."""
    folders = {}
    for name, arguments in EXPERIMENTS.items():
        folders[name] = tmp_path_factory.mktemp(name.replace(" ", "-")) / "made"
        assert main(["map", *arguments, "--out", str(folders[name])]) == 0
        assert main(["verify", str(folders[name])]) == 0
    return folders


# ---- whole files -------------------------------------------------------------------------------------------------


def _edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return apply


def _replaced(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return apply


def whole_files(rng: np.random.Generator) -> Iterator[Damage]:
    for name in FILES:
        yield f"{name} missing", _replaced(name, lambda path: None), True
        yield f"{name} a folder", _replaced(name, lambda path: path.mkdir()), True
        yield f"{name} a link to itself", _replaced(name, lambda path: path.symlink_to(path)), True
        yield f"{name} empty", _edit(name, lambda text: b""), True
        yield f"{name} half", _edit(name, lambda text: text[: len(text) // 2]), True
        yield f"{name} garbage", _edit(name, lambda text: b"\x00\xff\xfe" * 99), True
        yield f"{name} other text", _edit(name, lambda text: b"[1, 2]"), True
        yield f"{name} latin", _edit(name, lambda text: b'{"\xe9": 1}'), True
        yield f"{name} in front", _edit(name, lambda text: b"{" + text), name.endswith(".json")
        for other in FILES:
            if Path(other).suffix == Path(name).suffix and other != name:
                yield f"{other} as {name}", lambda f, a=other, b=name: shutil.copy(f / a, f / b), True
        for _ in range(6):
            at, bit = int(rng.integers(1 << 30)), int(rng.integers(8))

            def flipped(text: bytes, at: int = at, bit: int = bit) -> bytes:
                new = bytearray(text)
                new[at % len(new)] ^= 1 << bit
                return bytes(new)

            yield f"{name} byte {at} bit {bit}", _edit(name, flipped), False


# ---- JSON --------------------------------------------------------------------------------------------------------


def _paths(content: Any, prefix: tuple = ()) -> Iterator[tuple]:
    """Yield the path of every value in a JSON content."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*prefix, key)
        yield from _paths(value, (*prefix, key))


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value, None, 1]
    if isinstance(value, int | float):
        return [value + 1, -1 if value != -1 else 7, None, "x", 1 << 70]
    if isinstance(value, str):
        return [value + "x", 3, "", None] if value else ["x", 3, None]
    return ["x", {"x": 1}, [[]], 5] + [None] * (value is not None)


def _set(name: str, path: tuple, value: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        at = content
        for key in path[:-1]:
            at = at[key]
        if value is DELETED:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        (folder / name).write_text(json.dumps(content))

    return apply


DELETED = object()


def json_values(folder: Path, rng: np.random.Generator, n: int) -> Iterator[Damage]:
    for name, count in (("mapping.json", n), ("vertices.json", n // 6), ("nets.json", n // 6)):
        content = json.loads((folder / name).read_text())
        paths = list(_paths(content))
        for i in rng.choice(len(paths), size=min(count, len(paths)), replace=False).tolist():
            at = content
            for key in paths[i]:
                at = at[key]
            others = [DELETED, *_others(at)]
            value = others[int(rng.integers(len(others)))]
            shown = "deleted" if value is DELETED else repr(value)
            yield f"{name} {'.'.join(map(str, paths[i]))} {shown}", _set(name, paths[i], value), True
    for text in (
        '{"a": ' * 5000,
        "[" * 100_000,
        '{"format": NaN}',
        '{"a": 1, "a": 1}',
        "1e999",
        "9" * 9999,
        '"\\ud800"',
    ):
        yield f"mapping.json {text[:20]}", _edit("mapping.json", lambda _, text=text: text.encode()), True
    twice = b'{"seed": 5,'
    yield "mapping.json seed twice", _edit("mapping.json", lambda text: text.replace(b"{", twice, 1)), True
    yield "mapping.json extra key", _edit("mapping.json", lambda text: text.replace(b"{", b'{"more": 5,', 1)), True
    yield "mapping.json version 1", _set("mapping.json", ("version",), 1), True


# ---- arrays ------------------------------------------------------------------------------------------------------


def _arrays(name: str, change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        with np.load(folder / name) as file:
            arrays = dict(file)
        change(arrays)
        np.savez(folder / name, **arrays)

    return apply


def _changed(key: str, new: Callable[[np.ndarray], Any]) -> Callable[[dict[str, np.ndarray]], None]:
    return lambda arrays: arrays.update({key: new(arrays[key])})


def arrays(folder: Path, rng: np.random.Generator) -> Iterator[Damage]:
    for name in ("mapping.npz", "loads.npz"):
        with np.load(folder / name) as file:
            held = dict(file)
        for key, values in held.items():
            odd = {
                "float32": lambda v: v.astype(np.float32) + np.float32(0.5),
                "text": lambda v: v.astype("U9"),
                "int16": lambda v: np.asarray(v, dtype=np.complex64),
                "longer": lambda v: np.concatenate((v, v[:1])),
                "scalar": lambda v: np.int64(1),
                "deeper": lambda v: v[..., None],
            }
            for kind, new in odd.items():
                is_longer = kind == "longer" and not len(values)
                if not is_longer:
                    yield f"{name} {key} {kind}", _arrays(name, _changed(key, new)), True
            yield f"{name} {key} gone", _arrays(name, lambda a, key=key: a.pop(key)), True
            is_free = key in ("table_key", "table_mask", "table_route")  # what these mean is judged elsewhere
            if values.size and not is_free:
                for by in (1, -1, 1000):
                    at = int(rng.integers(values.size))

                    def moved(v: np.ndarray, at: int = at, by: int = by) -> np.ndarray:
                        new = v.copy()
                        new.reshape(-1)[at] += np.array(by).astype(new.dtype)
                        return new

                    yield f"{name} {key} by {by}", _arrays(name, _changed(key, moved)), True
        yield f"{name} extra", _arrays(name, lambda a: a.update(more=np.zeros(3))), True
        yield f"{name} of objects", _replaced(name, lambda path: _pickled(path)), True
        yield f"{name} huge", _replaced(name, lambda path: _huge(path, "core")), True


def _pickled(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, core=np.array([{}, 1], dtype=object))


def _huge(path: Path, member: str) -> None:
    """Write an npz file of which an array's header declares 2^60 values."""
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1152921504606846976, 3), }"
    header = header.ljust(117) + b"\n"
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as file:
        file.writestr(f"{member}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    path.write_bytes(text.getvalue())


# ---- the experiment ----------------------------------------------------------------------------------------------


def experiments(folder: Path) -> Iterator[Damage]:
    text = (folder / "experiment.yaml").read_text()
    for old, new in (
        ("seed: 1234", "seed: 1235"),
        ("seed: 1234", "seed: x"),
        ("place: connected", "place: hilbert"),
        ("keys: zoned", "keys: dense"),
        ("minimise: auto", "minimise: pair"),
        ("reserved_cores: ", "reserved_cores: 2 # "),
        ("neurons_per_core:", "neurons_per_core: 7 #"),
        ("name: chain", "name: brunel"),
        ("name: chain", "name: x"),
        ("name: spinnaker1", "name: spinnaker2"),
        ("name: neuroaix", "name: loihi1"),
        ("scale: 0.0", "scale: 0.1"),
        ("drive: dc", "drive: poisson"),
        ("n_boards: 1", "n_boards: 3"),
        ("fixed_chips:", "same_chip:"),
        ("route: shared_tree", "route: ner"),
        ("route: two_phase", "route: unicast"),
        ("recipe:", "recepi:"),
        ("machine:", "machine:\n  dead_chips: [[0, 0]]"),
        ("machine:", "machine:\n  core: {clock_hz: 1e8}"),
        ("machine:", "machine:\n  power: {core_active_w: 0.5}"),
        ("machine:", "machine:\n  core: {max_neurons: 1}"),
        ("network:", "network:\n  dt_ms: 0.2"),
    ):
        if old in text:
            yield (
                f"experiment {old} -> {new!r}",
                _edit("experiment.yaml", lambda text, old=old, new=new: text.replace(old.encode(), new.encode(), 1)),
                True,
            )


def damages(folder: Path, rng: np.random.Generator, n_json: int) -> Iterator[Damage]:
    yield from whole_files(rng)
    yield from json_values(folder, rng, n_json)
    yield from arrays(folder, rng)
    yield from experiments(folder)


def _is_same_experiment(folder: Path, other: Path) -> bool:
    try:
        return load_experiment(folder / "experiment.yaml") == load_experiment(other / "experiment.yaml")
    except NeuromapError:
        return False


def check_damages(saved: dict[str, Path], tmp_path: Path, capsys, *, n_json: int, stride: int) -> None:
    n = n_must = 0
    missed, failed = [], []
    for case, made in saved.items():
        rng = np.random.default_rng(len(case))
        for i, (name, damage, must_be_found) in enumerate(damages(made / "mapping", rng, n_json)):
            if (i + len(case)) % stride:
                continue
            folder = tmp_path / f"{n}"
            shutil.copytree(made / "mapping", folder)
            damage(folder)
            capsys.readouterr()
            try:
                code = main(["verify", str(folder)])
            except BaseException as error:
                failed.append(f"{case}: {name}: {type(error).__name__}: {error}")
                code = -1
            lines = capsys.readouterr().err.splitlines()
            if code == 2 and not lines[0].startswith("neuromap: error: "):
                failed.append(f"{case}: {name}: {lines[:2]}")
            if code == 2 and "the mapping breaks its invariants" not in lines[0] and len(lines) != 1:
                failed.append(f"{case}: {name}: {len(lines)} lines: {lines[:3]}")
            if code not in (0, 2) and code != -1:
                failed.append(f"{case}: {name}: exit code {code}: {lines[:2]}")
            if name == "experiment.yaml half":  # what is cut off may be what is so by default
                must_be_found = not _is_same_experiment(folder, made / "mapping")
            if must_be_found and code == 0:
                missed.append(f"{case}: {name}")
            n += 1
            n_must += must_be_found
            shutil.rmtree(folder, ignore_errors=True)
    with capsys.disabled():
        print(
            f"\n{n:,} damaged folders: {n_must:,} hold another record, of which {n_must - len(missed):,} "
            f"({1 - len(missed) / n_must:.2%}) are found; {len(failed)} tracebacks or other ends"
        )
    assert failed == []
    assert missed == []


def test_every_damage_of_a_folder_is_found(saved, tmp_path, capsys):
    check_damages(saved, tmp_path, capsys, n_json=100, stride=10)


@pytest.mark.slow
def test_every_damage_of_a_long_sweep_is_found(saved, tmp_path, capsys):
    check_damages(saved, tmp_path, capsys, n_json=2000, stride=1)
