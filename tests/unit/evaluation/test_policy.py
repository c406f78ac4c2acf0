"""A policy is one readable file; what it writes wrong is refused, never ignored."""

import pytest

from include import pipelines
from include.errors import PolicyError
from include.evaluation.policy import Policy, read_policy


@pytest.fixture
def policy_file(tmp_path):
    def write(text):
        path = tmp_path / "policy.toml"
        path.write_text(text)
        return path

    return write


def test_a_limit_that_is_left_out_is_none(policy_file):
    policy = read_policy(policy_file("# floors\nmin_accuracy = 0.9\nmax_size_bytes = 1_000\n"))

    assert policy == Policy(min_accuracy=0.9, max_size_bytes=1_000)
    assert policy.max_ece is None
    assert policy.has_floor


def test_an_empty_policy_has_no_floor(policy_file):
    assert not read_policy(policy_file("")).has_floor


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("min_acuracy = 0.9", "unknown limits: min_acuracy", id="misspelt"),
        pytest.param("[floors]\nmin_accuracy = 0.9", "unknown limits: floors", id="table"),
        pytest.param('min_accuracy = "0.9"', "min_accuracy = '0.9' must be a number", id="text"),
        pytest.param("min_accuracy = true", "must be a number", id="boolean"),
        pytest.param("max_ece = nan", "must be a number", id="nan"),
        pytest.param("max_ece = -0.1", "must be a number of at least 0", id="negative"),
        pytest.param("min_accuracy = 92", "must be within 0 and 1", id="percent"),
        pytest.param("confidence = 1.0", "must be between 0.5 and 1", id="certain"),
        pytest.param("min_accuracy 0.9", "is not TOML", id="no-toml"),
    ],
)
def test_what_is_no_policy_is_refused(policy_file, text, reason):
    with pytest.raises(PolicyError, match=reason):
        read_policy(policy_file(text))


def test_a_pipeline_without_a_policy_cannot_be_evaluated(tmp_path):
    with pytest.raises(PolicyError, match="is missing"):
        read_policy(tmp_path / "policy.toml")


@pytest.mark.parametrize("name", pipelines.names())
def test_every_pipeline_says_what_its_models_must_show(name):
    pipeline = pipelines.get(name)
    policy, undated = pipeline.policy, pipeline.first_seen is None

    assert policy.has_floor
    assert {limit for limit, value in vars(policy).items() if value is None} == (
        {"max_later_fpr_over_budget"} if undated else set()
    )
