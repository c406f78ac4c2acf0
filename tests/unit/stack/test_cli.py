"""The command line reads well and explains its failures in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from include.cli.main import function_of, main
from include.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = (
    *("demo", "up", "down", "status", "load", "train", "versions", "approve", "rollback"),
    *("trace", "reproduce", "retain", "export", "completion"),
    *("doctor", "test", "bench"),
)


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "include.cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_help_lists_every_command_and_variable() -> None:
    text = build_parser().format_help()

    assert [name for name in COMMANDS if f"    {name} " in text.replace("\n", " ")] == list(
        COMMANDS
    )
    assert "NIGHTCATCH_AIRFLOW_PORT" in text


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "test"])
def test_help_of_a_command_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"], ROOT, {})

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"examples:\n  ./nightcatch {command}" in shown


def test_every_command_is_a_function_of_its_module() -> None:
    (commands,) = build_parser()._subparsers._group_actions
    for name in commands.choices.keys() - {"bench", "completion", "docs", "test"}:
        assert callable(function_of(name))


def test_check_waits_for_the_libraries_of_no_other_command() -> None:
    heavy = {"airflow", "great_expectations", "httpx", "mlflow", "pandas", "pymongo", "sklearn"}
    code = "import sys, include.cli.parser, include.cli.commands.check;"
    code += f"print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert found.stdout == "set()\n"


def test_unknown_command_is_refused() -> None:
    answer = run("dmeo")

    assert answer.returncode == 2
    assert "invalid choice: 'dmeo'" in answer.stderr


def test_unknown_measurement_is_one_sentence() -> None:
    answer = run("bench", "nonsense")

    assert answer.returncode == 1
    assert answer.stderr.startswith("nightcatch: no measurement 'nonsense'; there are: ")
    assert "Traceback" not in answer.stderr


def test_test_hands_everything_to_pytest() -> None:
    answer = run("test", "--version", "-q")

    assert answer.returncode == 0
    assert answer.stdout.startswith("pytest ")


def test_wrong_port_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"NIGHTCATCH_STATE_DIR": str(tmp_path), "NIGHTCATCH_S3_PORT": "http"}

    assert main(["up"], ROOT, environ) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nightcatch: NIGHTCATCH_S3_PORT: ")


def test_state_folder_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    environ = {"NIGHTCATCH_STATE_DIR": str(tmp_path / "file" / "state")}

    assert main(["status"], ROOT, environ) == 1
    assert capsys.readouterr().err.startswith("nightcatch: [Errno 20] Not a directory")


@pytest.mark.parametrize(
    "command",
    ["load", "train", "versions", "retain", "rollback --reason why", "approve X --reason why"],
)
def test_commands_that_need_a_server_name_the_remedy(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"NIGHTCATCH_STATE_DIR": str(tmp_path)} | {
        f"NIGHTCATCH_{name}_PORT": str(port)
        for name, port in (("MONGO", 14001), ("S3", 14100), ("AIRFLOW", 14003), ("SCORER", 14004))
    }

    assert main(command.split(), ROOT, environ) == 1
    assert "does not run; start it with ./nightcatch up" in capsys.readouterr().err
