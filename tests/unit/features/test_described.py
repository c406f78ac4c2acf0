"""Every column of a feature set has a name."""

from include.features.feature_sets import URLS
from include.features.input_names import described
from include.features.urls import GROUP, N_FIGURES, PEERS, SECTIONS, URL_FEATURES
from include.training.text_families import stack


def test_every_column_but_the_group_is_in_one_part():
    columns = [column for part in described(URL_FEATURES).groups.values() for column in part]

    assert sorted([*columns, GROUP]) == list(range(URLS.n_columns))


def test_figures_and_scores_have_names_of_their_own():
    given = described(URL_FEATURES).given
    scores = stack(0)[0]

    assert len(set(given)) == len(given) == N_FIGURES + scores.n_scores
    assert (scores.n_passthrough, scores.sections, scores.categories) == (
        N_FIGURES,
        SECTIONS,
        PEERS,
    )


def test_a_set_that_nobody_described_has_no_names():
    assert described("unknown-1") is None
