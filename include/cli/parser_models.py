"""The parsers of the commands about model versions."""

import argparse
from collections.abc import Callable

from include.contract.lists import SCOPES

Add = Callable[[str, str, str], argparse.ArgumentParser]
_VERSION = "20261121T020513Z-3f9a1c2b"


def add_model_commands(add: Add) -> None:
    """Add the commands about versions.

    Parameters
    ----------
    add : callable (name, line of help, examples) -> ArgumentParser
    """
    _add_decisions(add)
    _add_lists(add)
    _add_export(add)
    _add_lineage(add)
    _add_retention(add)


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a pipeline."""
    parser.add_argument(
        "--pipeline", default="sites", metavar="NAME", help="which pipeline (default %(default)s)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints JSON for scripts."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Add the options that say who decides, and why."""
    parser.add_argument("--reason", required=True, type=_reason, help="kept in the history")
    parser.add_argument("--by", metavar="NAME", help="who decides (default: your login name)")


def _add_decisions(add: Add) -> None:
    versions = add(
        "versions",
        "list the kept versions: figures, gate verdicts, approvals, the production version",
        "  ./nightcatch versions\n  ./nightcatch versions --pipeline sites --limit 100\n",
    )
    add_pipeline(versions)
    add_json(versions)
    versions.add_argument(
        "--limit", type=int, default=20, metavar="N", help="newest N (default %(default)s)"
    )
    approve = add(
        "approve",
        "bring a kept version into production; scorers follow within one poll",
        f'  ./nightcatch approve {_VERSION} --reason "catches the new kit"\n'
        "exit code 1: rejected; 3: another approval came first; nothing was changed by either\n",
    )
    approve.add_argument("version", metavar="VERSION", help="see ./nightcatch versions")
    _add_decision(approve)
    approve.add_argument(
        "--countersign",
        action="store_true",
        help="as the second of two approvers, also where one suffices",
    )
    propose = add(
        "propose",
        "sign a kept version as the first of two approvers; the second approves it",
        f'  ./nightcatch propose {_VERSION} --reason "catches the new kit"\n'
        "valid for three days, and only until another version is approved\n"
        "exit code 1: rejected; 3: another approval came first; nothing was changed by either\n",
    )
    propose.add_argument("version", metavar="VERSION", help="see ./nightcatch versions")
    _add_decision(propose)
    _add_rollback(add)


def _add_rollback(add: Add) -> None:
    rollback = add(
        "rollback",
        "roll back to the previous production version, or an earlier one",
        '  ./nightcatch rollback --reason "flags our own log-in page"\n'
        f'  ./nightcatch rollback {_VERSION} --reason "the last good one"\n'
        "exit code 1: rejected; 3: another approval came first; nothing was changed by either\n",
    )
    rollback.add_argument(
        "version", nargs="?", metavar="VERSION", help="default: the previous production version"
    )
    _add_decision(rollback)


def _add_decision(parser: argparse.ArgumentParser) -> None:
    add_pipeline(parser)
    add_reason(parser)
    parser.add_argument(
        "--despite-gate",
        action="store_true",
        help="approve a version that the gate rejected or did not evaluate; is recorded",
    )


def _add_lists(add: Add) -> None:
    for name, verdict in (("allow", "legitimate"), ("block", "phishing")):
        entry = add(
            name,
            f"call a site {verdict} whatever the model's probability, by a signed list entry",
            f"  ./nightcatch {name} https://login.example.com/ --reason 'our own log-in page'\n"
            f"  ./nightcatch {name} example.com --scope domain --reason ours --until 2027-06-30\n"
            "Scorers follow within one poll; responses still have the model's probability.\n",
        )
        _add_entry(entry)
        entry.add_argument(
            "--until", metavar="YYYY-MM-DD", help="last day (UTC; default: for ever)"
        )
    unlist = add(
        "unlist",
        "remove the entries of a site from the list",
        "  ./nightcatch unlist example.com --scope domain --reason 'taken over'\n",
    )
    _add_entry(unlist)
    lists = add(
        "lists",
        "show the allowed and blocked sites, or their history; return to an earlier state",
        "  ./nightcatch lists\n  ./nightcatch lists --history\n"
        "  ./nightcatch lists --restore 7 --reason 'the change was a mistake'\n",
    )
    add_json(lists)
    lists.add_argument("--history", action="store_true", help="show each change")
    lists.add_argument("--restore", type=int, metavar="SERIAL", help="return to that state")
    lists.add_argument("--reason", type=_reason, help="of --restore; kept in the history")
    lists.add_argument("--by", metavar="NAME", help="who decides (default: your login name)")


