"""Output folders are made, checked, and never overwritten silently."""

import os

import pytest

from models.errors import ParameterError
from neuromap.output.folder import (
    NO_OUTPUT,
    RESULTS,
    Output,
    kept_results,
    prepare_out_folder,
    remove_results,
    unused_folder,
)


def test_folder_and_parents_are_made(tmp_path):
    folder = prepare_out_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_output_of_a_run_may_have_no_folder(tmp_path):
    assert NO_OUTPUT.prepare() is None
    assert Output(tmp_path / "out").prepare() == tmp_path / "out"
    (tmp_path / "out" / "report.json").write_text("{}")
    with pytest.raises(ParameterError, match=r"needs a new or empty folder, or overwrite=True"):
        Output(tmp_path / "out").prepare()
    assert Output(tmp_path / "out", overwrite=True).prepare() == tmp_path / "out"


def test_empty_folder_is_taken(tmp_path):
    assert prepare_out_folder(str(tmp_path)) == tmp_path


def test_full_folder_needs_overwrite(tmp_path):
    (tmp_path / "report.json").write_text("{}")
    message = r"^output folder \(out\): needs a new or empty folder, or overwrite=True to replace the files in it, has"
    with pytest.raises(ParameterError, match=message):
        prepare_out_folder(tmp_path)
    assert prepare_out_folder(tmp_path, overwrite=True) == tmp_path
    assert (tmp_path / "report.json").read_text() == "{}"


def test_results_are_removed_and_other_files_stay(tmp_path):
    for name in (*RESULTS, "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(kept_results(tmp_path)) == sorted(RESULTS)
    remove_results(tmp_path)
    assert kept_results(tmp_path) == []
    assert (tmp_path / "notes.txt").exists()
    remove_results(tmp_path)


def test_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(ParameterError, match=r"^output folder \(out\): needs a folder \(this is a file\), has "):
        prepare_out_folder(path, overwrite=True)


def test_folder_below_a_file_cannot_be_made(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    message = r"^output folder \(out\): needs a folder that can be made and read \(Not a directory\), has "
    with pytest.raises(ParameterError, match=message):
        prepare_out_folder(path / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_write_permission(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir(mode=0o555)
    message = r"^output folder \(out\): needs a folder that can be written \(Permission denied\), has "
    with pytest.raises(ParameterError, match=message):
        prepare_out_folder(folder)


def test_write_error_is_reported(tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    message = r"^output folder \(out\): needs a folder that can be written \(No space left on device\), has "
    with pytest.raises(ParameterError, match=message):
        prepare_out_folder(tmp_path)


def test_unused_folder_counts_up(tmp_path):
    wanted = tmp_path / "run"
    assert unused_folder(wanted) == wanted
    wanted.mkdir()
    assert unused_folder(wanted) == wanted
    (wanted / "a").write_text("")
    assert unused_folder(wanted) == tmp_path / "run-2"
    (tmp_path / "run-2").write_text("")
    assert unused_folder(wanted) == tmp_path / "run-3"
