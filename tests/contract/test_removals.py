"""Contract, sections 3 and 4: changing, dissociating and deleting users and students."""

from collections.abc import Iterator

import httpx
import pytest
from tests.contract.operations import finished
from tests.contract.people import (
    Json,
    an_email,
    await_settled,
    create_student,
    create_user,
    data_of,
    enroll,
    errors_of,
    grant_in,
    newest_rows,
    read_student,
    read_user,
    rows_of,
    set_access,
    unique,
)
from tests.contract.school import School
from tests.local_stack import await_that


@pytest.fixture
def setting(api: httpx.Client) -> Iterator[object]:
    """Turns a setting on until the test is over."""
    turned_on: list[str] = []

    def turn_on(name: str) -> None:
        turned_on.append(name)
        data_of(api.put("/settings", json={name: True}))

    yield turn_on
    data_of(api.put("/settings", json=dict.fromkeys(turned_on, False)))


class TestChangingAUser:
    def test_only_what_is_given_changes(self, api: httpx.Client) -> None:
        user = create_user(api, max_seats=5)
        changed = data_of(api.put(f"/users/{user['id']}", json={"name": "Renamed"}))
        assert changed == user | {"name": "Renamed", "updated_at": changed["updated_at"]}
        assert data_of(api.put(f"/users/{user['id']}", json={"max_seats": None}))["max_seats"] is None
        assert data_of(api.put(f"/users/{user['id']}", json={}))["name"] == "Renamed"

    def test_a_password_may_change_too_and_is_not_shown(self, api: httpx.Client, user: Json) -> None:
        password = unique("password")
        answer = api.put(f"/users/{user['id']}", json={"password": password})
        changed = data_of(answer)
        assert changed == user | {"updated_at": changed["updated_at"]}
        assert password not in answer.text
        assert errors_of(api.put(f"/users/{user['id']}", json={"password": "1234567"})) == {"password"}

    def test_lowering_max_seats_below_use_is_accepted(self, api: httpx.Client, user: Json) -> None:
        for _ in range(2):
            create_student(api, user_email=user["email"])
        lowered = data_of(api.put(f"/users/{user['id']}", json={"max_seats": 1}))
        assert (lowered["seats_used"], lowered["seats_available"], lowered["over_allocated"]) == (2, 0, 1)

    def test_an_e_mail_that_is_taken_is_refused(self, api: httpx.Client, user: Json, unchanged_user: Json) -> None:
        body = {"email": unchanged_user["email"].upper(), "name": "Renamed"}
        assert errors_of(api.put(f"/users/{user['id']}", json=body)) == {"email"}
        assert read_user(api, user) == user

    def test_a_new_e_mail_frees_the_old_one(self, api: httpx.Client, user: Json) -> None:
        data_of(api.put(f"/users/{user['id']}", json={"email": an_email()}))
        assert create_user(api, email=user["email"])["id"] != user["id"]


class TestChangingAStudent:
    def test_the_change_follows_in_thinkific(self, api: httpx.Client, courses: list[Json], school: School) -> None:
        student = await_settled(api, create_student(api, enrollments=[courses[0]["productable_id"]]))
        email = an_email()
        body = {"first_name": "Grace", "last_name": "Hopper", "email": email}
        changed = data_of(api.put(f"/students/{student['id']}", json=body))
        assert {name: changed[name] for name in body} == body
        (account,) = await_that(lambda: school.users(email), what="The change in Thinkific")
        assert (account["first_name"], account["last_name"]) == ("Grace", "Hopper")
        assert account["id"] == student["thinkific_id"]

    def test_all_fields_are_required(self, api: httpx.Client) -> None:
        student = create_student(api)
        assert errors_of(api.put(f"/students/{student['id']}", json={})) == {"first_name", "last_name", "email"}

    def test_an_e_mail_that_is_taken_is_refused(self, api: httpx.Client) -> None:
        student, other = create_student(api), create_student(api)
        body = {"first_name": "A", "last_name": "B", "email": other["email"]}
        assert errors_of(api.put(f"/students/{student['id']}", json=body)) == {"email"}
        assert read_student(api, student) == student


