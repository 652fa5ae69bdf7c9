"""The pages that the server makes itself: their templates, their style, and how they are rendered."""
