"""``python -m b2b_cli.openapi``: writes the API's document to where the admin function serves it from."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import admin
from admin.routes import router as admin_router
from b2b.http.app import create_app
from b2b.http.openapi import describe
from products.routes import router as products_router
from students.routes import router as students_router
from users.routes import router as users_router

if TYPE_CHECKING:
    from b2b.wiring.core import Services

DOCUMENT = Path(admin.__file__).with_name("openapi.json")


def document() -> str:
    """As text, the same for the same routes."""
    # Describing routes calls none of them.
    nobody = cast("Services", None)
    routers = (users_router, students_router, products_router, admin_router)
    described = describe([create_app(router, nobody) for router in routers])
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    print(f"Wrote {DOCUMENT.name}.")  # noqa: T201 - for the person who typed it
