"""Loss at two places of a line, told from chance: what is said is seldom wrong, and what cannot be told is not said."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.loss import ERROR, Counts, as_many, fewer, part


@pytest.mark.parametrize(
    ("near", "far", "said"),
    [
        (Counts(22, 0), Counts(26, 8), False),  # all of it is lost further out
        (Counts(22, 7), Counts(26, 8), True),
        (Counts(22, 1), Counts(26, 5), None),  # it may be either
        (Counts(22, 0), Counts(26, 3), None),
        (Counts(120, 0), Counts(120, 14), False),  # the same shares, and more of them
        (Counts(100, 30), Counts(100, 60), True),  # it loses its part, and so does what is behind it
        (Counts(100, 12), Counts(100, 60), False),
        (Counts(), Counts(26, 8), None),
        (Counts(20, 20), Counts(20, 20), True),
    ],
)
def test_a_nearer_step_has_its_part_in_the_loss_where_chance_does_not_explain_it(near, far, said):
    assert part(near, far) is said


@pytest.mark.parametrize("loss", [0.12, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("asked", [(22, 26), (60, 60), (144, 190)])
def test_who_loses_alike_is_cleared_hardly_ever(asked, loss):
    """The planted fault is on the way to the near step, so that both lose alike: clearing it would blame another."""
    rng = random.Random(f"{asked} {loss}")
    found = Counter(
        part(*(Counts(sent, sum(rng.random() < loss for _ in range(sent))) for sent in asked)) for _ in range(1500)
    )
    assert found[False] <= 2 * ERROR * 1500
    if loss >= 0.3:
        assert found[True] > 0.9 * 1500, "nor is it of no use"


@pytest.mark.parametrize(("loss", "sent", "least"), [(0.3, 26, 0.5), (0.3, 60, 0.95), (0.12, 190, 0.95)])
def test_what_is_lost_further_out_is_said_so_once_there_is_enough(loss, sent, least):
    rng = random.Random(sent)
    found = Counter(part(Counts(sent), Counts(sent, sum(rng.random() < loss for _ in range(sent)))) for _ in range(500))
    assert found[False] >= least * 500
    assert not found[True]


counts = st.integers(0, 300).flatmap(lambda sent: st.builds(Counts, st.just(sent), st.integers(0, sent)))


@given(counts, counts)
def test_likelihoods_are_likelihoods(near, far):
    assert 0.0 <= fewer(near, far) <= 1.0
    assert 0.0 <= as_many(near, 0.02) <= 1.0
    part(near, far)
