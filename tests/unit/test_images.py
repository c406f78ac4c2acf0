"""What the image and Compose files promise, as far as it can be read without an engine."""

import json
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from include.services.scorer.auth.api_keys import ApiKeys
from tests.support.aws_policies import listed, read_policy

ROOT = Path(__file__).parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
LOADER = "AIRFLOW_CONN_NIGHTCATCH_MONGO_LOADER"
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
NGINX = (ROOT / "deploy/nginx.conf").read_text()
WORKFLOW_TEXT = (ROOT / ".github/workflows/ci.yml").read_text()

# `$${NAME}` is for the container; `${NAME:?message}` must be given; `${NAME:-default}` may be, as
# may `${NAME:+what stands there if it is}`.
VARIABLES = re.findall(r"(?<!\$)\$\{(\w+)(:[?+-])?([^}]*)\}", COMPOSE_TEXT)
REQUIRED = {name for name, operator, _ in VARIABLES if operator == ":?"}
OPTIONAL = {name for name, operator, _ in VARIABLES if operator in (":-", ":+")}
SECRET = re.compile(r"PASSWORD|SECRET|_KEY$|_KEY_ID$|FERNET")


def stage(name):
    """The instructions of one build stage, with continued lines joined."""
    stages = re.split(r"^FROM .* AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    text = dict(zip(stages[1::2], stages[2::2], strict=True))[name]
    return [line for line in text.replace("\\\n", " ").splitlines() if line and line[0] != "#"]


def copied(name):
    """The paths of the checkout that a stage copies."""
    lines = [line.split() for line in stage(name) if line.startswith("COPY ")]
    return [path for words in lines if "--from" not in words[1] for path in words[1:-1]]


def test_every_variable_says_what_happens_without_it():
    assert {name for name, operator, _ in VARIABLES if not operator} == set()
    assert not REQUIRED & OPTIONAL


def test_the_example_lists_what_compose_reads():
    assert set(re.findall(r"^(\w+)=$", ENV_EXAMPLE, re.MULTILINE)) == REQUIRED
    assert set(re.findall(r"^#(\w+)=", ENV_EXAMPLE, re.MULTILINE)) == OPTIONAL


def test_no_secret_has_a_default():
    defaults = {name: text for name, operator, text in VARIABLES if operator == ":-"}

    assert {name for name, text in defaults.items() if text and SECRET.search(name)} == set()


def test_secrets_are_never_spelled_out():
    settings = re.findall(r"^\s+(\w+): (.+)$", COMPOSE_TEXT, re.MULTILINE)
    spelled = [
        name
        for name, value in settings
        if SECRET.search(name) and not value.startswith(("${", "/var/lib/nightcatch/", "/keys/"))
    ]

    assert spelled == []
    assert not [line for line in DOCKERFILE.splitlines() if SECRET.search(line)]


def test_the_command_of_the_example_makes_a_whole_env(tmp_path):
    (tmp_path / ".env.example").write_text(ENV_EXAMPLE)
    command = re.search(r"^# +(\(umask .*\))$", ENV_EXAMPLE, re.MULTILINE)[1]
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=300)

    made = dict(re.findall(r"^(\w+)=(.+)$", (tmp_path / ".env").read_text(), re.MULTILINE))
    assert set(made) == REQUIRED
    assert len(set(made.values())) == len(made)
    assert min(len(value) for value in made.values()) >= 44
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert command in WORKFLOW_TEXT


@pytest.mark.parametrize(
    ("service", "container_port"),
    [
        ("api-server", "8080"),
        ("proxy", "8000"),
        ("mlflow", "5000"),
        ("prometheus", "9090"),
        ("grafana", "3000"),
    ],
)
def test_published_ports_are_of_the_loopback(service, container_port):
    (published,) = SERVICES[service]["ports"]

    assert re.fullmatch(rf"127\.0\.0\.1:\$\{{\w+:-\d+\}}:{container_port}", published)


def test_nothing_else_is_published():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {
        "api-server",
        "grafana",
        "mlflow",
        "prometheus",
        "proxy",
    }
    assert not [name for name, service in SERVICES.items() if "network_mode" in service]


