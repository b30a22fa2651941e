from __future__ import annotations

import pytest

from lading.core.errors import UsageError
from lading.plumbing.proxies import Proxy, proxy_of

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://a.example/", {}, None),
        ("https://a.example/", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://a.example/", {"https_proxy": PROXY}, PROXY),
        ("https://a.example/", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, PROXY),
        ("https://a.example/", {"HTTP_PROXY": PROXY}, None),
        ("http://a.example/", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://a.example/", {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, None),
        ("http://a.example/", {"http_proxy": PROXY, "REQUEST_METHOD": "GET"}, PROXY),
        ("https://a.example/", {"ALL_PROXY": PROXY}, PROXY),
        ("https://a.example/", {"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ("https://a.example/", {"HTTPS_PROXY": "https://proxy.example"}, "https://proxy.example"),
        ("https://127.0.0.1/", {"HTTPS_PROXY": PROXY}, None),
        ("http://localhost:80/", {"HTTP_PROXY": PROXY}, None),
        ("https://10.0.0.1/", {"HTTPS_PROXY": PROXY}, PROXY),
    ],
)
def test_the_environment_says_which_proxy(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_of(url, environ) == (None if proxy is None else Proxy(proxy))


@pytest.mark.parametrize(
    ("entry", "url", "direct"),
    [
        ("*", "https://a.example/", True),
        ("a.example", "https://a.example/", True),
        ("A.Example", "https://a.example/", True),
        ("example", "https://a.example/", True),
        (".example", "https://a.example/", True),
        ("*.example", "https://a.example/", True),
        ("b.example, a.example", "https://a.example./", True),
        ("a.example:443", "https://a.example/", True),
        ("a.example:8443", "https://a.example/", False),
        ("ample", "https://a.example/", False),
        ("b.a.example", "https://a.example/", False),
        ("", "https://a.example/", False),
        (" , .", "https://a.example/", False),
        ("10.0.0.1", "https://10.0.0.1/", True),
        ("10.0.0.1:443", "https://10.0.0.1/", True),
        ("10.0.0.0/8", "https://10.9.9.9/", True),
        ("10.0.0.0/8", "https://11.0.0.1/", False),
        ("0.1", "https://10.0.0.1/", False),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("[fd00::1]", "https://[fd00::1]/", True),
    ],
)
def test_no_proxy_names_hosts_domains_and_networks(entry: str, url: str, direct: bool) -> None:
    assert (proxy_of(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": entry}) is None) is direct


def test_the_password_of_a_proxy_is_not_shown() -> None:
    proxy = proxy_of("https://a.example/", {"HTTPS_PROXY": "http://me:s%40cret@proxy.example:3128"})
    assert proxy is not None
    assert (proxy.url, proxy.user) == (PROXY, "me:s@cret")
    assert "cret" not in repr(proxy)


@pytest.mark.parametrize(
    "value", ["socks5://me:secret@proxy.example:1080", "http://", "http://me:secret@pro xy/"]
)
def test_a_proxy_that_cannot_be_used_is_refused(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        proxy_of("https://a.example/", {"HTTPS_PROXY": value})
    assert caught.value.code == "bad-proxy"
    assert "secret" not in caught.value.message
