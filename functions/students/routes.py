"""``/api/students``: each route turns a request into one service call."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from b2b.domain.students import StudentView
from b2b.http.authentication import CurrentPrincipal, Scoped
from b2b.http.bodies import JsonBody
from b2b.http.pagination import DataBody, ListBody, WantedPage, page_body
from b2b.http.paths import path_id
from b2b.http.services import CurrentServices
from b2b.wiring.core import Services
from students.schemas import EnrollStudent, StudentResource, UpsertStudent, present

router = APIRouter(prefix="/api/students", tags=["Students"])
_readable = [Depends(Scoped("students:read"))]
_writable = [Depends(Scoped("students:write"))]

StudentId = Annotated[int, path_id("id", "student")]


@router.get("", dependencies=_readable, response_model=ListBody[StudentResource], summary="List students")
async def list_students(request: Request, page: WantedPage, services: CurrentServices) -> dict[str, Any]:
    now = services.students.now()
    return page_body(request, services.students.list_page(page), lambda view: present(view, now))


@router.post(
    "",
    dependencies=_writable,
    response_model=DataBody[StudentResource],
    summary="Create or change a student, assign it to a user, enrol it",
)
async def upsert_student(
    principal: CurrentPrincipal,
    body: Annotated[UpsertStudent, Depends(JsonBody(UpsertStudent))],
    services: CurrentServices,
    response: Response,
) -> dict[str, Any]:
    enrolling = body.enrolling(body.enrollments or [], body.user_email, principal.user_id)
    view, created = services.students.upsert(body.email, body.names, enrolling)
    response.status_code = 201 if created else 200
    return _data(view, services)


@router.post("/enroll", dependencies=_writable, response_model=DataBody[StudentResource], summary="Enrol a student")
async def enroll_student(
    principal: CurrentPrincipal,
    body: Annotated[EnrollStudent, Depends(JsonBody(EnrollStudent))],
    services: CurrentServices,
) -> dict[str, Any]:
    enrolling = body.enrolling(body.enrollments, body.user_email, principal.user_id)
    return _data(services.students.enroll(body.email, enrolling), services)


@router.get("/{id}", dependencies=_readable, response_model=DataBody[StudentResource], summary="Read a student")
async def get_student(student_id: StudentId, services: CurrentServices) -> dict[str, Any]:
    return _data(services.students.get(student_id), services)


def _data(view: StudentView, services: Services) -> dict[str, Any]:
    return {"data": present(view, services.students.now())}
