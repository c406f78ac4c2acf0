"""`./nightcatch docs`: the pages of `docs/` as one book with search, built by Zensical."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from os.path import relpath
from pathlib import Path

from include.errors import BookError

_BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")  # pages of the book as well
_LINK = re.compile(r'(\]\(|<img src=")([^)\s"#]+)')


def build_book(root: Path, cache_dir: Path, out_dir: Path) -> Path:
    """Build the book; any warning of the builder, such as a link that leads nowhere, fails.

    Parameters
    ----------
    root : Path
        The checkout.
    cache_dir : Path
        Where the builder is kept; the first build installs it from `docs/requirements.txt`.
    out_dir : Path
        Made anew, with the pages as they are built and the book.

    Returns
    -------
    Path
        Folder of `index.html`.

    Raises
    ------
    BookError
        If the builder cannot be installed, or a page or a link is wrong.
    """
    builder = _install_builder(root / "docs" / "requirements.txt", cache_dir)
    shutil.rmtree(out_dir, ignore_errors=True)
    pages = out_dir / "docs"
    shutil.copytree(root / "docs", pages)
    shutil.move(pages / "zensical.toml", out_dir)
    for page in [*(root / "docs").glob("*.md"), *(root / name for name in _BESIDE)]:
        (pages / page.name).write_text(_with_links_of_the_book(page, root, pages))
    done = _run([builder, "build", "--strict"], out_dir)
    if done.returncode:
        raise BookError(f"the documentation is not in order:\n{done.stdout}{done.stderr}".rstrip())
    return out_dir / "site"


def _install_builder(lock: Path, cache_dir: Path) -> Path:
    """Return the builder's program in an environment of its own, named by the lock."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = cache_dir / f"docs-{sys.version_info[0]}.{sys.version_info[1]}-{digest}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        install = ["-m", "pip", "install", "-q", "--require-hashes", "--only-binary", ":all:"]
        commands: tuple[list[str | Path], ...] = (
            [sys.executable, "-m", "venv", folder],
            [folder / "bin" / "python", *install, "-r", lock],
        )
        for command in commands:
            done = _run(command, lock.parent)
            if done.returncode:
                raise BookError(f"the builder could not be installed:\n{done.stderr}".rstrip())
        (folder / "complete").touch()
    return folder / "bin" / "zensical"


def _run(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _with_links_of_the_book(page: Path, root: Path, pages: Path) -> str:
    """Return a page whose links lead into the book; other files are copied there."""

    def in_book(found: re.Match[str]) -> str:
        before, link = found.groups()
        if re.match(r"[a-z]+:", link):
            return found[0]
        target = Path(relpath(page.parent / link, root))
        if target.parent == Path("docs") or target.as_posix() in _BESIDE:
            return f"{before}{target.name}"
        if not (root / target).is_file():
            raise BookError(f"{page.relative_to(root)}: {link} is not a file")
        (pages / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / target, pages / target)
        return f"{before}{target.as_posix()}"

    return _LINK.sub(in_book, page.read_text())
