"""The token of the local stack's admin."""

from collections.abc import Callable, Mapping

from b2b.domain.errors import Unauthenticated
from b2b.wiring.api import api_services_of
from b2b_cli.admins import ensure_admin, make_token
from b2b_cli.local.folder import Folder, write_private

ADMIN_NAME, ADMIN_EMAIL = "Local Admin", "admin@example.com"


def admin_token(folder: Folder, environment: Mapping[str, str], say: Callable[[str], None]) -> str:
    """The same at every start, for as long as it is good."""
    services = api_services_of(environment)
    if folder.token.exists():
        secret = folder.token.read_text(encoding="ascii", errors="replace").strip()
        try:
            services.tokens.authenticate(secret)
        except Unauthenticated:
            say("The token of the last start is no longer good; making another.")
        else:
            return secret
    admin = ensure_admin(services, name=ADMIN_NAME, email=ADMIN_EMAIL)
    secret = make_token(services, admin, name="Local stack")
    write_private(folder.token, secret)
    return secret
