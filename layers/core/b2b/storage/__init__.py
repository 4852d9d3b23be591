"""The single table: one module per aggregate, each turning items into the domain's records and back.

Others use ``store.Store``, and ``actions.Action`` for the members of a transaction. Inside: ``keys`` builds keys,
``items`` knows DynamoDB's notation, ``actions`` makes writes, ``table`` carries them out.
"""
