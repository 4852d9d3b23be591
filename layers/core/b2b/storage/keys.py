"""The only place that builds a key of the table (docs/architecture.md has the picture).

Letters in front of a sort key order the rows of a partition so that one Query reads what belongs together:
a user with its grants, a student with its users, enrollments and wish.
"""

from typing import NamedTuple

PARTITION, SORT = "pk", "sk"
LIST_INDEX, LIST_PARTITION, LIST_SORT = "gsi1", "gsi1pk", "gsi1sk"
DUE_INDEX, DUE_PARTITION, DUE_AT = "due", "due_pk", "due_at"

# DynamoDB's own limits (Service, account, and table quotas).
_MOST_PARTITION_BYTES, _MOST_SORT_BYTES = 2_048, 1_024

DUE_SHARDS = 8
TOTAL_SHARDS = 16


class Key(NamedTuple):
    pk: str
    sk: str


class SortRange(NamedTuple):
    """Sort keys from ``first`` to ``last``, both included."""

    first: str
    last: str


# Behind every sort key.
LAST = "\uffff"


def _all_with(prefix: str) -> SortRange:
    return SortRange(prefix, prefix + LAST)


def is_storable(key: Key) -> bool:
    """Whether DynamoDB takes keys of this length."""
    return len(key.pk.encode()) <= _MOST_PARTITION_BYTES and len(key.sk.encode()) <= _MOST_SORT_BYTES


def padded(number: int) -> str:
    """A number as text that sorts as numbers do."""
    return f"{number:019d}"


# Users: A the user, B its grants, then SEAT and STUDENT rows, which may be many.
USER_SEATS = SortRange("SEAT#", "SEAT#\uffff")
USER_STUDENTS = SortRange("STUDENT#", "STUDENT#\uffff")
USER_WITH_GRANTS = SortRange("A#", "B#\uffff")


def user(user_id: int) -> Key:
    return Key(user_partition(user_id), "A#USER")


def is_user(key: Key) -> bool:
    return key.pk.startswith("USER#") and key.sk == "A#USER"


def user_partition(user_id: int) -> str:
    return f"USER#{user_id}"


def grant(user_id: int, product_id: int) -> Key:
    return Key(user_partition(user_id), f"B#GRANT#{padded(product_id)}")


def seat(user_id: int, product_id: int, student_id: int) -> Key:
    return Key(user_partition(user_id), f"SEAT#{padded(product_id)}#{padded(student_id)}")


def product_of_seat(sort_key: str) -> int:
    return int(sort_key.split("#")[1])


def place_of_seat(sort_key: str) -> tuple[int, int]:
    """Product and student."""
    return product_of_seat(sort_key), student_of_user_row(sort_key)


def student_of_user_row(sort_key: str) -> int:
    """Of a seat, or of the user's side of an association."""
    return int(sort_key.rpartition("#")[2])


def user_student(user_id: int, student_id: int) -> Key:
    """The association, on the user's side."""
    return Key(user_partition(user_id), f"STUDENT#{padded(student_id)}")


# Students: A the student, B its users, C its enrollments, SYNC the wish.
WHOLE_STUDENT = SortRange("A#", "SYNC")


def student(student_id: int) -> Key:
    return Key(student_partition(student_id), "A#STUDENT")


def is_student(key: Key) -> bool:
    return key.pk.startswith("STUDENT#") and key.sk == "A#STUDENT"


def student_partition(student_id: int) -> str:
    return f"STUDENT#{student_id}"


def student_id(partition: str) -> int:
    return int(partition.removeprefix("STUDENT#"))


def student_user(student_id: int, user_id: int) -> Key:
    """The association, on the student's side."""
    return Key(student_partition(student_id), f"B#USER#{padded(user_id)}")


def enrollment(student_id: int, product_id: int) -> Key:
    return Key(student_partition(student_id), f"C#ENROLLMENT#{padded(product_id)}")


def enrollment_ids(key: Key) -> tuple[int, int]:
    """Student and product of an enrollment's key."""
    return int(key.pk.rpartition("#")[2]), int(key.sk.rpartition("#")[2])


def wish(student_id: int) -> Key:
    return Key(student_partition(student_id), "SYNC")


# Guards: what must be unique, and the strongly consistent way to find its owner.
def user_email(email_key: str) -> Key:
    return _alone(f"EMAIL#USER#{email_key}")


def student_email(email_key: str) -> Key:
    return _alone(f"EMAIL#STUDENT#{email_key}")


def is_user_email(key: Key) -> bool:
    return key.pk.startswith("EMAIL#USER#")


def is_student_email(key: Key) -> bool:
    return key.pk.startswith("EMAIL#STUDENT#")


def account(thinkific_id: int) -> Key:
    """Of a user in Thinkific."""
    return _alone(f"ACCOUNT#{thinkific_id}")


def is_account(key: Key) -> bool:
    return key.pk.startswith("ACCOUNT#")


def waiting_list(thinkific_id: int) -> Key:
    """The students who are to have the e-mail that a user in Thinkific has."""
    return _alone(f"WAITING#{thinkific_id}")


def product(product_id: int) -> Key:
    return _alone(f"PRODUCT#{product_id}")


