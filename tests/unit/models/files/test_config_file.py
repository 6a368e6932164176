"""Reading YAML 1.2: numbers are numbers, mistakes have a line."""

from pathlib import Path
from typing import Literal

import pytest

from models.bounds import check_value, describe
from models.errors import ParameterError, UnknownNameError
from models.files.config_file import line_of, parse_settings, parse_value, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("150e6", 150e6),
        ("1e-12", 1e-12),
        ("on", "on"),
        ("true", True),
        ("12:30", "12:30"),
        ("[1, 2]", [1, 2]),
        ("null", None),
    ],
)
def test_parse_value_is_yaml_1_2(text, value):
    parsed = parse_value(text)
    assert (parsed, type(parsed)) == (value, type(value))


def test_parse_settings_splits_at_the_first_equals_sign():
    assert parse_settings(["a.b=1", "c=x=y"]) == {"a.b": 1, "c": "x=y"}


@pytest.mark.parametrize("text", ["a", "=1", " =1"])
def test_parse_settings_without_path_or_value(text):
    with pytest.raises(
        ParameterError, match=r"^settings: needs path=value, for example machine\.core\.clock_hz=150e6, has "
    ):
        parse_settings([text])


def test_parse_value_that_is_no_yaml():
    with pytest.raises(ParameterError, match=r"^value: needs a YAML 1\.2 value, has '\[1'$"):
        parse_value("[1")


def test_line_of_counts_from_one(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("# comment\na: 1\nb:\n  c: 2\n")
    document = read_yaml(path)
    assert (line_of(document, "a"), line_of(document["b"], "c"), line_of(document, "z")) == (2, 4, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"^YAML at .*a\.yaml:1: needs a mapping of keys to values, has 'nothing'$"),
        (b"- 1\n", r"^YAML at .*a\.yaml:1: needs a mapping of keys to values, has 'a list'$"),
        (b"a: 1\na: 2\n", r"^YAML at .*a\.yaml:2: needs valid YAML 1\.2 with each key once, has \"found duplicate key"),
        (b"a: [1\nb: 2\n", r"^YAML at .*a\.yaml:2: needs valid YAML 1\.2 with each key once, has "),
        (b"a: \xff\n", r"^YAML at .*a\.yaml:1: needs UTF-8 text, has 'byte 3 \(0xff\)'$"),
    ],
)
def test_wrong_yaml(tmp_path, content, message):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match=message):
        read_yaml(path)


def test_files_that_are_none(tmp_path):
    for path, why in ((tmp_path, "a folder"), (Path("/dev/zero"), "a device"), (tmp_path / "no.yaml", "No such file")):
        with pytest.raises(ParameterError, match=rf"^file: needs a file that can be read \({why}"):
            read_yaml(path)


def test_a_file_of_ten_megabytes_is_not_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: [" + b"1," * 5_000_000 + b"1]")
    with pytest.raises(
        ParameterError, match=r"^YAML at .*a\.yaml:1: needs at most 262,144 bytes, has 'more than 262,144"
    ):
        read_yaml(path)


def test_wrong_bytes_have_their_line(tmp_path):
    path = tmp_path / "a.yaml"
    for content, has in (
        ("a: 1\nb: caf\xe9".encode("latin-1"), r"byte 11 \(0xe9\)"),
        (b"a: 1\nb: \0", "the character 0"),
    ):
        path.write_bytes(content)
        with pytest.raises(ParameterError, match=rf"^YAML at .*a\.yaml:2: needs .* has '{has}'$"):
            read_yaml(path)
    path.write_bytes("a: 1\n".encode("utf-16"))
    with pytest.raises(ParameterError, match=r"^YAML at .*a\.yaml:1: needs UTF-8 text, has 'byte 0 \(0xff\)'$"):
        read_yaml(path)
    path.write_bytes("a: 1\n".encode("utf-8-sig"))
    assert read_yaml(path) == {"a": 1}


def test_a_setting_is_given_once():
    with pytest.raises(
        ParameterError, match=r"^settings: needs each path once \(a\.b was given before\), has 'a\.b=2'"
    ):
        parse_settings(["a.b=1", "a.b=2"])


def test_check_value_is_strict_but_takes_whole_floats():
    assert check_value("n", 64e3, int) == 64000
    assert check_value("x", 1, float) == 1.0
    assert check_value("n", None, int | None) is None
    for value, hint in (("1", int), (True, int), (1.5, int), ("1.5", float)):
        with pytest.raises(ParameterError, match=r"^n: needs a "):
            check_value("n", value, hint)


def test_check_value_suggests_choices():
    with pytest.raises(
        UnknownNameError, match=r"^c: needs one of dc, poisson, has 'posson'; did you mean 'poisson'\?$"
    ):
        check_value("c", "posson", Literal["poisson", "dc"])


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int | None, "a whole number or null"),
        (int | Literal["auto"], "a whole number or auto"),
        (Literal["a", "b"], "one of a, b"),
        (tuple[tuple[int, int], ...], "a list of [a whole number, a whole number]"),
        (bool, "true or false"),
    ],
)
def test_describe(hint, words):
    assert describe(hint) == words


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([1], "^settings: needs path=value, for example .*, has 1$"),
        ({1: 2}, "^settings: needs paths as text, for example .*, has 1$"),
        ("seconds=1", "^settings: needs a mapping of paths to values, or a list of path=value, has 'seconds=1'$"),
        (7, "^settings: needs a mapping of paths to values, or a list of path=value, has 7$"),
    ],
)
def test_settings_of_another_type_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        parse_settings(settings)