class TestAssociating:
    def test_twice_is_as_good_as_once(self, api: httpx.Client, user: Json) -> None:
        student = create_student(api)
        body = {"email": student["email"], "user_email": user["email"]}
        for _ in range(2):
            seen = data_of(api.post("/students/associate", json=body))
            assert user["id"] in {found["id"] for found in seen["users"]}
        assert read_user(api, user)["seats_used"] == 1

    @pytest.mark.parametrize("call", ["dissociate", "disassociate"])
    def test_leaving_keeps_the_enrollments_and_frees_the_users_seats(
        self, api: httpx.Client, user: Json, courses: list[Json], call: str
    ) -> None:
        other = create_user(api)
        for holder in (user, other):
            set_access(api, holder, courses[0], max_seats=5)
        student = create_student(api, user_email=user["email"], enrollments=[courses[0]["productable_id"]])
        enroll(api, student, other, courses[0])
        body = {"email": student["email"], "user_email": user["email"]}
        for _ in range(2):
            seen = data_of(api.post(f"/students/{call}", json=body))
            assert [found["id"] for found in seen["users"]] == [other["id"]]
            assert len(seen["enrollments"]) == 1
        left, kept = read_user(api, user), read_user(api, other)
        assert (left["seats_used"], grant_in(left, courses[0])["seats_used"]) == (0, 0)
        assert (kept["seats_used"], grant_in(kept, courses[0])["seats_used"]) == (1, 1)

    @pytest.mark.parametrize("call", ["associate", "dissociate", "disassociate"])
    def test_both_must_exist(self, api: httpx.Client, call: str) -> None:
        body = {"email": an_email(), "user_email": an_email()}
        assert errors_of(api.post(f"/students/{call}", json=body)) == {"email", "user_email"}