def productable(productable_type: str, productable_id: int) -> Key:
    return _alone(f"PRODUCTABLE#{productable_type}#{productable_id}")


def is_product(key: Key) -> bool:
    """Of a product's own id, or of a copy under another id of Thinkific's."""
    return key.pk.startswith("PRODUCT#")


def is_productable(key: Key) -> bool:
    return key.pk.startswith("PRODUCTABLE#")


def token(digest: str) -> Key:
    return _alone(f"TOKEN#{digest}")


def is_token(key: Key) -> bool:
    return key.pk.startswith("TOKEN#")


def token_id(token_id: int) -> Key:
    return _alone(f"TOKENID#{token_id}")


def is_token_id(key: Key) -> bool:
    return key.pk.startswith("TOKENID#")


def id_of_token(key: Key) -> int:
    """Of a key that ``is_token_id``."""
    return int(key.pk.removeprefix("TOKENID#"))


def last_number(key: Key) -> int:
    """Of a partition that is one id, or ends in one: ``PRODUCTABLE#Course#7``."""
    return int(key.pk.rpartition("#")[2])


def operation(operation_id: str) -> Key:
    return Key(f"OPERATION#{operation_id}", "A#OPERATION")


def operation_item(operation_id: str, student_id: int) -> Key:
    """A student that an operation has written a wish for and that Thinkific has not confirmed yet."""
    return Key(f"OPERATION#{operation_id}", f"ITEM#{padded(student_id)}")


def operation_items(operation_id: str, after: int) -> tuple[str, SortRange]:
    return f"OPERATION#{operation_id}", SortRange(operation_item("", after + 1).sk, "ITEM#\uffff")


def operation_failure(operation_id: str, person_id: int) -> Key:
    return Key(f"OPERATION#{operation_id}", f"FAILURE#{padded(person_id)}")


def operation_failures(operation_id: str) -> tuple[str, SortRange]:
    return f"OPERATION#{operation_id}", _all_with("FAILURE#")


# Single items.
SETTINGS = Key("SETTINGS", "SETTINGS")
BUDGET = Key("BUDGET", "BUDGET")
RECOUNT = Key("RECOUNT", "RECOUNT")
# How far the operator's `b2b migrate-data` is.
MIGRATION = Key("MIGRATION", "A#MIGRATION")
# How the last reading of the catalogue through GraphQL ended.
GRAPHQL = Key("GRAPHQL", "GRAPHQL")
# Where the operator's `b2b restore` notes how far it is; no function reads it.
RESTORE = Key("RESTORE", "RESTORE")


def shared_address(kind: str, younger_id: int) -> Key:
    """Two records with one address, of which the younger is not found by it."""
    return Key(MIGRATION.pk, f"SHARED#{kind}#{padded(younger_id)}")


def shared_addresses() -> tuple[str, SortRange]:
    return MIGRATION.pk, _all_with("SHARED#")


def last_id(kind: str) -> Key:
    return _alone(f"LASTID#{kind}")


def is_last_id(key: Key) -> bool:
    return key.pk.startswith("LASTID#")


def total(kind: str, shard: int) -> Key:
    return _alone(f"TOTAL#{kind}#{shard}")


def is_total(key: Key, kind: str) -> bool:
    return key.pk.startswith(f"TOTAL#{kind}#")


def idempotency(token_id: int, digest: str) -> Key:
    return _alone(f"IDEMPOTENCY#{token_id}#{digest}")


def latest_scheduled(operation_type: str) -> Key:
    """Names the operation of this type that a schedule started last."""
    return _alone(f"SCHEDULED#{operation_type}")


def request_rate(token_id: int, minute: int) -> Key:
    return _alone(f"RATE#{token_id}#{minute}")


def enqueued_students(user_id: int, minute: int) -> Key:
    return _alone(f"ENQUEUED#{user_id}#{minute}")


# Partitions of the due index, beside the shards below.
OPERATIONS = "OPERATIONS"


def expiry_shard(student_id: int) -> str:
    return f"EXPIRY#{student_id % DUE_SHARDS}"


def wish_shard(student_id: int) -> str:
    return f"SYNC#{student_id % DUE_SHARDS}"


def refused_shard(student_id: int) -> str:
    return f"REFUSED#{student_id % DUE_SHARDS}"


def refused_shards() -> list[str]:
    return [f"REFUSED#{shard}" for shard in range(DUE_SHARDS)]


def expiry_shards() -> list[str]:
    return [f"EXPIRY#{shard}" for shard in range(DUE_SHARDS)]


def wish_shards() -> list[str]:
    return [f"SYNC#{shard}" for shard in range(DUE_SHARDS)]


# Their keys hold nothing but ids.
_SAFE_TO_SHOW = {"USER", "STUDENT", "PRODUCT", "PRODUCTABLE", "OPERATION", "ACCOUNT", "TOKENID", "LASTID", "TOTAL"}


def described(key: Key) -> str:
    """For logs and operators: without the e-mails and digests that some keys hold."""
    kind = key.pk.partition("#")[0]
    if kind not in _SAFE_TO_SHOW:
        return kind
    return key.pk if key.sk == key.pk else f"{key.pk} {key.sk}"


def _alone(name: str) -> Key:
    return Key(name, name)
