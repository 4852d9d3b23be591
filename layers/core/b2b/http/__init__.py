"""What all API functions share: authentication, error bodies, request bodies, pages. Knows no AWS and no table."""
