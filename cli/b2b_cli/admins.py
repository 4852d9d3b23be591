"""The first admin and its token, which no API call can make."""

from b2b.domain.errors import NotFound
from b2b.domain.users import Role, User
from b2b.services.users import UserFields
from b2b.wiring.core import Services
from b2b_cli.errors import CommandError


def ensure_admin(services: Services, *, name: str, email: str) -> User:
    """The admin with the e-mail, created where missing."""
    try:
        user = services.users.find_by_email(email).user
    except NotFound:
        return services.users.create(email, UserFields(name=name), role=Role.ADMIN).user
    if user.role is not Role.ADMIN:
        raise CommandError(f"{email} is a user and no admin.")
    return user


def make_token(services: Services, admin: User, *, name: str) -> str:
    """The secret of a new token with every scope; it is not kept anywhere."""
    _, secret = services.tokens.create(name, user_id=admin.id)
    return secret
