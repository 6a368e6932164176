"""What is installed: the four packages, their data, nothing else; and no foreign package in their place."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import is_dataclass

import pytest
from setuptools import find_packages

import models.network
import neuromap
from meta.sources import PACKAGES, ROOT, tree_of

COPIED = ("pyproject.toml", "README.md", "LICENSE", *PACKAGES)


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    """Build a wheel from a copy of the sources (a build leaves files behind) and return what is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / "src" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "src").mkdir(exist_ok=True)
            shutil.copy(source, folder / "src" / name)
    shutil.copytree(ROOT / "tests", folder / "src" / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder / "dist"), str(folder / "src")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("neuromap_toolchain-*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_the_four_packages_only(wheel_names):
    top = {name.split("/")[0] for name in wheel_names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)
    assert not {name for name in wheel_names if re.search(r"(^|/)tests?(_|/)", name)}


def test_wheel_holds_every_source_and_data_file(wheel_names):
    suffixes = {".py", ".yaml", ".json", ".npz", ".mplstyle", ".js", ".css", ".html", ".typed"}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }
    assert "models/machines/spinnaker1.yaml" in wanted
    assert wanted - wheel_names == set()


def test_pyproject_finds_every_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = set(find_packages(str(ROOT), include=settings["tool"]["setuptools"]["packages"]["find"]["include"]))
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert found == {".".join(folder.relative_to(ROOT).parts) for folder in folders}


def test_public_names_can_be_loaded():
    assert {"run", "map_network", "load_machine", "Experiment", "__version__"} <= set(dir(neuromap))
    for name in neuromap.__all__:
        if name == "__version__":
            assert neuromap.__version__ == "0.1.0"
        else:
            assert getattr(getattr(neuromap, name), "__name__", "NETWORKS") == name


def names_for_type_checkers():
    """Return public name and module of every import under TYPE_CHECKING in `neuromap`."""
    tree = tree_of(ROOT / "neuromap" / "__init__.py")
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    assert all(isinstance(node, ast.ImportFrom) for node in block.body)
    named = [(alias.asname, node.module) for node in block.body for alias in node.names if alias.asname == alias.name]
    assert len(named) == len(block.body)
    return named


def test_type_checkers_see_the_public_names():
    named = names_for_type_checkers()
    assert len({name for name, _ in named}) == len(named)
    assert dict(named) == neuromap._EXPORTS


def test_all_classes_of_a_network_are_names_of_neuromap():
    classes = {name for name in models.network.__all__ if isinstance(getattr(models.network, name), type)}
    own = {"WeightUnit"}  # neuron models state it; no network does
    assert {name for name, home in neuromap._EXPORTS.items() if home == "models.network"} == classes - own


def test_every_part_of_a_network_is_public():
    parts = {name for name in models.network.__all__ if is_dataclass(getattr(models.network, name))}
    assert {"Network", "Population", "LifCurrExp", "AllToAll", "Normal"} <= parts
    assert parts <= set(neuromap.__all__)


def test_unknown_public_name():
    with pytest.raises(AttributeError, match=r"^module 'neuromap' has no attribute 'rnu'$"):
        _ = neuromap.rnu


def test_package_hidden_by_a_file_of_the_user(tmp_path):
    (tmp_path / "models.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", "import neuromap"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    wanted = ROOT / "models" / "__init__.py"
    assert last == (
        f"ImportError: package 'models' of neuromap: needs {wanted}, has {tmp_path / 'models.py'}; "
        "rename the file or folder that hides it, or start Python from another folder"
    )
