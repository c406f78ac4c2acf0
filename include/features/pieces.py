"""Words and traits of a URL as text, each marked with what it is."""

import re
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from include.features.address import Address

_WORD = re.compile(r"[a-z0-9\u0080-\uffff]+")
_DIGITS = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[a-z\u0080-\uffff]+")
_RUN = re.compile(r"[a-z]+|[0-9]+")
_REPEATED = re.compile(r"(.)\1+")
_KEY = re.compile(r"[?&]([^=&]*)=")
_PATH_END = re.compile(r"[?#]")
# v = vowel, c = consonant, 0 = digit; and digits as the letters they stand in for.
_SOUNDS = str.maketrans("aeiouybcdfghjklmnpqrstvwxz0123456789", "v" * 6 + "c" * 20 + "0" * 10)
_LETTERS_MEANT = str.maketrans("013457", "oleast")
_SIZES = (1, 4, 6, 8, 10, 13, 17, 22)
_GOLDEN = 0x9E3779B1


def words_of(address: Address, path: str) -> list[str]:
    """Return the words of a URL, each marked with where it stands, the most telling first."""
    in_path, in_label = _WORD.findall(path)[:12], _WORD.findall(address.label)
    words = [
        f"={address.host}",
        f"d{address.domain}",
        f"s{address.suffix}",
        f"t{address.suffix.rpartition('.')[2]}",
        f"l{address.label}",
        f"~{_shape(path)}",
        *(f"S{word}" for word in _WORD.findall(address.subdomain)[:6]),
    ]
    if len(in_label) > 1:
        words += [f"L{word}" for word in in_label[:5]]
    if address.seen_host != address.host:
        words += [f"L{word}" for word in _WORD.findall(address.seen_host)[:6]]
    if path:
        first, last = (in_path[0], in_path[-1]) if in_path else ("", "")
        words += [
            f"P{first}",
            f"1{address.domain}/{first}",
            f"b{'/'.join(in_path[:2])}",
            f"E{last}",
        ]
    return words + [f"p{word}" for word in in_path]


def traits_of(address: Address, path: str) -> list[str]:
    """Return what a URL's host and path are like, and what stands beside what in them."""
    return [*_host_traits(address, path), *(_path_traits(address, path) if path else ())]


def _host_traits(address: Address, path: str) -> list[str]:
    label, sub, suffix = address.label[:40], address.subdomain[:60], address.suffix
    ending, sounds = suffix.rpartition(".")[2], label.translate(_SOUNDS)
    rhythm = _REPEATED.sub(r"\1", sounds)
    kind = "0" * ("0" in sounds) + "-" * ("-" in label)
    home, levels, size = not path, min(3, sub.count(".") + bool(sub)), bisect(_SIZES, len(label))
    traits = [
        f"C{sounds[:14]}",
        f"R{rhythm[:16]}",
        f"c{ending}|{rhythm[:8]}",
        f"K{suffix}|{size}{kind}|{levels}",
        f"T{ending}|{size}|{home}",
        f"k{size}{kind}|{levels}|{home}",
        f"H{suffix}|{home}|{levels}",
    ]
    if sub:
        traits += [f"1{sub.partition('.')[0]}|{suffix}", f"B{sub[:12].translate(_SOUNDS)}|{suffix}"]
    if kind:
        words = _WORD.findall(label)[:5]
        traits += [f"M{one}+{other}" for one, other in pairwise(words)]
        traits += [f"a{run}" for run in _RUN.findall(label)[:5]]
        traits.append(f"e{label.translate(_LETTERS_MEANT)}")
    return traits


def _path_traits(address: Address, path: str) -> list[str]:
    folders = _PATH_END.split(path, maxsplit=1)[0]
    query, folders = path[len(folders) :][:200], folders[:200]
    steps = [step for step in folders.split("/") if step][:6]
    words = _WORD.findall(path[:300])[:7]
    page = steps[-1] if steps else ""
    stem, _, kind = page.rpartition(".")
    kind, suffix, n_steps = kind[:5] if stem else "", address.suffix, len(steps)
    traits = [
        f"F{folders[:80]}",
        f"n{page[:40]}",
        f"x{kind}|{n_steps}|{bool(query)}",
        f"h{suffix}/{words[0] if words else ''}",
        f"G{suffix}|{_shape(folders)[:16]}",
        f"D{'/'.join(steps[:-1])[:60]}",
        f"z{n_steps}|{bisect(_SIZES, len(page))}|{path[-1] == '/'}",
        f"i{suffix.rpartition('.')[2]}|{n_steps}|{kind}",
    ]
    keys = _KEY.findall(query)[:6] if query else []
    if keys:
        traits += [f"Q{','.join(keys)}", *(f"q{key}" for key in keys)]
    return traits + [f"2{one}/{other}" for one, other in pairwise(words)]


def _shape(path: str) -> str:
    """Return a path with every run of letters as one ``a`` and of digits as one ``0``."""
    return _DIGITS.sub("0", _LETTERS.sub("a", path[:120]))[:30]


def numbers(texts: Sequence[Sequence[str]], n_most: int, bits: int) -> npt.NDArray[np.float32]:
    """Return a number below ``2 ** bits`` for each word of each text, then 0 up to `n_most`."""
    rows = []
    for words in texts:
        encoded = "\n".join(words).encode("utf-8", "replace").split(b"\n")
        found = [*map(crc32, encoded[:n_most])]
        rows.append(found + [0] * (n_most - len(found)))
    mixed = np.array(rows, np.uint32) * np.uint32(_GOLDEN)
    return (mixed >> np.uint32(32 - bits)).astype(np.float32)


def crc(text: str) -> int:
    """Return the CRC-32 of any text."""
    return crc32(text.encode("utf-8", "replace"))
