"""``/api/students``: each route turns a request into one service call."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import WithJsonSchema

from api.students.schemas import AssignStudent, EnrollStudent, StudentResource, UpdateStudent, UpsertStudent, present
from b2b.domain.enrollment.students import StudentView
from b2b.domain.errors import InvalidInput
from b2b.http.api.authentication import CurrentPrincipal, Scoped
from b2b.http.api.idempotency import KeyAccepted
from b2b.http.api.pagination import DataBody, ListBody, ListCall, ListQuery
from b2b.http.api.paths import path_id
from b2b.http.api.requests.bodies import JsonBody
from b2b.http.api.requests.fields import MAX_TEXT
from b2b.http.api.services import CurrentServices, services_of
from b2b.wiring.api import ApiServices

router = APIRouter(prefix="/api/students", tags=["Students"])
_readable = [Depends(Scoped("students:read"))]
_writable = [Depends(Scoped("students:write"))]

StudentId = Annotated[int, path_id("id", "student")]


_EMAIL = WithJsonSchema({"type": "string", "maxLength": MAX_TEXT})


async def _email(email: Annotated[str | None, Query(), _EMAIL] = None) -> str | None:
    wanted = (email or "").strip()
    if len(wanted) > MAX_TEXT:
        raise InvalidInput.field("email", f"The email field must not be greater than {MAX_TEXT} characters.")
    return wanted or None


def _student_exists(request: Request) -> None:
    services_of(request).students.student_must_exist(int(request.path_params["id"]))


@router.get("", dependencies=_readable, response_model=ListBody[StudentResource], summary="List students")
async def list_students(
    wanted: Annotated[ListCall, Depends(ListQuery("email"))],
    email: Annotated[str | None, Depends(_email)],
    services: CurrentServices,
) -> Response:
    now = services.students.now()
    return wanted.answer(partial(services.students.list_page, email=email), lambda view: present(view, now))


@router.post(
    "",
    dependencies=_writable,
    response_model=DataBody[StudentResource],
    summary="Create or change a student, assign it to a user, enroll it",
)
async def upsert_student(
    principal: CurrentPrincipal,
    body: Annotated[UpsertStudent, Depends(JsonBody(UpsertStudent))],
    services: CurrentServices,
    response: Response,
) -> dict[str, Any]:
    enrolling = body.enrolling(body.enrollments or {}, body.user_email, principal.user_id)
    view, created = services.students.upsert(body.email, body.names, enrolling)
    response.status_code = 201 if created else 200
    return _data(view, services)


@router.post("/enroll", dependencies=_writable, response_model=DataBody[StudentResource], summary="Enroll a student")
async def enroll_student(
    principal: CurrentPrincipal,
    body: Annotated[EnrollStudent, Depends(JsonBody(EnrollStudent))],
    services: CurrentServices,
) -> dict[str, Any]:
    enrolling = body.enrolling(body.enrollments, body.user_email, principal.user_id)
    return _data(services.students.enroll(body.email, enrolling), services)


@router.post(
    "/associate", dependencies=_writable, response_model=DataBody[StudentResource], summary="Bring under a user"
)
async def associate_student(
    body: Annotated[AssignStudent, Depends(JsonBody(AssignStudent))], services: CurrentServices
) -> dict[str, Any]:
    return _data(services.students.associate(body.email, body.user_email), services)


# The published document spells it both ways.
@router.post(
    "/disassociate",
    dependencies=_writable,
    response_model=DataBody[StudentResource],
    name="disassociate_student",
    summary="Take from a user, spelt the other way",
)
@router.post(
    "/dissociate", dependencies=_writable, response_model=DataBody[StudentResource], summary="Take from a user"
)
async def dissociate_student(
    body: Annotated[AssignStudent, Depends(JsonBody(AssignStudent))], services: CurrentServices
) -> dict[str, Any]:
    return _data(services.students.dissociate(body.email, body.user_email), services)


@router.put("/{id}", dependencies=_writable, response_model=DataBody[StudentResource], summary="Change a student")
async def update_student(
    student_id: StudentId,
    body: Annotated[UpdateStudent, Depends(JsonBody(UpdateStudent, _student_exists))],
    services: CurrentServices,
) -> dict[str, Any]:
    return _data(services.students.update(student_id, body.names, body.email), services)


@router.delete("/{id}", dependencies=_writable, status_code=204, summary="Delete a student")
async def delete_student(
    student_id: StudentId, _: Annotated[None, Depends(KeyAccepted(_student_exists))], services: CurrentServices
) -> Response:
    services.students.delete(student_id)
    return Response(status_code=204)


@router.get("/{id}", dependencies=_readable, response_model=DataBody[StudentResource], summary="Read a student")
async def get_student(student_id: StudentId, services: CurrentServices) -> dict[str, Any]:
    return _data(services.students.get(student_id), services)


def _data(view: StudentView, services: ApiServices) -> dict[str, Any]:
    return {"data": present(view, services.students.now())}
