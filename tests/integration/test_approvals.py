"""`./nightcatch versions|approve|rollback` against a real S3: what is shown, refused, recorded."""

import getpass

import boto3
import pytest

from include.contract import keys
from include.contract.gate_verdicts import GATE, GATE_SIGNATURE
from include.contract.manifest import describe_file
from include.registry.approve import approve
from include.registry.publish import publish_version
from include.registry.retention.sweep import clear
from tests.support import onnx_graphs
from tests.support.cli_session import open_desk
from tests.support.signed_versions import Version, apply_gate, request, version_name

GOOD, BETTER, REJECTED, NOT_EVALUATED = (version_name(number) for number in (1, 2, 3, 4))


def of_run(version, name):
    return keys.run_file("sites", f"run:{version}", name)


def publish(desk, name, verdicts=None, signer=None, evaluated_by=None):
    """Leave a version as a run does, and what the gate said of it."""
    files = {"model.onnx": onnx_graphs.logistic((float(int(name[-8:], 16)), -1.0))}
    manifest = Version(name).manifest(
        files={file: describe_file(body) for file, body in files.items()},
        metrics={"test": {"recall": 0.9, "fpr": 0.01, "roc_auc": 0.99}},
        model={"family": "x", "params": {}, "run_id": f"run:{name}"},
    )
    signer = signer or desk.trainer
    publish_version(desk.store, manifest, files, signing_key=signer.path, trusted=signer.trusted)
    if verdicts is not None:
        said = [{"rule": "r", "passed": v, "sentence": s} for v, s in verdicts]
        apply_gate(desk.store, manifest, said, evaluated_by or signer)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with open_desk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def desk(opened):
    publish(opened, GOOD, [(True, "accuracy 0.95 >= 0.92")])
    publish(opened, BETTER, [(True, "accuracy 0.95 >= 0.92")])
    publish(opened, REJECTED, [(True, "fine"), (False, "accuracy 0.80 < 0.92")])
    publish(opened, NOT_EVALUATED)
    yield opened
    for prefix in ("models/", "runs/"):
        clear(opened.store, prefix)


def test_a_person_approves_and_goes_back(desk, capsys):
    codes = [
        desk.say("approve", GOOD, "--reason", "the first"),
        desk.say("approve", BETTER, "--reason", "catches more", "--by", "ann"),
        desk.say("rollback", "--reason", "flags our own page"),
    ]
    shown = capsys.readouterr().out
    history = desk.history()

    assert codes == [0, 0, 0]
    assert [pointer.version for pointer in history] == [GOOD, BETTER, GOOD]
    assert [pointer.serial for pointer in history] == [1, 2, 3]
    assert history[0].approved_by == getpass.getuser()
    assert (history[1].approved_by, history[1].reason) == ("ann", "catches more")
    assert "in production  nothing yet" in shown
    assert f"requested      {BETTER}  recall 0.9000 FPR 0.0100 AUC 0.9900" in shown
    assert f"{GOOD} is in production, serial 3" in shown


def test_versions_show_what_people_need_before_they_approve(desk, capsys):
    desk.say("approve", GOOD, "--reason", "the first")
    desk.store.delete(keys.version_file("sites", BETTER, keys.SIGNATURE))
    capsys.readouterr()
    code = desk.say("versions")
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}

    assert code == 0
    assert list(lines)[1:] == [NOT_EVALUATED, REJECTED, BETTER, GOOD]
    assert " 1 " in lines[GOOD]
    assert "in production" in lines[GOOD]
    assert lines[GOOD].endswith("passed")
    assert "REFUSED: sites: version" in lines[BETTER]
    assert "not completely published" in lines[BETTER]
    assert lines[REJECTED].endswith("rejected: accuracy 0.80 < 0.92")
    assert lines[NOT_EVALUATED].endswith("not evaluated")


@pytest.mark.parametrize("version", [REJECTED, NOT_EVALUATED], ids=["rejected", "not-judged"])
def test_what_did_not_pass_the_gate_needs_a_word_that_is_recorded(desk, capsys, version):
    refused = desk.say("approve", version, "--reason", "an emergency")
    said = capsys.readouterr().err

    assert refused == 1
    assert "did not pass the gate" in said
    assert desk.in_production() is None
    assert desk.say("approve", version, "--reason", "an emergency", "--despite-gate") == 0
    assert desk.in_production().reason.startswith("despite the gate (")
    assert desk.in_production().reason.endswith("): an emergency")


def test_a_rejected_version_that_was_in_production_comes_back_without_that_word(desk):
    desk.say("approve", REJECTED, "--reason", "an emergency", "--despite-gate")
    desk.say("approve", GOOD, "--reason", "over")

    assert desk.say("rollback", "--reason", "again") == 0
    assert (desk.in_production().version, desk.in_production().reason) == (REJECTED, "again")


def another_verdict(desk):
    body = desk.store.get(of_run(REJECTED, GATE)).replace(b"false", b"true")
    desk.store.put(of_run(REJECTED, GATE), body)


def the_word_on_another_version(desk):
    for name in (GATE, GATE_SIGNATURE):
        desk.store.put(of_run(REJECTED, name), desk.store.get(of_run(GOOD, name)))


def the_word_of_a_stranger(desk):
    publish(desk, REJECTED, [(True, "fine")], evaluated_by=desk.approver)


