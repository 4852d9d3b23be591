"""The kinds of records that are listed, counted and numbered."""

from enum import StrEnum


class Kind(StrEnum):
    USERS = "USERS"
    STUDENTS = "STUDENTS"
    PRODUCTS = "PRODUCTS"
    TOKENS = "TOKENS"
