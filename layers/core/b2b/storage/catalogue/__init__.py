"""Items of products, and what GraphQL had to say.

Other areas use ``products`` to turn items into products.
"""
