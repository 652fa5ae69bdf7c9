"""What the course knows about its chapters, and about the person working through them."""
