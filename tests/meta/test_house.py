"""Rules for folders and imports: no import circle, floors inside `neuromap`, small folders, short lists of parameters.

Lazy imports and those under ``TYPE_CHECKING`` count like any other.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

import networkx as nx
import pytest

import neuromap
from meta.sources import PACKAGES, ROOT, imported_modules, module_name, source_files, tree_of
from models.networks import NETWORKS

MAX_MODULES = 15
MAX_PARAMETERS = 7
#: The sub-packages of `neuromap`, from the top; each imports only itself and those below it.
FLOORS = ("cli", "studies", "runs", "report", "measures", "page", "output", "experiment", "formats")


def import_graph(imports: dict[str, set[str]]) -> nx.DiGraph:
    """Return who imports whom; ``imports`` gives the dotted names that each module asks for.

    A name inside a package or a module stands for that package or module; foreign modules are left out.
    """
    known = {module.removesuffix(".__init__"): module for module in imports}
    graph = nx.DiGraph()
    graph.add_nodes_from(known)
    for module, asked in imports.items():
        importer = module.removesuffix(".__init__")
        for name in asked:
            imported = name if name in known else name.rpartition(".")[0]
            if imported in known and imported != importer:
                graph.add_edge(importer, imported)
    return graph


def circles(graph: nx.DiGraph) -> list[list[str]]:
    """Return the groups of modules that import each other."""
    return sorted(sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1)


def upward_steps(graph: nx.DiGraph) -> list[tuple[str, str]]:
    """Return the imports inside `neuromap` that go from a floor to one above it."""
    found = []
    for importer, imported in graph.edges:
        floors = [module.split(".")[1] if module.startswith("neuromap.") else "" for module in (importer, imported)]
        if all(floor in FLOORS for floor in floors) and FLOORS.index(floors[0]) > FLOORS.index(floors[1]):
            found.append((importer, imported))
    return sorted(found)


def large_folders(files: Iterable[Path]) -> dict[str, int]:
    """Return the folders with more than MAX_MODULES modules, ``__init__`` not counted."""
    counts: dict[str, int] = {}
    for path in files:
        if path.name != "__init__.py":
            folder = path.parent.as_posix()
            counts[folder] = counts.get(folder, 0) + 1
    return {folder: count for folder, count in counts.items() if count > MAX_MODULES}


def long_signatures(tree: ast.Module, public: frozenset[str] = frozenset()) -> list[str]:
    """Return the functions and methods with more than MAX_PARAMETERS parameters.

    ``self`` and ``cls`` are not counted, nor are the keyword-only options of functions in ``public``.
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args]
            if node.name not in public:
                arguments += node.args.kwonlyargs
            count = len([argument for argument in arguments if argument.arg not in ("self", "cls")])
            if count > MAX_PARAMETERS:
                found.append(f"{node.name} ({count} parameters)")
    return found


def public_functions(path: Path) -> frozenset[str]:
    """Return the functions of a file whose options a user reads as one list.

    They are the built-in networks, the public names of `neuromap`, and the commands of the command line.
    """
    module = module_name(path)
    if module.startswith("models.networks."):
        return frozenset(NETWORKS)
    names = {name for name, home in neuromap._EXPORTS.items() if home.split(":")[0] == module}
    if path.parent == ROOT / "neuromap" / "cli":
        names |= {node.name for node in tree_of(path).body if isinstance(node, ast.FunctionDef)}
    return frozenset(names)


def source_graph() -> nx.DiGraph:
    """Return the import graph of the four packages."""
    return import_graph({module_name(p): imported_modules(tree_of(p), module_name(p)) for p in source_files()})


def test_no_module_imports_itself_by_way_of_others():
    graph = source_graph()
    assert len(graph) > 300
    assert graph.number_of_edges() > 1000
    assert circles(graph) == []


def test_a_circle_is_found():
    planted = {
        "emulator.a": imported_modules(ast.parse("def f():\n    from emulator.b import g\n"), "emulator.a"),
        "emulator.b": imported_modules(
            ast.parse("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from emulator import c\n"), "emulator.b"
        ),
        "emulator.c": imported_modules(ast.parse("from . import a\nimport numpy\n"), "emulator.c"),
        "emulator.d": {"emulator.a.name"},
    }
    assert circles(import_graph(planted)) == [["emulator.a", "emulator.b", "emulator.c"]]
    with_package = import_graph({"mapping.place.__init__": {"mapping.place.x"}, "mapping.place.x": {"mapping.place.f"}})
    assert circles(with_package) == [["mapping.place", "mapping.place.x"]]


def test_no_floor_of_neuromap_imports_one_above_it():
    folders = {path.name for path in (ROOT / "neuromap").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(FLOORS)
    assert upward_steps(source_graph()) == []


def test_an_upward_import_is_found():
    graph = import_graph(
        {
            "neuromap.measures.loss": {"neuromap.report.html.write_html", "neuromap.experiment.load"},
            "neuromap.report.html": {"neuromap.measures.loss"},
            "neuromap.experiment.load": set(),
        }
    )
    assert upward_steps(graph) == [("neuromap.measures.loss", "neuromap.report.html")]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_is_too_large(package):
    paths = [path.relative_to(ROOT) for path in source_files() if path.relative_to(ROOT).parts[0] == package]
    assert paths
    assert large_folders(paths) == {}


def test_a_large_folder_is_found():
    files = [Path("models", f"m{i}.py") for i in range(MAX_MODULES + 1)]
    assert large_folders([*files[1:], Path("models", "__init__.py")]) == {}
    assert large_folders(files) == {"models": MAX_MODULES + 1}


@pytest.mark.parametrize("path", [p for p in source_files() if "kernels" not in p.parts], ids=module_name)
def test_no_function_takes_too_many_parameters(path):
    assert long_signatures(tree_of(path), public_functions(path)) == []


def test_a_long_signature_is_found():
    tree = ast.parse(
        "class A:\n    def f(self, a, b, c, *, d, e, f, g): ...\ndef run(a, *, b, c, d, e, f, g, h): ...\n"
    )
    assert long_signatures(tree) == ["run (8 parameters)"]
    assert long_signatures(tree, frozenset({"run"})) == []
    tree = ast.parse("def run(a, b, c, d, e, f, g, h): ...\n")
    assert long_signatures(tree, frozenset({"run"})) == ["run (8 parameters)"]
