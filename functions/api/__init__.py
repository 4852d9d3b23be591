"""The API's functions, one for each group of resources."""
