"""YAML text becomes plain values; what is meant to harm or can only be a mistake is an error with its line."""

import contextlib
import math
import sys

import pytest

from models.errors import ParameterError
from models.files import yaml_document
from models.files.yaml_document import MAX_BYTES, MAX_DEPTH, MAX_VALUES, read_document

#: Events that a document may take: one for each key and value, one more for the end of each list and mapping, and the
#: two ends of document and stream.
MAX_EVENTS = 2 * MAX_VALUES + 4
#: Calls of functions, Python's and C's, that one character may take; the most here is 26, of lines of one letter.
MAX_CALLS = 30


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("[1, -2, 0x1F, 0o17, 007, 1_000]", [1, -2, 31, 15, 7, 1000]),
        ("[1e3, 1.5, -.inf, 1_0.5]", [1000.0, 1.5, -math.inf, 10.5]),
        ("[true, False, null, ~]", [True, False, None, None]),
        ("[on, yes, 2020-01-01, 12:30, '5', !!str 7, ! 8]", ["on", "yes", "2020-01-01", "12:30", "5", "7", "8"]),
        ("a: &a {x: 1, y: 2}\nb: *a", {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 2}}),
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}),
        ("[&a {x: 1}, &b {x: 2, z: 3}, {<<: [*a, *b]}]", [{"x": 1}, {"x": 2, "z": 3}, {"x": 1, "z": 3}]),
        ("'<<': 1", {"<<": 1}),
        ("\ufeffa: 1", {"a": 1}),
        ("%YAML 1.2\n---\na: on", {"a": "on"}),
    ],
)
def test_values_of_yaml_1_2(text, value):
    assert read_document(text, "f") == value


def test_types_are_pythons_own():
    for text, kind in (("1", int), ("1.0", float), ("x", str), ("true", bool)):
        assert type(read_document(text, "f")) is kind


def test_every_key_has_its_line():
    document = read_document("# one\na: 1\nb:\n  c: &c {d: 1}\n  e:\n    <<: *c\n", "f")
    assert (document.lines, document["b"].lines) == ({"a": 2, "b": 3}, {"c": 4, "e": 5})
    assert document["b"]["e"].lines == {"d": 4}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
MERGED = f"x: &x {{{', '.join(f'k{i}: 1' for i in range(3000))}}}\n" + "".join(f"y{i}: {{<<: *x}}\n" for i in range(9))
WRONG = {
    "alias bomb": (BOMB, 5, "at most 40,000 keys and values"),
    "alias bomb of mappings": (BOMB.replace("[x,", "[{k: 1},"), 5, "at most 40,000 keys and values"),
    "merged bomb": (MERGED, 7, "at most 40,000 keys and values"),
    "alias in itself": ("a: 1\nb: &b [1, *b]", 2, "an anchor that is complete"),
    "mapping in itself": ("a: &a\n  b: *a", 2, "an anchor that is complete"),
    "merge of itself": ("a: &a\n  <<: *a", 2, "an anchor that is complete"),
    "unknown alias": ("a: *b", 1, "an anchor of that name before it"),
    "merge of a number": ("a: &a 1\nb:\n  <<: *a", 3, "an alias of a mapping"),
    "deep lists": ("[" * 100_000, 1, "at most 32 levels"),
    "deep mappings": ("{a: " * 10_000, 1, "at most 32 levels"),
    "deep block": ("".join(" " * i + "a:\n" for i in range(600)), 33, "at most 32 levels"),
    "many values": ("a:\n" + "- 1\n" * 60_000, 39_999, "at most 40,000 keys"),
    "many keys": ("\n".join(f"k{i}: {i}" for i in range(20_001)), 20_000, "at most 40,000 keys"),
    "long text": ("a: " + "x" * MAX_BYTES, 1, "at most 262,144 characters"),
    "float beyond doubles": ("a: 1\nb: 1e999", 2, "a number between 1e-308 and 1.8e308"),
    "float below doubles": ("a: 1\nb: -1.5e-999", 2, "a number between 1e-308 and 1.8e308"),
    "digits": ("a:\n\n  - " + "9" * 10_000, 3, "numbers of at most 400 digits"),
    "duplicate key": ("a: 1\nb: 2\na: 3", 3, "valid YAML 1.2 with each key once"),
    "duplicate key in quotes": ("a: 1\n'a': 3", 2, "valid YAML 1.2 with each key once"),
    "python tag": ("a: !!python/object/apply:os.system ['true']", 1, "values without tags"),
    "own tag": ("a: 1\nb: !mine {c: 1}", 2, "values without tags"),
    "binary": ("a: !!binary aGk=", 1, "values without tags"),
    "wrong tag": ("a: !!int x", 1, "a number, since its tag is int"),
    "two documents": ("a: 1\n---\nb: 2", 2, "one document"),
    "version 1.1": ("%YAML 1.1\n---\na: on", 2, "YAML 1.2"),
    "key that is a number": ("1: a", 1, "text as a key"),
    "key that is a list": ("? [a]\n: 1", 1, "text as a key"),
    "key that is nothing": ("a: 1\n~: 2", 2, "text as a key"),
    "NUL": ("a: 1\nb: \0", 2, "text that can be printed"),
    "escape beyond Unicode": ('a: 1\nb: "\\UFFFFFFFF"', 2, "valid YAML 1.2"),
    "tab": ("a:\n\t- 1", 2, "valid YAML 1.2"),
    "not closed": ("a: [1\nb: 2", 2, "valid YAML 1.2"),
}  # fmt: skip


@pytest.fixture
def events(monkeypatch):
    """Return a list that every event of a document is added to."""
    read, taken = yaml_document._Builder._next, []

    def counted(builder):
        taken.append(read(builder))
        return taken[-1]

    monkeypatch.setattr(yaml_document._Builder, "_next", counted)
    return taken


@pytest.mark.parametrize("case", WRONG)
def test_wrong_text_is_refused_with_its_line(case, events):
    text, line, needs = WRONG[case]
    with pytest.raises(ParameterError) as caught:
        read_document(text, "f.yaml")
    assert len(events) <= MAX_EVENTS
    assert str(caught.value).startswith(f"YAML at f.yaml:{line}: needs {needs}"), str(caught.value)[:300]
    assert len(str(caught.value)) < 400


def calls_per_character(text):
    """Return the number of functions that reading a text calls, over its length."""
    n_calls = 0

    def count(frame, event, argument):
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with contextlib.suppress(ParameterError):
            read_document(text, "f")
    finally:
        sys.setprofile(before)
    return n_calls / len(text)


@pytest.mark.parametrize("unit", ["# a\n", "\n", " ", "a\n", "x", "- ", "&a ", "😀", "!", "'", "a: b\n", "1, "])
def test_work_on_any_text_grows_no_faster_than_its_length(unit):
    read_document("a: 1", "f")  # imports are not counted
    short, long = (calls_per_character((unit * size)[:size]) for size in (4096, 32_768))
    assert long <= 1.05 * short
    assert long <= MAX_CALLS


@pytest.mark.parametrize("unit", ["# a\n", " ", "x", "&a ", "'", "a: b\n", "1, "])
def test_any_text_of_the_largest_size_is_read_or_refused(unit, events):
    with contextlib.suppress(ParameterError):
        read_document((unit * MAX_BYTES)[:MAX_BYTES], "f")
    assert len(events) <= MAX_EVENTS


def test_limits_are_the_last_that_is_allowed():
    nested = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read_document(nested, "f") is not None
    assert len(read_document("[" + "1," * (MAX_VALUES - 1) + "]", "f")) == MAX_VALUES - 1
