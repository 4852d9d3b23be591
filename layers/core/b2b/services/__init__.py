"""Use cases. Each takes what it needs as arguments; none knows a network, a database client or a web framework.

An area uses ``work``, ``catalogue`` and ``identity``, and of another area what its package names here as the area's
face. Packages import none of their modules: a function loads those that it uses.
"""