def _add_entry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="SITE", help="a URL or host as people paste it")
    parser.add_argument(
        "--scope",
        choices=SCOPES,
        default="host",
        help="the URL alone, all paths below it, its host, or its domain with all hosts below"
        " (default %(default)s)",
    )
    parser.add_argument("--reason", required=True, type=_reason, help="kept in the history")
    parser.add_argument("--by", metavar="NAME", help="who decides (default: your login name)")


def _add_export(add: Add) -> None:
    export = add(
        "export",
        "write the blocked URLs and hosts: a plain list, a response policy zone, or STIX 2.1",
        "  ./nightcatch export list -o /var/www/blocked.txt\n"
        "  ./nightcatch export rpz -o /etc/bind/rpz.zone && rndc reload rpz.nightcatch\n"
        "  ./nightcatch export stix --labels none\n"
        "Block entries and reviewed labels that hold now; nothing that is allowed or shared.\n",
    )
    export.add_argument("format", choices=("list", "rpz", "stix"))
    export.add_argument(
        "-o", "--output", metavar="FILE", help="replaced at once (default: standard output)"
    )
    export.add_argument(
        "--labels",
        choices=("reviewed", "all", "none"),
        default="reviewed",
        help="of phishing: those that a person confirmed (default), all that have not expired,"
        " or none, which needs no MongoDB",
    )


def _add_lineage(add: Add) -> None:
    trace = add(
        "trace",
        "follow a prediction's id back to version, approval, snapshot, records and code",
        "  ./nightcatch trace 019aa4f0c1d27a3b8f0e5d6c7b8a9f01\n"
        "  ./nightcatch trace 019aa4f0c1d27a3b8f0e5d6c7b8a9f01-17 --rows records.csv\n"
        "  ./nightcatch trace 019aa4f0c1d27a3b8f0e5d6c7b8a9f01 --json\n",
    )
    trace.add_argument("id", metavar="ID", help="the `id` of a scorer's response")
    add_json(trace)
    trace.add_argument(
        "--rows", metavar="FILE", help="write the _id and side of every record used, as CSV"
    )
    reproduce = add(
        "reproduce",
        "retrain a version from its snapshot and compare the result",
        f"  ./nightcatch reproduce {_VERSION}\n"
        "exit code 0: identical digests, threshold and figures; 1: not. Takes as long as the run\n"
        "did, all candidates one after the other. Nothing under models/ is touched.\n",
    )
    reproduce.add_argument("version", metavar="VERSION", help="see ./nightcatch versions")
    add_pipeline(reproduce)
    verify = add(
        "verify",
        "verify a version from its snapshot to its approval: signatures and digests of every step",
        f"  ./nightcatch verify {_VERSION}\n"
        "exit code 0: every check passes; 1: not, or the version was never approved.\n",
    )
    verify.add_argument("version", metavar="VERSION", help="see ./nightcatch versions")
    verify.add_argument("--json", action="store_true", help="print JSON")
    add_pipeline(verify)


def _add_retention(add: Add) -> None:
    retain = add(
        "retain",
        "show what is older than the pipeline's retention.toml; with --apply, delete it",
        "  ./nightcatch retain\n"
        "  ./nightcatch retain --days 30 --newest 5\n"
        "  ./nightcatch retain --apply\n"
        "Approved versions and their snapshots always stay; so does what a running run or a\n"
        "waiting approval may need.\n",
    )
    add_pipeline(retain)
    add_json(retain)
    how = retain.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="delete nothing (the default)")
    how.add_argument("--apply", action="store_true", help="delete what is shown")
    retain.add_argument("--days", type=int, metavar="N", help="instead of the file's `days`")
    retain.add_argument(
        "--newest", type=int, metavar="N", help="instead of the file's `newest_versions`"
    )


def _reason(text: str) -> str:
    if not 3 <= len(text.strip()) <= 500:
        raise argparse.ArgumentTypeError("the reason must have 3 to 500 characters")
    return text.strip()
