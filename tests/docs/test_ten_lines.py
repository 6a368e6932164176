"""The ten-line examples run and print what their .out files say.

After a change that is meant to change an output: ``NEUROMAP_UPDATE=1 pytest tests/docs`` rewrites the files.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs" / "ten_lines").glob("*.py"))
MAX_STATEMENT_LINES = 14  # about ten; without docstring, imports and blank lines


def statement_lines(path: Path) -> int:
    """Count the lines of an example after its imports."""
    lines = path.read_text(encoding="utf-8").splitlines()
    last_import = max(i for i, line in enumerate(lines) if line.startswith(("import ", "from ")))
    return sum(bool(line.strip()) for line in lines[last_import + 1 :])


def test_there_are_examples():
    assert len(EXAMPLES) >= 5
    assert {path.stem for path in EXAMPLES} == {path.stem for path in EXAMPLES[0].parent.glob("*.out")}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_about_ten_lines(path):
    assert statement_lines(path) <= MAX_STATEMENT_LINES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_prints_what_its_file_says(path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    expected = path.with_suffix(".out")
    if os.environ.get("NEUROMAP_UPDATE"):
        expected.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == expected.read_text(encoding="utf-8")
