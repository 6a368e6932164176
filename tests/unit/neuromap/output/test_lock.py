"""One writer a folder: locks end with their process, name their holder, and survive overwriting."""

import errno
import json
import os
import subprocess
import sys
import threading

import pytest

from models.errors import NeuromapWarning, ParameterError
from neuromap.output.folder import Output, prepare_out_folder, remove_results, unused_folder
from neuromap.output.lock import LOCK_NAME, FolderInUseError, is_locked, locked

HOLDER = """
import sys
from pathlib import Path
from neuromap.output.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of a folder until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_another_process_is_named_and_its_lock_holds(holder, tmp_path):
    message = (
        rf"^output folder \(out\): needs a folder that nobody else writes to; process {holder.pid} \(-c .*\) does, "
    )
    with pytest.raises(FolderInUseError, match=message), locked(tmp_path):
        pass
    with pytest.raises(ParameterError, match=message):
        prepare_out_folder(tmp_path, overwrite=True)
    remove_results(tmp_path)  # what overwriting does; the lock stays
    assert is_locked(tmp_path)
    holder.communicate("\n")
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_ends_with_a_killed_process(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == holder.pid
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_no_content(tmp_path):
    for name in (LOCK_NAME, ".neuromap-12ab.tmp"):
        (tmp_path / name).write_text("{")
    assert prepare_out_folder(tmp_path) == tmp_path
    assert unused_folder(tmp_path) == tmp_path


def test_a_default_folder_that_is_in_use_is_passed_over(holder, tmp_path):
    assert unused_folder(tmp_path) == tmp_path.with_name(f"{tmp_path.name}-2")


def test_blocks_of_one_thread_may_be_nested_and_another_thread_is_refused(tmp_path):
    found = []

    def try_it():
        try:
            with locked(tmp_path):
                found.append("taken")
        except FolderInUseError as error:
            found.append(str(error))

    with locked(tmp_path):
        with locked(tmp_path):
            pass
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert found == [
        f"output folder (out): needs a folder that nobody else writes to; another thread of this process "
        f"({os.getpid()}) does, has {str(tmp_path)!r}"
    ]
    try_it()
    assert found[1:] == ["taken"]


def test_a_lock_file_that_was_removed_is_made_again(tmp_path, monkeypatch):
    """Who waits with the removed file of the last holder open must not believe in it."""
    import fcntl

    real, is_first = fcntl.flock, [True]

    def flock(descriptor, how):
        if is_first.pop() if is_first else False:
            (tmp_path / LOCK_NAME).unlink()  # the last holder ends between our opening and our locking
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path):
        assert (tmp_path / LOCK_NAME).exists()
        found = (tmp_path / LOCK_NAME).open("r+b")
        with found, pytest.raises(BlockingIOError):
            real(found, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lock_file_that_says_nothing(holder, tmp_path):
    (tmp_path / LOCK_NAME).write_text("[]")
    with pytest.raises(FolderInUseError, match=r"; another process does, has "), locked(tmp_path):
        pass


def test_a_link_in_the_place_of_the_lock_file_is_not_followed(tmp_path):
    (tmp_path / "precious.txt").write_text("precious")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "precious.txt")
    with pytest.raises(
        ParameterError, match=r"needs a folder that can be written \(Too many levels of symbolic links\)"
    ):
        prepare_out_folder(tmp_path, overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "precious"


def test_a_disk_without_locks_is_used_with_a_warning(tmp_path, monkeypatch):
    import fcntl

    def flock(descriptor, how):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    message = r": this disk has no locks; let only one neuromap write there$"
    with pytest.warns(NeuromapWarning, match=message) as given, locked(tmp_path):
        pass
    assert given[0].filename == __file__
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_fails_for_another_reason_is_an_error(tmp_path, monkeypatch):
    import fcntl

    def flock(descriptor, how):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="Input/output error"), locked(tmp_path):
        pass
    message = r"^output folder \(out\): needs a folder that can be written \(Input/output error\), has '"
    with pytest.raises(ParameterError, match=message):
        prepare_out_folder(tmp_path)


def test_a_system_without_locks_makes_no_file(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    with locked(tmp_path):
        assert list(tmp_path.iterdir()) == []
        assert not is_locked(tmp_path)


def test_a_folder_that_does_not_exist_is_not_locked(tmp_path):
    assert not is_locked(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError), locked(tmp_path / "nowhere"):
        pass


def test_the_only_writer_makes_the_folder_and_removes_it_if_it_stays_empty(tmp_path):
    def work(*, out=None, name=None):
        with Output.of({"out": out}).alone():
            if name is not None:
                assert is_free() is False
                (out / name).write_text("")
        return out

    def is_free():
        code = (
            "import sys; from pathlib import Path; from neuromap.output.lock import is_locked;"
            "print(is_locked(Path(sys.argv[1])))"
        )
        done = subprocess.run([sys.executable, "-c", code, str(wanted)], capture_output=True, text=True, check=True)
        return done.stdout == "False\n"

    wanted = tmp_path / "a" / "b"
    assert work() is None
    assert work(out=wanted) == wanted
    assert not (tmp_path / "a").exists()
    work(out=wanted, name="x")
    assert [path.name for path in wanted.iterdir()] == ["x"]


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match=r"^output folder \(out\): needs a folder \(this is a file\), has "):
        Output(tmp_path / "file").alone().__enter__()
    with pytest.raises(ParameterError, match=r"needs a folder that can be made and read \(.*null.*\), has "):
        Output.of({"out": "a\0b"}).alone().__enter__()
