"""The URLs of bench/everyday, and the results of other programs."""

import csv
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench._urls import data_file
from include.urls.reference.build import build_reference
from include.urls.reference.container import from_bytes
from include.urls.reference.facts import Reference

LOGIN_SOURCE = "account_login_pages"
BRANDS = (
    "paypal.com", "microsoft.com", "netflix.com", "facebook.com", "instagram.com",
    "amazon.com", "google.com", "apple.com", "linkedin.com", "coinbase.com",
)  # fmt: skip
_PEER = "NIGHTCATCH_PEER_PYTHON"
_MOST_TYPOS = 2_000
_TIMEOUT_S = 900


@dataclass(frozen=True)
class EvaluationSet:
    """Labelled URLs of one file.

    Attributes
    ----------
    urls : list of str
    y : ndarray of int8
        1 = phishing.
    sources : ndarray of str
        What kind of URL each is, or who collected it.
    unseen : ndarray of bool
        Whether the registrable domain is absent from the training file, where that is known.
    """

    urls: list[str]
    y: npt.NDArray[np.int8]
    sources: npt.NDArray[np.object_]
    unseen: npt.NDArray[np.bool_]


def read_evaluation_sets() -> Mapping[str, EvaluationSet]:
    """Return the files that nothing is trained on or chosen by."""
    files = {
        "everyday": ("urls_everyday.csv.gz", "source"),
        "handmade": ("everyday_handmade.csv", "kind"),
        "dev": ("urls_dev.csv.gz", "source"),
    }
    found = {}
    for name, (file, column) in files.items():
        frame = pd.read_csv(data_file(file))
        found[name] = EvaluationSet(
            frame["url"].tolist(),
            frame["label"].to_numpy(np.int8),
            frame[column].to_numpy(object),
            np.asarray(frame.get("regdomain_in_train", 1) == 0),
        )
    return found


def read_reference() -> tuple[bytes, Reference, list[str]]:
    """Return reference data of the popularity list: the file, read, and the names in order."""
    frame = pd.read_csv(data_file("domain_ranks.csv.gz"))
    names = frame["domain"].astype(str).tolist()
    body = build_reference(zip(names, frame["rank"].tolist(), strict=True), ["Tranco 2026-06"])
    return body, from_bytes(body), names


def peer_python() -> Path | None:
    """Return the interpreter that has fraudurl and dnstwist; None where none is named."""
    path = os.environ.get(_PEER)
    return Path(path) if path else None


def typosquats(python: Path) -> dict[str, list[str]]:
    """Return look-alikes of each brand by dnstwist's generators; none is looked up."""
    command = [str(python), "-c", _GENERATE, _FUZZERS, *BRANDS]
    answer = subprocess.run(command, capture_output=True, check=True, timeout=_TIMEOUT_S)
    rng = np.random.default_rng(0)
    return {
        brand: sorted(rng.permutation(domains)[: _MOST_TYPOS // len(BRANDS)].tolist())
        for brand, domains in json.loads(answer.stdout).items()
    }


_FUZZERS = (
    "addition,bitsquatting,homoglyph,hyphenation,insertion,omission,plural,repetition,"
    "replacement,transposition,vowel-swap"
)
_GENERATE = """
import json, sys
from dnstwist import Fuzzer
found = {}
for brand in sys.argv[2:]:
    fuzzer = Fuzzer(brand)
    fuzzer.generate(fuzzers=sys.argv[1].split(","))
    found[brand] = sorted({each["domain"] for each in fuzzer.domains} - {brand})
print(json.dumps(found))
"""


def fraudurl(python: Path, urls: Sequence[str]) -> tuple[npt.NDArray[np.str_], list[float]]:
    """Return the verdict and the probability of fraudurl for each URL, without its look-ups."""
    with TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.csv", Path(folder) / "answered.csv"
        with asked.open("w", newline="") as file:
            csv.writer(file).writerows([["url"], *([url] for url in urls)])
        command = [str(python), "-m", "fraudurl", str(asked), "-o", str(answered), "--quiet"]
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
        with answered.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    verdicts = np.array([row["fraud_verdict"] for row in rows])
    return verdicts, [float(row["fraud_probability"] or 0) for row in rows]
