"""Serving the course: the book is built, then JupyterLab and the book come from one server."""
