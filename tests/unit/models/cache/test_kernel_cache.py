"""Compiled kernels are kept by everything they depend on, in folders that only this user can write to, checked."""

import ast
import os
import pickle
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from meta.sources import ROOT, imported_modules, module_name, source_files, tree_of
from models.cache import kernel_cache
from models.cache.kernel_cache import KERNEL_FILES, choose_folder, kernel_files, kernel_hash
from models.cache.private_folder import make_private, why_not_private
from models.errors import NeuromapWarning

USE = """
import sys
import numpy as np
from mapping.kernels import minimise as kernels
from numba.core import event
with event.install_recorder("numba:compile") as compiled:
    function = next(f for name, f in vars(kernels).items() if name == "meets")
    print(function(np.uint32(1), np.uint32(1), np.uint32(1), np.uint32(3)))
print(len(compiled.buffer) // 2)  # a start and an end each
"""


# ---- what the folder's name depends on ----


def numba_files():
    """Files that import numba, the cache's own left out, and what they import of ours, as far as that goes."""
    by_name = {module_name(path): path for path in source_files()}
    own = {"models.cache.kernel_cache", "models.cache.kernel_store"}
    imports = {name: imported_modules(tree_of(path), name) for name, path in by_name.items()}
    found = {
        name
        for name, modules in imports.items()
        if name not in own and any(m.split(".")[0] == "numba" for m in modules)
    }
    todo = list(found)
    while todo:
        for module in imports.get(todo.pop(), ()):
            name = module if module in by_name else module.rpartition(".")[0]
            if name in by_name and name not in found:
                found.add(name)
                todo.append(name)
    return {by_name[name] for name in found}


def test_every_compiled_file_and_what_it_takes_constants_from_is_hashed():
    files = set(kernel_files())
    assert len(files) > 30
    assert numba_files() - files == set()
    assert all(any(ROOT.glob(pattern)) for pattern in KERNEL_FILES)


def test_the_search_finds_what_it_is_for():
    tree = ast.parse("def f():\n    from numba import njit\n")
    assert any(module.startswith("numba") for module in imported_modules(tree, "mapping.x"))
    assert ROOT / "mapping" / "kernels" / "route.py" in numba_files()


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the kernels' sources, which may be edited."""
    for path in kernel_files():
        copy = tmp_path / "home" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(kernel_cache, "HOME", tmp_path / "home")
    return tmp_path / "home"


@pytest.mark.parametrize(
    "name", ["mapping/kernels/route.py", "mapping/kernels/equal.py", "emulator/kernels/timing/work.py"]
)
def test_an_edit_of_any_kernel_gives_another_folder(copied, name):
    before = kernel_hash()
    assert before == kernel_hash()
    (copied / name).write_bytes((copied / name).read_bytes() + b"\n")
    assert kernel_hash() != before


def test_versions_and_numba_s_settings_give_another_folder(monkeypatch):
    before = kernel_hash()
    seen = {before}
    for package in ("numba", "llvmlite", "numpy"):
        monkeypatch.setattr(kernel_cache, "version", lambda name, own=package: "9" if name == own else "1")
        seen.add(kernel_hash())
        monkeypatch.undo()
    monkeypatch.setattr(kernel_cache.platform, "python_version", lambda: "3.99.0")
    seen.add(kernel_hash())
    monkeypatch.undo()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    seen.add(kernel_hash())
    assert len(seen) == 6
    monkeypatch.delenv("NUMBA_BOUNDSCHECK")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")  # of workers; the code is the same
    assert kernel_hash() == before


# ---- which folder is trusted ----


@pytest.fixture
def no_others(tmp_path, monkeypatch):
    """No cache but those that a test names; the temporary folder is below ``tmp_path``."""
    for name in ("NUMBA_CACHE_DIR", "NEUROMAP_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(kernel_cache.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    return tmp_path


def test_folders_in_their_order(no_others, monkeypatch):
    name = kernel_hash()
    assert choose_folder() == no_others / "home" / ".cache" / "neuromap" / "kernels" / name
    monkeypatch.setenv("XDG_CACHE_HOME", str(no_others / "xdg"))
    assert choose_folder() == no_others / "xdg" / "neuromap" / "kernels" / name
    monkeypatch.setenv("NEUROMAP_CACHE_DIR", str(no_others / "own"))
    assert choose_folder() == no_others / "own" / "kernels" / name
    assert stat.S_IMODE((no_others / "own" / "kernels" / name).stat().st_mode) == 0o700
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(no_others / "numba"))
    assert choose_folder() == no_others / "numba" / "neuromap" / name


