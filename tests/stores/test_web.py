from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from lading.core.errors import LadingError, NotFoundError, UnavailableError, UsageError
from lading.core.objects import Found
from lading.plumbing.http import Http
from lading.plumbing.patience import Patience
from lading.stores.web import Web
from tests.loopback import Handler, closed_port, site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.core.objects import Objects
    from tests.loopback import Answer

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * 16
LARGE = CONTENT * 700  # 2.7 MiB
DATE = "Sat, 21 Nov 2026 08:07:00 GMT"


@pytest.fixture
def http() -> Iterator[Http]:
    with closing(Http({})) as client:
        yield client


def web(http: Http, url: str, pauses: list[float] | None = None) -> Web:
    """The place at ``url``, which waits for nothing; typed as what it must be."""
    waits: list[float] = [] if pauses is None else pauses
    place: Objects = Web(http, url, patience=Patience(waits.append))
    assert isinstance(place, Web)
    return place


def holding(content: bytes, **headers: str) -> Answer:
    return lambda handler: handler.ranged(content, **headers)


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler: handler.reply(code, body, **headers)


def in_turn(*answers: Answer) -> Answer:
    """The first request gets the first answer, and so on; the last answer is given for ever."""
    left = list(answers)

    def answer(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return answer


def cut_after(content: bytes, count: int) -> Answer:
    """A server that breaks each connection after ``count`` bytes of a body."""

    def answer(handler: Handler) -> None:
        start, _, last = handler.headers["Range"].removeprefix("bytes=").partition("-")
        end = min(int(last) + 1, len(content))
        sent = content[int(start) : min(end, int(start) + count)]
        there = f"bytes {start}-{end - 1}/{len(content)}"
        handler.reply(206, sent, content_range=there, content_length=str(end - int(start)), etag='"one"')
        handler.close_connection = True

    return answer


def whole(place: Web, key: str, start: int = 0, end: int = 10 * MIB) -> bytes:
    pieces = list(place.read(key, start, end))
    assert all(0 < len(piece) <= MIB for piece in pieces)
    return b"".join(pieces)


def failed(what: Callable[[], object]) -> LadingError:
    with pytest.raises(LadingError) as caught:
        what()
    return caught.value


def each_way(place: Web, key: str = "model.bin") -> list[Callable[[], object]]:
    return [lambda: place.head(key), lambda: place.get(key, 100), lambda: whole(place, key)]


# Looking


def test_what_is_known_of_an_object(http: Http) -> None:
    with site(status(200, CONTENT, last_modified=DATE, etag='"abc"')) as there:
        assert web(http, there.url).head("a") == Found("a", len(CONTENT), 1795248420.0, "abc")
    assert [asked.method for asked in there.asked] == ["HEAD"]


@pytest.mark.parametrize(("etag", "expected"), [('W/"abc"', "abc"), ("abc", "abc"), ('""', "")])
def test_a_tag_is_unquoted(http: Http, etag: str, expected: str) -> None:
    with site(status(200, CONTENT, etag=etag, last_modified="yesterday")) as there:
        found = web(http, there.url).head("a")
    assert found == Found("a", len(CONTENT), 0.0, expected)


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_not_there_is_not_found(http: Http, code: int) -> None:
    with site(status(code, b"<html>nothing here", content_type="text/html")) as there:
        place = web(http, there.url)
        assert place.head("a") is None
        assert place.get("a", 100) is None
        error = failed(lambda: whole(place, "a"))
    assert (type(error), error.code) == (NotFoundError, "no-object")
    assert there.url in error.message


@pytest.mark.parametrize("code", [405, 501])
@pytest.mark.parametrize("content", [CONTENT, b""])
def test_a_server_without_head_is_asked_for_one_byte(http: Http, code: int, content: bytes) -> None:
    def answer(handler: Handler) -> None:
        handler.reply(code) if handler.command == "HEAD" else handler.ranged(content)

    with site(answer) as there:
        found = web(http, there.url).head("a")
    assert found is not None
    assert found.size == len(content)


def test_a_server_that_does_not_say_the_length_is_asked_for_one_byte(http: Http) -> None:
    def answer(handler: Handler) -> None:
        if handler.command == "HEAD":
            handler.send_response(200)
            handler.end_headers()
        else:
            handler.reply(200, CONTENT)

    with site(answer) as there:
        found = web(http, there.url).head("a")
    assert found is not None
    assert found.size == len(CONTENT)


def test_a_server_that_never_says_the_length(http: Http) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True

    with site(answer) as there:
        error = failed(lambda: web(http, there.url).head("a"))
    assert error.code == "no-size"


def test_a_server_without_head_where_nothing_is(http: Http) -> None:
    with site(in_turn(status(405), status(404))) as there:
        assert web(http, there.url).head("a") is None


# Reading


def test_keys_are_asked_for_in_their_encoded_form(http: Http) -> None:
    with site(holding(CONTENT)) as there:
        place = web(http, there.url + "/base")
        place.get("v2/acme/m/blobs/sha256:ab", 10)
        place.get("a b/100%/\u00e9?#", 10)
        assert place.url == there.url + "/base"
    assert there.paths == ["/base/v2/acme/m/blobs/sha256:ab", "/base/a%20b/100%25/%C3%A9%3F%23"]


def test_a_small_object_is_got_up_to_the_limit(http: Http) -> None:
    with site(holding(CONTENT)) as there:
        place = web(http, there.url)
        assert place.get("a", len(CONTENT) + 1) == CONTENT
        assert place.get("a", 10) == CONTENT[:10]


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, len(LARGE)), (0, 10 * MIB), (5, 10), (MIB + 3, 2 * MIB + 4), (len(LARGE) - 1, len(LARGE) + 5)],
)
def test_a_range_is_read(http: Http, start: int, end: int) -> None:
    with site(holding(LARGE)) as there:
        assert whole(web(http, there.url), "a", start, end) == LARGE[start:end]
    assert [asked.headers["range"] for asked in there.asked] == [f"bytes={start}-{end - 1}"]
    assert there.connections == 1


