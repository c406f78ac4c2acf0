"""Read a pydantic model from environment variables or from a TOML file, with all errors at once."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from include.errors import NightCatchError, SettingMissingError

Settings = TypeVar("Settings", bound=BaseModel)
Policy = TypeVar("Policy")

# Of the pydantic dataclasses that hold policies: no key is ignored, no value converted.
POLICY = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def read_environment(
    settings: type[Settings],
    environ: Mapping[str, str],
    *,
    own: re.Pattern[str] | None = None,
    others: Sequence[type[BaseModel]] = (),
    **given: object,
) -> Settings:
    """Return the settings that the variables named by the fields' aliases hold.

    An empty variable counts as not set.

    Parameters
    ----------
    settings : type of BaseModel
    environ : mapping of str to str
    own : re.Pattern, optional
        Variables that match and that no class names are misspelt.
    others : sequence of type of BaseModel
        Further classes whose variables are known.
    **given
        Values of fields that are not variables.

    Raises
    ------
    SettingMissingError
        If variables are missing, wrong or unknown: each is named, and no value is shown.
    """
    names = variables(settings)
    known = names | {name for other in others for name in variables(other)}
    misspelt = [name for name in environ if own and own.match(name) and name not in known]
    faults = [f"{name} is unknown; see docs/configure.md" for name in sorted(misspelt)]
    values = {name: environ[name] for name in names if environ.get(name)}
    try:
        read = settings.model_validate({**values, **given})
    except ValidationError as err:
        raise SettingMissingError("; ".join([*faults, *_faults(err)])) from None
    if faults:
        raise SettingMissingError("; ".join(faults))
    return read


def variables(settings: type[BaseModel]) -> set[str]:
    """Return the names of the variables that a settings class is read from."""
    return {field.alias for field in settings.model_fields.values() if field.alias}


def read_toml(policy: type[Policy], path: Path, error: type[NightCatchError]) -> Policy:
    """Return the policy in a TOML file; defaults for what it does not set, or if there is no file.

    Parameters
    ----------
    policy : type
        A pydantic dataclass that forbids unknown keys.
    path : Path
    error : type of NightCatchError
        Raised with the file's name if it is not TOML, or has unknown keys or wrong values.
    """
    try:
        given = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise error(f"{path.name} is not TOML: {err}") from err
    return build_policy(policy, given, path.name, error)


def build_policy(
    policy: type[Policy], given: Mapping[str, Any], where: str, error: type[NightCatchError]
) -> Policy:
    """Return a policy with the given values.

    Parameters
    ----------
    policy : type
        A pydantic dataclass that forbids unknown keys.
    given : mapping
    where : str
        Where the values come from, for the message.
    error : type of NightCatchError
        Raised if keys are unknown or values wrong: each is named.
    """
    try:
        return policy(**given)
    except ValidationError as err:
        raise error(f"{where}: {'; '.join(_faults(err, show_values=True))}") from None


def _faults(err: ValidationError, *, show_values: bool = False) -> list[str]:
    return [_fault(each, show_values) for each in err.errors(include_url=False)]


def _fault(error: Any, show_value: bool) -> str:
    name = ".".join(map(str, error["loc"])) or "settings"
    if error["type"] == "missing":
        return f"{name} is not set"
    if error["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"unknown {name}"
    value = f" = {error['input']!r}" if show_value else ""
    return f"{name}{value}: {error['msg'].removeprefix('Value error, ')}"
