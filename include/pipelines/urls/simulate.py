"""Makes up `urls` records where no real ones can be had; a stand-in to try NightCatch with.

Each class is a mixture of kinds that real collections are made of: phishing on fresh domains, on
hosting platforms, on other people's hacked sites; legitimate news, documentation, shops, account
pages. A share of each class looks like the other (a bare home page of a made-up name, a page on a
platform, a sign-in page), so that no model can tell all of them apart. Domains do not exist,
except platforms and a few well-known brands, whose names phishing abuses. What a model of these
records shows says nothing of real phishing.
"""

import random
import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from include.features.word_lists import BRANDS
from include.ingest.files.layout import Record
from include.pipelines.urls.records import FIRST_SEEN, LABEL, SOURCE, TARGET, URL

_FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
_DAYS = 540
_PHISHING_SHARE = 0.45
_DATED_SHARE = 0.8
_SITES = 400
_SITE_SEED = 327


def _listed(words: str) -> list[str]:
    return words.split()


_BRANDS = _listed(BRANDS)
_LURES = _listed(
    "login signin verify secure account update billing support confirm unlock wallet recover "
    "service portal auth alert claim bonus tracking parcel invoice webmail"
)
_WORDS = _listed(
    "apple river stone green market garden city open data free blue north light press house bread "
    "music travel home sport daily forest paper local summer coffee design studio health school "
    "energy family mobile future world digital cloud team capital union bridge harbor field lake "
    "craft simple silver golden rapid smart bright modern urban global central prime first"
)
_SYLLABLES = _listed(
    "ba be bo da de di fa fi ga ka ke ko la le li lo ma me mi na ne no pa po ra re ri ro sa"
)
_TOPICS = _listed(
    "guide review update release notes budget council election storm recipe league results "
    "interview history install windows linux python security privacy account password backup "
    "printer holiday school museum train energy prices report climate water football women"
)
_PLATFORMS = _listed(
    "pages.dev web.app vercel.app netlify.app github.io weebly.com blogspot.com wixsite.com "
    "webflow.io firebaseapp.com glitch.me square.site workers.dev"
)
_COMMON_SUFFIXES = _listed("com com com com org net de co.uk fr it es nl pl com.br io")
_CHEAP_SUFFIXES = _listed(
    "top xyz shop online site click icu live vip cc info com com com net ru cn"
)

Make = Callable[[random.Random], str]


def simulate(n_records: int, seed: int) -> Iterator[Record]:
    """Yield that many made-up records; the same seed gives the same ones.

    Parameters
    ----------
    n_records : int
    seed : int

    Yields
    ------
    Record
        With `url`, `label`, `source` and mostly `first_seen`, over 18 months.
    """
    rng = random.Random(seed)
    for _ in range(n_records):
        phishing = rng.random() < _PHISHING_SHARE
        kinds = _PHISHING if phishing else _LEGITIMATE
        source, make, _ = rng.choices(kinds, [share for _, _, share in kinds])[0]
        record: Record = {
            URL: make(rng),
            LABEL: TARGET.positive if phishing else TARGET.negative,
            SOURCE: f"simulated-{source}",
        }
        seen = _FIRST_DAY + timedelta(days=rng.randrange(_DAYS))
        if phishing or rng.random() < _DATED_SHARE:
            record[FIRST_SEEN] = seen
        yield record


def _name(rng: random.Random) -> str:
    """Return the name of a site: one to three words, or a synthetic one."""
    kind = rng.random()
    if kind < 0.3:
        return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4)))
    words = rng.choices(_WORDS, k=2)
    glue = "-" if rng.random() < 0.2 else ""
    return glue.join(words) + ("".join(rng.choices(_SYLLABLES, k=2)) if rng.random() < 0.7 else "")


def _token(rng: random.Random, least: int, most: int) -> str:
    letters = string.ascii_lowercase + string.digits
    return "".join(rng.choices(letters, k=rng.randint(least, most)))


def _site(rng: random.Random) -> str:
    """Return one of the well-known sites, which many URLs share, or one of very many others."""
    if rng.random() < 0.4:
        rng = random.Random(_SITE_SEED + rng.randrange(_SITES))
    return f"{_name(rng)}.{rng.choice(_COMMON_SUFFIXES)}"


def _slug(rng: random.Random) -> str:
    return "-".join(rng.choices(_TOPICS, k=rng.randint(2, 6)))


def _scheme(rng: random.Random, https: float, www: float) -> str:
    scheme = "https" if rng.random() < https else "http"
    return f"{scheme}://" + ("www." if rng.random() < www else "")


def _usual(rng: random.Random) -> str:
    return _scheme(rng, 0.85, 0.25)


def _shady(rng: random.Random) -> str:
    return _scheme(rng, 0.75, 0.1)


def _home(rng: random.Random) -> str:
    return f"{_usual(rng)}{_site(rng)}/"


