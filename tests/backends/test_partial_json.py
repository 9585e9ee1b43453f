"""The answer inside a half-streamed tool call is readable as it grows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massgen.backends.partial_json import FieldReader
from tests.backends.harness import UNHURRIED

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def cut(text: str, sizes: list[int]) -> list[str]:
    pieces: list[str] = []
    at = 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    return [*pieces, text[at:]]


@UNHURRIED
@given(
    before=st.dictionaries(TEXT.filter(lambda key: key != "content"), VALUES, max_size=3),
    content=TEXT,
    after=st.dictionaries(TEXT.filter(lambda key: key != "content"), VALUES, max_size=2),
    ascii_only=st.booleans(),
    sizes=st.lists(st.integers(0, 7), max_size=60),
)
def test_the_field_is_decoded_exactly_however_the_text_is_cut(before, content, after, ascii_only, sizes):
    whole = json.dumps({**before, "content": content, **after}, ensure_ascii=ascii_only)
    reader = FieldReader("content")
    assert "".join(reader.feed(piece) for piece in cut(whole, sizes)) == content
    assert reader.done


@UNHURRIED
@given(junk=st.text(max_size=60), sizes=st.lists(st.integers(0, 5), max_size=20))
def test_text_that_is_no_json_never_raises(junk, sizes):
    reader = FieldReader("content")
    "".join(reader.feed(piece) for piece in cut(junk, sizes)).encode()


def test_text_appears_before_the_string_is_closed():
    reader = FieldReader("content")
    assert reader.feed('{"content": "Par') == "Par"
    assert reader.feed("is") == "is"
    assert not reader.done


def test_a_surrogate_pair_is_held_back_until_it_is_whole():
    reader = FieldReader("content")
    assert reader.feed('{"content":"a\\ud83d') == "a"
    assert reader.feed("\\ude00b") == "😀b"


@pytest.mark.parametrize(("raw", "shown"), [(r"\ud83dx", "\ufffdx"), (r"\ude00", "\ufffd"), (r"\uZZZZ", "\ufffd")])
def test_a_broken_escape_becomes_a_replacement_character(raw, shown):
    assert FieldReader("content").feed('{"content":"' + raw + '"}') == shown


def test_a_field_of_the_same_name_deeper_in_the_object_is_not_taken():
    reader = FieldReader("content")
    assert reader.feed('{"meta": {"content": "no"}, "content": "yes"}') == "yes"


def test_a_field_that_is_no_text_yields_nothing():
    assert FieldReader("content").feed('{"content": 12, "reason": "x"}') == ""