def nobodys_word(desk):
    desk.store.put(of_run(REJECTED, GATE_SIGNATURE), b"{}")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (another_verdict, "of other verdicts, or of another version"),
        (the_word_on_another_version, "of other verdicts, or of another version"),
        (the_word_of_a_stranger, "not made by a trusted key"),
        (nobodys_word, "gate.sig is malformed"),
    ],
)
def test_only_the_trainer_can_say_that_a_version_passed(desk, capsys, spoil, reason):
    spoil(desk)

    assert desk.say("approve", REJECTED, "--reason", "it passed, see") == 1
    assert f"{REJECTED}: gate.json of its run: " in (said := capsys.readouterr().err)
    assert reason in said
    assert desk.in_production() is None
    assert desk.say("versions") == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if REJECTED in each]
    assert reason in line


def test_verdicts_without_the_trainers_word_are_none(desk, capsys):
    desk.store.delete(of_run(GOOD, GATE_SIGNATURE))

    assert desk.say("approve", GOOD, "--reason", "it passed, see") == 1
    assert "(not evaluated)" in capsys.readouterr().err
    assert desk.in_production() is None


def test_what_was_in_production_comes_back_whatever_became_of_its_verdicts(desk):
    desk.say("approve", GOOD, "--reason", "the first")
    desk.say("approve", BETTER, "--reason", "catches more")
    desk.store.put(of_run(GOOD, GATE), b"[]")

    assert desk.say("rollback", "--reason", "flags our own page") == 0
    assert desk.in_production().version == GOOD


def unknown(desk):
    return "20200101T000000Z-00000000"


def unsigned(desk):
    desk.store.delete(keys.version_file("sites", BETTER, keys.SIGNATURE))
    return BETTER


def signed_by_the_approver(desk):
    publish(desk, version_name(9), signer=desk.approver)
    return version_name(9)


def changed(desk):
    desk.store.put(keys.version_file("sites", BETTER, keys.MODEL_ONNX), b"another")
    return BETTER


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (unknown, "there is no version"),
        (unsigned, "not completely published"),
        (signed_by_the_approver, "not made by a trusted key"),
        (changed, "the manifest says"),
    ],
)
def test_what_no_scorer_would_load_is_refused_in_one_sentence(desk, capsys, spoil, reason):
    version = spoil(desk)

    assert desk.say("approve", version, "--reason", "a slip", "--despite-gate") == 1
    said = capsys.readouterr().err
    assert reason in said
    assert "Traceback" not in said
    assert desk.history() == []


@pytest.fixture
def before_each_swap():
    """Calls a function, once, just before anything is written to `approved.json`."""
    boto3.setup_default_session()
    session, waiting = boto3.DEFAULT_SESSION, []

    def handler(params, **_):
        if params["url_path"].endswith("approved.json") and waiting:
            waiting.pop()()

    session.events.register("before-call.s3.PutObject", handler)
    yield waiting.append
    session.events.unregister("before-call.s3.PutObject", handler)


def test_a_lost_race_has_an_exit_code_of_its_own_and_a_remedy(desk, capsys, before_each_swap):
    desk.say("approve", GOOD, "--reason", "the first")
    other = request(BETTER, run_id="somebody-else", expected_serial=1)
    before_each_swap(
        lambda: approve(desk.store, other, desk.approver.key, desk.trusted_keys.approvers)
    )
    code = desk.say("rollback", GOOD, "--reason", "too late")

    assert code == 3
    assert "nothing was changed: see ./nightcatch versions" in capsys.readouterr().err
    assert desk.in_production().run_id == "somebody-else"
    assert [pointer.serial for pointer in desk.history()] == [1, 2]


def test_there_must_be_something_to_go_back_to(desk, capsys):
    assert desk.say("rollback", "--reason", "too early") == 1
    assert "no version was ever in production" in capsys.readouterr().err

    desk.say("approve", GOOD, "--reason", "the first")
    assert desk.say("rollback", "--reason", "too early") == 1
    assert f"no other version than {GOOD} was ever in production" in capsys.readouterr().err


def test_a_broken_version_in_production_can_be_replaced(desk):
    desk.say("approve", GOOD, "--reason", "the first")
    desk.store.delete(keys.version_file("sites", GOOD, keys.MANIFEST))

    assert desk.say("approve", BETTER, "--reason", "the other is gone") == 0
    assert desk.in_production().version == BETTER


@pytest.mark.parametrize("reason", ["", "ok", "x" * 501])
def test_a_reason_is_one(desk, reason):
    with pytest.raises(SystemExit):
        desk.say("approve", GOOD, "--reason", reason)


def test_retention_shows_what_it_would_delete_and_keeps_what_is_young(desk, capsys):
    day = keys.traffic_file("sites", "2020-01-01", "a")
    desk.store.put(day, b"old")
    codes = [desk.say("retain"), desk.say("retain", "--days", "1")]
    shown = capsys.readouterr()

    assert codes == [0, 1]
    assert "traffic       date=2020-01-01" in shown.out
    assert "nothing is deleted; --apply deletes it" in shown.out
    assert "days = 1: " in shown.err
    assert desk.store.exists(day)
    assert desk.say("retain", "--apply") == 0
    assert not desk.store.exists(day)
    assert desk.say("approve", GOOD, "--reason", "it is all there") == 0
