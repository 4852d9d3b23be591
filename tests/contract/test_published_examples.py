"""Contract, sections 3, 4 and 5: every call of the published document, sent as that document writes it.

The bodies are text, not Python: with the trailing commas, the quotes and the numbers of the original. Only the domain
is another (one of its own in every run), and the ids are those of what the simulated Thinkific sells.
"""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.contract.operations import finished
from tests.contract.people import (
    Json,
    add_seats,
    await_settled,
    create_student,
    create_user,
    data_of,
    enroll,
    enrollment_in,
    grant_in,
    newest_rows,
    read_student,
    read_user,
    rows_of,
    set_access,
    statuses,
    unique,
)
from tests.contract.school import School
from tests.local_stack import await_that


@pytest.fixture
def domain() -> str:
    """Of people whom nobody has met."""
    return f"www.{unique('wooninja')}.example.com"


@pytest.fixture
def client(api: httpx.Client, domain: str) -> Json:
    """The user whom the document's examples are about."""
    return create_user(api, name="John Doe", email=f"john.doe@{domain}", max_seats=100)


@pytest.fixture
def learner(api: httpx.Client, domain: str) -> Json:
    """The student whom they are about: there, and under nobody but the token's user."""
    return create_student(api, first_name="Jane", last_name="Doe", email=f"jane.doe@{domain}")


def send(api: httpx.Client, call: str, body: str = "", *, status: int = 200) -> httpx.Response:
    """``call`` as ``POST /users``. An integration of the document's says what it sends, and what it wants back."""
    method, path = call.split(" ", 1)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answer = api.request(method, path, content=body.encode(), headers=headers)
    assert answer.status_code == status, answer.text
    return answer


class TestUsers:
    def test_list_all_users(self, api: httpx.Client, client: Json) -> None:
        assert send(api, "GET /users").json().keys() == {"data", "links", "meta"}
        assert client in newest_rows(api, "/users")

    def test_view_a_user(self, api: httpx.Client, client: Json) -> None:
        assert data_of(send(api, f"GET /users/{client['id']}")) == client

    def test_create_a_user(self, api: httpx.Client, domain: str) -> None:
        body = f"""{{
            "name": "John Doe",
            "email": "j.doe@{domain}",
            "password": "********",
            "max_seats": 100,
        }}"""
        user = send(api, "POST /users", body, status=201).json()["data"]
        assert (user["name"], user["email"], user["role"]) == ("John Doe", f"j.doe@{domain}", "user")
        assert (user["max_seats"], user["seats_used"], user["seats_available"]) == (100, 0, 100)

    def test_update_a_user(self, api: httpx.Client, client: Json, domain: str) -> None:
        body = f"""{{
            "name": "Jay Doe",
            "email": "doe.jay@{domain}",
            "max_seats": 35,
        }}"""
        user = data_of(send(api, f"PUT /users/{client['id']}", body))
        assert (user["id"], user["created_at"]) == (client["id"], client["created_at"])
        assert (user["name"], user["email"], user["max_seats"]) == ("Jay Doe", f"doe.jay@{domain}", 35)

    def test_upsert_a_user(self, api: httpx.Client, domain: str) -> None:
        body = f"""{{
            "name": "John Doe",
            "email": "doe.john@{domain}",
            "password": "********",
            "max_seats": 35,
        }}"""
        created = send(api, "POST /users/upsert", body, status=201).json()["data"]
        assert (created["name"], created["email"], created["max_seats"]) == ("John Doe", f"doe.john@{domain}", 35)
        again = data_of(send(api, "POST /users/upsert", body))
        assert again | {"updated_at": created["updated_at"]} == created

    def test_search_for_a_user(self, api: httpx.Client, client: Json, domain: str) -> None:
        assert data_of(send(api, "POST /users/search", f'{{"email": "john.doe@{domain}",}}')) == client
        send(api, "POST /users/search", f'{{"email": "nobody@{domain}",}}', status=404)

    def test_delete_a_user(self, api: httpx.Client, client: Json) -> None:
        assert send(api, f"DELETE /users/{client['id']}", status=204).content == b""
        send(api, f"GET /users/{client['id']}", status=404)

    def test_assign_a_group(self, api: httpx.Client, client: Json, school: School, domain: str) -> None:
        name = unique("My Thinkific Group")
        school.add_group(name)
        member = school.add_user(first_name="Mary", last_name="Major", email=f"mary.major@{domain}")
        school.add_to_group(member, name)
        body = f"""{{
            "name": "{name}",
            "sync": true,
        }}"""
        answer = send(api, f"POST /users/group/{client['id']}", body)
        assert data_of(answer)["group"]["name"] == name
        operation = finished(api, answer.json()["operation"])
        assert (operation["status"], operation["total"]) == ("succeeded", 1)
        (imported,) = [row for row in newest_rows(api, "/students") if row["email"] == member["email"]]
        assert [user["id"] for user in imported["users"]] == [client["id"]]

    def test_set_product_access(self, api: httpx.Client, client: Json, courses: list[Json]) -> None:
        body = f"""{{
            "thinkific_id": {courses[0]["productable_id"]},
            "active": true,
            "max_seats": 100,
            "enrollment_days": 365,
        }}"""
        grant = grant_in(data_of(send(api, f"POST /users/access/{client['id']}", body)), courses[0])
        assert (grant["active"], grant["max_seats"], grant["enrollment_days"]) == (True, 100, 365)

    def test_add_seats(self, api: httpx.Client, client: Json, courses: list[Json]) -> None:
        add_seats(api, client, courses[0], 100, enrollment_days=30)
        body = f"""{{
            "thinkific_id": {courses[0]["productable_id"]},
            "active": true,
            "add_seats": 10,
            "enrollment_days": 365,
        }}"""
        grant = grant_in(data_of(send(api, f"POST /users/seat/{client['id']}", body)), courses[0])
        assert (grant["active"], grant["max_seats"], grant["enrollment_days"]) == (True, 110, 365)


