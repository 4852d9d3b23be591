"""What the sync brings about between two looks of a comparison is no difference."""

import httpx
from tests.unit.services.world import World, reference

from b2b.domain.identity.users import User
from b2b.services.enrollment.expiries import ExpiryChange, ExpiryRunner, ExpiryService
from b2b.services.enrollment.sync.verification import Verification


def test_an_end_that_changes_while_it_is_compared(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, None, days=30)
    student_id = world.brought(boss, course)
    changes: list[int] = [10]

    class Interrupts(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            while changes:
                change = ExpiryChange(kind="days", days=changes.pop())
                operation = ExpiryService(world.store, world.operations, world.clock).change_expiry(
                    boss.id, reference(course), change
                )
                ExpiryRunner(world.store, world.notifier, world.clock).step(operation)
                world.settle(student_id)
            return world.upstream.http._transport.handle_request(request)

    http = httpx.Client(
        transport=Interrupts(), base_url=world.upstream.http.base_url, headers=world.upstream.http.headers
    )
    verification = Verification(world.store, world.thinkific_over(http), world.notifier, world.clock)
    assert not verification.compare(student_id)