def _news(rng: random.Random) -> str:
    day = _FIRST_DAY + timedelta(days=rng.randrange(_DAYS))
    return f"{_usual(rng)}{_site(rng)}/{day:%Y/%m/%d}/{_slug(rng)}" + rng.choice(["", "/", ".html"])


def _documentation(rng: random.Random) -> str:
    sub = rng.choice(["docs.", "help.", "support.", "wiki.", "", ""])
    folder = rng.choice(["en/latest", "manual", "hc/en-us/articles", "docs", "wiki"])
    return f"{_usual(rng)}{sub}{_site(rng)}/{folder}/{_slug(rng)}" + rng.choice(["", ".html", "/"])


def _shop(rng: random.Random) -> str:
    query = rng.choice(["", f"?id={rng.randrange(10**5)}", f"?ref={_token(rng, 4, 10)}&page=2"])
    return (
        f"{_usual(rng)}{_site(rng)}/{rng.choice(_WORDS)}/{_slug(rng)}-{rng.randrange(10**5)}{query}"
    )


def _account(rng: random.Random) -> str:
    own = f"{rng.choice(_BRANDS)}.com" if rng.random() < 0.5 else _site(rng)
    sub = rng.choice(["accounts.", "login.", "my.", "id.", "", ""])
    page = rng.choice(["login", "signin", "account/security", "settings/password", "auth/recover"])
    query = rng.choice(["", "", f"?continue={_token(rng, 6, 20)}"])
    return f"{_usual(rng)}{sub}{own}/{page}{query}"


def _project(rng: random.Random) -> str:
    page = rng.choice(["/", "/about", f"/{_slug(rng)}", "/index.html"])
    return f"https://{_name(rng)}.{rng.choice(_PLATFORMS)}{page}"


def _lure_path(rng: random.Random) -> str:
    end = rng.choice(
        ["", "/", ".php", ".html", f"/{_token(rng, 6, 16)}", f"?id={_token(rng, 6, 24)}"]
    )
    return rng.choice(
        ["/", "/", f"/{rng.choice(_LURES)}{end}", f"/{_token(rng, 2, 8)}/{rng.choice(_LURES)}{end}"]
    )


def _fresh_domain(rng: random.Random) -> str:
    brand, lure = rng.choice(_BRANDS), rng.choice(_LURES)
    label = rng.choice(
        [
            f"{brand}-{lure}",
            f"{lure}-{brand}{_token(rng, 1, 4)}",
            f"{brand}{lure}",
            f"{lure}{_token(rng, 3, 8)}",
        ]
    )
    sub = rng.choice(["", "", f"{brand}.", f"{lure}.{brand}."])
    return f"{_shady(rng)}{sub}{label}.{rng.choice(_CHEAP_SUFFIXES)}{_lure_path(rng)}"


def _on_platform(rng: random.Random) -> str:
    brand, lure = rng.choice(_BRANDS), rng.choice(_LURES)
    label = rng.choice(
        [
            f"{brand}-{lure}",
            f"{brand}{_token(rng, 3, 6)}",
            f"{lure}-{_token(rng, 4, 9)}",
            _name(rng),
        ]
    )
    return f"https://{label}.{rng.choice(_PLATFORMS)}{_lure_path(rng)}"


def _on_hacked_site(rng: random.Random) -> str:
    folder = rng.choice(
        ["wp-content/plugins", "wp-includes/css", "images", ".well-known", "public", "old"]
    )
    page = rng.choice([rng.choice(_BRANDS), rng.choice(_LURES), _token(rng, 5, 10)])
    return (
        f"{_usual(rng)}{_site(rng)}/{folder}/{page}/{rng.choice(['', 'index.php', 'login.html'])}"
    )


def _random_domain(rng: random.Random) -> str:
    return f"{_shady(rng)}{_token(rng, 5, 14)}.{rng.choice(_CHEAP_SUFFIXES)}{_lure_path(rng)}"


def _unremarkable(rng: random.Random) -> str:
    """Return a phishing URL that looks like anybody's."""
    return rng.choice([_home, _account, _project, _documentation])(rng)


def _number_host(rng: random.Random) -> str:
    host = ".".join(str(rng.randint(1, 254)) for _ in range(4))
    return f"http://{host}{rng.choice(['', ':8080'])}{_lure_path(rng)}"


_PHISHING: list[tuple[str, Make, float]] = [
    ("feed", _fresh_domain, 0.34),
    ("feed", _random_domain, 0.16),
    ("feed", _on_platform, 0.24),
    ("feed", _number_host, 0.02),
    ("reports", _on_hacked_site, 0.16),
    ("reports", _unremarkable, 0.08),
]
_LEGITIMATE: list[tuple[str, Make, float]] = [
    ("links", _news, 0.26),
    ("links", _documentation, 0.18),
    ("links", _project, 0.08),
    ("directory", _home, 0.28),
    ("directory", _shop, 0.12),
    ("account-pages", _account, 0.08),
]
