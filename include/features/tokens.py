"""Words, traits and peers of a URL as text, each marked with what it is."""

import re
from bisect import bisect
from itertools import pairwise
from typing import NamedTuple

from include.features.url_text import UrlText, folders_of, words_in

_DIGITS = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[a-z\u0080-\uffff]+")
_RUN = re.compile(r"[a-z]+|[0-9]+")
_LATIN = re.compile(r"[a-z]+")
_KEY = re.compile(r"[?&]([^=&]*)=")
_ALPHABET, _TEN = b"abcdefghijklmnopqrstuvwxyz", b"0123456789"
# v = vowel, c = consonant, 0 = digit; and digits as the letters they stand in for.
_SOUNDS = bytes.maketrans(_ALPHABET + _TEN, b"vcccvcccvcccccvcccccvcccvc" + b"0" * 10)
_SHAPES = bytes.maketrans(_ALPHABET + _TEN, b"a" * 26 + b"0" * 10)
_LETTERS_MEANT = str.maketrans("013457", "oleast")
_DIGIT = "0123456789"
_SIZES = (1, 4, 6, 8, 10, 13, 17, 22)

N_PEERS = 22


def words_of(text: UrlText, shape: str) -> list[str]:
    """Return the words of a URL, each marked with where it stands, the most telling first.

    Parameters
    ----------
    text : UrlText
    shape : str
        What `shape_of` makes of its path.
    """
    address, in_path, in_label = text.address, text.path.words[:12], text.label_words
    suffix, domain = address.suffix, address.domain
    words = [
        f"={address.host}",
        f"d{domain}",
        f"s{suffix}",
        f"t{suffix.rpartition('.')[2]}",
        f"l{address.label}",
        f"~{shape}",
        *[f"S{word}" for word in text.subdomain_words[:6]],
    ]
    if len(in_label) > 1:
        words += [f"L{word}" for word in in_label[:5]]
    if address.seen_host != address.host:
        words += [f"L{word}" for word in words_in(address.seen_host)[:6]]
    if text.path.text:
        first, last = (in_path[0], in_path[-1]) if in_path else ("", "")
        words += [f"P{first}", f"1{domain}/{first}", f"b{'/'.join(in_path[:2])}", f"E{last}"]
        words += [f"p{word}" for word in in_path]
    return words


class Form(NamedTuple):
    """The parts of a URL that traits and peers are made of, none of them long.

    Attributes
    ----------
    label, subdomain, suffix, ending : str
        Of the host; the ending is the last level of the suffix.
    sounds, rhythm, sounds_above : str
        The label with every letter as vowel, consonant or digit; the same without repeats; the
        sounds of the subdomain.
    kind, home : str
        Whether the label has digits and hyphens; whether there is no path.
    size, levels : str
        Of the label, by steps; of the subdomain.
    folders, shape, page, file : str
        Of the path; the shape is of the folders, the page stands behind the last slash, and the
        file is what kind of file that is.
    has_query : str
    keys, steps, words : list of str
        Keys of the query, folders and words of the path.
    label_words, subdomain_words : list of str
        Of the host.
    """

    label: str
    subdomain: str
    suffix: str
    ending: str
    sounds: str
    rhythm: str
    sounds_above: str
    kind: str
    home: str
    size: str
    levels: str
    folders: str
    shape: str
    page: str
    file: str
    has_query: str
    keys: list[str]
    steps: list[str]
    words: list[str]
    label_words: list[str]
    subdomain_words: list[str]


def form_of(text: UrlText, shape: str) -> Form:
    """Return the form of a URL, the shape of whose path is given."""
    address, path = text.address, text.path.text
    label, sub, suffix = address.label[:40], address.subdomain[:60], address.suffix
    sounds, folders = _sounds(label), text.path.folders
    query, folders = path[len(folders) :][:200], folders[:200]
    steps = [step for step in folders.split("/") if step][:6]
    page = steps[-1] if steps else ""
    stem, _, file = page.rpartition(".")
    return Form(
        label,
        sub,
        suffix,
        suffix.rpartition(".")[2],
        sounds,
        "".join([sound for sound, after in pairwise(f"{sounds}\n") if sound != after]),
        _sounds(sub[:16]),
        ("0" if "0" in sounds else "") + ("-" if "-" in label else ""),
        "False" if path else "True",
        _DIGIT[bisect(_SIZES, len(label))],
        _DIGIT[min(3, sub.count(".") + 1)] if sub else "0",
        folders,
        folders_of(shape)[:16],
        page,
        file[:5] if stem else "",
        "True" if query else "False",
        _KEY.findall(query)[:6] if query else [],
        steps,
        (text.path.words if len(path) <= 300 else words_in(path[:300]))[:7],
        text.label_words if len(address.label) <= 40 else words_in(label),
        text.subdomain_words if len(address.subdomain) <= 60 else words_in(sub),
    )


