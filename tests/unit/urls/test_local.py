"""Addresses of one's own network."""

import pytest

from include.urls.local import is_local, leads_to_local
from include.urls.reading import read_url


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.1/admin",
        "http://10.0.0.5:8080/",
        "http://127.0.0.1",
        "http://169.254.10.1/",
        "http://100.64.3.4/",
        "http://3232235777/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:192.168.0.1]/",
        "http://localhost:3000/login",
        "http://router/",
        "http://nas.local/",
        "http://printer.lan",
        "http://wiki.corp/login",
        "https://user@router/",
        "http://fritz.home.arpa?x",
    ],
)
def test_local(url):
    assert is_local(read_url(url).parsed.host)
    assert leads_to_local(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",
        "http://[2606:4700::1111]/",
        "https://local.example.com/",
        "https://192.168.1.1.example.com/",
        "https://localhost.com/",
        "http://[::ffff:8.8.8.8]/",
        "http://paypal.com@8.8.8.8/",
        "http://134744072/",
        "https://www.paypal.com/signin",
        "example.com/x.local",
    ],
)
def test_not_local(url):
    assert not is_local(read_url(url).parsed.host)
    assert not leads_to_local(url)
