"""``treering model promote``: give an alias to a version of a registered model, if its checks allow it."""

from __future__ import annotations

import argparse

from treering.errors import RemoteError

from .failure import DAMAGED
from .output import print_json, visible
from .reading import open_server

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Promote; with --dry-run only say what the checks find. Ends with 5 if one refuses."""
    with open_server(arguments) as api:
        model = api.model(arguments.model)
        number = model.number_of(arguments.version)
        checks = model.check(arguments.alias, number)
        passed = all(check["passed"] for check in checks)
        if not arguments.dry_run:
            try:
                model.promote(arguments.alias, number, arguments.note)
            except RemoteError as error:
                if error.code != "check_failed":
                    raise
                passed = False
    if arguments.json:
        print_json(
            {"model": model.name, "number": number, "alias": arguments.alias, "checks": checks, "passed": passed}
        )
    else:
        for check in checks:
            print(visible(f"{'passed' if check['passed'] else 'FAILED'}  {check['text']}  ({check['seen']})"))
        done = "would be promoted" if arguments.dry_run else "promoted"
        print(visible(f"{model.name} v{number} {done if passed else 'is not promoted'} to {arguments.alias}"))
    return 0 if passed else DAMAGED
