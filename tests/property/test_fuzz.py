"""Wrong input of every kind, at random: each is refused with one line, or works; no traceback, no silence of 3 s.

Runs the command line in this process. A failure prints the command and keeps the input. ``--slow`` runs many more.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuzz_inputs import SCALARS, block, mutate_bytes, mutate_json, mutate_npz, mutated_yaml
from models.files.yaml_document import read_document
from models.machine.file import list_machines, machine_path
from neuromap.cli.app import main

CLEAN_CODES = (0, 2, 130)  # done, wrong input, interrupted; 1 where the disk does not take what is to be written
LIMIT_S = 3.0  # of processor time, from the issue
N_QUICK, N_LONG = 40, 1500


class Hang(BaseException):
    """Raised in what takes longer than the limit."""


def _interrupt(*_: object) -> None:
    raise Hang


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise Hang in the block after so much processor time."""
    before = signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _is_one_error(text: str, words: list[str]) -> bool:
    """Whether what was printed ends with the one message of an error (``--debug`` asks for the traceback before it)."""
    lines = [line for line in text.splitlines() if "neuromap: error: " in line]
    return len(lines) == 1 and ("Traceback" not in text or "--debug" in words)


class Fuzzer:
    """Runs commands and keeps what fails; ``counts``: exit codes."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng = folder, random.Random(seed)
        self.counts: Counter[object] = Counter()
        self.failures: list[str] = []

    def run(self, *arguments: object) -> int | None:
        """Run a command; returns its exit code, None if it failed."""
        words = [str(argument) for argument in arguments]
        out, err = io.StringIO(), io.StringIO()
        start_s = time.process_time()
        code: object = None
        trouble = ""
        try:
            with (
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
                limited(LIMIT_S),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("error")
                code = main(words)
        except Hang:
            trouble = f"hang of {time.process_time() - start_s:.1f} s"
        except BaseException as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            trouble = (
                f"{type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}:{last.lineno} {last.name})"
            )
        is_clean = code in CLEAN_CODES or (code == 1 and "needs to be written" in err.getvalue())
        if not trouble and not (is_clean and (code in (0, 130) or _is_one_error(err.getvalue(), words))):
            trouble = f"exit code {code}: {err.getvalue()[:200]!r}"
        self.counts["failed" if trouble else code] += 1
        if trouble:
            self.failures.append(f"{trouble}\n    neuromap {' '.join(words)}{self._kept(words)}")
        return code if isinstance(code, int) and not trouble else None

    def _kept(self, words: list[str]) -> str:
        """Copy the inputs of a command that failed."""
        kept = Path("/tmp/neuromap-fuzz") / f"{len(self.failures)}-{self.rng.getrandbits(32):08x}"
        found = [
            Path(word)
            for word in words
            if Path(word).is_absolute() and Path(word).exists() and self.folder in Path(word).parents
        ]
        for path in found:
            kept.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, kept / path.name, dirs_exist_ok=True)
            else:
                shutil.copy(path, kept / path.name)
        return f"\n    inputs in {kept}" if found else ""

    def check(self, what: str) -> None:
        """Print what was run, and fail if anything did."""
        n = sum(self.counts.values())
        print(f"\nfuzz {what}: {n} inputs; exit codes {dict(self.counts)}")
        assert not self.failures, f"{len(self.failures)} of {n} inputs:\n" + "\n".join(self.failures[:40])


@pytest.fixture
def fuzz(tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    return Fuzzer(tmp_path, seed=1)


#: A file that numpy refuses is closed when it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
quick_and_long = pytest.mark.parametrize("n_inputs", [N_QUICK, pytest.param(N_LONG, marks=pytest.mark.slow)])

TINY = {"name": "chain", "n_populations": "2", "n_neurons": "4"}
EXPERIMENTS = [
    {
        "network": TINY,
        "machine": {"name": "spinnaker1", "core": {"clock_hz": "200e6"}, "topology": {"n_boards": "1"}},
        "recipe": {
            "name": "combined",
            "neurons_per_core": "2",
            "place": "sequential",
            "fixed_chips": "[[C0, [0, 0]]]",
            "reserved_cores": "1",
        },
        "seconds": "0.01",
        "warmup_ms": "0",
        "seed": "3",
        "time_scale_factor": "2",
        "n_threads": "1",
        "memory_gib": "1",
    },
    {
        "network": {
            "name": "brunel",
            "scale": "0.01",
            "g": "5",
            "eta": "2",
            "j_mv": "0.1",
            "in_degree_exc": "10",
            "delay_ms": "1.5",
            "dt_ms": "0.1",
        },
        "machine": "loihi1",
        "recipe": {"name": "combined"},
        "seconds": "0.01",
    },
    {
        "network": {
            "name": "pd14",
            "scale": "0.01",
            "n_scale": "0.01",
            "k_scale": "0.01",
            "drive": "dc",
            "v_init": "original",
            "thalamus": "true",
            "dt_ms": "0.1",
        },
        "arithmetic": "float",
        "poisson": "kiss",
    },
    {
        "network": {
            "name": "small_world",
            "n_groups": "4",
            "neurons_per_group": "20",
            "n_neighbours": "2",
            "in_degree_exc": "5",
            "graph_seed": "1",
        },
        "machine": "generic_mesh",
        "recipe": "combined",
    },
    {
        "network": {
            "name": "layered_conv",
            "width": "4",
            "height": "4",
            "n_layers": "2",
            "n_channels": "2",
            "kernel_size": "3",
            "n_bands": "2",
            "rate_hz": "20",
            "gain": "1",
            "kernel_seed": "1",
        },
        "machine": {"name": "spinnaker2"},
    },
    {
        "network": {"name": "modular", "n_areas": "2", "scale": "0.01", "inter_area": "0.1", "distance_mm": "3"},
        "machine": "neuroaix",
    },
    {
        "network": {"name": "vogels_abbott", "scale": "0.05", "delay_ms": "0.1"},
        "recipe": {"name": "spread", "neurons_per_core": "auto", "reserved_chips": "[[0, 0]]"},
    },
]


@quick_and_long
def test_experiment_files(fuzz, n_inputs):
    for experiment in EXPERIMENTS:
        path = fuzz.folder / "valid.yaml"
        path.write_text("\n".join(block(experiment)))
        assert fuzz.run("check", path) == 0, fuzz.failures
    for i in range(3 * n_inputs):
        path = fuzz.folder / f"e{i}.yaml"
        path.write_bytes(mutated_yaml(fuzz.rng, fuzz.rng.choice(EXPERIMENTS)))
        fuzz.run("check", path)
        path.unlink()
    fuzz.check("experiment files")


@quick_and_long
def test_experiment_files_mapped(fuzz, n_inputs):
    fuzz.run("map", "chain", "--recipe", "combined", "--out", "warm")
    for i in range(n_inputs):
        path = fuzz.folder / f"e{i}.yaml"
        path.write_bytes(mutated_yaml(fuzz.rng, EXPERIMENTS[0]))
        if fuzz.run("check", path) == 0:
            fuzz.run("map", path, "--out", fuzz.folder / "m", "--overwrite")
            fuzz.run("run", path, "--depth", "static", "--out", fuzz.folder / "s", "--overwrite")
        path.unlink()
    fuzz.check("experiment files, mapped")


def machine_trees() -> list[dict[str, object]]:
    """The built-in machines, leaves as text, and one that is based on another."""

    def as_text(value: object) -> object:
        if isinstance(value, dict):
            return {key: as_text(item) for key, item in value.items()}
        return json.dumps(value)

    trees = [as_text(read_document(machine_path(name).read_text(), name)) for name in list_machines()]
    small = {
        "base": "spinnaker1",
        "name": "mine",
        "description": "x",
        "core": {"clock_hz": "1e8", "dtcm_bytes": "65536"},
        "topology": {"n_boards": "1"},
        "dead_chips": "[[1, 1]]",
        "dead_links": "[[0, 0, 1]]",
        "dead_cores": "[[0, 0, 5]]",
        "cost": {"neuron_update_cycles": {"value": "100", "low": "50", "high": "200", "status": "unverified"}},
    }
    return [*trees, small, small, small]  # type: ignore[list-item]


@quick_and_long
def test_machine_files(fuzz, n_inputs):
    trees = machine_trees()
    for i in range(2 * n_inputs):
        path = fuzz.folder / f"m{i}.yaml"
        path.write_bytes(mutated_yaml(fuzz.rng, fuzz.rng.choice(trees)))
        if fuzz.run("machines", "check", path) == 0:
            fuzz.run("machines", "show", path)
            fuzz.run("run", "chain", "--machine", path, "--depth", "static", "--out", fuzz.folder / "s", "--overwrite")
        path.unlink()
    fuzz.check("machine files")


def _names(text: str) -> tuple[str, ...]:
    """Options named without their dashes."""
    return tuple(f"--{name}" for name in text.split())


_MAP = "machine neurons-per-core place route minimise seed set out"
_CHAIN = {"--recipe": "combined", "--seconds": "0.01"}
_ACCURACY = {"--seconds": "0.01", "--formats": "S16.15", "--rounding": "floor", "--weights": "16", "--no-html": None}
_SIMULATE = "scale drive arithmetic delay-convention poisson weight-rounding time-scale-factor threads memory-gib"
_PACKETS = "depth spikes trace end-of-tick in-phase"
#: A quick command of every kind: its words, its options with values, and other options that it has or has not.
COMMANDS: list[tuple[list[str], dict[str, str | None], tuple[str, ...]]] = [
    (["run", "chain"], {**_CHAIN, "--set": "warmup_ms=0"}, _names(f"{_MAP} {_SIMULATE} {_PACKETS} overwrite no-html")),
    (["run", "chain"], {**_CHAIN, "--depth": "dynamic", "--no-html": None}, _names(f"{_MAP} {_SIMULATE} {_PACKETS}")),
    (
        ["run", "chain"],
        {"--recipe": "combined", "--depth": "static"},
        _names(f"{_MAP} seconds no-html in-phase threads"),
    ),
    (["map", "chain"], {"--recipe": "combined"}, _names(f"{_MAP} from stage figure net threads")),
    (["accuracy", "chain"], _ACCURACY, _names("weight-rounding all-combinations seed threads set out drive scale")),
    (
        ["sweep", "chain"],
        {"--vary": "seed=1,2", "--recipe": "combined", "--jobs": "1"},
        _names(f"{_MAP} depth threads"),
    ),
    (["animate", "chain"], _CHAIN, _names("out machine seed tick frames scale")),
    (["published"], {"--rows": "Hei22", "--scale": "0.01", "--no-figures": None}, _names("seconds seed threads out")),
    (["check", "e.yaml"], {}, _names("set x")),
    (["verify", "m"], {}, _names("x")),
    (["machines"], {}, ("show", "check", "x", "--set", "--boards", "--out")),
    (["machines", "show", "spinnaker1"], {"--boards": "1"}, _names("set out")),
    (["template"], {}, _names("x")),
    (["schema"], {}, ("experiment", "machine", "x")),
    (["machines", "check", "m.yaml"], {}, _names("x")),
]
WORDS = (
    "0",
    "1",
    "2",
    "-1",
    "1.5",
    "1e3",
    "0x10",
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e-12",
    "1e308",
    "1e999",
    "9" * 30,
    "true",
    "auto",
    "null",
    "None",
    "spinnaker1",
    "loihi1",
    "combined",
    "ensemble",
    "spread",
    "static",
    "dynamic",
    "cores",
    "full",
    "chain",
    "pd15",
    "é",
    "\U0001f600",
    "a=b",
    "seed=1",
    "seed=1,2",
    "network.n_neurons=4",
    "network.n_neurons=4,8",
    "=",
    "==",
    "machine.core.clock_hz=1e8",
    "machine.core.clock_hz=1e-30",
    "machine=loihi1",
    "recipe.reserved_chips=[[0,0]]",
    "seconds=",
    "seconds=[",
    "seconds=&a [*a]",
    "warmup_ms=0",
    "network.delay_ms=1e4",
    "x.png",
    "x.gif",
    "x.html",
    "/",
    ".",
    "..",
    "/dev/null",
    "/proc/self/mem",
    "no/such/file.yaml",
    "S16.15",
    "S99.1",
    "floor",
    "8",
    "4,2",
    "random",
    "hilbert",
    "ner",
    "late",
    "drop",
    "wait",
    "C0",
    "Hei22",
    "experiment",
    "--seed",
    "--",
    "-",
    "-x",
    "--help",
    "--version",
    "--debug",
    "--no-seed",
    "--set",
    "\0",
    "a" * 5000,
    "[" * 200,
    "'",
    '"',
    "poisson",
    "device",
    "kiss",
    "stochastic",
    "float",
    "layered",
    "0.5",
)
#: A valid model time that asks for work of many seconds is no wrong input.
LONG = {
    "--seconds": {"1", "2", "1.5", "1e3", "0x10", "8", "0.5"},
    "--scale": {"1", "2", "1.5", "0.5", "1e3", "0x10", "8"},
    "--rows": {""},
}


@quick_and_long
def test_options(fuzz, n_inputs):
    rng = fuzz.rng
    for words, options, _ in COMMANDS:  # kernels are read from their cache once
        main([*words, *(word for pair in options.items() for word in pair if word is not None)])
    for _ in range(3 * n_inputs):
        words, options, others = rng.choice(COMMANDS)
        chosen: dict[str, str | None] = dict(options)
        for name in rng.sample([*options, *others], k=min(len(others), rng.randint(0, 3))):
            word = rng.choice(WORDS)
            chosen[name] = None if rng.random() < 0.05 or word in LONG.get(name, ()) else word
            if name in LONG and chosen[name] is None:
                chosen[name] = "-1"
        words = [rng.choice(WORDS) if i and rng.random() < 0.03 else word for i, word in enumerate(words)]
        if words[0] == "accuracy" and words[1] != "chain":
            continue  # pd14 and its kin take their time
        fuzz.run(*words, *(word for pair in chosen.items() for word in pair if word is not None))
    fuzz.check("options")


@quick_and_long
def test_mapping_folders(fuzz, n_inputs):
    rng = fuzz.rng
    bases = []
    for machine, recipe in (
        ("spinnaker1", "combined"),
        ("spinnaker1", "ensemble"),
        ("loihi1", "combined"),
        ("neuroaix", "combined"),
    ):
        out = fuzz.folder / f"{machine}-{recipe}"
        fuzz.run("map", "chain", "--machine", machine, "--recipe", recipe, "--out", out)
        if (out / "mapping").exists():
            bases.append(out / "mapping")
            assert fuzz.run("verify", out) == 0
    assert len(bases) >= 3
    for i in range(2 * n_inputs):
        folder = fuzz.folder / f"f{i}"
        shutil.copytree(rng.choice(bases), folder)
        _damage(rng, folder, {"mapping.json": mutate_json, "mapping.npz": mutate_npz, "experiment.yaml": _mutate_text})
        fuzz.run("verify", folder)
        if i % 4 == 0:
            stage = rng.choice(("partition", "place", "route", "keys", "tables"))
            fuzz.run("map", "--from", folder, "--stage", stage, "--out", fuzz.folder / "again", "--overwrite")
        shutil.rmtree(folder)
    fuzz.check("mapping folders")


def _mutate_text(rng: random.Random, path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    if rng.random() < 0.3:
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))
        return
    i = rng.randrange(len(lines))
    lines[i] = f"{lines[i].partition(':')[0]}: {rng.choice(SCALARS)}"
    path.write_text("\n".join(lines), encoding="utf-8")


def _damage(rng: random.Random, folder: Path, kinds: dict[str, Callable[[random.Random, Path], None]]) -> None:
    """Change one or two files of a folder; now and then one is missing or a folder."""
    for name in rng.sample(list(kinds), k=rng.choice((1, 1, 1, 2))):
        path = folder / name
        if not path.is_file():
            continue
        match rng.choice(("change",) * 8 + ("remove", "empty", "folder")):
            case "change":
                kinds[name](rng, path)
            case "remove":
                path.unlink()
            case "empty":
                path.write_bytes(b"")
            case "folder":
                path.unlink()
                path.mkdir()


@quick_and_long
def test_sweep_folders(fuzz, n_inputs):
    rng = fuzz.rng
    base = fuzz.folder / "base"
    command = [
        "sweep",
        "chain",
        "--recipe",
        "combined",
        "--vary",
        "machine.core.clock_hz=1e8,2e8",
        "--jobs",
        "1",
        "--no-figures",
    ]
    assert fuzz.run(*command, "--out", base) == 0
    for i in range(n_inputs // 2):
        folder = fuzz.folder / f"s{i}"
        shutil.copytree(base, folder)
        _damage(rng, folder, {"sweep.json": mutate_json, "points.jsonl": _mutate_lines, "table.csv": _mutate_text})
        fuzz.run(*command, "--out", folder)
        shutil.rmtree(folder)
    fuzz.check("sweep folders")


def _mutate_lines(rng: random.Random, path: Path) -> None:
    lines = path.read_bytes().splitlines()
    i = rng.randrange(len(lines))
    path.write_bytes(lines[i])
    mutate_json(rng, path)
    lines[i] = path.read_bytes()
    path.write_bytes(b"\n".join(lines) + b"\n" * rng.choice((0, 1, 2)))


@quick_and_long
def test_spike_files_and_run_folders(fuzz, n_inputs):
    rng = fuzz.rng
    base = fuzz.folder / "base"
    main(
        [
            "run",
            "chain",
            "--recipe",
            "combined",
            "--seconds",
            "0.02",
            "--set",
            "warmup_ms=0",
            "--out",
            str(base),
            "--no-html",
        ]
    )
    command = [
        "run",
        "chain",
        "--recipe",
        "combined",
        "--seconds",
        "0.02",
        "--set",
        "warmup_ms=0",
        "--depth",
        "dynamic",
        "--no-html",
    ]
    main([*command, "--spikes", str(base / "spikes.npz"), "--out", str(fuzz.folder / "warm")])
    for i in range(n_inputs):
        path = fuzz.folder / f"s{i}.npz"
        shutil.copy(base / "spikes.npz", path)
        mutate_npz(rng, path)
        fuzz.run(*command, "--spikes", path, "--out", fuzz.folder / "out", "--overwrite")
        path.unlink()
    for i in range(n_inputs // 2):
        folder = fuzz.folder / f"r{i}"
        shutil.copytree(base, folder)
        names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        kinds = {
            name: mutate_npz if name.endswith(".npz") else mutate_json if name.endswith(".json") else _mutate_text
            for name in names
        }
        _damage(rng, folder, kinds)
        fuzz.run("verify", folder)
        fuzz.run(*command, "--out", folder, "--overwrite")
        shutil.rmtree(folder)
    fuzz.check("spike files and run folders")
