"""Contract, section 1: what programs send that nobody wrote for this API, byte for byte, over a socket.

The heads are those of the programs named; only host, token and length are put in.
"""

import gzip
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
import pytest
import requests
from tests.contract.people import Json, an_email, create_student, create_user, data_of, grant_in, unique
from tests.local_stack import LocalStack

pytestmark = pytest.mark.local  # the emulated gateway is no socket

_ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Client:
    """``head``: without the request line and host. ``body``: with %(email)s and so on; of a form they are escaped."""

    name: str
    head: str
    body: str
    escaped: bool = False
    charset: str = "utf-8"
    packed: bool = False

    def __str__(self) -> str:
        return self.name

    def sent(self, values: Json) -> bytes:
        escape = (lambda value: quote_plus(str(value), encoding=self.charset)) if self.escaped else str
        body = (self.body % {name: escape(value) for name, value in values.items()}).encode(self.charset)
        return gzip.compress(body) if self.packed else body


def _multipart(boundary: str, fields: dict[str, str], head: str = 'Content-Disposition: form-data; name="%s"') -> str:
    parts = [f"--{boundary}\r\n{head % name}\r\n\r\n{value}\r\n" for name, value in fields.items()]
    return "".join(parts) + f"--{boundary}--\r\n"


_PERSON = {"first_name": "%(first)s", "last_name": "%(last)s", "email": "%(email)s", "user_email": "%(user)s"}
_QUERY = "&".join(f"{name}={value}" for name, value in _PERSON.items())
_OBJECT = ",".join(f'"{name}":"{value}"' for name, value in _PERSON.items())
_LIST = {"enrollments[0]": "%(one)s", "enrollments[1]": "%(two)s"}

_CURL_BOUNDARY = "------------------------d74496d66958873e"
_WEBKIT_BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
_DOTNET_BOUNDARY = "7518e894-589d-44be-9a04-9f45c6124429"
_GO_BOUNDARY = "5e5d0f0c41b9dcb37f4d8bf5c7a3f2e1c0a9b8d7e6f5a4b3c2d1e0f9a8b7"

