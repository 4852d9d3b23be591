"""Admins and their tokens from the command line: the first admin and its token no API call can make."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from b2b.domain.errors import B2BError, NotFound
from b2b.domain.identity.users import Role, User
from b2b.domain.kinds import Kind
from b2b.http.api.requests.fields import Email, Text, sentence
from b2b.services.identity.users import UserFields
from b2b.wiring.api import ApiServices
from b2b_cli.errors import CommandError
from b2b_cli.terminal import Terminal, answer

TOKEN_NAME = "Command line"  # noqa: S105 - a name


def create_admin(
    services: ApiServices, terminal: Terminal, *, name: str | None, email: str | None, token_name: str
) -> str:
    """The secret of a new token, which is not kept anywhere, of the admin with the e-mail, made where missing.

    Asks for what is None. Raises CommandError.
    """
    token_name = _token_name(token_name)
    email = answer(terminal, email, "E-mail of the admin", _email, missing="Say whom to make an admin with --email.")
    user = _find(services, email)
    if user is None:
        name = answer(terminal, name, "Name", _name, missing="Say the new admin's name with --name.")
        user = _create(services, name, email)
        terminal.say(f"Made {user.name} <{user.email}> an admin: user {user.id}.")
    else:
        terminal.say(f"{user.name} <{user.email}> is an admin already: user {user.id}.")
    return _told_token(services, terminal, user, token_name)


def add_token(services: ApiServices, terminal: Terminal, *, email: str, name: str) -> str:
    """The secret of another token of the admin with the e-mail. Raises CommandError."""
    name = _token_name(name)
    admin = _find(services, _email(email))
    if admin is None:
        raise CommandError(f"Nobody has the e-mail {email}: `b2b admin create` makes an admin.")
    return _told_token(services, terminal, admin, name)


def has_token(services: ApiServices) -> bool:
    """Whether anybody can call the API."""
    return services.records.store.counters.total(Kind.TOKENS) > 0


def ensure_admin(services: ApiServices, *, name: str, email: str) -> User:
    """The admin with the e-mail, created where missing."""
    return _find(services, email) or _create(services, name, email)


def make_token(services: ApiServices, admin: User, *, name: str) -> str:
    """The secret of a new token with every scope; it is not kept anywhere."""
    _, secret = services.tokens.create(name, user_id=admin.id)
    return secret


def _find(services: ApiServices, email: str) -> User | None:
    try:
        user = services.users.find_by_email(email).user
    except NotFound:
        return None
    if user.role is not Role.ADMIN:
        raise CommandError(f"{email} is a user and no admin: an admin needs an e-mail that no user has.")
    return user


def _create(services: ApiServices, name: str, email: str) -> User:
    services.records.store.migrations.note_new_school()
    try:
        return services.users.create(email, UserFields(name=name), role=Role.ADMIN).user
    except B2BError as error:
        raise CommandError(str(error)) from error


def _told_token(services: ApiServices, terminal: Terminal, admin: User, name: str) -> str:
    secret = make_token(services, admin, name=name)
    terminal.say(f'The new token "{name}", which is shown this once:')
    return secret


def _email(text: str) -> str:
    return _checked(Email, "email", text)


def _name(text: str) -> str:
    return _checked(Text, "name", text)


def _token_name(text: str) -> str:
    return _checked(Text, "name of the token", text)


def _checked(kind: Any, field: str, text: str) -> str:
    """As the API takes it."""
    try:
        checked: str = TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise CommandError(sentence(field, error.errors()[0])) from None
    return checked