def traits_of(form: Form, path: str) -> list[str]:
    """Return what a URL's host and path are like, and what stands beside what in them."""
    return [*_host_traits(form), *(_path_traits(form, path) if path else ())]


def peers_of(form: Form, path: str) -> list[str]:
    """Return what a URL has in common with those of other domains: `N_PEERS` texts, each marked.

    Much the same as words and traits, but always as many, in the same order: each can be evaluated
    by itself. None holds an end of line.
    """
    return [*_host_peers(form), *_path_peers(form, path)]


def _host_peers(form: Form) -> list[str]:
    label, suffix, ending, words = form.label, form.suffix, form.ending, form.label_words
    home, size, levels, size_kind = form.home, form.size, form.levels, f"{form.size}{form.kind}"
    runs = [label] if label.isalpha() else _LATIN.findall(label)
    above = form.subdomain_words
    return [
        f"a{suffix}",
        f"b{ending}",
        f"c{suffix}|{home}|{levels}",
        f"d{ending}|{size_kind}|{home}",
        f"e{size_kind}|{levels}|{home}",
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
        f"p{form.sounds_above}",
    ]


def _path_peers(form: Form, path: str) -> list[str]:
    suffix, ending, words = form.suffix, form.ending, form.words
    if not path:
        return [f"q{ending}", "r", "s", "t", f"u{suffix}", "v"]
    return [
        f"q{ending}|{words[0] if words else ''}",
        f"r/{'/'.join(words[:2])}",
        f"s/{form.page[:40]}",
        f"t/{form.shape}",
        f"u{suffix}|{form.file}|{len(form.steps)}|{form.has_query}",
        f"v/{','.join(form.keys)}",
    ]


def _host_traits(form: Form) -> list[str]:
    label, sub, suffix, ending = form.label, form.subdomain, form.suffix, form.ending
    home, size, kind, levels = form.home, form.size, form.kind, form.levels
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
        traits += [f"1{sub.partition('.')[0]}|{suffix}", f"B{form.sounds_above[:12]}|{suffix}"]
    if kind:
        traits += [f"M{one}+{other}" for one, other in pairwise(form.label_words[:5])]
        traits += [f"a{run}" for run in _RUN.findall(label)[:5]]
        traits.append(f"e{label.translate(_LETTERS_MEANT)}")
    return traits


def _path_traits(form: Form, path: str) -> list[str]:
    suffix, page, keys, words = form.suffix, form.page, form.keys, form.words
    steps, file, n_steps = form.steps, form.file, len(form.steps)
    traits = [
        f"F{form.folders[:80]}",
        f"n{page[:40]}",
        f"x{file}|{n_steps}|{form.has_query}",
        f"h{suffix}/{words[0] if words else ''}",
        f"G{suffix}|{form.shape}",
        f"D{'/'.join(steps[:-1])[:60]}",
        f"z{n_steps}|{bisect(_SIZES, len(page))}|{path[-1] == '/'}",
        f"i{form.ending}|{n_steps}|{file}",
    ]
    if keys:
        traits += [f"Q{','.join(keys)}", *[f"q{key}" for key in keys]]
    return traits + [f"2{one}/{other}" for one, other in pairwise(words)]


def shape_of(path: str) -> str:
    """Return a path with every run of letters as one ``a`` and of digits as one ``0``."""
    if not path.isascii():
        return _DIGITS.sub("0", _LETTERS.sub("a", path[:120]))[:30]
    shape = path[:120].encode().translate(_SHAPES)
    for twice, once in ((b"aa", b"a"), (b"00", b"0")):
        while twice in shape:
            shape = shape.replace(twice, once)
    return shape[:30].decode()


def _sounds(name: str) -> str:
    """Return a name in ASCII with every letter as vowel, consonant or digit."""
    return name.encode().translate(_SOUNDS).decode()
