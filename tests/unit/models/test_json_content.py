"""JSON files that a user may have damaged: one line that names file and place, never a traceback."""

import re
from dataclasses import dataclass

import pytest

from models.errors import ParameterError
from models.json_content import build, read_json


@dataclass(frozen=True)
class Point:
    name: str
    at: tuple[int, int]
    weight: float = 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", r"file .*:1: needs JSON, has 'Expecting value'"),
        (b'{"a": 1,\n"b" 2}', r"file .*:2: needs JSON, has \"Expecting ':' delimiter\""),
        (b'{"a": NaN}', r"file .*: needs JSON, has 'NaN, which is no JSON number'"),
        (b'{"a": 1, "a": 2}', r"file .*: needs JSON, has \"the name 'a' twice in one object\""),
        (b"\xff{}", r"file .*: needs UTF-8 text, has 'byte 0 is not'"),
        (b"[" * 100_000, r"file .*: needs objects and lists of few levels, has 'deeper nesting'"),
        (b"9" * 5000, r"file .*: needs JSON, has 'Exceeds the limit .* for integer string conversion.*'"),
        (b"[" + b"0," * 600 + b"0]", r"file .*: needs at most 1,000 bytes of JSON, has '1,203 bytes'"),
    ],
)
def test_file_that_is_no_plain_json(tmp_path, text, message):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(ParameterError, match=rf"\A{message}\Z"):
        read_json(tmp_path / "a.json", max_bytes=1000 if len(text) == 1203 else 1 << 20)


def test_file_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(ParameterError, match=r"needs a file that can be read, has 'No such file or directory'$"):
        read_json(tmp_path / "a.json")
    with pytest.raises(ParameterError, match=r"needs a JSON file, has 'a folder'$"):
        read_json(tmp_path)


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