def test_what_lies_beyond_the_end_is_nothing(http: Http) -> None:
    with site(holding(CONTENT)) as there:
        place = web(http, there.url)
        assert whole(place, "a", len(CONTENT)) == b""
        assert whole(place, "a", 5, 5) == b""
    assert len(there.asked) == 1


@pytest.mark.parametrize(("start", "end"), [(0, 10 * MIB), (0, 100), (MIB, MIB + 7), (MIB - 1, 10 * MIB)])
def test_a_server_that_ignores_ranges_is_read_from_its_start(http: Http, start: int, end: int) -> None:
    with site(status(200, LARGE)) as there:
        assert whole(web(http, there.url), "a", start, end) == LARGE[start:end]


def test_a_server_that_ignores_ranges_is_not_read_to_skip_much(http: Http) -> None:
    with site(status(200, LARGE)) as there:
        error = failed(lambda: whole(web(http, there.url), "a", MIB + 1, MIB + 2))
    assert (type(error), error.code) == (UnavailableError, "range-ignored")


@pytest.mark.parametrize(
    "said",
    [
        "bytes 0-99/4096",
        "bytes 10-10000/4096",
        "bytes 11-19/4096",
        "bytes 10-9/4096",
        "bytes 10-20/4096",
        "items 10-19/4096",
        "bytes */4096",
        "",
    ],
)
def test_a_range_that_was_not_asked_for_is_refused(http: Http, said: str) -> None:
    with site(status(206, CONTENT[10:20], content_range=said)) as there:
        error = failed(lambda: whole(web(http, there.url), "a", 10, 20))
    assert error.code == "bad-range"
    assert "expected bytes 10-19" in error.message


