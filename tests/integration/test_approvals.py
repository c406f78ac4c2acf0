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
from tests.support.cli_session import open_cli_session
from tests.support.signed_versions import Version, apply_gate, request, version_name

GOOD, BETTER, REJECTED, NOT_EVALUATED = (version_name(number) for number in (1, 2, 3, 4))


def of_run(version, name):
    return keys.run_file("sites", f"run:{version}", name)


def publish(cli, name, verdicts=None, signer=None, evaluated_by=None):
    """Leave a version as a run does, and what the gate said of it."""
    files = {"model.onnx": onnx_graphs.logistic((float(int(name[-8:], 16)), -1.0))}
    manifest = Version(name).manifest(
        files={file: describe_file(body) for file, body in files.items()},
        metrics={"test": {"recall": 0.9, "fpr": 0.01, "roc_auc": 0.99}},
        model={"family": "x", "params": {}, "run_id": f"run:{name}"},
    )
    signer = signer or cli.trainer
    publish_version(cli.store, manifest, files, signing_key=signer.path, trusted=signer.trusted)
    if verdicts is not None:
        said = [{"rule": "r", "passed": v, "sentence": s} for v, s in verdicts]
        apply_gate(cli.store, manifest, said, evaluated_by or signer)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with open_cli_session(tmp_path_factory.mktemp("cli")) as cli:
        yield cli


@pytest.fixture
def cli(opened):
    publish(opened, GOOD, [(True, "accuracy 0.95 >= 0.92")])
    publish(opened, BETTER, [(True, "accuracy 0.95 >= 0.92")])
    publish(opened, REJECTED, [(True, "fine"), (False, "accuracy 0.80 < 0.92")])
    publish(opened, NOT_EVALUATED)
    yield opened
    for prefix in ("models/", "runs/"):
        clear(opened.store, prefix)


def test_a_person_approves_and_goes_back(cli, capsys):
    codes = [
        cli.run("approve", GOOD, "--reason", "the first"),
        cli.run("approve", BETTER, "--reason", "catches more", "--by", "ann"),
        cli.run("rollback", "--reason", "flags our own page"),
    ]
    shown = capsys.readouterr().out
    history = cli.history()

    assert codes == [0, 0, 0]
    assert [pointer.version for pointer in history] == [GOOD, BETTER, GOOD]
    assert [pointer.serial for pointer in history] == [1, 2, 3]
    assert history[0].approved_by == getpass.getuser()
    assert (history[1].approved_by, history[1].reason) == ("ann", "catches more")
    assert "in production  nothing yet" in shown
    assert f"requested      {BETTER}  recall 0.9000 FPR 0.0100 AUC 0.9900" in shown
    assert f"{GOOD} is in production, serial 3" in shown


def test_versions_show_what_people_need_before_they_approve(cli, capsys):
    cli.run("approve", GOOD, "--reason", "the first")
    cli.store.delete(keys.version_file("sites", BETTER, keys.SIGNATURE))
    capsys.readouterr()
    code = cli.run("versions")
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
def test_what_did_not_pass_the_gate_needs_a_word_that_is_recorded(cli, capsys, version):
    refused = cli.run("approve", version, "--reason", "an emergency")
    said = capsys.readouterr().err

    assert refused == 1
    assert "did not pass the gate" in said
    assert cli.in_production() is None
    assert cli.run("approve", version, "--reason", "an emergency", "--despite-gate") == 0
    assert cli.in_production().reason.startswith("despite the gate (")
    assert cli.in_production().reason.endswith("): an emergency")


def test_a_rejected_version_that_was_in_production_comes_back_without_that_word(cli):
    cli.run("approve", REJECTED, "--reason", "an emergency", "--despite-gate")
    cli.run("approve", GOOD, "--reason", "over")

    assert cli.run("rollback", "--reason", "again") == 0
    assert (cli.in_production().version, cli.in_production().reason) == (REJECTED, "again")


def another_verdict(cli):
    body = cli.store.get(of_run(REJECTED, GATE)).replace(b"false", b"true")
    cli.store.put(of_run(REJECTED, GATE), body)


def verdicts_of_another_version(cli):
    for name in (GATE, GATE_SIGNATURE):
        cli.store.put(of_run(REJECTED, name), cli.store.get(of_run(GOOD, name)))


def verdicts_of_an_unknown_signer(cli):
    publish(cli, REJECTED, [(True, "fine")], evaluated_by=cli.approver)


