"""Groups and their members. Paths ``/groups`` and ``/group_users``, and ``/users`` with a filter."""

from b2b.domain.work.upstream import MembersPage, ThinkificUser
from b2b.gateways.thinkific.answers import parsed
from b2b.gateways.thinkific.models import GroupAnswer, UserAnswer
from b2b.gateways.thinkific.transport import Transport

_MEMBERS_LIMIT = 50  # each member is a transaction of ours, and a page has to fit into a worker's time


class Groups:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(self, name: str) -> int | None:
        """Its id. There is no filter by name: all pages are read until it is found."""
        groups = (parsed(GroupAnswer, item) for item in self._transport.read_all("/groups", {}))
        return next((group.id for group in groups if group.name == name), None)

    def create(self, name: str) -> int:
        """Its id. Raises NameTaken.

        Thinkific answers the group bare or, as public clients see it, wrapped in ``group``.
        """
        answer = self._transport.write("POST", "/groups", {"name": name})
        inner = answer.get("group", answer) if answer else answer
        return parsed(GroupAnswer, inner).id

    def read_members(self, group_id: int, page: int) -> MembersPage:
        query = {"query[group_id]": group_id, "page": page, "limit": _MEMBERS_LIMIT}
        answer = self._transport.read_list("/users", query)
        return MembersPage(
            members=tuple(parsed(UserAnswer, item).to_domain() for item in answer.items),
            next_page=answer.next_page if answer.items else None,
            total=answer.total_items,
        )

    def has_member(self, group_id: int, user: ThinkificUser) -> bool:
        """The two filters go together, as public clients found."""
        answer = self._transport.read_list("/users", {"query[group_id]": group_id, "query[email]": user.email})
        return any(parsed(UserAnswer, item).id == user.id for item in answer.items)

    def add_member(self, group_name: str, user_id: int) -> None:
        """Raises ThinkificRejected for a group that does not exist."""
        self._transport.write("POST", "/group_users", {"user_id": user_id, "group_names": [group_name]})
