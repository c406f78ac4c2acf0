"""Write the tables of `docs/configure.md` from the settings classes.

Run ``python -m include.cli.reference`` after a change of settings. Each table is between
``<!-- settings: NAME -->`` and ``<!-- end -->``.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from include.config.installation import InstallationSettings
from include.evaluation.gate.policy import Policy
from include.monitoring.limits import Limits
from include.notify.settings import AlertSettings, DeadlineSettings
from include.registry.retention.policy import Retention
from include.run.release.limits import ReleaseLimits
from include.services.scorer.settings import Settings
from include.stack.settings import StackSettings

_SETTINGS: dict[str, tuple[type[BaseModel], ...]] = {
    "stack": (StackSettings,),
    "installation": (InstallationSettings,),
    "scorer": (Settings,),
    "alerts": (AlertSettings, DeadlineSettings),
}
_POLICIES: dict[str, type] = {
    "policy.toml": Policy,
    "retention.toml": Retention,
    "monitoring.toml": Limits,
    "release.toml": ReleaseLimits,
}
_TABLE = re.compile(r"(<!-- settings: ([\w.]+) -->\n).*?(<!-- end -->)", re.S)
_ATTRIBUTE = re.compile(r"^(\w[\w, ]*) : [^\n]+\n((?:    [^\n]+\n?)+)", re.M)
_MIB = 1024 * 1024


def render(page: str) -> str:
    """Return a page with its tables as the settings classes are now."""
    return _TABLE.sub(lambda found: f"{found[1]}{_table(found[2])}{found[3]}", page)


def _table(name: str) -> str:
    if name in _POLICIES:
        title, rows = "key", _policy_rows(_POLICIES[name])
    else:
        title, rows = "variable", (row for each in _SETTINGS[name] for row in _rows(each))
    lines = [f"| {title} | meaning | default |", "|---|---|---|", *rows]
    return "".join(f"{line}\n" for line in lines)


def _rows(settings: type[BaseModel]) -> Iterator[str]:
    for field in settings.model_fields.values():
        if field.alias is None:
            continue
        assert field.description, f"{field.alias} has no description"
        default = "Required" if field.is_required() else _default(field.default)
        yield f"| `{field.alias}` | {field.description} | {default} |"


def _policy_rows(policy: type) -> Iterator[str]:
    defaults = {field.name: field.default for field in fields(policy)}
    described = _ATTRIBUTE.findall(inspect.getdoc(policy) or "")
    names = [name for named, _ in described for name in named.split(", ")]
    assert names == list(defaults), f"{policy.__name__}: attributes are not its fields"
    for named, text in described:
        keys = named.split(", ")
        values = dict.fromkeys(_default(_value(defaults[key])) for key in keys)
        shown = ", ".join(f"`{key}`" for key in keys)
        yield f"| {shown} | {' '.join(text.split())} | {', '.join(values)} |"


def _value(default: Any) -> Any:
    return None if default is MISSING else getattr(default, "default", default)


def _default(value: Any) -> str:
    if value is None or value in ("", ()):
        return "None"
    if isinstance(value, bool):
        return "`on`" if value else "`off`"
    if isinstance(value, int) and value >= _MIB and value % _MIB == 0:
        return f"`{value}` ({value // _MIB} MiB)"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    path = Path(__file__).resolve().parents[2] / "docs" / "configure.md"
    path.write_text(render(path.read_text()))