def test_a_scorer_can_change_nothing_but_its_cache():
    scorer = SERVICES["scorer"]

    assert scorer["read_only"] is True
    assert scorer["cap_drop"] == ["ALL"]
    assert scorer["user"] == "10001:10001"
    assert [each for each in scorer["volumes"] if not each.endswith(":ro")] == [
        "/var/cache/nightcatch"
    ]
    assert scorer["volumes"][0] == "public-keys:/keys:ro"
    assert scorer["deploy"]["replicas"] == 2


def test_the_ui_verifies_what_it_shows_and_can_sign_nothing():
    api_server = SERVICES["api-server"]
    keys = {
        name for name in api_server["environment"] if re.search(r"(TRAINER|APPROVER).*KEY", name)
    }

    assert keys == {"NIGHTCATCH_TRAINER_PUBLIC_KEY", "NIGHTCATCH_APPROVER_PUBLIC_KEY"}
    assert "public-keys:/var/lib/nightcatch/public:ro" in api_server["volumes"]
    assert not [volume for volume in api_server["volumes"] if volume.startswith("private")]


def test_scorers_are_renewed_before_the_old_ones_go():
    script = (ROOT / "deploy/renew_scorers.sh").read_text()
    order = [script.index(each) for each in ("--no-recreate", "/health/ready", "docker stop")]

    subprocess.run(["sh", "-n", ROOT / "deploy/renew_scorers.sh"], check=True, timeout=300)
    assert order == sorted(order)
    # No longer than Compose gives them to answer what they began.
    assert f"docker stop -t {SERVICES['scorer']['stop_grace_period'].rstrip('s')} $old" in script


def test_a_scorer_reaches_the_proxy_and_who_watches_it_only():
    networks = SERVICES["scorer"]["networks"]
    neighbours = {
        name for name, service in SERVICES.items() if set(service["networks"]) & set(networks)
    }

    assert all(COMPOSE["networks"][network]["internal"] for network in networks)
    assert neighbours == {"scorer", "proxy", "prometheus"}
    assert SERVICES["prometheus"]["profiles"] == ["monitoring"]


def test_the_proxy_lets_scorers_read_from_s3_and_write_their_logs_only():
    port = re.search(r":(\d+)$", SERVICES["scorer"]["environment"]["NIGHTCATCH_S3_ENDPOINT"])[1]
    (server,) = [text for text in NGINX.split("server {") if f"listen {port};" in text]

    everything, logs = server.split("location ")[1:]
    assert everything.startswith("/ {")
    assert "limit_except GET { deny all; }" in everything
    assert logs.startswith("~ ^/nightcatch/(traffic|feedback)/ {")
    assert "limit_except GET PUT { deny all; }" in logs
    assert not [each for each in SERVICES["proxy"]["ports"] if each.endswith(f":{port}")]


def test_who_verifies_approvals_is_told_how_many_approvers_it_takes():
    told = {
        name: service["environment"].get("NIGHTCATCH_APPROVERS_NEEDED")
        for name, service in SERVICES.items()
        if "NIGHTCATCH_APPROVER_PUBLIC_KEY" in service.get("environment", {})
    }

    assert set(told) >= {"scorer", "cli", "scheduler", "worker", "api-server"}
    assert set(told.values()) == {"${NIGHTCATCH_APPROVERS_NEEDED:-1}"}


def test_private_keys_go_to_the_tasks_and_the_command_line_only():
    holders = {
        name
        for name, service in SERVICES.items()
        if any("private-keys" in volume for volume in service.get("volumes", ()))
    }

    assert holders == {"prepare", "scheduler", "worker", "cli"}


def test_only_who_loads_records_or_decides_on_them_may_write_them():
    holders = {
        name for name, service in SERVICES.items() if LOADER in service.get("environment", {})
    }

    assert holders == {"api-server", "scheduler", "worker", "cli"}
    assert "nightcatch_reader:" in SERVICES["api-server"]["environment"][LOADER[: -len("_LOADER")]]


