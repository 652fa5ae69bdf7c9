"""The pages that the server makes itself: templates, style, and how they are rendered."""