def spoil_mode(folder):
    folder.chmod(0o777)


def spoil_group(folder):
    folder.chmod(0o770)


def spoil_link(folder):
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    folder.rmdir()
    folder.symlink_to(elsewhere)


SPOILT = {
    spoil_mode: r"others can write into .* \(mode 777; chmod go-w makes it private\)",
    spoil_group: r"others can write into .* \(mode 770; chmod go-w makes it private\)",
    spoil_link: r".* is a link",
}


@pytest.mark.parametrize(
    ("spoil", "level"),
    [(spoil, level) for spoil in SPOILT for level in ("", "kernels", "kernels/HASH") if level or spoil != spoil_link],
)
def test_a_folder_that_others_can_write_into_is_not_used(no_others, monkeypatch, spoil, level):
    monkeypatch.setenv("NEUROMAP_CACHE_DIR", str(no_others / "own"))
    folder = no_others / "own" / level.replace("HASH", kernel_hash())
    folder.mkdir(parents=True)
    spoil(folder)
    message = rf"^folder of compiled kernels .*own \(\$NEUROMAP_CACHE_DIR\): {SPOILT[spoil]}; another folder is used$"
    with pytest.warns(NeuromapWarning, match=message) as given:
        assert choose_folder() == no_others / "home" / ".cache" / "neuromap" / "kernels" / kernel_hash()
    assert given[0].filename == __file__


def test_the_warning_points_at_the_import_that_loads_the_kernels(no_others):
    (no_others / "script.py").write_text("import sys\nimport emulator.engine.simulate\n")
    (no_others / "file").write_text("")
    variables = {**os.environ, "NEUROMAP_CACHE_DIR": str(no_others / "file")}
    command = [sys.executable, str(no_others / "script.py")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert f"{no_others / 'script.py'}:2: NeuromapWarning: folder of compiled kernels " in done.stderr


def test_a_folder_of_another_user_is_not_used(no_others, monkeypatch):
    """What somebody else put into the system's temporary folder, under the name that this user's would have."""
    planted = no_others / "tmp" / f"neuromap-{os.getuid()}" / "kernels" / kernel_hash()
    planted.mkdir(parents=True)
    (no_others / "home").rmdir()
    (no_others / "home").write_text("")  # no home to write into
    own_lstat = Path.lstat

    def lstat(path):
        found = own_lstat(path)
        if path.is_relative_to(no_others / "tmp" / f"neuromap-{os.getuid()}"):
            return os.stat_result((*found[:4], 12345, *found[5:]))
        return found

    monkeypatch.setattr(Path, "lstat", lstat)
    message = r"^no folder for compiled kernels: .*neuromap-\d+ belongs to user 12345, not to you \(\d+\); they are "
    with pytest.warns(NeuromapWarning, match=message):
        assert choose_folder() is None
    monkeypatch.undo()


def test_a_temporary_folder_in_which_others_can_rename_is_not_used(no_others):
    (no_others / "home").rmdir()
    (no_others / "home").write_text("")
    (no_others / "tmp").chmod(0o777)
    with pytest.warns(NeuromapWarning, match=r": others can rename what is in .*tmp \(mode 0777\); "):
        assert choose_folder() is None
    (no_others / "tmp").chmod(0o1777)  # as of /tmp
    assert choose_folder() == no_others / "tmp" / f"neuromap-{os.getuid()}" / "kernels" / kernel_hash()


def test_own_default_folders_are_made_private_but_what_is_in_them_is_not_believed(no_others):
    """With a umask of 002 earlier versions made folders that the group could write to."""
    root = no_others / "home" / ".cache" / "neuromap"
    (root / "kernels" / "old").mkdir(parents=True)
    for folder in (root, root / "kernels"):
        folder.chmod(0o775)
    assert choose_folder() == root / "kernels" / kernel_hash()
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (root, root / "kernels")] == [0o755, 0o755]
    (root / "kernels" / kernel_hash()).chmod(0o775)
    assert choose_folder() == no_others / "tmp" / f"neuromap-{os.getuid()}" / "kernels" / kernel_hash()


def test_why_a_folder_is_not_private(tmp_path):
    (tmp_path / "file").write_text("")
    assert why_not_private(tmp_path / "file") == f"{tmp_path / 'file'} is no folder"
    below = tmp_path / "file" / "a"
    assert make_private(below / "b", below=below, is_checked_to_top=False).endswith("made or read (File exists)")


# ---- what is kept ----