def test_the_command_line_runs_on_request_and_has_no_secret_of_airflow_or_the_trainer():
    cli = SERVICES["cli"]
    environment = cli["environment"]

    assert (cli["profiles"], cli["cap_drop"]) == (["cli"], ["ALL"])
    assert "ports" not in cli
    assert not [name for name in environment if name.startswith("AIRFLOW__")]
    assert "NIGHTCATCH_TRAINER_KEY" not in environment
    assert "private-keys:/var/lib/nightcatch/private:ro" in cli["volumes"]
    tasks = SERVICES["scheduler"]["environment"]
    shared = (LOADER, "AIRFLOW_CONN_NIGHTCATCH_S3", "NIGHTCATCH_S3_BUCKET")
    assert {name: environment[name] for name in shared} == {name: tasks[name] for name in shared}


def test_the_command_of_the_example_makes_a_key_that_scorers_know(tmp_path):
    command = re.search(r"^# +(\(k=.*\))$", ENV_EXAMPLE, re.MULTILINE)[1]
    keys = [
        subprocess.run(
            ["sh", "-c", command.replace("ann ", f"{name} ")],
            cwd=tmp_path,
            check=True,
            timeout=300,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for name in ("ann", "bob")
    ]
    inside = SERVICES["scorer"]["environment"]["NIGHTCATCH_API_KEYS_FILE"]
    _, folder, _ = SERVICES["scorer"]["volumes"][1].rsplit(":", 2)
    known = ApiKeys(tmp_path / "api-keys/keys")

    assert [known.owner_of(key) for key in [*keys, "wrong"]] == ["ann", "bob", None]
    assert inside == f"${{NIGHTCATCH_API_KEYS_DIR:+{folder}/keys}}"
    assert (tmp_path / "api-keys/keys").stat().st_mode & 0o004
    assert not any(key in (tmp_path / "api-keys/keys").read_text() for key in keys)
    assert "api-keys/" in (ROOT / ".gitignore").read_text().splitlines()


def test_tasks_run_alike_in_the_scheduler_and_in_workers():
    scheduler, worker = SERVICES["scheduler"], SERVICES["worker"]
    extra = {"DUMB_INIT_SETSID": "0"}

    assert worker["environment"] == {**scheduler["environment"], **extra}
    assert worker["volumes"] == scheduler["volumes"]
    assert worker["stop_grace_period"] == scheduler["stop_grace_period"]
    assert worker["depends_on"]["redis"] == {"condition": "service_healthy"}


def test_only_the_profiles_add_services():
    added = {
        name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service
    }

    assert added == {
        "cli": ["cli"],
        "worker": ["celery"],
        "redis": ["celery"],
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
    }
    for name, service in SERVICES.items():
        if name not in added:
            assert not set(service.get("depends_on", ())) & set(added), name
    executor = SERVICES["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"]
    assert executor == "${NIGHTCATCH_EXECUTOR:-LocalExecutor}"


def test_every_folder_that_is_mounted_exists():
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).exists(), name


def test_mlflow_is_told_its_hosts_where_it_takes_them():
    mlflow = SERVICES["mlflow"]

    # With a server of its choosing it refuses the option, and does not start.
    assert not [part for part in mlflow["command"] if "allowed-hosts" in part]
    assert mlflow["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"].startswith("mlflow:5000,")


def test_no_image_tells_anybody_what_it_runs():
    for name in ("airflow", "scorer"):
        assert "ORT_DISABLE_TELEMETRY=1" in "\n".join(stage(name)), name
    grafana = SERVICES["grafana"]["environment"]
    assert {
        grafana[f"GF_ANALYTICS_{what}"] for what in ("REPORTING_ENABLED", "CHECK_FOR_UPDATES")
    } == {"false"}


def test_mlflow_holds_no_key_and_is_known_to_no_scorer():
    mlflow = SERVICES["mlflow"]

    assert not [name for name in mlflow["environment"] if SECRET.search(name)]
    assert mlflow["volumes"] == ["mlflow:/var/lib/nightcatch/mlflow"]
    assert mlflow["networks"] == ["outside"]
    assert "MLFLOW" not in json.dumps(SERVICES["scorer"])


def test_only_s3_leaves_the_object_store():
    command = SERVICES["s3"]["entrypoint"]

    assert {"-ip.bind=127.0.0.1", "-filer.disableHttp", "-s3.ip.bind=0.0.0.0"} <= set(command)