class TestMassExpiry:
    """``POST /users/enrollments/{id}`` with each of its four types; afterwards Thinkific has the same end."""

    @pytest.fixture
    def enrolled(self, api: httpx.Client, client: Json, learner: Json, courses: list[Json]) -> Json:
        return await_settled(api, enroll(api, learner, client, courses[0]))

    def test_days(self, api: httpx.Client, client: Json, enrolled: Json, courses: list[Json], school: School) -> None:
        body = f"""{{
            "product": {courses[0]["productable_id"]},
            "type": "days",
            "expiry_days": 30,
        }}"""
        before = datetime.now(UTC)
        ended = self._changed(api, client, enrolled, courses[0], body)
        span = datetime.fromisoformat(ended["expiry_date"]) - before
        assert timedelta(days=30) <= span < timedelta(days=30, minutes=1)
        assert (ended["status"], self._there(school, enrolled)["expired"]) == ("active", False)

    def test_date(self, api: httpx.Client, client: Json, enrolled: Json, courses: list[Json], school: School) -> None:
        """``Jun 30 2023`` has become a date of the past: it ends access."""
        body = f"""{{
            "product": {courses[0]["productable_id"]},
            "type": "date",
            "expiry_date": "Jun 30 2023",
        }}"""
        ended = self._changed(api, client, enrolled, courses[0], body)
        assert (ended["status"], ended["expiry_date"]) == ("expired", "2023-06-30T23:59:59.000000Z")
        assert self._there(school, enrolled)["expiry_date"] == "2023-06-30T23:59:59.000Z"

    def test_expire_now(
        self, api: httpx.Client, client: Json, enrolled: Json, courses: list[Json], school: School
    ) -> None:
        body = f"""{{
            "product": {courses[0]["productable_id"]},
            "type": "expire_now",
        }}"""
        ended = self._changed(api, client, enrolled, courses[0], body)
        assert (ended["status"], self._there(school, enrolled)["expired"]) == ("expired", True)

    def test_no_expiry(
        self, api: httpx.Client, client: Json, enrolled: Json, courses: list[Json], school: School
    ) -> None:
        body = f"""{{
            "product": {courses[0]["productable_id"]},
            "type": "no_expiry",
        }}"""
        ended = self._changed(api, client, enrolled, courses[0], body)
        in_ten_years = str(datetime.now(UTC).year + 10)
        assert ended["status"] == "active"
        assert ended["expiry_date"].startswith(in_ten_years)
        assert self._there(school, enrolled)["expiry_date"].startswith(in_ten_years)

    def _changed(self, api: httpx.Client, client: Json, enrolled: Json, course: Json, body: str) -> Json:
        """The enrollment afterwards."""
        answer = send(api, f"POST /users/enrollments/{client['id']}", body)
        assert data_of(answer)["id"] == client["id"]
        operation = finished(api, answer.json()["operation"])
        assert (operation["status"], operation["total"], operation["done"]) == ("succeeded", 1, 1)
        return enrollment_in(read_student(api, enrolled), course)

    def _there(self, school: School, enrolled: Json) -> Json:
        """The enrollment in Thinkific."""
        (row,) = school.enrollments(enrolled["email"])
        return row


