"""What a `sites` record is: the 30 columns of UCI 327 "Phishing Websites", their values and label.

Source: R. Mohammad, L. McCluskey (2012), Phishing Websites, UCI Machine Learning Repository,
https://doi.org/10.24432/C51W2X, CC BY 4.0. The meanings follow the archive's "Phishing Websites
Features". They are the documented ones: in the data, several columns lean the other way (most
of all `Domain_registeration_length`, -1 in 77 % of the legitimate sites), as a model finds out.
"""

from include.contract.schema import InputField, Target
from include.ingest.files.download import Address, Dataset
from include.ingest.files.layout import Layout

_MEANINGS: dict[str, tuple[str, dict[int, str]]] = {
    "having_IP_Address": (
        "Host of the address",
        {-1: "an IP address instead of a domain name", 1: "a domain name"},
    ),
    "URL_Length": (
        "Length of the URL",
        {
            -1: "longer than 75 characters",
            0: "54 to 75 characters",
            1: "shorter than 54 characters",
        },
    ),
    "Shortining_Service": (
        "URL shortener",
        {-1: "the URL goes through a shortening service", 1: "no shortening service"},
    ),
    "having_At_Symbol": (
        "@ in the URL",
        {-1: "the URL contains an @, which hides what stands before it", 1: "no @ in the URL"},
    ),
    "double_slash_redirecting": (
        "// in the path",
        {-1: "a second // in the URL redirects elsewhere", 1: "no // after the protocol"},
    ),
    "Prefix_Suffix": (
        "Hyphen in the domain",
        {-1: "the domain name contains a hyphen", 1: "no hyphen in the domain name"},
    ),
    "having_Sub_Domain": (
        "Subdomains",
        {-1: "several subdomains", 0: "one subdomain", 1: "no subdomain"},
    ),
    "SSLfinal_State": (
        "HTTPS certificate",
        {
            -1: "no HTTPS, or a certificate neither trusted nor old enough",
            0: "HTTPS with a certificate of an issuer that is not trusted",
            1: "HTTPS with a trusted certificate at least one year old",
        },
    ),
    "Domain_registeration_length": (
        "Domain paid for",
        {
            -1: "the domain's registration ends within a year",
            1: "the domain is registered for more than a year ahead",
        },
    ),
    "Favicon": (
        "Favicon",
        {-1: "the icon is loaded from another domain", 1: "the icon is the site's own"},
    ),
    "port": (
        "Open ports",
        {-1: "ports are open that a web site does not need", 1: "only the usual ports are open"},
    ),
    "HTTPS_token": (
        '"https" in the domain',
        {-1: 'the domain name contains the word "https"', 1: 'no "https" in the domain name'},
    ),
    "Request_URL": (
        "Images and media",
        {
            -1: "images, video and sound come mostly from other domains",
            1: "images, video and sound come mostly from the site itself",
        },
    ),
    "URL_of_Anchor": (
        "Links on the page",
        {
            -1: "more than 67 % of the links lead elsewhere or nowhere",
            0: "31 to 67 % of the links lead elsewhere or nowhere",
            1: "fewer than 31 % of the links lead elsewhere or nowhere",
        },
    ),
    "Links_in_tags": (
        "Links in meta, script and link tags",
        {
            -1: "more than 81 % lead to other domains",
            0: "17 to 81 % lead to other domains",
            1: "fewer than 17 % lead to other domains",
        },
    ),
    "SFH": (
        "Where forms are sent",
        {
            -1: "a form's target is empty or about:blank",
            0: "a form is sent to another domain",
            1: "forms are sent to the site itself",
        },
    ),
    "Submitting_to_email": (
        "Form data by e-mail",
        {-1: "the page mails what is entered", 1: "nothing entered is mailed"},
    ),
    "Abnormal_URL": (
        "Name of the host",
        {
            -1: "the host name is not part of the URL, by the registry's record",
            1: "the host name is part of the URL",
        },
    ),
    "Redirect": (
        "Redirects (the archive does not say which value is which; nine in ten sites have 0)",
        {0: "the usual number of redirects", 1: "the unusual number of redirects"},
    ),
    "on_mouseover": (
        "Status bar",
        {
            -1: "a script changes the status bar when the mouse is over a link",
            1: "the status bar is left alone",
        },
    ),
    "RightClick": (
        "Right click",
        {-1: "a script disables the right mouse button", 1: "the right mouse button works"},
    ),
    "popUpWidnow": (
        "Pop-up window",
        {-1: "a pop-up window asks for input", 1: "no pop-up window asks for input"},
    ),
    "Iframe": (
        "Frames",
        {-1: "the page shows another page in an iframe", 1: "no iframe"},
    ),
    "age_of_domain": (
        "Age of the domain",
        {
            -1: "the domain is younger than six months",
            1: "the domain is at least six months old",
        },
    ),
    "DNSRecord": (
        "Registry record",
        {-1: "no DNS record of the domain was found", 1: "the domain has a DNS record"},
    ),
    "web_traffic": (
        "Visitors",
        {
            -1: "no traffic known",
            0: "not among the 100,000 most visited sites",
            1: "among the 100,000 most visited sites",
        },
    ),
    "Page_Rank": (
        "PageRank",
        {-1: "PageRank below 0.2", 1: "PageRank of 0.2 or more"},
    ),
    "Google_Index": (
        "Google's index",
        {-1: "the page is not in Google's index", 1: "the page is in Google's index"},
    ),
    "Links_pointing_to_page": (
        "Links from other pages",
        {-1: "no link leads to the page", 0: "one or two links lead to it", 1: "more than two"},
    ),
    "Statistical_report": (
        "Lists of known phishing hosts",
        {
            -1: "the host is among the top phishing hosts of PhishTank or StopBadware",
            1: "the host is on neither list",
        },
    ),
}

