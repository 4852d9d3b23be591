"""``/api/users``: each route turns a request into one service call."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from b2b.domain.users import UserView
from b2b.http.authentication import Scoped
from b2b.http.bodies import JsonBody
from b2b.http.pagination import DataBody, ListBody, WantedPage, page_body
from b2b.http.paths import path_id
from b2b.http.services import CurrentServices, services_of
from users.schemas import (
    AddSeats,
    CreateUser,
    SearchUser,
    SetAccess,
    UpsertUser,
    UserResource,
    present,
)

router = APIRouter(prefix="/api/users", tags=["Users"])
_readable = [Depends(Scoped("users:read"))]
_writable = [Depends(Scoped("users:write"))]

UserId = Annotated[int, path_id("id", "user")]


def _user_exists(request: Request) -> None:
    services_of(request).users.must_exist(int(request.path_params["id"]))


@router.get("", dependencies=_readable, response_model=ListBody[UserResource], summary="List users")
async def list_users(request: Request, page: WantedPage, services: CurrentServices) -> dict[str, Any]:
    return page_body(request, services.users.list_page(page), present)


@router.post(
    "", dependencies=_writable, response_model=DataBody[UserResource], status_code=201, summary="Create a user"
)
async def create_user(
    body: Annotated[CreateUser, Depends(JsonBody(CreateUser))], services: CurrentServices
) -> dict[str, Any]:
    return _data(services.users.create(body.email, body.fields()))


@router.post(
    "/upsert", dependencies=_writable, response_model=DataBody[UserResource], summary="Create or change a user"
)
async def upsert_user(
    body: Annotated[UpsertUser, Depends(JsonBody(UpsertUser))], services: CurrentServices, response: Response
) -> dict[str, Any]:
    view, created = services.users.upsert(body.email, body.fields())
    response.status_code = 201 if created else 200
    return _data(view)


@router.post("/search", dependencies=_readable, response_model=DataBody[UserResource], summary="Find a user by e-mail")
async def search_user(
    body: Annotated[SearchUser, Depends(JsonBody(SearchUser))], services: CurrentServices
) -> dict[str, Any]:
    return _data(services.users.find_by_email(body.email))


@router.post(
    "/access/{id}",
    dependencies=_writable,
    response_model=DataBody[UserResource],
    summary="Set what a user may use of a product",
)
async def set_access(
    user_id: UserId,
    body: Annotated[SetAccess, Depends(JsonBody(SetAccess, _user_exists))],
    services: CurrentServices,
) -> dict[str, Any]:
    return _data(services.users.set_access(user_id, body.reference, body.terms, body.max_seats))


@router.post(
    "/seat/{id}",
    dependencies=_writable,
    response_model=DataBody[UserResource],
    summary="Add seats to a user's product",
)
async def add_seats(
    user_id: UserId,
    body: Annotated[AddSeats, Depends(JsonBody(AddSeats, _user_exists))],
    services: CurrentServices,
) -> dict[str, Any]:
    return _data(services.users.add_seats(user_id, body.reference, body.terms, body.add_seats))


@router.get("/{id}", dependencies=_readable, response_model=DataBody[UserResource], summary="Read a user")
async def get_user(user_id: UserId, services: CurrentServices) -> dict[str, Any]:
    return _data(services.users.get(user_id))


def _data(view: UserView) -> dict[str, Any]:
    return {"data": present(view)}
