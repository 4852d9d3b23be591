"""All of the table behind one name: reads by aggregate, writes as transactions of their actions."""

from collections.abc import Sequence

from b2b.storage.actions import Action
from b2b.storage.catalogue.graphql import GraphQLItem
from b2b.storage.catalogue.products import Products
from b2b.storage.counters import Counters
from b2b.storage.enrollment.enrollments import Enrollments
from b2b.storage.enrollment.refusals import Refusals
from b2b.storage.enrollment.students import Students
from b2b.storage.enrollment.wishes import Wishes
from b2b.storage.identity.address_migration import AddressMigration
from b2b.storage.identity.tokens import Tokens
from b2b.storage.identity.users import Users
from b2b.storage.integrity.consistency import Consistency
from b2b.storage.integrity.recounts import Recounts
from b2b.storage.listing import Listing
from b2b.storage.lookups import Lookups
from b2b.storage.table import Table
from b2b.storage.work.idempotency import Idempotency
from b2b.storage.work.migrations import Migrations
from b2b.storage.work.operations import Operations
from b2b.storage.work.settings import SettingsItem


class Store:
    def __init__(self, table: Table) -> None:
        self._table = table
        self.users = Users(table)
        self.students = Students(table)
        self.enrollments = Enrollments(table)
        self.products = Products(table)
        self.wishes = Wishes(table)
        self.tokens = Tokens(table)
        self.operations = Operations(table)
        self.settings = SettingsItem(table)
        self.consistency = Consistency(table)
        self.graphql = GraphQLItem(table)
        self.counters = Counters(table)
        self.idempotency = Idempotency(table)
        self.listing = Listing(table)
        self.lookups = Lookups(table)
        self.recounts = Recounts(table)
        self.refusals = Refusals(table)
        self.address_migration = AddressMigration(table)
        self.migrations = Migrations(table)

    def write(self, action: Action) -> None:
        """A single write, at half the price of a transaction of one.

        Repeated by the client after a lost answer it may raise ConditionFailed although it was done.
        """
        self._table.write(action)

    def transact(self, actions: Sequence[Action]) -> None:
        """All or nothing. Raises ConditionFailed or WriteConflict: read again, decide again."""
        self._table.transact(actions)