CLIENTS = [
    Client(
        "wp_remote_post",
        "User-Agent: WordPress/6.5.2; https://shop.example.com\r\nAccept: */*\r\n"
        "Accept-Encoding: deflate;q=1.0, compress;q=0.5, gzip;q=0.5\r\n"
        "Content-Length: %(length)s\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        "Connection: Close\r\n",
        f"{_QUERY}&enrollments%%5B0%%5D=%(one)s&enrollments%%5B1%%5D=%(two)s&enforce_seats=0",
        escaped=True,
    ),
    Client(
        "PHP http_build_query with an array of arrays and gaps",
        "User-Agent: GuzzleHttp/7\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %(length)s\r\n",
        f"{_QUERY}&enrollments%%5B1%%5D%%5Bid%%5D=%(one)s&enrollments%%5B1%%5D%%5Bproductable_type%%5D=Course"
        "&enrollments%%5B3%%5D%%5Bid%%5D=%(two)s&enrollments%%5B3%%5D%%5Bproductable_type%%5D=",
        escaped=True,
    ),
    Client(
        "PHP curl with an array",
        "Accept: */*\r\nContent-Length: %(length)s\r\n"
        f"Content-Type: multipart/form-data; boundary={_CURL_BOUNDARY}\r\n",
        _multipart(_CURL_BOUNDARY, _PERSON | _LIST),
    ),
    Client(
        "PHP json_encode of an array with gaps",
        "Content-Type: application/json\r\nAccept: */*\r\nContent-Length: %(length)s\r\n",
        f'{{{_OBJECT},"enrollments":{{"0":%(one)s,"2":"%(two)s"}},"enforce_seats":false,"productable_type":null}}',
    ),
    Client(
        "curl -d with JSON",
        "User-Agent: curl/8.5.0\r\nAccept: */*\r\nContent-Length: %(length)s\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n",
        f'{{{_OBJECT}, "enrollments": [%(one)s, %(two)s],}}',
    ),
    Client(
        "curl -d with fields",
        "User-Agent: curl/7.88.1\r\nAccept: */*\r\nContent-Length: %(length)s\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n",
        f"{_QUERY}&enrollments=%(one)s,%(two)s",
        escaped=True,
    ),
    Client(
        "curl -F",
        "User-Agent: curl/8.5.0\r\nAccept: */*\r\nContent-Length: %(length)s\r\n"
        f"Content-Type: multipart/form-data; boundary={_CURL_BOUNDARY}\r\n",
        _multipart(_CURL_BOUNDARY, _PERSON | {"enrollments": "%(one)s, %(two)s"}),
    ),
    Client(
        "a beacon with text",
        "Connection: keep-alive\r\nContent-Length: %(length)s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        "Content-Type: text/plain;charset=UTF-8\r\nAccept: */*\r\nOrigin: https://shop.example.com\r\n"
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: empty\r\n"
        "Referer: https://shop.example.com/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n",
        f'{{{_OBJECT},"enrollments":[%(one)s,%(two)s]}}',
    ),
    Client(
        "a beacon with FormData",
        "Connection: keep-alive\r\nContent-Length: %(length)s\r\n"
        f"Content-Type: multipart/form-data; boundary={_WEBKIT_BOUNDARY}\r\nAccept: */*\r\n",
        _multipart(_WEBKIT_BOUNDARY, _PERSON | {"enrollments": "%(one)s,%(two)s"}),
    ),
    Client(
        "a beacon with URLSearchParams",
        "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\nContent-Length: %(length)s\r\n",
        f"{_QUERY}&enrollments=%(one)s%%2C%(two)s",
        escaped=True,
    ),
    Client(
        "jQuery $.ajax",
        "Accept: application/json, text/javascript, */*; q=0.01\r\nX-Requested-With: XMLHttpRequest\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: %(length)s\r\n",
        f"{_QUERY}&enrollments%%5B%%5D=%(one)s&enrollments%%5B%%5D=%(two)s&enforce_seats=false&productable_type=",
        escaped=True,
    ),
    Client(
        "axios with URLSearchParams and bare brackets",
        "Accept: application/json, text/plain, */*\r\nUser-Agent: axios/1.6.8\r\n"
        "Content-Type: application/x-www-form-urlencoded;charset=utf-8\r\nContent-Length: %(length)s\r\n",
        f"{_QUERY}&enrollments[0]=%(one)s&enrollments[1]=%(two)s",
        escaped=True,
    ),
    Client(
        "Google Apps Script with an object as payload",
        "User-Agent: Mozilla/5.0 (compatible; Google-Apps-Script; beanserver; +https://script.google.com)\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nAccept-Encoding: gzip,deflate,br\r\n"
        "Content-Length: %(length)s\r\n",
        f"{_QUERY}&enrollments=%(one)s%%2C%(two)s&enforce_seats=false",
        escaped=True,
    ),
    Client(
        "Excel VBA, WinHttpRequest with JSON as text",
        "Connection: Keep-Alive\r\nContent-Type: text/plain; Charset=UTF-8\r\nAccept: */*\r\n"
        "User-Agent: Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)\r\nContent-Length: %(length)s\r\n",
        f'{{{_OBJECT},"enrollments":"%(one)s,%(two)s"}}',
    ),
    Client(
        "Excel VBA, a stream with a byte order mark",
        "Content-Type: application/json; charset=utf-8\r\nContent-Length: %(length)s\r\n",
        f'\ufeff{{{_OBJECT},"enrollments":[%(one)s.0,%(two)s.0]}}',
    ),
    Client(
        "an HTML form",
        "Content-Length: %(length)s\r\nCache-Control: max-age=0\r\nOrigin: null\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nUpgrade-Insecure-Requests: 1\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n",
        f"{_QUERY}&enrollments%%5B%%5D=%(one)s&enrollments%%5B%%5D=%(two)s&enrollments%%5B%%5D=&enforce_seats=1"
        "&enforce_seats=0&_token=abc&submit=",
        escaped=True,
    ),
    Client(
        "an HTML form with an empty file field",
        f"Content-Length: %(length)s\r\nContent-Type: multipart/form-data; boundary={_WEBKIT_BOUNDARY}\r\n",
        f'--{_WEBKIT_BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename=""\r\n'
        "Content-Type: application/octet-stream\r\n\r\n\r\n" + _multipart(_WEBKIT_BOUNDARY, _PERSON | _LIST),
    ),
    Client(
        ".NET MultipartFormDataContent",
        f'Content-Type: multipart/form-data; boundary="{_DOTNET_BOUNDARY}"\r\nContent-Length: %(length)s\r\n',
        _multipart(
            _DOTNET_BOUNDARY,
            _PERSON | _LIST,
            "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=%s",
        ),
    ),
    Client(
        ".NET StringContent",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %(length)s\r\n",
        f'{{{_OBJECT},"enrollments":[%(one)s,%(two)s],"enforce_seats":"False"}}',
    ),
    Client(
        "Apache HttpClient with its own charset",
        "Content-Length: %(length)s\r\nContent-Type: application/x-www-form-urlencoded; charset=ISO-8859-1\r\n"
        "Connection: Keep-Alive\r\nUser-Agent: Apache-HttpClient/4.5.14 (Java/17.0.9)\r\n",
        f"{_QUERY}&enrollments=%(one)s%%2C%(two)s",
        escaped=True,
        charset="cp1252",
    ),
    Client(
        "Java with ISO-8859-1 JSON",
        "Content-Type: application/json; charset=ISO-8859-1\r\nContent-Length: %(length)s\r\n",
        f'{{{_OBJECT},"enrollments":[%(one)s,%(two)s]}}',
        charset="cp1252",
    ),
    Client(
        "Go's multipart.Writer",
        "User-Agent: Go-http-client/1.1\r\nContent-Length: %(length)s\r\n"
        f"Content-Type: multipart/form-data; boundary={_GO_BOUNDARY}\r\nAccept-Encoding: gzip\r\n",
        _multipart(_GO_BOUNDARY, _PERSON | {"enrollments": "%(one)s,%(two)s"}),
    ),
    Client(
        "gzipped JSON",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %(length)s\r\n",
        f'{{{_OBJECT},"enrollments":[%(one)s,%(two)s]}}',
        packed=True,
    ),
    Client(
        "JSON under a multipart type without a boundary",
        "Content-Type: multipart/form-data\r\nContent-Length: %(length)s\r\n",
        f'{{{_OBJECT},"enrollments":[%(one)s,%(two)s]}}',
    ),
    Client(
        "Zapier with a line item and blank fields",
        "Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: Zapier\r\n"
        "Content-Length: %(length)s\r\n",
        f'{{{_OBJECT},"enrollments":["%(one)s","","%(two)s"],"enforce_seats":"","productable_type":""}}',
    ),
]


