"""`./nightcatch versions|approve|rollback` against a real S3: what is shown, refused, recorded."""

import getpass
import json
import os
from pathlib import Path

import boto3
import pytest

from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.signature import load_private_key, load_public_key
from include.registry.approve import approve, pointer_in_force, read_history
from include.registry.publish import publish_version
from include.stack.cli import main
from include.stack.ports import pick_port
from include.stack.settings import StackSettings
from include.stack.stack import Stack
from include.stores.objects import ObjectStore
from tests import graphs
from tests.versions import Version, request, version_name

ROOT = Path(__file__).resolve().parents[2]
BEHIND_S3 = [0, 1, 2, 3, 4, 10_000, 10_001, 10_002, 10_003, 10_004]
GOOD, BETTER, REJECTED, UNJUDGED = (version_name(number) for number in (1, 2, 3, 4))


class Desk:
    """A stack of which only S3 runs, with versions in it, and the command line."""

    def __init__(self, stack, environ):
        self.stack, self.environ = stack, environ
        self.store = ObjectStore(stack.s3.client(), stack.settings.bucket)
        self.approver = load_private_key(stack.secrets.approver_key.read_bytes())
        self.trainers = (load_public_key(stack.secrets.trainer_public_key.read_bytes()),)

    @property
    def trusted(self):
        return (self.approver.public_key(),)

    def publish(self, name, verdicts=None, signing_key=None, trusted=None):
        files = {"model.onnx": graphs.logistic((float(int(name[-8:], 16)), -1.0))}
        described = {file: describe_file(body) for file, body in files.items()}
        test = {"accuracy": 0.95, "roc_auc": 0.99, "recall_at_fpr": 0.9}
        manifest = Version(name).manifest(
            files=described,
            metrics={"test": test},
            model={"family": "x", "params": {}, "run_id": f"run:{name}"},
        )
        signing_key = signing_key or self.stack.secrets.trainer_key
        publish_version(
            self.store, manifest, files, signing_key=signing_key, trusted=trusted or self.trainers
        )
        if verdicts is not None:
            body = json.dumps([{"rule": "r", "passed": v, "sentence": s} for v, s in verdicts])
            self.store.put(keys.run_file("sites", f"run:{name}", "gate.json"), body.encode())

    def in_force(self):
        return pointer_in_force(self.store, "sites", self.trusted)

    def history(self):
        return [found.serial for found in read_history(self.store, "sites", self.trusted)]

    def say(self, *arguments):
        return main(list(arguments), ROOT, self.environ)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    settings = StackSettings(
        ROOT, tmp_path_factory.mktemp("desk"), s3_port=pick_port(BEHIND_S3),
        mongo_port=pick_port(), airflow_port=pick_port(), scorer_port=pick_port(),
    )  # fmt: skip
    stack = Stack(settings, os.environ)
    with stack.starting(lambda text: None, [stack.s3]):
        pass
    yield stack
    stack.stop_started()


@pytest.fixture
def desk(stack):
    settings = stack.settings
    environ = {
        **os.environ,
        "NIGHTCATCH_STATE_DIR": str(settings.state_dir),
        "NIGHTCATCH_S3_PORT": str(settings.s3_port),
        "NIGHTCATCH_MONGO_PORT": str(settings.mongo_port),
        "NIGHTCATCH_AIRFLOW_PORT": str(settings.airflow_port),
        "NIGHTCATCH_SCORER_PORT": str(settings.scorer_port),
    }
    desk = Desk(stack, environ)
    desk.publish(GOOD, [(True, "accuracy 0.95 >= 0.92")])
    desk.publish(BETTER, [(True, "accuracy 0.95 >= 0.92")])
    desk.publish(REJECTED, [(True, "fine"), (False, "accuracy 0.80 < 0.92")])
    desk.publish(UNJUDGED)
    yield desk
    for key in list(desk.store.keys_under("models/")) + list(desk.store.keys_under("runs/")):
        desk.store.delete(key)


