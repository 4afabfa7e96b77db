from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.said import LONGEST, brief, harmless, joined
from contract.reading import judged


@given(st.text(alphabet=st.characters(), max_size=600))
def test_any_text_becomes_one_that_the_dictionary_takes(text):
    said = brief(text or "x")
    assert len(said) <= LONGEST
    assert said.isprintable()
    assert judged("host.problem", said).good


def test_what_acts_on_a_terminal_stands_as_it_is_written():
    assert harmless("a\x1b[2Jb\n\u202ec\ud800") == r"a\x1b[2Jb\x0a\u202ec\ud800"
    assert harmless("机房 ok") == "机房 ok"


@given(st.lists(st.text(min_size=1, max_size=300), max_size=40))
def test_problems_are_one_text_and_none_is_passed_over_in_silence(problems):
    said = joined(problems)
    assert 0 < len(said) <= LONGEST
    if len(problems) > 1 and len("; ".join(problems)) > 2 * LONGEST:
        assert "more" in said or "…" in said


def test_no_problem_is_none():
    assert joined([]) == "none"
    assert joined(["a", "b"]) == "a; b"
    assert joined(["x" * 100] * 5).endswith("; +3 more")
