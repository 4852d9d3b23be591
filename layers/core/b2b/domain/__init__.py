"""What the words mean and what is allowed. No input or output; imports the standard library only.

The areas have the same names in ``services`` and ``storage``. An area imports those below it in the list that
pyproject.toml has (contract "areas-without-circles"): integrity, enrollment, identity, catalogue, work.
"""