def exchange(stack: LocalStack, path: str, head: str, body: bytes, *, expect: bool = False) -> tuple[int, Any]:
    """The answer to the bytes. ``expect``: the body is sent when the server has said 100 Continue."""
    address = urlsplit(stack.note["base_url"])
    head = head % {"length": len(body)}
    start = f"POST {address.path}{path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
    start += f"Authorization: Bearer {stack.note['admin_token']}\r\n{head}\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=_ANSWER_SECONDS) as connection:
        connection.sendall(start.encode() if expect else start.encode() + body)
        if expect:
            assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")
            connection.sendall(body)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    status, _, rest = answer.partition(b"\r\n")
    return int(status.split()[1]), json.loads(rest.partition(b"\r\n\r\n")[2])


def values(user: Json, courses: list[Json]) -> Json:
    person = {"first": "Zoë & Co. 1+1", "last": "Müller-Łoś", "email": an_email("zoe+x"), "user": user["email"]}
    return person | {"one": courses[0]["productable_id"], "two": courses[1]["productable_id"]}


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_a_student_is_created_and_enrolled(stack: LocalStack, user: Json, courses: list[Json], client: Client) -> None:
    given = values(user, courses)
    if client.charset != "utf-8":
        given["last"] = "Müller"
    status, answer = exchange(stack, "/students", client.head, client.sent(given))
    assert status == 201, answer
    student = answer["data"]
    assert (student["first_name"], student["last_name"]) == (given["first"], given["last"])
    assert (student["email"], [under["id"] for under in student["users"]]) == (given["email"], [user["id"]])
    assert {found["thinkific_id"] for found in student["enrollments"]} == {given["one"], given["two"]}