class TestDeletingAStudent:
    def test_it_is_gone_for_all_users_and_frees_their_seats(
        self, api: httpx.Client, user: Json, courses: list[Json], school: School
    ) -> None:
        set_access(api, user, courses[0], max_seats=5)
        student = create_student(api, user_email=user["email"], enrollments=[courses[0]["productable_id"]])
        await_settled(api, student)
        gone = api.delete(f"/students/{student['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert api.get(f"/students/{student['id']}").status_code == 404
        assert api.delete(f"/students/{student['id']}").status_code == 404
        seen = read_user(api, user)
        assert (seen["seats_used"], grant_in(seen, courses[0])["seats_used"]) == (0, 0)
        assert len(school.users(student["email"])) == 1

    def test_its_e_mail_is_free_and_its_id_is_not_used_again(self, api: httpx.Client) -> None:
        student = create_student(api)
        api.delete(f"/students/{student['id']}").raise_for_status()
        assert create_student(api, email=student["email"])["id"] > student["id"]

    def test_in_thinkific_too_where_the_setting_says_so(
        self, api: httpx.Client, courses: list[Json], school: School, setting: object
    ) -> None:
        assert callable(setting)
        setting("delete_students_in_thinkific")
        student = create_student(api, enrollments=[courses[0]["productable_id"]])
        await_settled(api, student)
        api.delete(f"/students/{student['id']}").raise_for_status()
        await_that(lambda: not school.users(student["email"]), what="The deletion in Thinkific")


class TestDeletingAUser:
    def test_the_students_are_dissociated_and_stay(self, api: httpx.Client, user: Json) -> None:
        student = create_student(api, user_email=user["email"])
        gone = api.delete(f"/users/{user['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
        assert api.get(f"/users/{user['id']}").status_code == 404
        assert read_student(api, student)["users"] == []
        assert create_user(api, email=user["email"])["id"] > user["id"]

    def test_by_the_setting_students_of_this_user_alone_go_with_it(
        self, api: httpx.Client, user: Json, setting: object
    ) -> None:
        assert callable(setting)
        setting("delete_students_with_user")
        other = create_user(api)
        own = create_student(api, user_email=user["email"])
        shared = create_student(api, user_email=user["email"])
        data_of(api.post("/students/associate", json={"email": shared["email"], "user_email": other["email"]}))
        api.delete(f"/users/{user['id']}").raise_for_status()
        await_that(lambda: api.get(f"/students/{own['id']}").status_code == 404, what="The student's deletion")
        assert [found["id"] for found in read_student(api, shared)["users"]] == [other["id"]]

    def test_the_account_in_thinkific_goes_where_the_setting_says_so(
        self, api: httpx.Client, user: Json, school: School, setting: object
    ) -> None:
        assert callable(setting)
        setting("delete_users_in_thinkific")
        school.add_user(first_name="A", last_name="B", email=user["email"])
        api.delete(f"/users/{user['id']}").raise_for_status()
        await_that(lambda: not school.users(user["email"]), what="The deletion in Thinkific")

    def test_the_tokens_own_user_stays(self, api: httpx.Client) -> None:
        own = next(row for row in rows_of(api.get("/users")) if row["role"] == "admin")
        assert errors_of(api.delete(f"/users/{own['id']}")) == {"id"}

    def test_nobody_enrolls_for_a_user_that_is_gone(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        student = create_student(api)
        api.delete(f"/users/{user['id']}").raise_for_status()
        body = {
            "email": student["email"],
            "user_email": user["email"],
            "enrollments": [courses[0]["productable_id"]],
        }
        assert errors_of(api.post("/students/enroll", json=body)) == {"user_email"}


class TestGroups:
    def test_the_group_is_made_and_new_students_come_into_it(
        self, api: httpx.Client, user: Json, courses: list[Json], school: School
    ) -> None:
        earlier = create_student(api, user_email=user["email"], enrollments=[courses[0]["productable_id"]])
        await_settled(api, earlier)
        name = unique("Group")
        answer = api.post(f"/users/group/{user['id']}", json={"name": f" {name} "})
        assert data_of(answer)["group"]["name"] == name
        group = await_that(lambda: (read_user(api, user)["group"] or {}).get("id"), what="The group's id")
        later = create_student(api, user_email=user["email"], enrollments=[courses[0]["productable_id"]])
        await_settled(api, later)
        await_settled(api, enroll(api, earlier, user, courses[1]))
        (account,) = school.users(later["email"])
        assert school.group_members(group) == {account["id"]}

    def test_without_sync_nobody_is_imported(self, api: httpx.Client, user: Json, school: School) -> None:
        name = unique("Group")
        school.add_group(name)
        school.add_to_group(school.add_user(first_name="Mary", last_name="Major", email=an_email("member")), name)
        for body in ({"name": name}, {"name": name, "sync": "0"}):
            answer = api.post(f"/users/group/{user['id']}", json=body)
            assert data_of(answer)["id"] == user["id"]
            operation = finished(api, answer.json()["operation"])
            assert (operation["status"], operation["total"], operation["failures"]) == ("succeeded", 0, [])
        seen = read_user(api, user)
        assert (seen["group"]["name"], seen["seats_used"]) == (name, 0)

    def test_an_import_asks_for_no_seats(self, api: httpx.Client, school: School) -> None:
        user, name = create_user(api, max_seats=1), unique("Group")
        school.add_group(name)
        for _ in range(3):
            account = school.add_user(first_name="Mary", last_name="Major", email=an_email("member"))
            school.add_to_group(account, name)
        answer = api.post(f"/users/group/{user['id']}", json={"name": name, "sync": True})
        assert finished(api, answer.json()["operation"])["status"] == "succeeded"
        seen = read_user(api, user)
        assert (seen["seats_used"], seen["seats_available"], seen["over_allocated"]) == (3, 0, 2)

    def test_sync_imports_the_members(self, api: httpx.Client, user: Json, school: School) -> None:
        name = unique("Group")
        group = school.add_group(name)
        accounts = [
            school.add_user(first_name="Mary", last_name=f"M{number}", email=an_email("member")) for number in range(3)
        ]
        for account in accounts:
            school.add_to_group(account, name)
        answer = api.post(f"/users/group/{user['id']}", json={"name": name, "sync": True})
        assert answer.status_code == 200, answer.text
        operation_id = answer.json()["operation"]["id"]

        def ended() -> Json | None:
            seen = data_of(api.get(f"/operations/{operation_id}"))
            return seen if seen["status"] == "succeeded" else None

        operation = await_that(ended, what="The import")
        assert (operation["total"], operation["done"], operation["failures"]) == (3, 3, [])
        seen = read_user(api, user)
        assert (seen["group"], seen["seats_used"]) == ({"id": group["id"], "name": name}, 3)
        imported = {row["email"]: row for row in newest_rows(api, "/students")}
        for account in accounts:
            assert imported[account["email"]]["thinkific_id"] == account["id"]

    def test_a_name_is_required(self, api: httpx.Client, user: Json) -> None:
        assert errors_of(api.post(f"/users/group/{user['id']}", json={"name": "  "})) == {"name"}


class TestWhatFollowsADelete:
    def test_the_location_header_names_the_operation(self, api: httpx.Client) -> None:
        user = create_user(api)
        create_student(api, user_email=user["email"])
        answer = api.delete(f"/users/{user['id']}")
        assert answer.status_code == 204
        operation = await_that(lambda: _final(api, answer.headers["Location"]), what="The end of the operation")
        assert (operation["type"], operation["status"]) == ("user_delete", "succeeded")


def _final(api: httpx.Client, address: str) -> Json | None:
    operation = data_of(api.get(address))
    return operation if operation["status"] not in ("pending", "running") else None
