"""What the school sells: courses and bundles, and how an entry of Thinkific's catalogue becomes a product.

Others use ``products``; ``entries`` is for the catalogue's own services.
"""
