"""How often each call of the API goes to the table and to the queues, counted where botocore sends: the price of a
call, in time and in money. It must not depend on how much there is in the table.

A token that has just been seen is remembered and costs nothing; one that has not costs a read, and once a minute a
write that notes its use.
"""

import pytest
from fastapi.routing import APIRoute
from tests.emulated import new_school
from tests.integration.round_trips import Api, Call, Trips

from b2b_cli.groups import GROUPS
from b2b_cli.local.emulator import Emulator

TERMS = {"thinkific_id": 1, "active": True, "enrollment_days": 30}
ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "user_email": "client@example.com"}
ADMIN = {"email": "admin@example.com"}
NEW = {"name": "New", "email": "new@example.com", "password": "correct horse"}
PAIR = {"email": "ada@example.com", "user_email": "second@example.com"}
KEY = {"Idempotency-Key": "k1"}

# In this order, on a client with a grant of course 1 and a student in it.
CALLS = [
    Call("GET", "/api/health", Trips(0)),
    Call("GET", "/api/openapi.json", Trips(0)),
    # Users
    Call("GET", "/api/users", Trips(7), path="/api/users?per_page=5"),
    Call("GET", "/api/users", Trips(8), path="/api/users?per_page=5&page=2", what="page 2"),
    Call("POST", "/api/users", Trips(3), body=NEW, status=201),
    Call("POST", "/api/users/upsert", Trips(3), body={"email": "second@example.com"}, status=201, what="new"),
    Call("POST", "/api/users/upsert", Trips(4), body={"email": "client@example.com", "name": "Client"}, what="changed"),
    Call("POST", "/api/users/search", Trips(3), body={"email": "client@example.com"}),
    Call("GET", "/api/users/{id}", Trips(2), path="/api/users/{user}"),
    Call("PUT", "/api/users/{id}", Trips(3), path="/api/users/{user}", body={"name": "Other"}),
    Call("POST", "/api/users/access/{id}", Trips(5), path="/api/users/access/{user}", body=TERMS | {"max_seats": 9}),
    Call("POST", "/api/users/seat/{id}", Trips(5), path="/api/users/seat/{user}", body=TERMS | {"add_seats": 9}),
    # Students
    Call("GET", "/api/students", Trips(8), path="/api/students?per_page=5"),
    Call("GET", "/api/students", Trips(9), path="/api/students?per_page=5&page=2", what="page 2"),
    Call("POST", "/api/students", Trips(4, 1), body=ADA | {"enrollments": [1, 2]}, status=201, what="new, 2 products"),
    Call("POST", "/api/students", Trips(4, 1), body=ADA | {"enrollments": [1, 3]}, what="known, 1 product more"),
    Call("POST", "/api/students", Trips(4, 1), body=ADA | {"enrollments": [1, 3]}, what="again"),
    Call(
        "POST",
        "/api/students",
        Trips(4, 1),
        body=ADA | {"email": "bob@example.com", "enrollments": [1], "enforce_seats": True},
        status=201,
        what="new, enforced",
    ),
    Call(
        "POST",
        "/api/students",
        Trips(6, 1),
        body=ADA | {"email": "carl@example.com", "enrollments": [*range(1, 41)]},
        status=201,
        what="new, 40 products",
    ),
    Call(
        "POST",
        "/api/students/enroll",
        Trips(4, 1),
        body={"email": "ada@example.com", "user_email": "client@example.com", "enrollments": [4]},
        what="1 product",
    ),
    Call("POST", "/api/students/associate", Trips(4, 1), body=PAIR),
    Call("POST", "/api/students/dissociate", Trips(6), body=PAIR),
    Call("POST", "/api/students/disassociate", Trips(4), body=PAIR, what="again"),
    Call("GET", "/api/students/{id}", Trips(2), path="/api/students/{student}"),
    Call(
        "PUT",
        "/api/students/{id}",
        Trips(4, 1),
        path="/api/students/{student}",
        body={"first_name": "A", "last_name": "B", "email": "other@example.com"},
    ),
    # Products
    Call("GET", "/api/products", Trips(2), path="/api/products?per_page=5"),
    Call("GET", "/api/products/search", Trips(1), path="/api/products/search?term=course"),
    Call("GET", "/api/products/{id}", Trips(1), path="/api/products/1001"),
    Call(
        "POST",
        "/api/products",
        Trips(2),
        body={"productable_id": 5_000, "productable_type": "Course", "name": "Remote"},
        status=201,
    ),
    Call("POST", "/api/products/sync", Trips(1, 1)),
    # What goes on after the answer
    Call("POST", "/api/users/group/{id}", Trips(4, 1), path="/api/users/group/{user}", body={"name": "G"}),
    Call(
        "POST",
        "/api/users/enrollments/{id}",
        Trips(5, 1),
        path="/api/users/enrollments/{user}",
        body={"product": 1, "type": "days", "expiry_days": 30},
    ),
    Call("GET", "/api/operations/{id}", Trips(1), path="/api/operations/{operation}"),
    # Tokens and settings
    Call("GET", "/api/tokens", Trips(3)),
    Call("POST", "/api/tokens", Trips(2), body={"name": "T"}, status=201),
    Call("DELETE", "/api/tokens/{id}", Trips(3), path="/api/tokens/{token}", status=204),
    Call("GET", "/api/settings", Trips(1)),
    Call("PUT", "/api/settings", Trips(1), body={"default_enrollment_days": 0}),
    # Removals
    Call("DELETE", "/api/students/{id}", Trips(8, 1), path="/api/students/{student}", status=204),
    Call("DELETE", "/api/users/{id}", Trips(9, 1), path="/api/users/{leaving}", status=204, what="with 1 student"),
    # What an idempotency key costs
    Call("POST", "/api/users/search", Trips(4), body=ADMIN, headers=KEY, what="first with a key"),
    Call("POST", "/api/users/search", Trips(2), body=ADMIN, headers=KEY, what="replayed"),
]


@pytest.fixture(scope="module", params=[10, 300])
def api(request: pytest.FixtureRequest, emulator: Emulator) -> Api:
    return Api(new_school(emulator), students=request.param)


WHOLE_USER = Call("GET", "/api/users/{id}", Trips(0), path="/api/users/{user}")
WHOLE_STUDENT = Call("GET", "/api/students/{id}", Trips(0), path="/api/students/{student}")


@pytest.mark.parametrize("call", [WHOLE_USER, WHOLE_STUDENT], ids=lambda call: call.name)
def test_an_unknown_token_costs_a_read_and_once_a_minute_a_write(api: Api, call: Call) -> None:
    api.trips(call)
    api.new_desk()
    cold = api.trips(call)
    remembered = api.trips(call)
    assert (cold, remembered) == (Trips(3), Trips(2))


def test_every_call_has_its_price(api: Api) -> None:
    api.trips(WHOLE_USER)  # from here on the token is remembered
    measured = {call.name: api.trips(call) for call in CALLS}
    assert measured == {call.name: call.trips for call in CALLS}


def test_every_route_is_in_the_table() -> None:
    found = [route for router in GROUPS.values() for route in router.routes if isinstance(route, APIRoute)]
    routes = [route for route in found if route.include_in_schema]
    there_are = {f"{method} {route.path}" for route in routes for method in route.methods or ()}
    assert {f"{call.method} {call.route}" for call in CALLS} == there_are
