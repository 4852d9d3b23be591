"""The functions' handlers over one school, called as API Gateway calls them."""

import base64
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integration.round_trips import Office

from b2b.http.api.app import create_app
from b2b.http.asgi import lambda_handler
from b2b_cli.groups import GROUPS, group_of

_EVENT = Path(__file__).parents[2] / "events/apigateway-v2-create-student.json"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Json


class Gateway:
    """Calls with the admin's token ``secret``."""

    def __init__(self, desk: Office, secret: str) -> None:
        self.desk = desk
        self._secret = secret
        self._event = json.loads(_EVENT.read_text(encoding="utf-8"))
        with warnings.catch_warnings():
            # Python 3.12 and later announce the end of how Mangum asks for a loop.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._handlers = {
                group: lambda_handler(create_app(router, desk.api), group) for group, router in GROUPS.items()
            }

    def call(self, method: str, path: str, body: Json | None = None) -> Answer:
        """``path`` from ``/api`` on, with its query."""
        event = self.event(method, path, body)
        return answered(self.send(event))

    def send(self, event: Json) -> Json:
        answer: Json = self._handlers[group_of(event["rawPath"])](event, None)
        return answer

    def event(self, method: str, path: str, body: Json | None = None) -> Json:
        split = urlsplit(path)
        text = json.dumps(body) if body is not None else ""
        event: Json = json.loads(json.dumps(self._event))
        event |= {"rawPath": split.path, "rawQueryString": split.query, "body": text}
        event["requestContext"]["http"] |= {"method": method, "path": split.path}
        event["headers"] |= {"authorization": f"Bearer {self._secret}", "content-length": str(len(text.encode()))}
        return event


def answered(answer: Json) -> Answer:
    """Raises AssertionError for an answer that is no success: then something else would be measured."""
    text = answer["body"]
    if answer["isBase64Encoded"]:
        text = base64.b64decode(text).decode()
    assert answer["statusCode"] < 300, f"{answer['statusCode']}: {text}"
    return Answer(answer["statusCode"], json.loads(text) if text else {})
