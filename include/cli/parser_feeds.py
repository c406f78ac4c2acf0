"""The parser of ``./nightcatch feeds``."""

import argparse
from collections.abc import Callable

from include.cli.parser_models import add_json, add_reason
from include.ingest.review.entries import VERDICTS

Add = Callable[[str, str, str], argparse.ArgumentParser]


def add_feeds_command(add: Add) -> None:
    """Add the command about feeds.

    Parameters
    ----------
    add : callable (name, line of help, examples) -> ArgumentParser
    """
    feeds = add(
        "feeds",
        "check, pull and watch the feeds of labels; decide on what is held back",
        "  ./nightcatch feeds status                 exit code 1 if a feed needs a look\n"
        "  ./nightcatch feeds check phishunt         requests it, lands nothing\n"
        "  ./nightcatch feeds check my_feeds.toml    the same of each feed in a file\n"
        "  ./nightcatch feeds pull phishunt          if it is due\n"
        "  ./nightcatch feeds held\n"
        "  ./nightcatch feeds decide urls/0f3a... confirm --reason 'checked by hand'\n"
        "  ./nightcatch feeds decide all reject --feed phishunt"
        " --held-for 'legitimate by two_factor' --reason 'looked at ten'\n"
        "  ./nightcatch feeds accept phishunt --reason 'they list twice as many now'\n",
    )
    actions = feeds.add_subparsers(dest="action", metavar="ACTION", required=True)
    _with_pipeline(actions.add_parser("status", help="show how each feed does"), json=True)
    check = actions.add_parser("check", help="request feeds and show what they would bring")
    check.add_argument("name", metavar="NAME|FILE", help="a feed, or a TOML file of feeds")
    _with_pipeline(check)
    pull = actions.add_parser("pull", help="pull a feed now, if it is due")
    pull.add_argument("name", metavar="NAME", help="a feed")
    _with_pipeline(pull)
    held = actions.add_parser("held", help="list what waits for a decision")
    held.add_argument(
        "--limit", type=int, default=100, metavar="N", help="oldest N (default %(default)s)"
    )
    held.add_argument("--feed", default="", metavar="NAME", help="of this feed only")
    held.add_argument("--reason", default="", metavar="TEXT", help="held for this reason only")
    held.add_argument("--decided", action="store_true", help="what was decided, newest first")
    _with_pipeline(held, json=True)
    _add_decide(actions.add_parser("decide", help="decide on a record that is held back"))
    accept = actions.add_parser("accept", help="let the next pull land whatever its size")
    accept.add_argument("name", metavar="NAME", help="a feed")
    _with_decision(accept)


def _add_decide(decide: argparse.ArgumentParser) -> None:
    decide.add_argument(
        "id", metavar="ID", help="see ./nightcatch feeds held; or all, of one reason"
    )
    decide.add_argument(
        "decision",
        choices=VERDICTS,
        help="what it is; confirm: as it was reported; reject: train on neither; undo: wait again",
    )
    decide.add_argument("--feed", default="", metavar="NAME", help="with all: of this feed")
    decide.add_argument("--held-for", default="", metavar="TEXT", help="with all: of this reason")
    decide.add_argument(
        "--limit",
        type=int,
        default=1000,
        metavar="N",
        help="with all: at most (default %(default)s)",
    )
    _with_decision(decide)


def _with_pipeline(parser: argparse.ArgumentParser, *, json: bool = False) -> None:
    parser.add_argument(
        "--pipeline", default="urls", metavar="NAME", help="which pipeline (default %(default)s)"
    )
    if json:
        add_json(parser)


def _with_decision(parser: argparse.ArgumentParser) -> None:
    _with_pipeline(parser)
    add_reason(parser)
