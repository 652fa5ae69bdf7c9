"""Serving the course: the book is built, then JupyterLab and the book come from one server.

``record_api`` lets the pages of the book read the learner's record and add to it. Without it they
keep their own in the browser (``book/assets/record.js``).
"""
