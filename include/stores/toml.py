"""Policies that people write into TOML files."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from include.errors import NightCatchError


def read_fields(path: Path, policy: type[Any], error: type[NightCatchError]) -> dict[str, Any]:
    """Return what a file sets of a dataclass's fields, unchecked; nothing where there is no file.

    Parameters
    ----------
    path : Path
    policy : type
        The dataclass.
    error : type of NightCatchError
        Raised if the file is no TOML, or names what is no field.
    """
    if not path.exists():
        return {}
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise error(f"{path.name} is not TOML: {err}") from err
    if unknown := given.keys() - {field.name for field in fields(policy)}:
        raise error(f"{path.name}: unknown {', '.join(sorted(unknown))}")
    return given
