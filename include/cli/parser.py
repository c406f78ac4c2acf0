"""The parser of ``./nightcatch``."""

import argparse
from collections.abc import Callable

from include.cli.parser_feeds import add_feeds_command
from include.cli.parser_models import add_json, add_model_commands, add_pipeline

_Add = Callable[[str, str, str], argparse.ArgumentParser]
_DESCRIPTION = """\
NightCatch: a phishing detector, retrained daily and served seconds after approval.

Try it:            ./nightcatch demo
Without staying:   ./nightcatch demo --once
Start the servers: ./nightcatch up, then ./nightcatch status
"""
_EPILOG = """\
environment:
  NIGHTCATCH_DATA_DIR       folder of your data sets, used before any download
  NIGHTCATCH_STATE_DIR      where databases, objects, logs and secrets lie (default .local)
  NIGHTCATCH_MONGO_PORT     default 27117
  NIGHTCATCH_S3_PORT        default 18330; the four behind it, and those 10,000 higher, are used too
  NIGHTCATCH_AIRFLOW_PORT   default 8080
  NIGHTCATCH_SCORER_PORT    default 8000
  NIGHTCATCH_MLFLOW_PORT    default 5001
  NIGHTCATCH_MLFLOW_URL     an MLflow of your own instead; empty: runs are not tracked
  NIGHTCATCH_OPENLINEAGE_URL  OpenLineage events go there too, not only to a file

another installation than the embedded stack, for all commands but demo, up and down:
  AIRFLOW_CONN_NIGHTCATCH_S3        S3 as Airflow's connection; or NIGHTCATCH_S3_ENDPOINT with
                                    boto3's own variables. Bucket: NIGHTCATCH_S3_BUCKET
  AIRFLOW_CONN_NIGHTCATCH_MONGO     mongo://user:password@host:port/phishing?replicaSet=...
  NIGHTCATCH_AIRFLOW_URL            with NIGHTCATCH_AIRFLOW_USER and NIGHTCATCH_AIRFLOW_PASSWORD
  NIGHTCATCH_SCORER_URL             a scorer, or the proxy before several
  NIGHTCATCH_{TRAINER,APPROVER,WATCHER}_PUBLIC_KEY, NIGHTCATCH_{APPROVER,WATCHER}_KEY: PEM files

alerts (always in the log; docs/runbook.md explains each):
  NIGHTCATCH_ALERTS_WEBHOOK_URL     Slack-compatible webhook
  NIGHTCATCH_ALERTS_SMTP_URL        smtp://user:password@host:587 or smtps://...:465
  NIGHTCATCH_ALERTS_MAIL_FROM       sender of mails
  NIGHTCATCH_ALERTS_MAIL_TO         recipients, separated by commas
  NIGHTCATCH_ALERTS_RUNBOOK_URL     where the runbook can be read (default docs/runbook.md)
  NIGHTCATCH_ALERTS_SCORER_URLS     scorers that must serve it (default: this one)
  NIGHTCATCH_ALERTS_SCORER_GRACE_S  seconds a scorer may take to follow an approval (default 300)
  NIGHTCATCH_ALERTS_MODEL_AGE_DAYS  from when on a model is old (default 7)
  NIGHTCATCH_ALERTS_LATE_AFTER_MIN  from when on a run is late (default 180)
  NIGHTCATCH_EVENTS_URL             CloudEvents of promoted, rejected and rolled back versions

The embedded servers listen on 127.0.0.1 only. "./nightcatch COMMAND --help" has examples.
exit codes: 0 done; 1 rejected or failed; 2 wrong usage; 3 another approval came first;
            check: 4 suspicious, 5 phishing; score: 6 rows without a verdict; 130 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the chosen command is its `command`.

    Returns
    -------
    argparse.ArgumentParser
    """
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="./nightcatch", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=raw
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, line: str, example: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=line,
            description=f"{line[0].upper()}{line[1:]}.",
            epilog=f"examples:\n{example}",
            formatter_class=raw,
        )

    _add_servers(add)
    _add_check(add)
    _add_score(add)
    _add_load(add)
    _add_train(add)
    add_feeds_command(add)
    add_model_commands(add)
    _add_tools(add)
    return parser


def _add_servers(add: _Add) -> None:
    demo = add(
        "demo",
        "run the whole loop in a few minutes: servers, records, training, predictions; what is up"
        " to date is reused",
        "  ./nightcatch demo                    stays until Ctrl-C, then stops what it started\n"
        "  ./nightcatch demo --once             stops everything at the end\n"
        "  ./nightcatch demo --pipeline urls    one pipeline only\n",
    )
    demo.add_argument("--once", action="store_true", help="stop all servers at the end")
    demo.add_argument("--pipeline", metavar="NAME", help="one pipeline (default: urls, then sites)")
    add(
        "up",
        "start MongoDB, S3, Airflow, the scorer and MLflow; return when all are healthy",
        "  ./nightcatch up\n  NIGHTCATCH_AIRFLOW_PORT=18080 ./nightcatch up\n",
    )
    add("down", "stop all servers; data stay", "  ./nightcatch down\n")
    status = add(
        "status",
        "show each server, its address and health, and the production versions",
        "  ./nightcatch status         exit code 1 unless all are healthy\n"
        "  ./nightcatch status --json\n",
    )
    add_json(status)


