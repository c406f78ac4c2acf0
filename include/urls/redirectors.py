"""Services whose links hold the URL they lead to, and how it is read out without a look-up.

Mimecast, Hornetsecurity, Proofpoint Essentials and URL shorteners keep the target on their servers:
their links are scored as they are.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from include.urls.parse import ParsedUrl

Decoder = Callable[[str], str]  # takes path, query and fragment, returns the target or nothing

_HTTP = re.compile(r"https?:[/\\]", re.IGNORECASE)
_WEB = re.compile(r"h..ps?\[?:", re.IGNORECASE)  # defanged, too
_GOOGLE = re.compile(r"(?:(?:www|news|maps|scholar|translate)\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?")
_RUN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_HYPHENS = str.maketrans("-_", "%/")
_STAR = re.compile(r"\*(?:\*(.))?")


class Redirector(NamedTuple):
    """A service whose links hold their target.

    Attributes
    ----------
    name : str
        As its users know it.
    host : str
        The host; names below it count as well.
    path : str
        How path and query begin.
    decode : callable
        Reads the target out of path and query; empty where there is none.
    """

    name: str
    host: str
    path: str
    decode: Decoder


def unwrap(url: ParsedUrl) -> tuple[str, str] | None:
    """Return the name of the service and the URL that its link leads to; None for any other URL."""
    for service in _services(url.host):
        if url.tail.startswith(service.path) and _is_below(url.host, service.host):
            target = service.decode(url.tail).strip()
            if _WEB.match(target):
                return service.name, target
    return None


def _services(host: str) -> tuple[Redirector, ...]:
    labels = host.rsplit(".", 2)
    found = _BY_DOMAIN.get(".".join(labels[-2:]))
    if found is None and "google." in host and _GOOGLE.fullmatch(host):
        return tuple(service._replace(host=host) for service in _BY_DOMAIN["google.com"])
    return found or ()


def _is_below(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name}")


def _parameter(*names: str) -> Decoder:
    """Return a decoder of the first of these query parameters, in any case."""
    wanted = {name.lower() for name in names}

    def decode(tail: str) -> str:
        query = tail.partition("#")[0].partition("?")[2]
        for pair in query.split("&"):
            name, _, value = pair.removeprefix("amp;").partition("=")
            if name.lower() in wanted and value:
                return _decoded(value)
        return ""

    return decode


def _decoded(value: str) -> str:
    """Return a percent-decoded value; twice where the URL in it was encoded twice."""
    plain = unquote(value)
    return unquote(plain) if plain[:9].lower().startswith(("http%3a", "https%3a")) else plain


def _whole_query(tail: str) -> str:
    return _decoded(tail.partition("?")[2])


def _last_folder(tail: str) -> str:
    return _decoded(tail.partition("?")[0].rpartition("/")[2])


def _base64(value: str) -> str:
    padded = value.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return urlsafe_b64decode(padded + "=" * (-len(padded) % 4)).decode()
    except ValueError:
        return ""


def _base64_parameter(name: str, prefix: str = "") -> Decoder:
    """Return a decoder of a parameter in base64 behind a prefix."""
    value_of = _parameter(name)

    def decode(tail: str) -> str:
        value = value_of(tail)
        return _base64(value.removeprefix(prefix)) if value.startswith(prefix) else ""

    return decode


def _between(mark: str, end: str) -> Decoder:
    """Return a decoder of what stands between two marks."""

    def decode(tail: str) -> str:
        return _decoded(tail.partition(mark)[2].partition(end)[0])

    return decode


def _urldefense_v2(tail: str) -> str:
    return unquote(_parameter("u")(tail).translate(_HYPHENS))


def _urldefense_v3(tail: str) -> str:
    """Put back the characters that version 3 lists, in base64, behind the URL.

    Source: Proofpoint, "How do I decode a rewritten URL?"
    """
    begin, end = len("/v3/__"), tail.find("__;")
    if end < 0:
        return ""
    replaced = _base64(tail[end + 3 :].partition("!")[0])
    position = 0

    def put_back(star: re.Match[str]) -> str:
        nonlocal position
        length = _RUN.find(star[1]) + 2 if star[1] else 1
        begin_of_run, position = position, position + max(length, 1)
        return replaced[begin_of_run:position]

    url = unquote(_STAR.sub(put_back, tail[begin:end]))
    # A proxy may have merged the two slashes behind the scheme.
    return re.sub(r"^(https?:/)(?=[^/])", r"\1/", url, flags=re.IGNORECASE)


def _disqus(tail: str) -> str:
    """Return the target without the digest that Disqus puts behind it."""
    return re.sub(r":[\w-]{20,}$", "", _parameter("url")(tail))


def _amp(tail: str) -> str:
    """Return the page behind Google's viewer of accelerated pages."""
    page = tail.removeprefix("/amp/")
    scheme = "https://" if page.startswith("s/") else "http://"
    page = page.removeprefix("s/")
    return page if _HTTP.match(page) else f"{scheme}{page}" if "." in page else ""


