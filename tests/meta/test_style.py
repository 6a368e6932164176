"""Style rules that a program can check: units in names, docstrings, file and function length."""

import ast
import re

import pytest

from meta.sources import module_name, source_files, tree_of

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

QUANTITY = re.compile(r"(^|_)(tau|delay|rate|energy|voltage|weight|latency|duration|power|current|clock|time)(_|$)")
UNIT_SUFFIX = re.compile(
    r"_(ms|us|ns|s|min|hz|khz|mv|pa|pf|gohm|nsiemens|pj|nj|uj|j|mw|w|bytes|bits|cycles|steps|packets|synapses|"
    r"per_s|per_ms|per_step|cycles_per_neuron|raw|ratio|factor|scale|x|y|id|index|hat)$"
)


def is_float(annotation: ast.expr | None) -> bool:
    """Return whether an annotation is float, or a union with float in it."""
    if annotation is None:
        return False
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return is_float(annotation.left) or is_float(annotation.right)
    return isinstance(annotation, ast.Name) and annotation.id == "float"


def quantities_without_unit(tree: ast.Module) -> list[str]:
    """Return public float parameters and fields that are named like a quantity but have no unit."""
    named = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            named += [(f"{node.name}({a.arg})", a.arg) for a in arguments if is_float(a.annotation)]
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and is_float(item.annotation):
                    named.append((f"{node.name}.{item.target.id}", item.target.id))
    return [where for where, name in named if QUANTITY.search(name) and not UNIT_SUFFIX.search(name)]


def is_documented_here(node: ast.stmt) -> bool:
    """Return whether a node is a public function; the overloads of one are described by its last definition."""
    return (
        isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)
    )


def public_without_docstring(tree: ast.Module) -> list[str]:
    """Return public functions of a module without a docstring, and the module itself.

    A method needs one too unless it is a property or very short (its class says what it is).
    """
    missing = [] if ast.get_docstring(tree) or not tree.body else ["the module"]
    for node in tree.body:
        if is_documented_here(node) and not ast.get_docstring(node):
            missing.append(node.name)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for item in node.body:
                is_public = isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
                if is_public and not ast.get_docstring(item) and len(item.body) > 1:
                    missing.append(f"{node.name}.{item.name}")
    return missing


def long_functions(tree: ast.Module) -> list[str]:
    """Return functions of more than MAX_FUNCTION_LINES lines, their docstring not counted."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            has_docstring = ast.get_docstring(node) is not None
            first = node.body[0].end_lineno if has_docstring else node.lineno
            if first is not None and node.end_lineno - first > MAX_FUNCTION_LINES:
                found.append(f"{node.name} ({node.end_lineno - first} lines)")
    return found


@pytest.mark.parametrize("path", source_files(), ids=module_name)
def test_source_file_follows_the_rules(path):
    tree = tree_of(path)
    assert quantities_without_unit(tree) == []
    assert public_without_docstring(tree) == []
    assert long_functions(tree) == []
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


def test_the_unit_check_finds_what_it_is_for():
    fields = "class A:\n    tau_mem: float\n    tau_mem_ms: float\n"
    text = f"{fields}def f(rate: float | None, n: int, *, delay_ms: float): 0"
    assert quantities_without_unit(ast.parse(text)) == ["A.tau_mem", "f(rate)"]


def test_the_docstring_check_finds_what_it_is_for():
    tree = ast.parse("def f(): ...\ndef _g(): ...\nclass A:\n    def h(self):\n        a = 1\n        return a\n")
    assert public_without_docstring(tree) == ["the module", "f", "A.h"]


def test_the_length_check_finds_what_it_is_for():
    body = "\n".join("    a = 1" for _ in range(MAX_FUNCTION_LINES + 2))
    assert long_functions(ast.parse(f"def f():\n{body}\n")) == [f"f ({MAX_FUNCTION_LINES + 2} lines)"]
