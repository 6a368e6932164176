"""A file that the user names is checked before any work: its ending, its folder, and that it can be written."""

import os

import pytest

from models.errors import ParameterError
from neuromap.output.file import ANIMATION_ENDINGS, FIGURE_ENDINGS, check_output_file


def test_new_file_and_old_file_are_taken(tmp_path):
    path = tmp_path / "figure.svg"
    assert check_output_file("--out", str(path), FIGURE_ENDINGS) == path
    path.write_text("")
    assert check_output_file("--out", path, FIGURE_ENDINGS) == path
    assert check_output_file("--out", tmp_path / "any.txt") == tmp_path / "any.txt"
    assert not (tmp_path / "any.txt").exists()


@pytest.mark.parametrize(
    ("name", "endings", "needs"),
    [
        ("a.txt", FIGURE_ENDINGS, "a file name ending in one of .png, .svg, .pdf"),
        ("a", ANIMATION_ENDINGS, "a file name ending in one of .html, .gif"),
        ("", (), "a file (this is a folder)"),
        ("missing/a.png", FIGURE_ENDINGS, "a file in a folder that exists"),
        ("a" * 300 + ".png", FIGURE_ENDINGS, "a file name (File name too long)"),
        ("a\0b.png", FIGURE_ENDINGS, "a file name (embedded null byte)"),
    ],
    ids=["ending", "no ending", "folder", "no folder", "long", "NUL"],
)
def test_file_that_cannot_be(tmp_path, name, endings, needs):
    path = tmp_path / name
    with pytest.raises(ParameterError) as caught:
        check_output_file("figure", path, endings)
    assert str(caught.value).startswith(f"figure: needs {needs}, has '{str(path)[:10]}")


@pytest.mark.parametrize("name", ["old.png", "new.png"])
def test_file_without_write_permission(tmp_path, monkeypatch, name):
    """Of an old file its own permission counts, of a new one the folder's."""
    (tmp_path / "old.png").write_text("")
    asked = []

    def access(path, mode):
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(ParameterError, match=r"^figure: needs a file that can be written \(no permission\), has '"):
        check_output_file("figure", tmp_path / name)
    assert asked == [(tmp_path / "old.png" if name == "old.png" else tmp_path, os.W_OK)]
