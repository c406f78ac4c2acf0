"""A version verified from its snapshot to its approval."""

import argparse
import json
from dataclasses import asdict

from include.cli.installation import Installation
from include.cli.screen import Screen


def verify(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Verify the chain of a version's run; 0 when every check passes."""
    from include.run.verify_chain import verify_chain

    store, trusted_keys = installation.store, installation.trusted_keys
    checks = verify_chain(store, args.pipeline, args.version, trusted_keys)
    if args.json:
        screen.show(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        for check in checks:
            screen.show(f"{'ok' if check.passed else 'FAILED':<9}{check.name:<28}{check.detail}")
    return 0 if all(check.passed for check in checks) else 1
