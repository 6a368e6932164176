"""models <- mapping <- emulator <- neuromap, and kernels that need nothing but numpy and numba."""

import ast

import pytest

from meta.sources import PACKAGES, imported_modules, module_name, source_files, tree_of

KERNEL_IMPORTS = {
    "__future__",
    "collections",
    "dataclasses",
    "llvmlite",
    "math",
    "numba",
    "numpy",
    "operator",
    "sys",
    "typing",
}


#: Folders of numba kernels, and what their `__init__` starts.
KERNEL_FOLDERS = ("emulator.kernels.", "mapping.kernels.", "models.cache.kernel_cache.use_kernel_cache")


def upward_imports(package: str, modules: set[str]) -> set[str]:
    """Return the modules of packages above ``package``."""
    above = PACKAGES[PACKAGES.index(package) + 1 :]
    return {module for module in modules if module.split(".")[0] in above}


def foreign_kernel_imports(modules: set[str]) -> set[str]:
    """Return what a kernel file must not import."""
    return {
        module
        for module in modules
        if module.split(".")[0] not in KERNEL_IMPORTS and not module.startswith(KERNEL_FOLDERS)
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_one_above_it(package):
    paths = [path for path in source_files() if module_name(path).split(".")[0] == package]
    assert paths
    wrong = {module_name(p): upward_imports(package, imported_modules(tree_of(p), module_name(p))) for p in paths}
    assert {name: modules for name, modules in wrong.items() if modules} == {}


def test_kernels_import_only_numpy_and_numba():
    paths = [path for path in source_files() if "kernels" in path.parts]
    assert paths
    wrong = {p.name: foreign_kernel_imports(imported_modules(tree_of(p), module_name(p))) for p in paths}
    assert {name: modules for name, modules in wrong.items() if modules} == {}


def test_nobody_imports_the_tests():
    for path in source_files():
        assert not {m for m in imported_modules(tree_of(path), module_name(path)) if m.split(".")[0] == "tests"}, path


def test_the_check_finds_what_it_is_for():
    tree = ast.parse(
        "import neuromap.cli.app\ndef f():\n    from emulator.engine import simulate\nfrom models import units\n"
    )
    assert upward_imports("mapping", imported_modules(tree, "mapping.x")) == {
        "neuromap.cli.app",
        "emulator.engine.simulate",
    }
    assert upward_imports("neuromap", imported_modules(tree, "neuromap.x")) == set()
    tree = ast.parse("from . import rows\nfrom .philox import draw\nfrom models.units import a\nimport scipy.stats\n")
    assert foreign_kernel_imports(imported_modules(tree, "emulator.kernels.engine")) == {
        "models.units.a",
        "scipy.stats",
    }