def malformed_signature(cli):
    cli.store.put(of_run(REJECTED, GATE_SIGNATURE), b"{}")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (another_verdict, "of other verdicts, or of another version"),
        (verdicts_of_another_version, "of other verdicts, or of another version"),
        (verdicts_of_an_unknown_signer, "not made by a trusted key"),
        (malformed_signature, "gate.sig is malformed"),
    ],
)
def test_only_the_trainer_can_say_that_a_version_passed(cli, capsys, spoil, reason):
    spoil(cli)

    assert cli.run("approve", REJECTED, "--reason", "it passed, see") == 1
    assert f"{REJECTED}: gate.json of its run: " in (said := capsys.readouterr().err)
    assert reason in said
    assert cli.in_production() is None
    assert cli.run("versions") == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if REJECTED in each]
    assert reason in line


def test_verdicts_without_the_trainers_word_are_none(cli, capsys):
    cli.store.delete(of_run(GOOD, GATE_SIGNATURE))

    assert cli.run("approve", GOOD, "--reason", "it passed, see") == 1
    assert "(not evaluated)" in capsys.readouterr().err
    assert cli.in_production() is None


def test_what_was_in_production_comes_back_whatever_became_of_its_verdicts(cli):
    cli.run("approve", GOOD, "--reason", "the first")
    cli.run("approve", BETTER, "--reason", "catches more")
    cli.store.put(of_run(GOOD, GATE), b"[]")

    assert cli.run("rollback", "--reason", "flags our own page") == 0
    assert cli.in_production().version == GOOD


def unknown(cli):
    return "20200101T000000Z-00000000"


def unsigned(cli):
    cli.store.delete(keys.version_file("sites", BETTER, keys.SIGNATURE))
    return BETTER


def signed_by_the_approver(cli):
    publish(cli, version_name(9), signer=cli.approver)
    return version_name(9)


def changed(cli):
    cli.store.put(keys.version_file("sites", BETTER, keys.MODEL_ONNX), b"another")
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
def test_what_no_scorer_would_load_is_refused_in_one_sentence(cli, capsys, spoil, reason):
    version = spoil(cli)

    assert cli.run("approve", version, "--reason", "a slip", "--despite-gate") == 1
    said = capsys.readouterr().err
    assert reason in said
    assert "Traceback" not in said
    assert cli.history() == []


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


def test_a_lost_race_has_an_exit_code_of_its_own_and_a_remedy(cli, capsys, before_each_swap):
    cli.run("approve", GOOD, "--reason", "the first")
    other = request(BETTER, run_id="somebody-else", expected_serial=1)
    before_each_swap(
        lambda: approve(cli.store, other, cli.approver.key, cli.trusted_keys.approvers)
    )
    code = cli.run("rollback", GOOD, "--reason", "too late")

    assert code == 3
    assert "nothing was changed: see ./nightcatch versions" in capsys.readouterr().err
    assert cli.in_production().run_id == "somebody-else"
    assert [pointer.serial for pointer in cli.history()] == [1, 2]


def test_there_must_be_something_to_go_back_to(cli, capsys):
    assert cli.run("rollback", "--reason", "too early") == 1
    assert "no version was ever in production" in capsys.readouterr().err

    cli.run("approve", GOOD, "--reason", "the first")
    assert cli.run("rollback", "--reason", "too early") == 1
    assert f"no other version than {GOOD} was ever in production" in capsys.readouterr().err


def test_a_broken_version_in_production_can_be_replaced(cli):
    cli.run("approve", GOOD, "--reason", "the first")
    cli.store.delete(keys.version_file("sites", GOOD, keys.MANIFEST))

    assert cli.run("approve", BETTER, "--reason", "the other is gone") == 0
    assert cli.in_production().version == BETTER


@pytest.mark.parametrize("reason", ["", "ok", "x" * 501])
def test_a_reason_is_one(cli, reason):
    with pytest.raises(SystemExit):
        cli.run("approve", GOOD, "--reason", reason)


def test_retention_shows_what_it_would_delete_and_keeps_what_is_young(cli, capsys):
    day = keys.traffic_file("sites", "2020-01-01", "a")
    cli.store.put(day, b"old")
    codes = [cli.run("retain"), cli.run("retain", "--days", "1")]
    shown = capsys.readouterr()

    assert codes == [0, 1]
    assert "traffic       date=2020-01-01" in shown.out
    assert "nothing is deleted; --apply deletes it" in shown.out
    assert "days = 1: " in shown.err
    assert cli.store.exists(day)
    assert cli.run("retain", "--apply") == 0
    assert not cli.store.exists(day)
    assert cli.run("approve", GOOD, "--reason", "it is all there") == 0