_URL, _U = _parameter("url"), _parameter("u")
_TARGET = _parameter("target")
_SERVICES = (
    Redirector("Safe Links", "safelinks.protection.outlook.com", "/", _URL),
    Redirector("Safe Links", "safelinks.protection.office365.us", "/", _URL),
    Redirector("Safe Links", "safelinks.protection.partner.outlook.cn", "/", _URL),
    Redirector("Safe Links", "statics.teams.cdn.office.net", "/evergreen-assets/safelinks/", _URL),
    Redirector("URLDefense", "urldefense.proofpoint.com", "/v1/url?", _U),
    Redirector("URLDefense", "urldefense.com", "/v1/url?", _U),
    Redirector("URLDefense", "urldefense.proofpoint.com", "/v2/url?", _urldefense_v2),
    Redirector("URLDefense", "urldefense.com", "/v2/url?", _urldefense_v2),
    Redirector("URLDefense", "urldefense.us", "/v2/url?", _urldefense_v2),
    Redirector("URLDefense", "urldefense.proofpoint.com", "/v3/__", _urldefense_v3),
    Redirector("URLDefense", "urldefense.com", "/v3/__", _urldefense_v3),
    Redirector("URLDefense", "urldefense.us", "/v3/__", _urldefense_v3),
    Redirector("Barracuda", "linkprotect.cudasvc.com", "/url?", _parameter("a")),
    Redirector("Cisco", "secure-web.cisco.com", "/", _last_folder),
    Redirector("Trend Micro", "trendmicro.com", "/wis/clicktime/", _URL),
    Redirector("Sophos", "protection.sophos.com", "/?", _base64_parameter("u")),
    Redirector("FireEye", "protect2.fireeye.com", "/", _U),
    Redirector("FireEye", "protect.fireeye.com", "/", _U),
    Redirector("Symantec", "clicktime.symantec.com", "/", _U),
    Redirector("Trustwave", "scanmail.trustwave.com", "/", _U),
    Redirector("Libraesva", "urlsand.esvalabs.com", "/", _U),
    Redirector("Zix", "link.edgepilot.com", "/s/", _U),
    Redirector("Check Point", "protect.checkpoint.com", "/v2/", _between("___", "___")),
    Redirector("Check Point", "url.avanan.click", "/v2/", _between("___", "___")),
    Redirector("Check Point", "avanan.url-protection.com", "/v1/url?", _parameter("o")),
    Redirector("Vade", "antiphishing.vadesecure.com", "/v4?", _U),
    Redirector("FuseMail", "mailanyone.net", "/v1/?", _U),
    Redirector("Google", "google.com", "/url?", _parameter("q", "url")),
    Redirector("Google", "google.com", "/aclk?", _parameter("adurl")),
    Redirector("Google", "scholar.google.com", "/scholar_url?", _URL),
    Redirector("Google", "translate.google.com", "/translate?", _U),
    Redirector("Google", "google.com", "/amp/", _amp),
    Redirector("Google", "googleadservices.com", "/pagead/aclk?", _parameter("adurl")),
    Redirector("Google", "adclick.g.doubleclick.net", "/", _parameter("adurl")),
    Redirector("Google", "googleads.g.doubleclick.net", "/", _parameter("adurl")),
    Redirector("Facebook", "l.facebook.com", "/l.php?", _U),
    Redirector("Facebook", "lm.facebook.com", "/l.php?", _U),
    Redirector("Facebook", "facebook.com", "/flx/warn/", _U),
    Redirector("Facebook", "www.facebook.com", "/l.php?", _U),
    Redirector("Facebook", "m.facebook.com", "/l.php?", _U),
    Redirector("Facebook", "l.messenger.com", "/l.php?", _U),
    Redirector("Facebook", "l.wl.co", "/l", _U),
    Redirector("Instagram", "l.instagram.com", "/", _U),
    Redirector("Threads", "l.threads.net", "/", _U),
    Redirector("Threads", "l.threads.com", "/", _U),
    Redirector("LinkedIn", "linkedin.com", "/redir/", _URL),
    Redirector("LinkedIn", "linkedin.com", "/safety/go", _URL),
    Redirector("YouTube", "youtube.com", "/redirect?", _parameter("q")),
    Redirector("Slack", "slack-redir.net", "/link?", _URL),
    Redirector("Steam", "steamcommunity.com", "/linkfilter/", _parameter("u", "url")),
    Redirector("VK", "vk.com", "/away.php?", _parameter("to")),
    Redirector("VK", "vk.ru", "/away.php?", _parameter("to")),
    Redirector("Reddit", "out.reddit.com", "/", _URL),
    Redirector("Tumblr", "t.umblr.com", "/redirect?", _parameter("z")),
    Redirector("Twitter", "twitter.com", "/i/redirect?", _URL),
    Redirector("Twitter", "x.com", "/i/redirect?", _URL),
    Redirector("Telegram", "t.me", "/iv?", _URL),
    Redirector("Disqus", "disq.us", "/", _disqus),
    Redirector("Dropbox", "dropbox.com", "/referrer_cleansing_redirect?", _URL),
    Redirector("GMX", "deref-gmx.net", "/mail/client/", _parameter("redirectUrl")),
    Redirector("WEB.DE", "deref-web.de", "/mail/client/", _parameter("redirectUrl")),
    Redirector("mail.com", "deref-mail.com", "/mail/client/", _parameter("redirectUrl")),
    Redirector("Odnoklassniki", "ok.ru", "/dk?", _parameter("st.link")),
    Redirector("Amazon SES", "awstrack.me", "/L0/", _between("/L0/", "/")),
    Redirector("GovDelivery", "govdelivery.com", "/CL0/", _between("/CL0/", "/")),
    Redirector("Azure", "safelink.emails.azure.net", "/redirect/?", _parameter("destination")),
    Redirector("TikTok", "tiktok.com", "/link/v2?", _TARGET),
    Redirector("Pinterest", "pinterest.com", "/offsite/", _URL),
    Redirector("Medium", "medium.com", "/r/?", _URL),
    Redirector("SoundCloud", "gate.sc", "/", _URL),
    Redirector("SoundCloud", "exit.sc", "/", _URL),
    Redirector("Zhihu", "link.zhihu.com", "/?", _TARGET),
    Redirector("CSDN", "link.csdn.net", "/?", _TARGET),
    Redirector("Juejin", "link.juejin.cn", "/?", _TARGET),
    Redirector("Jianshu", "jianshu.com", "/go-wild?", _URL),
    Redirector("Weibo", "weibo.cn", "/sinaurl?", _parameter("u", "toasturl")),
    Redirector("QQ", "c.pc.qq.com", "/", _parameter("pfurl", "url")),
    Redirector("DuckDuckGo", "duckduckgo.com", "/l/?", _parameter("uddg")),
    Redirector("Bing", "bing.com", "/ck/a?", _base64_parameter("u", "a1")),
    Redirector("Bing", "bing.com", "/alink/link?", _URL),
    Redirector("Yahoo", "r.search.yahoo.com", "/", _between("/RU=", "/")),
    Redirector("Yandex", "sba.yandex.net", "/redirect?", _URL),
    Redirector("DeviantArt", "deviantart.com", "/users/outgoing?", _whole_query),
    Redirector("href.li", "href.li", "/?", _whole_query),
    Redirector("Anonym.to", "anonym.to", "/?", _whole_query),
)


def _by_domain() -> dict[str, tuple[Redirector, ...]]:
    found: dict[str, tuple[Redirector, ...]] = {}
    for service in _SERVICES:
        domain = ".".join(service.host.rsplit(".", 2)[-2:])
        found[domain] = (*found.get(domain, ()), service)
    return found


_BY_DOMAIN = _by_domain()
