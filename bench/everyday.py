"""URLs of ordinary life: what each model flags of them, and what that costs in recall.

Trained on `urls_train.csv.gz` alone, with `domain_ranks.csv.gz` as the reference data's popularity
list; both thresholds come from folds inside that file. `urls_everyday`, `everyday_handmade` and
`urls_dev` only judge. Beside our model: character n-grams with a logistic regression, and fraudurl
and dnstwist, where NIGHTCATCH_PEER_PYTHON names an interpreter that has them (fraudurl==1.0.1,
dnstwist==20250130).
"""

import json
import resource
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from bench._everyday import (
    BRANDS,
    LOGIN_SOURCE,
    EvaluationSet,
    fraudurl,
    peer_python,
    read_evaluation_sets,
    read_reference,
    typosquats,
)
from bench._url_models import features, hard_examples, train_baseline, train_ours
from bench._urls import bare, read_urls
from include.contract.verdicts import DecidedBy, Thresholds
from include.evaluation.metrics import recall_at_fpr
from include.inference.decisions import decisions
from include.urls.address import take_apart
from include.urls.reference.facts import Reference

Scores = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Decided = npt.NDArray[np.object_]
_CURVE = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_REAL_RANKS = (20_000, 400_000)


def main() -> None:
    """Print a table per file; the last line is one JSON object."""
    train, judging = read_urls("urls_train"), read_evaluation_sets()
    body, reference, names = read_reference()
    started = perf_counter()
    X = features(train.urls, reference)
    added = hard_examples(train, reference)
    model, block, review = train_ours(train, X, added)
    seconds = perf_counter() - started

    def by_model(urls: list[str]) -> Scores:
        probability: Scores = model.predict_proba(features(urls, reference))[:, 1]
        return probability

    def ours(urls: list[str]) -> tuple[Scores, Decided]:
        probability = by_model(urls)
        by = decisions(
            *(urls, probability.tolist(), lambda inner: by_model(inner[:, 0].tolist())),
            *(Thresholds(block, review), None, 0.0),
        )
        decided = np.array(by, dtype=object)
        probability = np.where(decided == DecidedBy.EMBEDDED_URL, review, probability)
        return np.where(decided == DecidedBy.LOCAL_ADDRESS, 0.0, probability), decided

    results = {name: ours(each.urls) for name, each in judging.items()}
    shown = {name: scores for name, (scores, _) in results.items()}
    found: dict[str, Any] = {
        "ours": {
            **judged(judging, shown, block, review),
            **decided(judging, {name: by for name, (_, by) in results.items()}),
            "train_seconds": seconds,
            "added_rows": len(added.y),
            "reference_mb": len(body) / 1e6,
        }
    }
    plain, plain_block, plain_review = train_baseline(train)
    scores = {name: plain.predict_proba(bare(each.urls))[:, 1] for name, each in judging.items()}
    found["baseline"] = judged(judging, scores, plain_block, plain_review)
    if python := peer_python():
        found["fraudurl"] = fraudurl_figures(judging)
        squats = typosquats(python)
        found["ours"] |= typosquat_figures(
            squats, names, lambda urls: ours(urls)[0], review, reference
        )
    found["ours"]["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    show(found)
    show_curve(judging, shown)
    print(json.dumps(found))


def judged(
    judging: Mapping[str, EvaluationSet], scores: Mapping[str, Scores], block: float, review: float
) -> dict[str, Any]:
    """Return the figures of a model by its scores of each file and its thresholds."""
    everyday, handmade, dev = (judging[name] for name in ("everyday", "handmade", "dev"))
    blocked = {name: each >= block for name, each in scores.items()}
    flagged = {name: each >= review for name, each in scores.items()}
    return {
        "block": block,
        "review": review,
        **flag_figures(everyday, handmade, blocked, flagged),
        "dev_legitimate_suspicious": _share(flagged["dev"], dev.y == 0),
        "dev_auc": float(roc_auc_score(dev.y, scores["dev"])),
        "dev_recall_1pct": recall_at_fpr(dev.y, scores["dev"], 0.01),
        "dev_recall_01pct": recall_at_fpr(dev.y, scores["dev"], 0.001),
        "dev_auc_unseen": float(roc_auc_score(dev.y[dev.unseen], scores["dev"][dev.unseen])),
    }


def flag_figures(
    everyday: EvaluationSet,
    handmade: EvaluationSet,
    blocked: Mapping[str, Flags],
    flagged: Mapping[str, Flags],
) -> dict[str, Any]:
    """Return which shares and numbers are called Phishing, and at least Suspicious."""
    legitimate = [str(name) for name in np.unique(everyday.sources[everyday.y == 0])]
    is_login = everyday.sources == LOGIN_SOURCE
    return {
        "login_flagged": _share(blocked["everyday"], is_login),
        "login_suspicious": _share(flagged["everyday"], is_login),
        "sources": {
            name: [
                _share(each["everyday"], everyday.sources == name) for each in (blocked, flagged)
            ]
            for name in legitimate
        },
        "tweetfeed_suspicious": _share(flagged["everyday"], everyday.y == 1),
        "handmade_phishing": int(blocked["handmade"][handmade.y == 0].sum()),
        "handmade_suspicious": int(flagged["handmade"][handmade.y == 0].sum()),
        "handmade_caught": int(flagged["handmade"][handmade.y == 1].sum()),
    }


def decided(judging: Mapping[str, EvaluationSet], by: Mapping[str, Decided]) -> dict[str, float]:
    """Return the share of everyday URLs that each rule decides, and how many URLs it lifts."""
    shares = {
        f"decided_by_{each.name.lower()}": float((by["everyday"] == each).mean())
        for each in (DecidedBy.LOCAL_ADDRESS, DecidedBy.EMBEDDED_URL, DecidedBy.MODEL)
    }
    counts = {
        f"embedded_{kind}": sum(
            int((by[name][each.y == y] == DecidedBy.EMBEDDED_URL).sum())
            for name, each in judging.items()
        )
        for kind, y in (("legitimate", 0), ("phishing", 1))
    }
    return shares | counts


def fraudurl_figures(judging: Mapping[str, EvaluationSet]) -> dict[str, Any]:
    """Return what fraudurl flags, by its own three verdicts."""
    python = peer_python()
    assert python is not None
    said = {name: fraudurl(python, each.urls) for name, each in judging.items()}
    blocked = {name: verdicts == "FRAUD" for name, (verdicts, _) in said.items()}
    flagged = {name: verdicts != "LEGITIMATE" for name, (verdicts, _) in said.items()}
    dev, scores = judging["dev"], np.array(said["dev"][1])
    return {
        **flag_figures(judging["everyday"], judging["handmade"], blocked, flagged),
        "dev_legitimate_suspicious": _share(flagged["dev"], dev.y == 0),
        "dev_auc": float(roc_auc_score(dev.y, scores)),
        "dev_recall_1pct": recall_at_fpr(dev.y, scores, 0.01),
    }


def typosquat_figures(
    squats: Mapping[str, Sequence[str]],
    names: Sequence[str],
    score: Any,
    review: float,
    reference: Reference,
) -> dict[str, Any]:
    """Return how many look-alikes are at least Suspicious with the brand named, and real domains.

    Real domains are ranked ones of the same lengths, without those that are look-alikes themselves.
    """
    caught = []
    for brand, domains in squats.items():
        urls = [f"https://{domain}/" for domain in domains]
        label = brand.partition(".")[0]
        named = [names_brand(url, label, reference) for url in urls]
        caught += list((score(urls) >= review) & np.array(named))
    lengths = {len(domain) for domains in squats.values() for domain in domains}
    listed = {domain for domains in squats.values() for domain in domains}
    real = [
        name
        for name in names[slice(*_REAL_RANKS)]
        if len(name) in lengths and name not in listed and name.count(".") == 1
    ]
    real = np.random.default_rng(0).permutation(real)[:5_000].tolist()
    urls = [f"https://{name}/" for name in real]
    labels = [brand.partition(".")[0] for brand in BRANDS]
    named = [any(names_brand(url, label, reference) for label in labels) for url in urls]
    return {
        "typosquats": len(caught),
        "typosquats_caught": float(np.mean(caught)),
        "real_domains_caught": float(np.mean((score(urls) >= review) & np.array(named))),
    }


def names_brand(url: str, label: str, reference: Reference) -> bool:
    """Return whether an explanation would name the brand: as a look-alike, or in the host."""
    address = take_apart(url)
    return label in (
        reference.look_alike(address).name,
        *reference.brands.named_in(address.seen_host).values(),
    )


def _share(flags: Flags, among: Flags) -> float:
    return float(flags[among].mean())


def show(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the models side by side."""
    print(f"{'':28}" + "".join(f"{name:>12}" for name in found))
    for key in found["ours"]:
        if key == "sources":
            continue
        cells = (found[name].get(key) for name in found)
        print(f"{key:28}" + "".join(f"{'' if v is None else f'{v:.4g}':>12}" for v in cells))
    print("share called Phishing, and at least Suspicious, by source")
    for source in found["ours"]["sources"]:
        shares = [found[name]["sources"][source] for name in found]
        print(f"  {source:26}" + "".join(f"{a:10.4f}{b:8.4f}" for a, b in shares))


def show_curve(judging: Mapping[str, EvaluationSet], scores: Mapping[str, Scores]) -> None:
    """Print what each threshold of Suspicious would flag: it is one half, as the design says."""
    everyday, handmade, dev = (judging[name] for name in ("everyday", "handmade", "dev"))
    among = {
        "other community": ("everyday", everyday.y == 1),
        "handmade phishing": ("handmade", handmade.y == 1),
        "log-in pages": ("everyday", everyday.sources == LOGIN_SOURCE),
        "handmade legitimate": ("handmade", handmade.y == 0),
        "dev legitimate": ("dev", dev.y == 0),
    }
    print("at least Suspicious, by its threshold")
    print(f"{'':10}" + "".join(f"{title:>21}" for title in among))
    for threshold in _CURVE:
        shares = (_share(scores[name] >= threshold, rows) for name, rows in among.values())
        print(f"{threshold:<10g}" + "".join(f"{share:21.4f}" for share in shares))


if __name__ == "__main__":
    main()