def test_a_server_may_send_a_range_bit_by_bit(http: Http) -> None:
    def some(handler: Handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").partition("-")[0])
        sent = CONTENT[start : start + 1000]
        total = "*" if start else str(len(CONTENT))
        handler.reply(206, sent, content_range=f"bytes {start}-{start + len(sent) - 1}/{total}")

    with site(some) as there:
        assert whole(web(http, there.url), "a", 0, len(CONTENT)) == CONTENT
    assert len(there.asked) == 5


# Trying again


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("way", [0, 1, 2])
def test_what_a_server_refuses_in_passing_is_asked_again(http: Http, code: int, way: int) -> None:
    pauses: list[float] = []
    with site(in_turn(status(code), status(code), holding(CONTENT))) as there:
        each_way(web(http, there.url, pauses))[way]()
    assert (len(there.asked), len(pauses)) == (3, 2)
    assert 0 <= pauses[0] <= 0.5
    assert 0 <= pauses[1] <= 1.0


@pytest.mark.parametrize(
    ("code", "named"), [(429, "rate-limited"), (500, "server-error"), (503, "server-error")]
)
def test_the_third_refusal_is_the_error(http: Http, code: int, named: str) -> None:
    with site(status(code, retry_after="3")) as there:
        pauses: list[float] = []
        for ask in each_way(web(http, there.url, pauses)):
            error = failed(ask)
            assert (type(error), error.code) == (UnavailableError, named)
            assert str(code) in error.message
    assert len(there.asked) == 9
    assert pauses == [3.0] * 6


def test_a_limit_says_when_to_come_back(http: Http) -> None:
    with site(status(429, retry_after="3600")) as there:
        error = failed(lambda: web(http, there.url).get("a", 10))
    assert "after 3600 (Retry-After)" in error.message
    assert len(there.asked) == 1, "an hour is not waited for"


def test_a_server_that_is_not_there_is_tried_three_times(http: Http) -> None:
    pauses: list[float] = []
    error = failed(lambda: web(http, f"http://127.0.0.1:{closed_port()}", pauses).head("a"))
    assert (error.code, len(pauses)) == ("unreachable", 2)


@pytest.mark.parametrize("code", [400, 401, 403, 418, 501])
def test_other_refusals_are_not_asked_again(http: Http, code: int) -> None:
    with site(status(code)) as there:
        error = failed(lambda: web(http, there.url).get("a", 10))
    assert len(there.asked) == 1
    assert error.code == {401: "access-denied", 403: "access-denied", 501: "server-error"}.get(
        code, "unexpected-status"
    )


def test_a_broken_read_is_taken_up_where_it_stopped(http: Http) -> None:
    pauses: list[float] = []
    with site(in_turn(cut_after(CONTENT, 100), cut_after(CONTENT, 150), holding(CONTENT))) as there:
        assert whole(web(http, there.url, pauses), "a") == CONTENT
    starts = [asked.headers["range"].partition("-")[0] for asked in there.asked]
    assert starts == ["bytes=0", "bytes=100", "bytes=250"]
    assert len(pauses) == 2


def test_a_read_that_breaks_after_much_has_come_may_break_often(http: Http) -> None:
    content = LARGE * 3
    with site(cut_after(content, MIB)) as there:
        assert whole(web(http, there.url), "a") == content
    assert len(there.asked) == len(content) // MIB + 1


def test_a_read_that_breaks_three_times_in_a_row_is_given_up(http: Http) -> None:
    with site(cut_after(CONTENT, 10)) as there:
        error = failed(lambda: whole(web(http, there.url), "a"))
    assert (type(error), error.code) == (UnavailableError, "cut-short")
    assert len(there.asked) == 3


def test_a_range_that_ends_before_what_was_announced_is_cut_short(http: Http) -> None:
    def short(handler: Handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").partition("-")[0])
        handler.reply(206, CONTENT[start : start + 10], content_range=f"bytes {start}-99/4096")

    with site(short) as there:
        error = failed(lambda: whole(web(http, there.url), "a", 0, 100))
    assert error.code == "cut-short"
    assert "after 10 bytes of a range: 70 more were announced" in error.message
    assert len(there.asked) == 3


def test_a_body_shorter_than_its_length_is_cut_short(http: Http) -> None:
    def short(handler: Handler) -> None:
        handler.reply(200, CONTENT, content_length="5000")
        handler.close_connection = True

    with site(short) as there:
        assert failed(lambda: web(http, there.url).get("a", 10_000)).code == "cut-short"
        assert failed(lambda: whole(web(http, there.url), "a")).code == "cut-short"


def test_an_object_that_changes_while_it_is_read_is_not_put_together(http: Http) -> None:
    other = holding(CONTENT[::-1], etag='"two"')
    with site(in_turn(cut_after(CONTENT, 100), other)) as there:
        error = failed(lambda: whole(web(http, there.url), "a"))
    assert error.code == "object-changed"


def test_a_reader_may_stop_early(http: Http) -> None:
    with site(holding(LARGE)) as there:
        pieces = web(http, there.url).read("a", 0, len(LARGE))
        assert next(iter(pieces)) == LARGE[:MIB]
        pieces.close()  # type: ignore[attr-defined]
        assert whole(web(http, there.url), "a") == LARGE


# What is no answer of the place's


PAGE = b"\xef\xbb\xbf \n<!DOCTYPE html><html><title>Log in</title>"


@pytest.mark.parametrize("way", [0, 1, 2])
def test_a_web_page_is_not_an_object(http: Http, way: int) -> None:
    with site(status(200, PAGE, content_type="text/HTML; charset=utf-8")) as there:
        error = failed(each_way(web(http, there.url))[way])
    assert (type(error), error.code) == (UnavailableError, "html-body")
    assert "(a login or proxy page?)" in error.message


@pytest.mark.parametrize("body", [PAGE, b"<HTML><body>", b"<html lang='en'>"])
@pytest.mark.parametrize("way", [1, 2])
def test_a_web_page_without_its_type_is_not_an_object(http: Http, body: bytes, way: int) -> None:
    with site(status(200, body, content_type="application/octet-stream")) as there:
        assert failed(each_way(web(http, there.url))[way]).code == "html-body"


def test_a_login_page_elsewhere_is_named_by_its_host(http: Http) -> None:
    with (
        site(status(200, PAGE, content_type="text/html")) as login,
        site(lambda handler: handler.redirect(f"{login.url}/login?token=secret")) as there,
    ):
        error = failed(lambda: web(http, there.url).get("a", 10))
    assert f"127.0.0.1:{login.port} sent it" in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize("key", ["report.html", "a/REPORT.HTM", "b.xhtml"])
def test_a_web_page_that_is_wanted_is_an_object(http: Http, key: str) -> None:
    with site(status(200, PAGE, content_type="text/html")) as there:
        assert web(http, there.url).get(key, 1000) == PAGE
        assert whole(web(http, there.url), key) == PAGE


def test_a_page_in_the_middle_of_an_object_is_its_content(http: Http) -> None:
    content = b"0123456789" + PAGE
    with site(holding(content)) as there:
        assert whole(web(http, there.url), "a", 10) == PAGE


# The place


def test_headers_of_the_place_stay_with_it(http: Http) -> None:
    with (
        site(holding(CONTENT)) as other,
        site(lambda handler: handler.redirect(other.url + handler.path)) as there,
    ):
        place = Web(http, there.url, headers={"Authorization": "secret"})
        assert b"".join(place.read("a", 3, 8)) == CONTENT[3:8]
    assert there.asked[0].headers["authorization"] == "secret"
    assert "authorization" not in other.asked[0].headers
    assert other.asked[0].headers["range"] == "bytes=3-7"


def test_a_web_server_cannot_be_listed(http: Http) -> None:
    error = failed(lambda: web(http, "https://models.example/").entries("v2/", "v2/a"))
    assert (type(error), error.code) == (UsageError, "cannot-list")


def test_a_url_with_a_password_is_no_place(http: Http) -> None:
    error = failed(lambda: web(http, "https://me:secret@models.example/"))
    assert error.code == "bad-url"
    assert "secret" not in error.message