def _add_check(add: _Add) -> None:
    check = add(
        "check",
        "score URLs without a server, by the version in production or the last one verified here",
        "  ./nightcatch check 'hxxps://evil[.]example/login'\n"
        "  ./nightcatch check list.txt table.csv mail.eml\n"
        "  pbpaste | ./nightcatch check --json -\n"
        "exit code 0: all legitimate; 1: a text is no URL; 4: one is suspicious; 5: phishing\n",
    )
    check.add_argument(
        "texts",
        nargs="+",
        metavar="URL|FILE|-",
        help="a URL as people paste it; a list, CSV, HTML page or e-mail; - for standard input",
    )
    check.add_argument("--json", action="store_true", help="print a JSON object per line")


def _add_score(add: _Add) -> None:
    score = add(
        "score",
        "score files of any size without a server, each row with its verdict, probability and id;"
        " the same command goes on after a kill",
        "  ./nightcatch score proxy-log.csv.gz -o verdicts.parquet\n"
        "  ./nightcatch score feeds/ -o verdicts/ --jobs 4     Parquet parts in a folder\n"
        "  ./nightcatch score urls.parquet -o verdicts.csv --column target --reasons\n"
        "exit code 0: every row has a verdict; 1: failed; 6: some rows have an error instead\n",
    )
    score.add_argument(
        "paths", nargs="+", metavar="PATH", help="Parquet, CSV or list, gzipped too; or a folder"
    )
    score.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="OUT",
        help="a file that ends with .parquet or .csv, or a folder for Parquet parts",
    )
    score.add_argument("--format", choices=("parquet", "csv"), help="of OUT, if it has no ending")
    score.add_argument("--column", metavar="NAME", help="which column holds the URL, if not known")
    score.add_argument("--jobs", type=_positive, help="processes (default: one for each core)")
    score.add_argument(
        "--reasons",
        action="store_true",
        help="add reasons to the rows that are Phishing or Suspicious; takes much longer",
    )
    score.add_argument(
        "--part-rows",
        type=_positive,
        default=20_000,
        metavar="N",
        help="rows that a kill may cost each process (default %(default)s)",
    )
    score.add_argument("--pipeline", default="urls", metavar="NAME", help="default %(default)s")
    add_json(score)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be positive")
    return number


def _add_load(add: _Add) -> None:
    load = add(
        "load",
        "load records into MongoDB; loading the same twice changes nothing",
        "  ./nightcatch load\n"
        "  ./nightcatch load --source my.csv\n"
        "  ./nightcatch load --source simulated\n"
        "  ./nightcatch load --pipeline urls --source list.txt --label phishing\n",
    )
    add_pipeline(load)
    load.add_argument(
        "--source",
        default="auto",
        metavar="auto|simulated|FILE",
        help="auto: the public data set from NIGHTCATCH_DATA_DIR, the cache or the internet,"
        " and simulated records only if there is none; FILE: CSV, ARFF or a list with one record"
        " per line (default %(default)s)",
    )
    load.add_argument(
        "--label",
        choices=("phishing", "legitimate"),
        help="label of every record of FILE; needed for a list without labels",
    )
    load.add_argument(
        "--labels",
        choices=("documented", "inverted"),
        help="whether the two numbers of FILE's labels mean what the pipeline's do (urls: 1 is"
        " phishing; sites: -1 is phishing), or the opposite, as in PhiUSIIL",
    )
    load.add_argument(
        "--source-name",
        metavar="NAME",
        help="source of the records, if FILE has none (default: the file's name)",
    )


def _add_train(add: _Add) -> None:
    train = add(
        "train",
        "trigger a training run and follow it",
        "  ./nightcatch train\n"
        "  ./nightcatch train --effort quick --seed 7\n"
        "  ./nightcatch train --fpr-budget 0.001 --approval human --no-wait\n",
    )
    add_pipeline(train)
    train.add_argument("--effort", choices=("quick", "default", "thorough"), help="search effort")
    train.add_argument(
        "--fpr-budget",
        type=float,
        metavar="SHARE",
        help="share of legitimate rows flagged, at most",
    )
    train.add_argument("--seed", type=int, help="random seed")
    train.add_argument(
        "--approval",
        choices=("auto", "human"),
        help="whether a version that passed the gate waits for a person",
    )
    train.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="follow the run to its end (default) or return at once",
    )


def _add_tools(add: _Add) -> None:
    add(
        "doctor",
        "check versions, ports, disk, secrets, MongoDB, S3 and the clock, and name the remedies",
        "  ./nightcatch doctor         exit code 1 if anything is broken\n",
    )
    add(
        "test",
        "run the tests, three workers on two cores; arguments are pytest's",
        "  ./nightcatch test             without the heavy tests\n"
        "  ./nightcatch test --all       with them\n"
        "  ./nightcatch test tests/unit -q -n 0\n",
    )
    add(
        "docs",
        "build the documentation as one book with search; a broken link fails",
        "  ./nightcatch docs             .local/docs/site/index.html\n",
    )
    completion = add(
        "completion",
        "print the shell's code for completion by Tab",
        "  ./nightcatch completion bash >> ~/.bash_completion\n"
        "  ./nightcatch completion zsh > ~/.zfunc/_nightcatch\n",
    )
    completion.add_argument("shell", choices=("bash", "zsh"))
    bench = add(
        "bench",
        "run a side-by-side measurement; without a name, list them",
        "  ./nightcatch bench\n  ./nightcatch bench record\n",
    )
    bench.add_argument("name", nargs="?", help="which measurement")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, help="handed to the measurement")
