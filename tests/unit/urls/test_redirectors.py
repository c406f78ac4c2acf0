"""Links of mail filters, search engines and social networks are unwrapped without a look-up."""

from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from include.urls.reading import MAX_UNWRAPPED, read_url

TARGET = "https://a.example/b?c=d&e=f"
QUOTED = quote(TARGET, safe="")
LINKS = {
    "Safe Links": f"https://nam12.safelinks.protection.outlook.com/?url={QUOTED}&data=05%7C01&sdata=x",
    "Safe Links, in HTML": f"https://eur02.safelinks.protection.outlook.com/?x=1&amp;url={QUOTED}&amp;data=1",
    "Safe Links, US government": f"https://gcc02.safelinks.protection.office365.us/?url={QUOTED}",
    "Safe Links, Teams": "https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/"
    f"atp-safelinks.html?url={QUOTED}&locale=en",
    "URLDefense v1": f"https://urldefense.proofpoint.com/v1/url?u={QUOTED}&k=x%3D%3D&r=y",
    "URLDefense v2": "https://urldefense.proofpoint.com/v2/url?"
    "u=https-3A__a.example_b-3Fc-3Dd-26e-3Df&d=DwMFaQ&c=x&r=y&m=z&s=t&e=",
    "URLDefense v3": "https://urldefense.com/v3/__https://a.example/b?c=d&e=f__;!!ABC!x-y_z$",
    "URLDefense v3, characters": "https://urldefense.com/v3/__https://a.example/b*c=d*e=f__;"
    + urlsafe_b64encode(b"?&").decode().rstrip("=")
    + "!!ABC!x$",
    "URLDefense v3, a run": "https://urldefense.us/v3/__https://a.example/b**Bd&e=f__;"
    + urlsafe_b64encode(b"?c=").decode()
    + "!!ABC!x$",
    "URLDefense v3, one slash": "https://urldefense.com/v3/__https:/a.example/b?c=d&e=f__;!!A!x$",
    "Barracuda": f"https://linkprotect.cudasvc.com/url?a={QUOTED}&c=E,1,x&typo=1",
    "Cisco": f"https://secure-web.cisco.com/1AbC-d_e/{QUOTED}",
    "Trend Micro": f"https://ddec1-0-en-ctp.trendmicro.com/wis/clicktime/v1/query?url={QUOTED}&umid=1",
    "Sophos": "https://eu-central-1.protection.sophos.com/?d=a.example&u="
    + quote(b64encode(TARGET.encode()).decode())
    + "&i=x",
    "FireEye": f"https://protect2.fireeye.com/v1/url?k=1-2&q=1&e=3&u={QUOTED}",
    "Symantec": f"https://clicktime.symantec.com/a/1/x=?d=y&u={QUOTED}",
    "Trustwave": f"https://scanmail.trustwave.com/?c=1&d=2&s=5&u={QUOTED}",
    "Libraesva": f"https://urlsand.esvalabs.com/?u={QUOTED}&e=1&h=2",
    "Zix": f"https://link.edgepilot.com/s/1a/x?u={QUOTED}",
    "Check Point": f"https://protect.checkpoint.com/v2/___{TARGET}___.YXAxZTp4OmE6bzox",
    "Avanan": f"https://avanan.url-protection.com/v1/url?o={QUOTED}&g=1&s=2",
    "Google": f"https://www.google.com/url?sa=t&q={QUOTED}&ved=1",
    "Google, another country": f"https://www.google.co.uk/url?url={QUOTED}",
    "Google AMP": "https://www.google.com/amp/s/a.example/b?c=d&e=f",
    "Google ads": f"https://www.googleadservices.com/pagead/aclk?sa=L&adurl={QUOTED}",
    "Facebook": f"https://l.facebook.com/l.php?u={QUOTED}&h=AT0",
    "Facebook, mobile": f"http://lm.facebook.com/l.php?u={QUOTED}",
    "Instagram": f"https://l.instagram.com/?u={QUOTED}&e=AT0",
    "LinkedIn": f"https://www.linkedin.com/redir/redirect?url={QUOTED}&urlhash=x",
    "YouTube": f"https://www.youtube.com/redirect?event=video&q={QUOTED}",
    "Slack": f"https://slack-redir.net/link?url={QUOTED}",
    "Steam": f"https://steamcommunity.com/linkfilter/?u={QUOTED}",
    "VK": f"https://vk.com/away.php?to={QUOTED}&cc_key=",
    "Reddit": f"https://out.reddit.com/?url={QUOTED}",
    "DuckDuckGo": f"https://duckduckgo.com/l/?uddg={QUOTED}&rut=1",
    "Bing": "https://www.bing.com/ck/a?!&&p=1&u=a1"
    + urlsafe_b64encode(TARGET.encode()).decode().rstrip("=")
    + "&ntb=1",
    "Yahoo": f"https://r.search.yahoo.com/_ylt=A;_ylu=B/RV=2/RO=10/RU={QUOTED}/RK=2/RS=x-",
    "href.li": f"https://href.li/?{TARGET}",
    "Safe Links, capitals": f"https://NAM1.safelinks.protection.outlook.com/?URL={QUOTED}",
    "Google, scholar": f"https://scholar.google.com/scholar_url?url={QUOTED}&hl=en",
    "Google, an ad": f"https://www.google.com/aclk?sa=L&adurl={QUOTED}",
    "Vade": f"https://antiphishing.vadesecure.com/v4?f=x&i=y&u={QUOTED}",
    "Facebook, an old link": f"https://www.facebook.com/l.php?u={QUOTED}&h=AT0",
    "LinkedIn, a warning": f"https://www.linkedin.com/redir/suspicious-page?url={QUOTED}",
    "X": f"https://x.com/i/redirect?url={QUOTED}&t=1",
    "Telegram": f"https://t.me/iv?url={QUOTED}&rhash=1",
    "Disqus": f"https://disq.us/url?url={QUOTED}%3Aabcdefghij0123456789&cuid=1",
    "Dropbox": f"https://www.dropbox.com/referrer_cleansing_redirect?hmac=1&url={QUOTED}",
    "GMX": f"https://deref-gmx.net/mail/client/x/dereferrer/?redirectUrl={QUOTED}",
    "Odnoklassniki": f"https://ok.ru/dk?cmd=logExternal&st.link={QUOTED}",
    "Amazon SES": f"https://x.r.eu-west-1.awstrack.me/L0/{QUOTED}/1/0102-x/y=1",
    "Azure": f"https://eur.safelink.emails.azure.net/redirect/?destination={QUOTED}&p=x",
    "encoded twice": f"https://www.google.com/url?q={quote(QUOTED, safe='')}",
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_link_that_holds_its_target_is_evaluated_by_the_target(link):
    reading = read_url(link)

    assert reading.url == TARGET
    assert len(reading.unwrapped) == 1


def test_links_within_links_are_unwrapped_from_the_outside():
    link = TARGET
    for wrap in (
        "https://www.google.com/url?q={}",
        "https://urldefense.proofpoint.com/v1/url?u={}&k=x",
        "https://nam12.safelinks.protection.outlook.com/?url={}&data=x",
    ):
        link = wrap.format(quote(link, safe=""))

    reading = read_url(link)

    assert reading.url == TARGET
    assert reading.unwrapped == ("Safe Links", "URLDefense", "Google")


def test_unwrapping_ends_with_the_third_link():
    link = TARGET
    for _ in range(5):
        link = f"https://www.google.com/url?q={quote(link, safe='')}"

    reading = read_url(link)

    assert len(reading.unwrapped) == MAX_UNWRAPPED == 3
    assert reading.parsed.host == "www.google.com"


def test_a_defanged_link_is_refanged_and_unwrapped():
    reading = read_url(f"hxxps://l[.]facebook[.]com/l.php?u={QUOTED}")

    assert (reading.url, reading.unwrapped) == (TARGET, ("Facebook",))


def test_a_defanged_target_is_refanged():
    reading = read_url("https://l.facebook.com/l.php?u=hxxps%3A%2F%2Fa%5B.%5Dexample%2Fb")

    assert (reading.url, reading.unwrapped) == ("https://a.example/b", ("Facebook",))


@pytest.mark.parametrize(
    "url",
    [
        "https://www.google.com/search?q=https://a.example/",
        "https://www.google.com/url?q=a+word",
        "https://www.google.com/url?q=javascript:alert(1)",
        "https://www.google.com/url?q=https://",
        "https://evil.example/url?q=https://a.example/",
        "https://safelinks.protection.outlook.com.evil.example/?url=https://a.example/",
        "https://notl.facebook.com/l.php?u=https://a.example/",
        "https://google.evil.example/url?q=https://a.example/",
        "https://www.google.com.evil.example/url?q=https://a.example/",
        "https://www.bing.com/ck/a?u=a1%%%",
        "https://urldefense.com/v3/__https://a.example/__",
        "https://protect-eu.mimecast.com/s/AbCdEfGh?domain=a.example",
        "https://bit.ly/abc",
    ],
)
def test_any_other_url_is_evaluated_as_it_is(url):
    reading = read_url(url)

    assert (reading.url, reading.unwrapped) == (url, ())
