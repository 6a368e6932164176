"""JSON files that are damaged are errors of one line."""

import re

import pytest

from models.errors import ParameterError
from models.json_file import is_json_number, parse_json, read_json


def test_what_is_right_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, 2.5, null, "\u00b5"]}', encoding="utf-8")
    assert read_json(tmp_path / "a.json", "a plan") == {"a": [1, 2.5, None, "\u00b5"]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[NaN]", "NaN is no number of JSON"),
        (b"[-Infinity]", "-Infinity is no number of JSON"),
        (b"\xff\xfe\xfd", "codec can't decode"),
        (b"9" * 5000, "Exceeds the limit"),
        (b" " * (64 << 20) + b"1", "it has more than 64 MiB"),
    ],
    ids=["empty", "cut", "deep", "nan", "infinite", "no text", "many digits", "large"],
)
def test_what_is_wrong_is_one_line(tmp_path, content, reason):
    (tmp_path / "a.json").write_bytes(content)
    message = rf"^a\.json in .*: needs a plan, has .*{re.escape(reason)}"
    with pytest.raises(ParameterError, match=message) as caught:
        read_json(tmp_path / "a.json", "a plan")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ParameterError, match=r"^a\.json in .*: needs a plan, has 'No such file or directory'$"):
        read_json(tmp_path / "a.json", "a plan")


def test_numbers_that_a_float_can_hold():
    assert all(map(is_json_number, (None, 0, -3.5, 10**299)))
    assert not any(map(is_json_number, (True, "1", 10**400, [1], float("inf"))))
    assert parse_json("1e999") == float("inf")