class TestStudents:
    def test_list_all_students(self, api: httpx.Client, learner: Json) -> None:
        assert send(api, "GET /students").json().keys() == {"data", "links", "meta"}
        assert learner in newest_rows(api, "/students")

    def test_view_a_student(self, api: httpx.Client, learner: Json) -> None:
        assert data_of(send(api, f"GET /students/{learner['id']}")) == learner

    def test_create_or_update_a_student(
        self, api: httpx.Client, client: Json, courses: list[Json], bundle: Json, domain: str, school: School
    ) -> None:
        set_access(api, client, courses[0], enrollment_days=365)
        body = f"""{{
            "first_name": "Jane",
            "last_name": "Doe",
            "email": "jane.doe@{domain}",
            "user_email": "john.doe@{domain}",
            "enrollments": [{courses[0]["productable_id"]}, {bundle["productable_id"]}],
        }}"""
        created = send(api, "POST /students", body, status=201).json()["data"]
        assert (created["first_name"], created["last_name"]) == ("Jane", "Doe")
        assert [user["id"] for user in created["users"]] == [client["id"]]
        assert statuses(created) == {"pending"}
        again = data_of(send(api, "POST /students", body))
        assert again["id"] == created["id"]
        assert len(again["enrollments"]) == 2
        settled = await_settled(api, created)
        assert statuses(settled) == {"active"}
        assert _courses_there(school, settled) == {courses[0]["productable_id"], *bundle["course_ids"]}

    def test_associate_a_student(self, api: httpx.Client, client: Json, learner: Json, domain: str) -> None:
        body = f"""{{
            "email": "jane.doe@{domain}",
            "user_email": "john.doe@{domain}",
        }}"""
        student = data_of(send(api, "POST /students/associate", body))
        assert (student["id"], client["id"] in _user_ids(student)) == (learner["id"], True)
        assert read_user(api, client)["seats_used"] == 1

    @pytest.mark.parametrize("call", ["dissociate", "disassociate"])
    def test_dissociate_a_student(
        self, api: httpx.Client, client: Json, learner: Json, courses: list[Json], domain: str, call: str
    ) -> None:
        enroll(api, learner, client, courses[0])
        body = f"""{{
            "email": "jane.doe@{domain}",
            "user_email": "john.doe@{domain}",
        }}"""
        student = data_of(send(api, f"POST /students/{call}", body))
        assert (student["id"], client["id"] in _user_ids(student)) == (learner["id"], False)
        assert len(student["enrollments"]) == 1
        assert read_user(api, client)["seats_used"] == 0

    def test_update_a_student(
        self, api: httpx.Client, client: Json, learner: Json, courses: list[Json], domain: str, school: School
    ) -> None:
        await_settled(api, enroll(api, learner, client, courses[0]))
        body = f"""{{
            "first_name": "Jay",
            "last_name": "Roe",
            "email": "jay.roe@{domain}",
        }}"""
        student = data_of(send(api, f"PUT /students/{learner['id']}", body))
        assert (student["first_name"], student["last_name"]) == ("Jay", "Roe")
        assert (student["id"], student["email"]) == (learner["id"], f"jay.roe@{domain}")
        (account,) = await_that(lambda: school.users(student["email"]), what="The change in Thinkific")
        assert (account["first_name"], account["last_name"]) == ("Jay", "Roe")

    def test_delete_a_student(self, api: httpx.Client, learner: Json) -> None:
        assert send(api, f"DELETE /students/{learner['id']}", status=204).content == b""
        send(api, f"GET /students/{learner['id']}", status=404)

    def test_enroll_a_student(
        self, api: httpx.Client, client: Json, learner: Json, courses: list[Json], domain: str, school: School
    ) -> None:
        body = f"""{{
            "email": "jane.doe@{domain}",
            "user_email": "john.doe@{domain}",
            "enrollments": [{courses[0]["productable_id"]}, {courses[1]["productable_id"]}],
        }}"""
        student = data_of(send(api, "POST /students/enroll", body))
        assert (student["id"], client["id"] in _user_ids(student)) == (learner["id"], True)
        assert statuses(student) == {"pending"}
        settled = await_settled(api, student)
        assert statuses(settled) == {"active"}
        assert _courses_there(school, settled) == {course["productable_id"] for course in courses[:2]}


class TestProducts:
    def test_view_a_product(self, api: httpx.Client, courses: list[Json]) -> None:
        product = data_of(send(api, f"GET /products/{courses[0]['id']}"))
        assert (product["id"], product["thinkific_id"]) == (courses[0]["id"], courses[0]["id"])
        assert product["productable_id"] == courses[0]["productable_id"]

    def test_search_products(self, api: httpx.Client, courses: list[Json]) -> None:
        word = courses[0]["name"].split()[0]
        found = rows_of(send(api, f"GET /products/search?term={word}"))
        assert courses[0] in found
        assert all(word.lower() in product["name"].lower() for product in found)


def _user_ids(student: Json) -> set[int]:
    return {user["id"] for user in student["users"]}


def _courses_there(school: School, student: Json) -> set[int]:
    """The courses that the student may enter in Thinkific."""
    rows = school.enrollments(student["email"])
    return {row["course_id"] for row in rows if row["activated_at"] and not row["expired"]}
