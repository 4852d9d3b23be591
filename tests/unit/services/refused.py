"""Ada, whom Thinkific has in a course, and all that may make Thinkific refuse her name, e-mail or group."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.services.deliveries import Deliveries
from tests.unit.services.world import ADA, NAMES, World

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment.students import StudentRecord
from b2b.domain.identity.users import User
from b2b.domain.work.operations import OperationStatus, OperationType
from b2b.services.enrollment.groups import GroupImport, GroupService
from b2b.services.enrollment.removals import Removals, StudentDelete
from b2b.services.enrollment.students import Names
from b2b.services.enrollment.sync.verification import Verification
from b2b.services.enrollment.user_removal import UserDelete, UserRemoval
from b2b.services.identity.tokens import TokenService
from b2b.services.work.operation_worker import AdvanceOutcome, OperationWorker

TAKEN, FREE, OTHER = "taken@example.com", "free@example.com", "other@example.com"


def called(first: str = NAMES.first_name, last: str = NAMES.last_name) -> Names:
    return Names(first_name=first, last_name=last)


@dataclass
class Story:
    """``second``: the id of the other student, ``outsider``: of the account there that nobody here knows, if any."""

    world: World
    boss: User
    course: Product
    first: int
    second: int = 0
    outsider: int = 0
    leads: list[User] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deliveries = Deliveries(self.world)
        removals = Removals(self.world.store, self.world.operations)
        self._removals = removals
        removal = UserRemoval(self.world.store, self.world.operations, removals, TokenService(self.world.store))
        self._user_removal = removal
        world = self.world
        self._worker = OperationWorker(
            world.store,
            world.notifier,
            {
                OperationType.GROUP_IMPORT: GroupImport(world.store, world.thinkific, world.retries, world.clock),
                OperationType.STUDENT_DELETE: StudentDelete(
                    world.store, removals, world.thinkific, world.retries, world.clock
                ),
                OperationType.USER_DELETE: UserDelete(world.store, removal, world.thinkific, world.retries),
            },
            pause_reason=lambda: None,
            clock=world.clock,
        )

    # What people here do

    def put(self, email: str = ADA, names: Names = NAMES, student_id: int | None = None) -> None:
        self.world.students.update(student_id or self.first, names, email)
        self.deliveries.all()

    def enroll_second(self, email: str = OTHER, names: Names = NAMES) -> None:
        self.second = self.world.enroll(self.boss, self.course, email=email, names=names).student.id
        self.deliveries.all()

    def join(self, group: str) -> None:
        """Ada comes under one more user, who has the group."""
        lead = self.world.user(f"lead{len(self.leads)}@example.com", group=group)
        self.leads.append(lead)
        course = self.world.course(f"Of lead {len(self.leads)}")
        self.world.enroll(lead, course, email=self.record().student.email, names=None)
        self.deliveries.all()

    def set_group(self, name: str) -> OperationStatus:
        service = GroupService(self.world.store, self.world.operations, self.world.clock)
        status = self._carry_out(service.assign(self.leads[0].id, name, sync=False).id)
        self.deliveries.all()
        return status

    def import_group(self, user: User, name: str) -> list[str]:
        """Makes it the user's: what failed for its members."""
        service = GroupService(self.world.store, self.world.operations, self.world.clock)
        operation = service.assign(user.id, name, sync=True)
        self._carry_out(operation.id)
        self.deliveries.all()
        return [failure.error for failure in self.world.operations.get(operation.id)[1]]

    def delete(self, student_id: int, *, in_thinkific: bool = False) -> None:
        self._removals.delete_student(self.world.record(student_id), in_thinkific=in_thinkific)
        self._carry_out_the_last()

    def fix(self) -> None:
        """``b2b verify --fix``."""
        verification = Verification(self.world.store, self.world.thinkific, self.world.notifier, self.world.clock)
        for student_id in verification.student_ids():
            if differences := verification.compare(student_id):
                verification.reopen_differences(student_id, differences)
        self.deliveries.all()

    def differences(self) -> list[str]:
        verification = Verification(self.world.store, self.world.thinkific, self.world.notifier, self.world.clock)
        found = (verification.compare(student_id) or [] for student_id in verification.student_ids())
        return [str(difference) for differences in found for difference in differences]

    def _carry_out_the_last(self) -> None:
        ids = [sent.body["operation_id"] for sent in self.world.sqs.sent if sent.queue == "operations"]
        assert self._carry_out(ids[-1]) is OperationStatus.SUCCEEDED
        self.deliveries.all()

    def _carry_out(self, operation_id: str) -> OperationStatus:
        assert self._worker.advance(operation_id, lambda: 60.0) is AdvanceOutcome.FINISHED
        return self.world.operations.get(operation_id)[0].status

    # What happens in Thinkific

    def come_from_elsewhere(self, email: str = TAKEN) -> None:
        body = {"first_name": "Out", "last_name": "Sider", "email": email}
        self.outsider = self.world.upstream.call("POST", "/users", **body)["id"]

    def outsider_leaves(self) -> None:
        self.world.upstream.call("DELETE", f"/users/{self.outsider}")

    def change_there(self, student_id: int, email: str) -> None:
        """The student does so in Thinkific."""
        self.world.upstream.call("PUT", f"/users/{self.record(student_id).student.thinkific_id}", email=email)

    def limit_names(self, length: int | str) -> None:
        self.world.upstream.switch(longest_name=length)

    # What there is

    def record(self, student_id: int | None = None) -> StudentRecord:
        return self.world.record(student_id or self.first)

    def account(self, student_id: int | None = None) -> dict[str, Any]:
        account = self.record(student_id).student.thinkific_id
        return next(user for user in self.world.upstream.users() if user["id"] == account)

    def statuses(self) -> set[str]:
        """Of all of Ada's enrollments."""
        return {found.status(self.world.clock()).value for found in self.record().enrollments}
