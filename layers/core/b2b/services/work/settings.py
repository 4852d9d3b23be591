"""The school's settings."""

from typing import TYPE_CHECKING

from b2b.domain.work.settings import Settings

if TYPE_CHECKING:
    from b2b.storage.store import Store


class SettingsService:
    def __init__(self, store: "Store") -> None:
        self._store = store

    def get(self) -> Settings:
        return self._store.settings.get()

    def change_settings(self, values: dict[str, object]) -> Settings:
        """Sets what is given, leaves the rest."""
        return self._store.settings.change_settings(**values) if values else self.get()
