"""Accounts: what Thinkific calls users. Paths ``/users`` of its Admin API."""

from contextlib import suppress

from b2b.domain.identity.emails import email_key
from b2b.domain.work.upstream import ThinkificMissing, ThinkificUser
from b2b.gateways.thinkific.answers import parsed
from b2b.gateways.thinkific.models import UserAnswer
from b2b.gateways.thinkific.transport import Transport


class Accounts:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(self, email: str) -> ThinkificUser | None:
        """By exact e-mail. Thinkific ignores filters it does not know, so each row is checked again."""
        wanted = email_key(email)
        answer = self._transport.read_list("/users", {"query[email]": email})
        users = (parsed(UserAnswer, item).to_domain() for item in answer.items)
        return next((user for user in users if email_key(user.email) == wanted), None)

    def get(self, user_id: int) -> ThinkificUser | None:
        try:
            return parsed(UserAnswer, self._transport.read(f"/users/{user_id}")).to_domain()
        except ThinkificMissing:
            return None

    def exists(self, user_id: int) -> bool:
        return self._transport.exists(f"/users/{user_id}")

    def create(self, *, first_name: str, last_name: str, email: str) -> ThinkificUser:
        """Without a password Thinkific lets the student sign in by a link. Raises EmailTaken."""
        body = {
            "first_name": first_name,
            "last_name": last_name,
            "email": email,
            # A profile field that the school requires is the student's to fill in, not a reason to refuse.
            "skip_custom_fields_validation": True,
        }
        return parsed(UserAnswer, self._transport.write("POST", "/users", body)).to_domain()

    def update(self, user_id: int, **fields: str) -> None:
        """``first_name``, ``last_name``, ``email``: what is not given stays. Raises EmailTaken."""
        self._transport.write("PUT", f"/users/{user_id}", fields)

    def delete(self, user_id: int) -> None:
        """For good, with the progress. One that is gone already is fine."""
        with suppress(ThinkificMissing):
            self._transport.write("DELETE", f"/users/{user_id}", None)
