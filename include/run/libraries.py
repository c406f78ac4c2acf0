"""The installed libraries that trained and exported a model, and what they need in turn."""

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from include.reporting.bom import Library

DIRECT = ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime", "joblib", "pandas")


def installed() -> list[Library]:
    """Return `DIRECT` and everything they need that is installed here, in order of names."""
    found: dict[str, Library] = {}
    waiting = list(DIRECT)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        library = distribution(name)
        needed = [each for each in map(Requirement, library.requires or ()) if _is_needed(each)]
        names = tuple(sorted({canonicalize_name(each.name) for each in needed}))
        found[name] = Library(library.name, library.version, names)
        waiting += names
    return [found[name] for name in sorted(found)]


def _is_needed(requirement: Requirement) -> bool:
    """Tell whether a requirement holds on this machine, without extras, and is installed."""
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return False
    try:
        distribution(requirement.name)
    except PackageNotFoundError:  # such as tzdata where the system has time zones
        return False
    return True