def use(cache, code=USE, **environment):
    """Run code in a process of its own; return what it prints."""
    names = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "NEUROMAP_"))}
    given = names | {"NEUROMAP_CACHE_DIR": str(cache)} | environment
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, env=given
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache with one compiled function, made by ``mapping`` without ``emulator``."""
    cache = tmp_path_factory.mktemp("cache")
    assert use(cache) == ["True", "1"]
    return cache


def kept(cache):
    return [path for path in cache.rglob("*") if path.is_file()]


def test_a_function_is_compiled_once(filled):
    (file,) = kept(filled)
    assert re.fullmatch(r"mapping\.kernels\.minimise\.meets-\d+\.[0-9a-f]{24}\.nbc", file.name)
    assert use(filled) == ["True", "0"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: content[: len(content) // 2],
        lambda content: b"garbage" * 100,
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content[:3000] + bytes([content[3000] ^ 1]) + content[3001:],
        lambda content: pickle.dumps({"not": "a kernel"}),
    ],
    ids=["empty", "magic only", "half", "garbage", "last byte", "one bit", "another pickle"],
)
def test_a_damaged_file_is_compiled_again(filled, damage):
    (file,) = kept(filled)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    try:
        assert use(filled) == ["True", "1"]
        assert file.stat().st_size == pytest.approx(len(whole), rel=0.05)
        assert use(filled) == ["True", "0"]
    finally:
        file.write_bytes(whole)


def test_a_folder_in_the_place_of_a_file_and_a_folder_that_is_gone(filled, tmp_path):
    (file,) = kept(filled)
    copy = tmp_path / file.relative_to(filled)
    copy.mkdir(parents=True)
    for folder in (tmp_path, *copy.parents[: copy.parents.index(tmp_path)][::-1]):
        folder.chmod(0o700)
    assert use(tmp_path) == ["True", "1"]
    gone = "import mapping.kernels, shutil, os; shutil.rmtree(os.environ['NEUROMAP_CACHE_DIR'])\n" + USE
    assert use(tmp_path, gone) == ["True", "1"]
    assert not tmp_path.exists()


def test_a_full_disk_only_means_that_nothing_is_kept(tmp_path):
    limit = "import mapping.kernels, resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n" + USE
    assert use(tmp_path, limit) == ["True", "1"]
    assert kept(tmp_path) == []


def test_nothing_is_kept_where_no_folder_can_be_used(tmp_path):
    (tmp_path / "home").mkdir()
    code = "import warnings; warnings.simplefilter('ignore')\n" + USE
    places = {name: str(tmp_path / "none" / "file") for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR")}
    (tmp_path / "none").write_text("")
    code = "import tempfile; tempfile.tempdir = '/proc'\n" + code
    assert use(tmp_path / "none", code, **places) == ["True", "1"]


@pytest.mark.parametrize(
    "code",
    [
        "from mapping.flow import map_network",
        "from mapping.files import io",
        "import emulator.engine.simulate",
        "import neuromap as nm; nm.run",
        "from neuromap.cli import app; app.main(['check', 'none.yaml'])",
        "from neuromap.experiment.check import check_experiment",
        "from neuromap.studies.sweep.pool import PointRunner; PointRunner().run; import neuromap.runs.cores",
    ],
)
def test_every_entry_sets_the_cache_before_any_kernel_is_made(filled, code):
    """Every compiled function of ours that is loaded has a store of ours, none numba's own cache."""
    check = """
import sys
from numba.core.dispatcher import Dispatcher
from models.cache.kernel_store import KernelStore
ours = [
    value for name, module in list(sys.modules.items()) if name.split(".")[0] in ("mapping", "emulator")
    for value in vars(module).values() if isinstance(value, Dispatcher)
]
wrong = [f for f in ours if type(f._cache).__name__ not in ("KernelStore", "NullCache")]
kept = [f for f in ours if isinstance(f._cache, KernelStore)]
print("result", len(wrong), len(kept) > 0 or not ours)
"""
    names = {**os.environ, "NEUROMAP_CACHE_DIR": str(filled)}
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=True, env=names)
    assert done.stdout.split()[-3:] == ["result", "0", "True"]


def test_functions_of_others_keep_numba_s_own_cache(filled, tmp_path):
    (tmp_path / "theirs.py").write_text("from numba import njit\n@njit(cache=True)\ndef f(x):\n    return x + 1\n")
    code = f"import emulator, sys; sys.path.insert(0, {str(tmp_path)!r}); import theirs; print(theirs.f(1))\n"
    code += "print(type(theirs.f._cache).__name__)"
    assert use(filled, code) == ["2", "FunctionCache"]
