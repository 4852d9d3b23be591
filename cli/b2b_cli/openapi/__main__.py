"""``python -m b2b_cli.openapi``: writes the API's document to where the admin function serves it from."""

from b2b_cli.openapi.document import DOCUMENT, document

DOCUMENT.write_text(document(), encoding="utf-8")
print(f"Wrote {DOCUMENT.name}.")  # noqa: T201 - for the person who typed it
