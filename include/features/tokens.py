"""Words, traits and peers of a URL as text, each marked with what it is."""

import re
from bisect import bisect
from itertools import pairwise
from typing import NamedTuple

from include.features.lexical import folders_of
from include.urls.address import Address

_WORD = re.compile(r"[a-z0-9\u0080-\uffff]+")
_DIGITS = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[a-z\u0080-\uffff]+")
_RUN = re.compile(r"[a-z]+|[0-9]+")
_LATIN = re.compile(r"[a-z]+")
_REPEATED = re.compile(r"(.)(?=\1)")
_KEY = re.compile(r"[?&]([^=&]*)=")
# v = vowel, c = consonant, 0 = digit; and digits as the letters they stand in for.
_SOUNDS = str.maketrans("aeiouybcdfghjklmnpqrstvwxz0123456789", "v" * 6 + "c" * 20 + "0" * 10)
_LETTERS_MEANT = str.maketrans("013457", "oleast")
_SIZES = (1, 4, 6, 8, 10, 13, 17, 22)

N_PEERS = 22


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


class Form(NamedTuple):
    """The parts of a URL that traits and peers are made of, none of them long.

    Attributes
    ----------
    label, subdomain, suffix, ending : str
        Of the host; the ending is the last level of the suffix.
    sounds, rhythm : str
        The label with every letter as vowel, consonant or digit; the same without repeats.
    kind : str
        Whether the label has digits and hyphens.
    size, levels : int
        Of the label, by steps; of the subdomain.
    folders, shape, query, page, file : str
        Of the path; the shape is of the folders, the page stands behind the last slash, and the
        file is what kind of file that is.
    steps, words : list of str
        Folders and words of the path.
    """

    label: str
    subdomain: str
    suffix: str
    ending: str
    sounds: str
    rhythm: str
    kind: str
    size: int
    levels: int
    folders: str
    shape: str
    query: str
    page: str
    file: str
    steps: list[str]
    words: list[str]


def form_of(address: Address, path: str) -> Form:
    """Return the form of a URL whose path is given in lower case."""
    label, sub, suffix = address.label[:40], address.subdomain[:60], address.suffix
    sounds = label.translate(_SOUNDS)
    folders = folders_of(path)
    query, folders = path[len(folders) :][:200], folders[:200]
    steps = [step for step in folders.split("/") if step][:6]
    page = steps[-1] if steps else ""
    stem, _, file = page.rpartition(".")
    return Form(
        label=label,
        subdomain=sub,
        suffix=suffix,
        ending=suffix.rpartition(".")[2],
        sounds=sounds,
        rhythm=_REPEATED.sub("", sounds),
        kind="0" * ("0" in sounds) + "-" * ("-" in label),
        size=bisect(_SIZES, len(label)),
        levels=min(3, sub.count(".") + bool(sub)),
        folders=folders,
        shape=_shape(folders)[:16] if path else "",
        query=query,
        page=page,
        file=file[:5] if stem else "",
        steps=steps,
        words=_WORD.findall(path[:300])[:7],
    )


def traits_of(form: Form, path: str) -> list[str]:
    """Return what a URL's host and path are like, and what stands beside what in them."""
    return [*_host_traits(form, path), *(_path_traits(form, path) if path else ())]


def peers_of(form: Form, path: str) -> list[str]:
    """Return what a URL has in common with those of other domains: `N_PEERS` texts, each marked.

    Much the same as words and traits, but always as many, in the same order: each can be judged by
    itself. None holds an end of line.
    """
    return [*_host_peers(form, path), *_path_peers(form, path)]


def _host_peers(form: Form, path: str) -> list[str]:
    label, sub, suffix, ending = form.label, form.subdomain, form.suffix, form.ending
    home, size, kind, levels = not path, form.size, form.kind, form.levels
    words, runs, above = _WORD.findall(label), _LATIN.findall(label), _WORD.findall(sub)
    return [
        f"a{suffix}",
        f"b{ending}",
        f"c{suffix}|{home}|{levels}",
        f"d{ending}|{size}{kind}|{home}",
        f"e{size}{kind}|{levels}|{home}",
        f"f{suffix}|{size}",
        f"g{label[:3]}|{len(label)}",
        f"h{label[:4]}",
        f"i{label[:5]}",
        f"j{label[-3:]}",
        f"k{label[-5:]}",
        f"l{form.sounds[:8]}|{ending}",
        f"m{words[0] if len(words) > 1 else len(words)}",
        f"n{max(runs, key=len) if len(runs) > 1 else len(runs)}",
        f"o{above[-1] if above else ''}|{suffix}",
        f"p{sub[:16].translate(_SOUNDS)}",
    ]


def _path_peers(form: Form, path: str) -> list[str]:
    suffix, ending, words, query = form.suffix, form.ending, form.words, form.query
    if not path:
        return [f"q{ending}", "r", "s", "t", f"u{suffix}", "v"]
    return [
        f"q{ending}|{words[0] if words else ''}",
        f"r/{'/'.join(words[:2])}",
        f"s/{form.page[:40]}",
        f"t/{form.shape}",
        f"u{suffix}|{form.file}|{len(form.steps)}|{bool(query)}",
        f"v/{','.join(_KEY.findall(query)[:6]) if query else ''}",
    ]


def _host_traits(form: Form, path: str) -> list[str]:
    label, sub, suffix, ending = form.label, form.subdomain, form.suffix, form.ending
    home, size, kind, levels = not path, form.size, form.kind, form.levels
    traits = [
        f"C{form.sounds[:14]}",
        f"R{form.rhythm[:16]}",
        f"c{ending}|{form.rhythm[:8]}",
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


def _path_traits(form: Form, path: str) -> list[str]:
    suffix, folders, query, page = form.suffix, form.folders, form.query, form.page
    steps, words, file, n_steps = form.steps, form.words, form.file, len(form.steps)
    traits = [
        f"F{folders[:80]}",
        f"n{page[:40]}",
        f"x{file}|{n_steps}|{bool(query)}",
        f"h{suffix}/{words[0] if words else ''}",
        f"G{suffix}|{form.shape}",
        f"D{'/'.join(steps[:-1])[:60]}",
        f"z{n_steps}|{bisect(_SIZES, len(page))}|{path[-1] == '/'}",
        f"i{form.ending}|{n_steps}|{file}",
    ]
    keys = _KEY.findall(query)[:6] if query else []
    if keys:
        traits += [f"Q{','.join(keys)}", *(f"q{key}" for key in keys)]
    return traits + [f"2{one}/{other}" for one, other in pairwise(words)]


def _shape(path: str) -> str:
    """Return a path with every run of letters as one ``a`` and of digits as one ``0``."""
    return _DIGITS.sub("0", _LETTERS.sub("a", path[:120]))[:30]