def test_no_scorer_may_do_more_in_compose_than_on_aws():
    content = re.sub(r"\$\{(\w+)[^}]*\}", r"\1", COMPOSE["configs"]["s3.json"]["content"])
    config = json.loads(content)
    scorer = next(each for each in config["identities"] if each["name"] == "scorer")
    (policy,) = config["policies"]
    on_aws = {listed(each["Action"])[0] for each in read_policy("s3-scorer.json")}

    assert (scorer["actions"], scorer["policyNames"]) == ([], [policy["name"]])
    granted = {each["Action"] for each in json.loads(policy["content"])["Statement"]}
    assert granted == on_aws


def test_every_server_is_watched_and_limited():
    once = {"prepare", "migrate", "cli"}

    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {
        *once,
        "scorer",  # its image has one
    }
    for name, service in SERVICES.items():
        assert "memory" in service["deploy"]["resources"]["limits"], name
        assert ("restart" in service) == (name not in once), name


def test_the_proxy_takes_as_large_uploads_as_the_scorer():
    limit_bytes = int(re.search(r"client_max_body_size (\d+)m;", NGINX)[1]) * 1024 * 1024
    upload_bytes = int(SERVICES["scorer"]["environment"]["NIGHTCATCH_MAX_UPLOAD_BYTES"])

    assert 0 < limit_bytes - upload_bytes <= 1024 * 1024


def test_the_scorer_installs_its_own_lock_only():
    packages = [line for line in stage("scorer-packages") if "pip" in line]

    assert copied("scorer-packages") == ["include/services/scorer/requirements.txt"]
    assert len(packages) == 1
    assert "--require-hashes" in packages[0]
    assert "pip" not in "\n".join(stage("scorer"))


def test_the_scorer_image_has_no_room_it_does_not_need():
    assert sorted(copied("scorer")) == [
        "include/__init__.py",
        "include/contract",
        "include/errors.py",
        "include/features",
        "include/inference",
        "include/registry/__init__.py",
        "include/registry/follow",
        "include/services",
        "include/stores/__init__.py",
        "include/stores/objects.py",
        "include/urls",
    ]


def test_scorer_starts_with_nothing_but_the_code_in_its_image(tmp_path):
    for name in copied("scorer"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target)
        else:
            shutil.copy(ROOT / name, target)

    started = subprocess.run(
        [sys.executable, "-c", "import include.services.scorer.wsgi"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "ModuleNotFoundError" not in started.stderr, started.stderr


def test_the_scorer_image_is_not_made_with_a_compiler_or_an_unpickler():
    lines = stage("scorer")
    tried = next(line for line in lines if "find_spec" in line)

    assert tried.startswith("RUN for name in cc gcc")
    assert "('sklearn', 'joblib', 'pandas')" in tried
    # After the packages are on the path, as the last thing that is run.
    path = next(line for line in lines if line.startswith("ENV PATH=/opt/venv/bin"))
    assert lines.index(tried) > lines.index(path)
    assert not [
        line for line in lines[lines.index(tried) + 1 :] if line.startswith(("RUN", "COPY"))
    ]


def test_the_images_end_as_an_ordinary_user():
    users = {
        name: [line for line in stage(name) if line.startswith("USER")][-1]
        for name in ("airflow", "scorer")
    }

    assert users == {"airflow": "USER airflow", "scorer": "USER 10001:10001"}


def test_airflow_in_the_image_is_the_one_of_the_lock():
    locked = re.search(
        r"^apache-airflow==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    )[1]

    for text in (DOCKERFILE, COMPOSE_TEXT, ENV_EXAMPLE):
        assert set(re.findall(r"apache/airflow:([\d.]+)-", text)) == {locked}
    assert "--require-hashes" in "\n".join(stage("airflow"))


@pytest.mark.parametrize("path", [".env", ".local/secrets/trainer.pem", ".git/config", ".venv/x"])
def test_the_engine_is_never_sent(path):
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in lines if line.startswith("!")]

    assert "*" in lines
    assert not any(fnmatch(path, pattern) or path.startswith(f"{pattern}/") for pattern in sent)


def test_what_is_copied_is_sent_and_exists():
    sent = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    for path in [
        path for name in ("airflow", "scorer-packages", "scorer") for path in copied(name)
    ]:
        assert path.split("/")[0] in sent, path
        assert (ROOT / path).exists(), path