# Other names in copies of the file: UCI's own Python client, and two sets on Kaggle.
_ALIASES: dict[str, tuple[str, ...]] = {
    "Domain_registeration_length": (
        "domain_registration_length",
        "domainreglen",
    ),
    "popUpWidnow": (
        "popupwindow",
        "usingpopupwindow",
    ),
    "Shortining_Service": (
        "shortening_service",
        "shorturl",
    ),
    "having_IP_Address": (
        "having_iphaving_ip_address",
        "usingip",
    ),
    "URL_Length": (
        "urlurl_length",
        "longurl",
    ),
    "having_At_Symbol": ("symbol@",),
    "double_slash_redirecting": ("redirecting//",),
    "having_Sub_Domain": ("subdomains",),
    "SSLfinal_State": ("https",),
    "port": ("nonstdport",),
    "HTTPS_token": ("httpsdomainurl",),
    "URL_of_Anchor": ("anchorurl",),
    "Links_in_tags": ("linksinscripttags",),
    "SFH": ("serverformhandler",),
    "Submitting_to_email": ("infoemail",),
    "Redirect": ("websiteforwarding",),
    "on_mouseover": ("statusbarcust",),
    "RightClick": ("disablerightclick",),
    "Iframe": ("iframeredirection",),
    "DNSRecord": ("dnsrecording",),
    "web_traffic": ("websitetraffic",),
    "Statistical_report": ("statsreport",),
}

TARGET = Target(source="Result", positive=-1, negative=1)

FIELDS = tuple(
    InputField(
        name=name,
        dtype="int8",
        allowed=tuple(sorted(meanings)),
        description=f"{subject}: "
        + "; ".join(f"{value} = {words}" for value, words in sorted(meanings.items())),
        aliases=_ALIASES.get(name, ()),
    )
    for name, (subject, meanings) in _MEANINGS.items()
)


def meaning(name: str, value: int) -> str:
    """Return the meaning of a column's value in words."""
    return _MEANINGS[name][1][value]


LAYOUT = Layout(FIELDS, TARGET, label_aliases=("class",), ignored=frozenset({"index", "id", "_id"}))

# Where everybody takes it from. The digest is that of the usual `phisingData.csv`, which has the
# same rows; most files of that name have a changed cell or a row more.
DATASET = Dataset(
    name="uci-327-phishing-websites",
    file_names=(
        "phishing_websites.csv",
        "phishing_websites.csv.gz",
        "phisingData.csv",
        "Training Dataset.arff",
    ),
    addresses=(
        Address(
            "https://archive.ics.uci.edu/static/public/327/phishing+websites.zip",
            member="Training Dataset.arff",
        ),
    ),
    rows_sha256="e20bf913b6c2e669f4e875e5d223be2542cc7c79a7b62d284ae9d9627c3d9678",
)
