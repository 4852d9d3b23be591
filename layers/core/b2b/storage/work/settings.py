"""The school's settings: one item, absent until something is decided."""

from dataclasses import asdict

from b2b.domain.work.settings import Settings
from b2b.storage import keys
from b2b.storage.actions import Update
from b2b.storage.items import Item
from b2b.storage.table import Table


class SettingsItem:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self) -> Settings:
        return settings_from_item(self._table.get(keys.SETTINGS))

    def change_settings(self, **values: object) -> Settings:
        """Sets what is given, leaves the rest."""
        item = self._table.write(Update(keys.SETTINGS).set(**values).always(), returning="ALL_NEW")
        return settings_from_item(item)


def settings_from_item(item: Item | None) -> Settings:
    known = asdict(Settings())
    return Settings(**{name: value for name, value in (item or {}).items() if name in known})
