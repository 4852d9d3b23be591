"""The school's products. Path ``/products``."""

from b2b.domain.catalogue.products import ProductableType
from b2b.domain.work.upstream import CataloguePage
from b2b.gateways.thinkific.answers import parsed
from b2b.gateways.thinkific.models import ProductAnswer
from b2b.gateways.thinkific.transport import PAGE_LIMIT, Transport

_SOLD = frozenset(kind.value for kind in ProductableType)


class Catalogue:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read_page(self, page: int) -> CataloguePage:
        """What we sell of it: of a kind that we do not know, a row may look like anything."""
        answer = self._transport.read_list("/products", {"page": page, "limit": PAGE_LIMIT})
        ours = [item for item in answer.items if item.get("productable_type") in _SOLD]
        return CataloguePage(
            entries=tuple(parsed(ProductAnswer, item).to_domain() for item in ours),
            # Guards against an upstream that never says that it is the last page.
            next_page=answer.next_page if answer.items else None,
            total=answer.total_items,
        )

    def has_product(self, product_id: int) -> bool:
        return self._transport.exists(f"/products/{product_id}")
