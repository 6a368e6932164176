"""JSON files that a user may have damaged: one line that names file and place, never a traceback."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.errors import ParameterError
from models.files.json_file import build, is_json_number, parse_json, read_json


@dataclass(frozen=True)
class Point:
    name: str
    at: tuple[int, int]
    weight: float = 1.0


def test_what_is_right_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, 2.5, null, "\u00b5"]}', encoding="utf-8")
    assert read_json(tmp_path / "a.json", "a plan") == {"a": [1, 2.5, None, "\u00b5"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r":1: needs a plan, has 'Expecting value'"),
        (b"{", r":1: needs a plan, has 'Expecting property name enclosed in double quotes'"),
        (b'{"a": 1,\n"b" 2}', r":2: needs a plan, has \"Expecting ':' delimiter\""),
        (b"[" * 100_000, r": needs a plan, has 'it is nested too deeply'"),
        (b'{"a": NaN}', r": needs a plan, has 'NaN is no number of JSON'"),
        (b"[-Infinity]", r": needs a plan, has '-Infinity is no number of JSON'"),
        (b'{"a": 1, "a": 2}', r": needs a plan, has \"the name 'a' twice in one object\""),
        (b"\xff{}", r": needs a plan, has \"'utf-8' codec can't decode byte 0xff in position 0: invalid start byte\""),
        (b"9" * 5000, r": needs a plan, has 'Exceeds the limit .* for integer string conversion.*'"),
        (b"[" + b"0," * 600 + b"0]", r": needs a plan, has '1,203 bytes, more than 1,000'"),
    ],
    ids=["empty", "cut", "line", "deep", "nan", "infinite", "twice", "no text", "many digits", "large"],
)
def test_what_is_wrong_is_one_line(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ParameterError, match=rf"\Afile .*a\.json{message}\Z"):
        read_json(tmp_path / "a.json", "a plan", max_bytes=1000 if len(content) == 1203 else 1 << 20)


def test_a_file_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(ParameterError, match=r"^file .*a\.json: needs a plan, has 'No such file or directory'$"):
        read_json(tmp_path / "a.json", "a plan")
    with pytest.raises(ParameterError, match=r": needs JSON, has 'a folder'$"):
        read_json(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ParameterError, match=r": needs JSON, has 'a device or pipe'$"):
        read_json(tmp_path / "pipe.json")


def test_numbers_that_a_float_can_hold():
    assert all(map(is_json_number, (None, 0, -3.5, 10**299)))
    assert not any(map(is_json_number, (True, "1", 10**400, [1], float("inf"))))
    assert parse_json(b"1e999") == float("inf")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"name": "p"}, "at of f: needs field required, has none"),
        ({"name": 3, "at": [1, 2]}, "name of f: needs a valid string, has 3"),
        ({"name": "p", "at": [1, 2.5]}, "at.1 of f: needs a valid integer"),
        ({"name": "p", "at": [1, True]}, "at.1 of f: needs a valid integer, has True"),
        ({"name": "p", "at": [1]}, "at.1 of f: needs field required, has none"),
        ([], "content of f: needs an object, has []"),
    ],
)
def test_content_of_a_wrong_type_is_named(content, message):
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}"):
        build(content, Point, "f")


def test_content_becomes_a_dataclass():
    assert build({"name": "p", "at": [1, 2]}, Point, "f") == Point("p", (1, 2))


def test_file_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    path = tmp_path / "large.json"
    path.write_text("{}")

    def no_memory(self):
        raise MemoryError

    monkeypatch.setattr(Path, "read_bytes", no_memory)
    with pytest.raises(ParameterError, match=r"needs JSON, has 'more than fits into memory'$"):
        read_json(path)
