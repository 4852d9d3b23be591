"""Contract, section 6: API tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contract.people import Json, create_student, data_of, errors_of, newest_rows, student_fields, unique
from tests.contract.shapes import NEW_TOKEN, TOKEN, assert_shape
from tests.contract.tokens import SCOPES, Tokens, bearer, create_token
from tests.local_stack import await_that


class TestMaking:
    def test_it_answers_201_with_the_secret(self, api: httpx.Client, anonymous: httpx.Client) -> None:
        name = unique("Zapier")
        token = data_of(api.post("/tokens", json={"name": name}), status=201)
        assert_shape(token, NEW_TOKEN)
        assert (token["name"], token["last_used_at"], token["expires_at"]) == (name, None, None)
        assert token["token"].endswith(token["last_four"])
        assert len(token["last_four"]) == 4
        assert anonymous.get("/users", headers=bearer(token["token"])).status_code == 200

    def test_it_may_do_everything_unless_told_otherwise(self, api: httpx.Client) -> None:
        assert sorted(create_token(api)["scopes"]) == sorted(SCOPES)
        assert create_token(api, scopes=["users:read"])["scopes"] == ["users:read"]

    def test_it_acts_as_its_admin(self, api: httpx.Client, anonymous: httpx.Client) -> None:
        token = create_token(api)["token"]
        response = anonymous.post("/students", json=student_fields(), headers=bearer(token))
        assert data_of(response, status=201)["users"] == create_student(api)["users"]

    def test_it_may_expire(self, api: httpx.Client) -> None:
        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
        for given in (expires_at.isoformat(), f"{expires_at:%Y-%m-%dT%H:%M:%SZ}"):
            token = create_token(api, expires_at=given)
            assert datetime.fromisoformat(token["expires_at"]) == expires_at
        for blank in (None, "", "  "):
            assert create_token(api, expires_at=blank)["expires_at"] is None

    def test_its_end_is_read_as_every_date_is(self, api: httpx.Client) -> None:
        ends = {
            create_token(api, expires_at=given)["expires_at"]
            for given in ("2099-06-07", "Jun 7 2099", "7-Jun-2099", "Sun, 07 Jun 2099 23:59:59 +0000")
        }
        assert ends == {"2099-06-07T23:59:59.000000Z"}

    @pytest.mark.parametrize(
        "scopes",
        [
            "users:read,products:read",
            " users:read , products:read ,",
            {"0": "users:read", "2": "products:read"},
            ["users:read", "", None, "products:read", "users:read"],
        ],
    )
    def test_its_scopes_may_come_as_any_list(self, api: httpx.Client, scopes: Any) -> None:
        assert create_token(api, scopes=scopes)["scopes"] == ["users:read", "products:read"]

    def test_it_cannot_have_a_scope_that_its_maker_lacks(self, anonymous: httpx.Client, tokens: Tokens) -> None:
        maker = tokens.with_only("tokens:write", "users:read")
        for fields in ({"scopes": ["users:write"]}, {"scopes": ["users:read", "settings:write"]}, {}):
            response = anonymous.post("/tokens", json={"name": unique("token"), **fields}, headers=maker)
            assert (response.status_code, response.json()) == (403, {"message": "This action is unauthorized."})
        allowed = {"name": unique("token"), "scopes": ["users:read"]}
        made = data_of(anonymous.post("/tokens", json=allowed, headers=maker), status=201)
        assert made["scopes"] == ["users:read"]

    @pytest.mark.parametrize("days", [None, 60, 31, 30, 29, 1])
    def test_it_ends_no_later_than_its_maker(
        self, api: httpx.Client, anonymous: httpx.Client, days: int | None
    ) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        maker = create_token(api, expires_at=(now + timedelta(days=30)).isoformat())
        wanted = None if days is None else (now + timedelta(days=days)).isoformat()
        body = {"name": unique("token"), "expires_at": wanted}
        made = data_of(anonymous.post("/tokens", json=body, headers=bearer(maker["token"])), status=201)
        assert datetime.fromisoformat(made["expires_at"]) == now + timedelta(days=min(days or 30, 30))

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"name": "x" * 256}, "name"),
            ({"scopes": ["users:delete"]}, "scopes.0"),
            ({"scopes": "users:read, users:delete"}, "scopes.1"),
            ({"scopes": True}, "scopes"),
            ({"expires_at": "soon"}, "expires_at"),
            ({"expires_at": 5}, "expires_at"),
            ({"expires_at": "1820102400000"}, "expires_at"),
            ({"expires_at": "06/07/2099"}, "expires_at"),
            ({"expires_at": "2099-06-07_10:00"}, "expires_at"),
        ],
    )
    def test_what_is_wrong_is_named(self, api: httpx.Client, fields: dict[str, Any], named: str) -> None:
        assert errors_of(api.post("/tokens", json={"name": unique("token")} | fields)) == {named}


class TestListing:
    def test_the_secret_is_shown_once(self, api: httpx.Client) -> None:
        token = create_token(api)
        listed = newest_rows(api, "/tokens")
        assert_shape(listed, [TOKEN])
        assert {key: token[key] for key in TOKEN} in listed

    def test_the_last_use_is_noted(self, api: httpx.Client, anonymous: httpx.Client) -> None:
        token = create_token(api)
        before = datetime.now(UTC)
        assert anonymous.get("/users", headers=bearer(token["token"])).status_code == 200
        used = await_that(lambda: _find(api, token)["last_used_at"], what="The note of the last use")
        assert before - timedelta(minutes=1) <= datetime.fromisoformat(used) <= datetime.now(UTC)

    def test_who_may_do_less_than_a_token_does_not_see_it(
        self, api: httpx.Client, anonymous: httpx.Client, tokens: Tokens
    ) -> None:
        like_it, less = create_token(api, scopes=["tokens:write"]), create_token(api, scopes=[])
        more = [create_token(api), create_token(api, scopes=["tokens:write", "users:read"])]
        caller = tokens.with_only("tokens:write")
        seen: list[Json] = []
        path: str | None = "/tokens?per_page=1"
        while path is not None:
            page = anonymous.get(path, headers=caller).raise_for_status().json()
            seen += page["data"]
            path = page["links"]["next"]
        ids = [token["id"] for token in seen]
        assert ids == sorted(set(ids))
        assert len(ids) == page["meta"]["total"] == page["meta"]["last_page"]
        assert {like_it["id"], less["id"]} <= set(ids)
        assert not {token["id"] for token in more} & set(ids)
        assert all(set(token["scopes"]) <= {"tokens:write"} for token in seen)


class TestRevoking:
    @pytest.mark.parametrize("scopes", [SCOPES, ["tokens:write", "users:read"], ["users:read"], ["settings:write"]])
    def test_who_may_do_less_than_a_token_cannot_end_it(
        self, api: httpx.Client, anonymous: httpx.Client, tokens: Tokens, scopes: list[str]
    ) -> None:
        token = create_token(api, scopes=scopes)
        answer = anonymous.delete(f"/tokens/{token['id']}", headers=tokens.with_only("tokens:write"))
        assert (answer.status_code, answer.json().keys()) == (404, {"message"})
        assert anonymous.get("/settings", headers=bearer(token["token"])).status_code == 200

    def test_a_token_may_end_itself(self, api: httpx.Client, anonymous: httpx.Client) -> None:
        token = create_token(api, scopes=["tokens:write"])
        own = bearer(token["token"])
        assert anonymous.delete(f"/tokens/{token['id']}", headers=own).status_code == 204
        await_that(lambda: anonymous.get("/settings", headers=own).status_code == 401, what="The end of the token")
        assert api.delete(f"/tokens/{token['id']}").status_code == 404

    def test_it_answers_204_without_a_body(self, api: httpx.Client) -> None:
        token = create_token(api)
        response = api.delete(f"/tokens/{token['id']}")
        assert (response.status_code, response.content) == (204, b"")
        assert "X-Request-Id" in response.headers

    def test_a_revoked_token_is_no_more(self, api: httpx.Client) -> None:
        token, other = create_token(api), create_token(api)
        api.delete(f"/tokens/{token['id']}").raise_for_status()
        assert api.delete(f"/tokens/{token['id']}").status_code == 404
        listed = {found["id"] for found in newest_rows(api, "/tokens")}
        assert other["id"] in listed
        assert token["id"] not in listed


def _find(api: httpx.Client, token: Json) -> Json:
    return next(found for found in newest_rows(api, "/tokens") if found["id"] == token["id"])
