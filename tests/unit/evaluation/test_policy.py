"""A policy is one readable file; what it writes wrong is refused, never ignored."""

import pytest

from include import pipelines
from include.errors import PolicyError
from include.evaluation.gate.policy import Policy, read_policy


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
        pytest.param("min_acuracy = 0.9", "unknown min_acuracy", id="misspelt"),
        pytest.param("[floors]\nmin_accuracy = 0.9", "unknown floors", id="table"),
        pytest.param('min_accuracy = "0.9"', "min_accuracy = '0.9': ", id="text"),
        pytest.param("min_accuracy = true", "min_accuracy = True: ", id="boolean"),
        pytest.param("max_ece = nan", "max_ece = nan: ", id="nan"),
        pytest.param("max_ece = -0.1", "max_ece = -0.1: ", id="negative"),
        pytest.param("min_accuracy = 92", "min_accuracy = 92: ", id="percent"),
        pytest.param("confidence = 1.0", "confidence = 1.0: ", id="certain"),
        pytest.param("max_latency_us = inf", "max_latency_us = inf: ", id="no-limit"),
        pytest.param("min_accuracy 0.9", "is not TOML", id="no-toml"),
    ],
)
def test_what_is_no_policy_is_refused(policy_file, text, reason):
    with pytest.raises(PolicyError, match=reason):
        read_policy(policy_file(text))


def test_all_errors_of_a_policy_are_named_at_once(policy_file):
    with pytest.raises(PolicyError) as refused:
        read_policy(policy_file("min_acuracy = 0.9\nmax_ece = -1\nmax_brier = 2\n"))

    assert all(name in str(refused.value) for name in ("min_acuracy", "max_ece", "max_brier"))


def test_a_pipeline_without_a_policy_cannot_be_evaluated(tmp_path):
    with pytest.raises(PolicyError, match="is missing"):
        read_policy(tmp_path / "policy.toml")


@pytest.mark.parametrize("name", pipelines.names())
def test_every_pipeline_says_what_its_models_must_show(name):
    pipeline = pipelines.get(name)
    policy, pointless = pipeline.policy, set()
    if pipeline.first_seen is None:
        pointless |= {"max_later_fpr_over_budget"}
    if pipeline.known_pages is None:
        pointless |= {"max_known_pages_fpr", "max_known_pages_rise"}
    if not pipeline.edits:
        pointless |= {"max_edit_loss"}

    assert policy.has_floor
    assert {limit for limit, value in vars(policy).items() if value is None} == pointless