def test_a_person_approves_and_goes_back(desk, capsys):
    codes = [
        desk.say("approve", GOOD, "--reason", "the first"),
        desk.say("approve", BETTER, "--reason", "catches more", "--by", "ann"),
        desk.say("rollback", "--reason", "flags our own page"),
    ]
    shown = capsys.readouterr().out
    history = list(read_history(desk.store, "sites", desk.trusted))

    assert codes == [0, 0, 0]
    assert [pointer.version for pointer in history] == [GOOD, BETTER, GOOD]
    assert [pointer.serial for pointer in history] == [1, 2, 3]
    assert history[0].approved_by == getpass.getuser()
    assert (history[1].approved_by, history[1].reason) == ("ann", "catches more")
    assert "in force  nothing yet" in shown
    assert f"asked for {BETTER}  accuracy 0.9500 AUC 0.9900 recall 0.9000" in shown
    assert f"{GOOD} is in force, serial 3" in shown


def test_versions_show_what_people_need_before_they_approve(desk, capsys):
    desk.say("approve", GOOD, "--reason", "the first")
    desk.store.delete(keys.version_file("sites", BETTER, keys.SIGNATURE))
    capsys.readouterr()
    code = desk.say("versions")
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}

    assert code == 0
    assert list(lines)[1:] == [UNJUDGED, REJECTED, BETTER, GOOD]
    assert " 1 " in lines[GOOD]
    assert "in force" in lines[GOOD]
    assert lines[GOOD].endswith("passed")
    assert "REFUSED: sites: version" in lines[BETTER]
    assert "not completely published" in lines[BETTER]
    assert lines[REJECTED].endswith("rejected: accuracy 0.80 < 0.92")
    assert lines[UNJUDGED].endswith("not judged")


@pytest.mark.parametrize("version", [REJECTED, UNJUDGED], ids=["rejected", "not-judged"])
def test_what_did_not_pass_the_gate_needs_a_word_that_is_recorded(desk, capsys, version):
    refused = desk.say("approve", version, "--reason", "an emergency")
    said = capsys.readouterr().err

    assert refused == 1
    assert "did not pass the gate" in said
    assert desk.in_force() is None
    assert desk.say("approve", version, "--reason", "an emergency", "--despite-gate") == 0
    assert desk.in_force().reason.startswith("despite the gate (")
    assert desk.in_force().reason.endswith("): an emergency")


def test_a_rejected_version_that_was_in_force_comes_back_without_that_word(desk):
    desk.say("approve", REJECTED, "--reason", "an emergency", "--despite-gate")
    desk.say("approve", GOOD, "--reason", "over")

    assert desk.say("rollback", "--reason", "again") == 0
    assert (desk.in_force().version, desk.in_force().reason) == (REJECTED, "again")


def unknown(desk):
    return "20200101T000000Z-00000000"


def unsigned(desk):
    desk.store.delete(keys.version_file("sites", BETTER, keys.SIGNATURE))
    return BETTER


def signed_by_the_approver(desk):
    desk.publish(version_name(9), signing_key=desk.stack.secrets.approver_key, trusted=desk.trusted)
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
    before_each_swap(lambda: approve(desk.store, other, desk.approver, desk.trusted))
    code = desk.say("rollback", GOOD, "--reason", "too late")

    assert code == 3
    assert "nothing was changed: look at ./nightcatch versions" in capsys.readouterr().err
    assert desk.in_force().run_id == "somebody-else"
    assert desk.history() == [1, 2]


def test_there_must_be_something_to_go_back_to(desk, capsys):
    assert desk.say("rollback", "--reason", "too early") == 1
    assert "no version was ever in force" in capsys.readouterr().err

    desk.say("approve", GOOD, "--reason", "the first")
    assert desk.say("rollback", "--reason", "too early") == 1
    assert f"no other version than {GOOD} was ever in force" in capsys.readouterr().err


def test_a_broken_version_in_force_can_be_replaced(desk):
    desk.say("approve", GOOD, "--reason", "the first")
    desk.store.delete(keys.version_file("sites", GOOD, keys.MANIFEST))

    assert desk.say("approve", BETTER, "--reason", "the other is gone") == 0
    assert desk.in_force().version == BETTER


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
    assert "days = 1: a run under way or a waiting approval may need" in shown.err
    assert desk.store.exists(day)
    assert desk.say("retain", "--apply") == 0
    assert not desk.store.exists(day)
    assert desk.say("approve", GOOD, "--reason", "it is all there") == 0
