"""``/api/users``: each route turns a request into one service call."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.users.schemas import (
    AddSeats,
    AssignGroup,
    ChangeExpiry,
    CreateUser,
    SearchUser,
    SetAccess,
    UpdateUser,
    UpsertUser,
    UserResource,
    present,
)
from b2b.domain.identity.users import UserView
from b2b.http.api.authentication import CurrentPrincipal, Scoped
from b2b.http.api.idempotency import CurrentClaim, KeyAccepted
from b2b.http.api.operations import StartedBody, present_operation
from b2b.http.api.pagination import DataBody, ListBody, WantedPage
from b2b.http.api.paths import path_id
from b2b.http.api.requests.bodies import JsonBody
from b2b.http.api.services import CurrentServices, services_of

router = APIRouter(prefix="/api/users", tags=["Users"])
_readable = [Depends(Scoped("users:read"))]
_writable = [Depends(Scoped("users:write"))]

UserId = Annotated[int, path_id("id", "user")]


def _user_exists(request: Request) -> None:
    services_of(request).users.user_must_exist(int(request.path_params["id"]))


@router.get("", dependencies=_readable, response_model=ListBody[UserResource], summary="List users")
async def list_users(wanted: WantedPage, services: CurrentServices) -> Response:
    return wanted.answer(services.users.list_page, present)


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
    claim: CurrentClaim,
) -> dict[str, Any]:
    return _data(services.users.add_seats(user_id, body.reference, body.terms, body.add_seats, claim))


@router.post(
    "/group/{id}",
    dependencies=_writable,
    response_model=StartedBody[UserResource],
    summary="Give a user's new students a Thinkific group",
)
async def assign_group(
    user_id: UserId,
    body: Annotated[AssignGroup, Depends(JsonBody(AssignGroup, _user_exists))],
    services: CurrentServices,
) -> dict[str, Any]:
    operation = services.groups.assign(user_id, body.name, sync=bool(body.sync))
    return _data(services.users.get(user_id)) | {"operation": present_operation(operation, [])}


@router.post(
    "/enrollments/{id}",
    dependencies=_writable,
    response_model=StartedBody[UserResource],
    summary="Change when the enrollments of a user's students in a product end",
)
async def change_expiry(
    user_id: UserId,
    body: Annotated[ChangeExpiry, Depends(JsonBody(ChangeExpiry, _user_exists))],
    services: CurrentServices,
) -> dict[str, Any]:
    operation = services.expiries.change_expiry(user_id, body.reference, body.change)
    return _data(services.users.get(user_id)) | {"operation": present_operation(operation, [])}


@router.put("/{id}", dependencies=_writable, response_model=DataBody[UserResource], summary="Change a user")
async def update_user(
    user_id: UserId,
    body: Annotated[UpdateUser, Depends(JsonBody(UpdateUser, _user_exists))],
    services: CurrentServices,
) -> dict[str, Any]:
    return _data(services.users.update(user_id, body.fields(), body.email))


@router.delete("/{id}", dependencies=_writable, status_code=204, summary="Delete a user")
async def delete_user(
    request: Request,
    user_id: UserId,
    _: Annotated[None, Depends(KeyAccepted(_user_exists))],
    principal: CurrentPrincipal,
    services: CurrentServices,
) -> Response:
    operation = services.user_removal.delete(user_id, acting_user_id=principal.user_id)
    follow_up = request.url.replace(path=f"/api/operations/{operation.id}", query="")
    return Response(status_code=204, headers={"Location": str(follow_up)})


@router.get("/{id}", dependencies=_readable, response_model=DataBody[UserResource], summary="Read a user")
async def get_user(user_id: UserId, services: CurrentServices) -> dict[str, Any]:
    return _data(services.users.get(user_id))


def _data(view: UserView) -> dict[str, Any]:
    return {"data": present(view)}
