"""``/docs``: the page on which each call of the API can be read and tried (Swagger UI, served from here alone)."""
