"""Files that other people's tools look for agree with what they stand for."""

import json
import re
import tomllib

import yaml

from include.stack.settings import read_settings
from tests.support.doc_pages import ROOT


def test_pre_commit_runs_the_static_checks_of_ci():
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = {hook["entry"].removesuffix(" --fix") for hook in repo["hooks"]}
    ci = re.findall(r"^ +(\.venv/bin/(?:ruff|mypy).*)$", (ROOT / ".ci/run").read_text(), re.M)

    assert repo["repo"] == "local"
    assert hooks == {line.removesuffix(" .").removesuffix(" --check") for line in ci}


def test_the_dev_container_forwards_the_ports_of_the_stack():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    settings = read_settings(ROOT, {})
    ports = [settings.scorer_port, settings.airflow_port, settings.mlflow_port]
    python = re.search(r"python:(3\.\d+)-", container["image"])[1]

    assert container["forwardPorts"] == ports
    assert set(container["portsAttributes"]) == {str(port) for port in ports}
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["python_version"]
    assert float(python) >= float(oldest)


def test_astronomers_tool_finds_its_layout_and_builds_airflow():
    for folder in ("dags", "include", "plugins", "tests"):
        assert (ROOT / folder).is_dir()
    assert (ROOT / "requirements.txt").is_file()
    assert yaml.safe_load((ROOT / ".astro/config.yaml").read_text())["project"]["name"]
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.M)
    assert stages[-1] == "airflow"
