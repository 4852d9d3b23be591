"""The single table: one module per aggregate, each turning items into the domain's records and back."""
