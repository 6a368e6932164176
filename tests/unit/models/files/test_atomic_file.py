"""Files are written whole or not at all, and what was there before stays until then."""

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.errors import FileWriteError
from models.files.atomic_file import remove_unfinished, write_arrays, write_text, writing, writing_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_and_arrays_are_what_was_given(tmp_path):
    write_text(tmp_path / "a.txt", "µ\nb\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc2\xb5\nb\r\n"
    write_arrays(tmp_path / "a.npz", step=np.arange(3), dt_ms=0.1)
    with np.load(tmp_path / "a.npz") as arrays:
        assert (arrays["step"].tolist(), float(arrays["dt_ms"])) == ([0, 1, 2], 0.1)
    with writing_text(tmp_path / "b.txt", newline="") as file:
        file.write("x\n")
    assert (tmp_path / "b.txt").read_bytes() == b"x\n"
    assert names(tmp_path) == ["a.npz", "a.txt", "b.txt"]


def test_a_name_that_is_no_text_is_written_visibly(tmp_path):
    write_text(tmp_path / "a.txt", os.fsdecode(b"\xff.yaml"))
    assert (tmp_path / "a.txt").read_bytes() == rb"\udcff.yaml"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError, OSError(errno.ENOSPC, "No space left on device")])
def test_what_was_there_stays_if_writing_is_ended(tmp_path, kind):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write():
        with writing(path) as file:
            file.write(b"new, but only in pa")
            assert path.read_text() == "old"
            raise kind

    with pytest.raises(FileWriteError if isinstance(kind, OSError) else kind):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_is_an_error_of_one_line(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileWriteError) as caught:
        write_text(tmp_path / "a.txt", "x")
    hint = "free space on its disk, or choose another place"
    assert str(caught.value) == f"file {tmp_path / 'a.txt'}: needs to be written, has 'No space left on device'; {hint}"
    assert names(tmp_path) == []


def test_a_file_that_grows_too_large_leaves_nothing(tmp_path):
    """The kernel's limit of the size of a file stops a write in its middle, as a full disk does."""
    program = (
        "import resource, sys, numpy as np\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "from models.files.atomic_file import write_arrays\n"
        "from models.errors import FileWriteError\n"
        "try:\n    write_arrays(sys.argv[1], a=np.random.default_rng(0).random(100_000))\n"
        "except FileWriteError as error:\n    print(error)\n"
    )
    path = tmp_path / "a.npz"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"file {path}: needs to be written, has 'File too large'; free space"), done.stderr
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.npz"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 10_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_devices_are_written_to_and_stay_devices(tmp_path):
    write_text("/dev/null", "x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(FileWriteError, match=r"^file /dev/full: needs to be written, has 'No space left on device'; "):
        write_text("/dev/full", "x" * 100_000)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_links_are_followed_and_permissions_kept(tmp_path):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "a.txt"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    write_text(tmp_path / "other.txt", "new")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "other.txt").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none/a.txt", "No such file or directory"),
        ("file/a.txt", "Not a directory"),
        ("folder", "Is a directory"),
        ("a\0b", "embedded null byte"),
        ("n" * 300, "File name too long"),
    ],
)
def test_places_where_nothing_can_be_written(tmp_path, name, reason):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileWriteError) as caught:
        write_text(f"{tmp_path}/{name}", "x")
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    program = (
        "import os, sys\nfrom models.files.atomic_file import writing\n"
        "with writing(sys.argv[1]) as file:\n    file.write(b'x' * 100_000)\n    os.kill(os.getpid(), 9)\n"
    )
    (tmp_path / "mine.tmp").write_text("")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.txt")], check=False)
    assert done.returncode == -9
    assert len(names(tmp_path)) == 2
    remove_unfinished(tmp_path)
    assert names(tmp_path) == ["mine.tmp"]


def test_file_without_permission_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "kept.txt"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda *args: False)  # root may write to every file
    with pytest.raises(FileWriteError, match=r"has 'Permission denied'; choose another place$"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_arrays_of_objects_are_refused_before_the_file_is_touched(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(TypeError, match=r"^array 'b' holds Python objects$"):
        write_arrays(path, a=np.zeros(2), b=np.array([{}]))
    assert list(tmp_path.iterdir()) == []
    write_arrays(path, a=np.zeros(2))
    assert np.load(path).files == ["a"]  # numpy 2.1 stored an unknown option as one more array
