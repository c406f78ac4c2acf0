"""Which phishing reports are too unlikely to be trained on without a person's look."""

from include.errors import UrlRefusedError
from include.ingest.files.layout import Record
from include.pipelines.urls.records import LABEL, TARGET, URL
from include.urls.address import address_of
from include.urls.domains import split_domain
from include.urls.reading import read_url

# Sites that nearly everybody uses and on which strangers cannot publish pages of their own.
_CLOSED = """
    google.com youtube.com microsoft.com microsoftonline.com live.com office.com bing.com
    apple.com icloud.com amazon.com amazon.de amazon.co.uk amazon.co.jp paypal.com ebay.com
    ebay.de facebook.com instagram.com whatsapp.com linkedin.com x.com twitter.com reddit.com
    netflix.com spotify.com yahoo.com wikipedia.org mozilla.org cloudflare.com adobe.com zoom.us
    chase.com wellsfargo.com bankofamerica.com citi.com capitalone.com americanexpress.com
    hsbc.com hsbc.co.uk barclays.co.uk lloydsbank.com natwest.com santander.com bbva.com ing.com
    ing.de deutsche-bank.de commerzbank.de postbank.de sparkasse.de bnpparibas.com
    credit-agricole.fr labanquepostale.fr intesasanpaolo.com unicredit.it rabobank.nl abnamro.nl
    mbank.pl pkobp.pl nubank.com.br itau.com.br bradesco.com.br sbi.co.in hdfcbank.com
    coinbase.com binance.com kraken.com metamask.io blockchain.com mastercard.com visa.com
    dhl.com dhl.de ups.com usps.com fedex.com royalmail.com laposte.fr correos.es
    gov.uk irs.gov service-public.fr impots.gouv.fr steamcommunity.com steampowered.com
    tiktok.com pinterest.com discord.com telegram.org signal.org openai.com stripe.com
    salesforce.com oracle.com ibm.com sap.com dell.com hp.com samsung.com sony.com nintendo.com
    booking.com airbnb.com uber.com walmart.com target.com bestbuy.com aliexpress.com baidu.com
    qq.com taobao.com yandex.ru vk.com mail.ru naver.com rakuten.co.jp line.me
"""
# Here they can, so a path may well be phishing; a host without one is not.
_OPEN_HOSTS = """
    docs.google.com drive.google.com sites.google.com forms.gle script.google.com
    storage.googleapis.com forms.office.com sway.office.com 1drv.ms onedrive.live.com
    s3.amazonaws.com github.com gitlab.com dropbox.com notion.so canva.com wixsite.com
    weebly.com wordpress.com blogspot.com medium.com t.me telegra.ph discord.gg bit.ly
    tinyurl.com t.co lnkd.in facebook.com linkedin.com youtube.com x.com twitter.com reddit.com
    steamcommunity.com vk.com pinterest.com tiktok.com
"""
_CLOSED_DOMAINS = frozenset(_CLOSED.split())
_OPEN = frozenset(_OPEN_HOSTS.split())


def doubt(record: Record) -> str:
    """Return why a report of phishing is unlikely from its URL alone; empty if it is not.

    A whole hosting platform, or a page of a site that nearly everybody uses.
    """
    if record.get(LABEL) != TARGET.positive:
        return ""
    try:
        address = address_of(read_url(str(record[URL])).parsed)
    except UrlRefusedError:
        return ""
    if address.is_ip:
        return ""
    suffix, domain = split_domain(address.host)
    if address.host == suffix:
        return "a whole hosting platform: everything below it would be phishing"
    if address.host in _OPEN:
        return "" if address.path else "the home page of a platform that everybody uses"
    return "a page of a site that nearly everybody uses" if domain in _CLOSED_DOMAINS else ""