def test_curl_waits_to_be_told_that_it_may_send(stack: LocalStack, user: Json, courses: list[Json]) -> None:
    client = next(client for client in CLIENTS if client.name == "PHP curl with an array")
    head = client.head + "Expect: 100-continue\r\n"
    status, _ = exchange(stack, "/students", head, client.sent(values(user, courses)), expect=True)
    assert status == 201


def test_dotnet_sends_json_in_chunks(stack: LocalStack, user: Json) -> None:
    text = json.dumps({"email": user["email"]}).encode()
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (text[:7], text[7:])) + b"0\r\n\r\n"
    head = "Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n"
    status, answer = exchange(stack, "/users/search", head, body)
    assert (status, answer["data"]["id"]) == (200, user["id"])


class TestPythonRequests:
    """The library itself."""

    def post(self, stack: LocalStack, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {stack.note['admin_token']}"}
        with requests.Session() as session:
            session.trust_env = False
            return session.post(stack.note["base_url"] + path, headers=headers, timeout=_ANSWER_SECONDS, **body)

    def test_of_a_name_that_comes_twice_the_last_wins(self, stack: LocalStack, user: Json, courses: list[Json]) -> None:
        numbers = [course["productable_id"] for course in courses[:2]]
        person = {"first_name": "Ada", "last_name": "Lovelace", "email": an_email(), "user_email": user["email"]}
        twice = self.post(stack, "/students", data=person | {"enrollments": numbers}).json()["data"]
        assert [found["thinkific_id"] for found in twice["enrollments"]] == numbers[1:]
        both = self.post(stack, "/students", data=person | {"enrollments[]": numbers}).json()["data"]
        assert [found["thinkific_id"] for found in both["enrollments"]] == numbers

    def test_booleans_and_none_in_a_form(self, stack: LocalStack, user: Json, courses: list[Json]) -> None:
        grant = {"thinkific_id": courses[0]["productable_id"], "active": True, "add_seats": 5, "enrollment_days": 30}
        data = grant | {"reusable": False, "productable_type": None}
        answer = self.post(stack, f"/users/seat/{user['id']}", data=data)
        found = grant_in(answer.json()["data"], courses[0])
        assert (found["active"], found["max_seats"], found["enrollment_days"], found["reusable"]) == (
            True,
            5,
            30,
            False,
        )

    def test_a_file_is_refused(self, stack: LocalStack, user: Json) -> None:
        files = {"photo": ("me.png", b"\x89PNG", "image/png")}
        answer = self.post(stack, "/users/search", data={"email": user["email"]}, files=files)
        assert (answer.status_code, answer.json().keys()) == (415, {"message"})


def test_a_form_changes_when_enrollments_end(stack: LocalStack, api: httpx.Client, courses: list[Json]) -> None:
    user = create_user(api)
    number = courses[0]["productable_id"]
    student = create_student(api, user_email=user["email"], enrollments=[number])
    body = f"product={number}&type=date&expiry_days=&expiry_date=Wed%2C+30-Jun-2027+23%3A59%3A59+GMT".encode()
    head = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %(length)s\r\n"
    status, answer = exchange(stack, f"/users/enrollments/{user['id']}", head, body)
    assert (status, answer["operation"]["type"]) == (200, "expiry_change")
    assert data_of(api.get(f"/students/{student['id']}"))["id"] == student["id"]


@pytest.mark.parametrize("name", ["wp_remote_post", "PHP curl with an array"])
def test_an_idempotency_key_replays_a_form(stack: LocalStack, user: Json, courses: list[Json], name: str) -> None:
    client = next(client for client in CLIENTS if client.name == name)
    sent, head = client.sent(values(user, courses)), client.head + f"Idempotency-Key: {unique('key')}\r\n"
    answers = [exchange(stack, "/students", head, sent) for _ in range(2)]
    assert answers[0][0] == 201
    assert answers[0] == answers[1]
    assert exchange(stack, "/students", head, sent.replace(b"Zo", b"Ko"))[0] == 409
